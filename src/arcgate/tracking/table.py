"""The study's table in the terminal, as Markdown, CSV and JSON, and on the study's run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

from arcgate.ground.atomic import atomically
from arcgate.ground.locks import locked
from arcgate.tracking import names, pages
from arcgate.tracking.columns import ABSENT, STATUS_WORDS, TableColumn, compact_columns, sensitivity_columns, shown_factors
from arcgate.tracking.descriptions import study_description
from arcgate.tracking.model import crown
from arcgate.tracking.record import log_artifacts, set_tags
from arcgate.tracking.results import known_experiment, short_scores, study_table
from arcgate.tracking.runs import finish_study, study_run
from arcgate.tracking.store import Store

CSV: Final = "results.csv"
MARKDOWN: Final = "results.md"
JSON: Final = "results.json"
LOGGED_TABLES: Final = "mlflow.loggedArtifacts"
"""Tag by which MLflow's pages know which JSON artifacts are tables (the format of `mlflow.log_table`)."""

_STYLES: Final = {"pass": "green", "FAIL": "bold red", "undet.": "yellow", "insens.": "bold magenta", "not run": "dim"}
_CELL_FRAME: Final = 3
SENSITIVITIES: Final = "smallest planted leak that each gate detects, in sky sigma a pixel (its bare null pair is silent)"


def print_table(table: pd.DataFrame, console: Console, title: str | None = None) -> None:
    """Print the whole table; one that is too wide becomes two or more below each other, gates before scores.

    Parameters
    ----------
    table : DataFrame
        From `arcgate.tracking.results.results`.
    console : Console
        Where to print; its width decides.
    title : str, optional
        Printed above.
    """
    if title is not None:
        console.print(Text(title, style="bold"))
    for block in stacked(compact_columns(table), console.width):
        console.print(_rich_table(block))
    console.print(Text(SENSITIVITIES, style="bold"))
    for block in stacked(sensitivity_columns(table), console.width):
        console.print(_rich_table(block))
    for line in _causes(table):
        console.print(Text(line))


def stacked(columns: Sequence[TableColumn], width: int) -> list[list[TableColumn]]:
    """Distribute columns over as few tables as fit the width, each beginning with the variant.

    One table if it fits; else one of gates and one of scores, with cells on two lines where that is needed; else more.
    """
    if _total(columns) <= width:
        return [list(columns)]
    first = columns[0]
    scores = [column for column in columns if column.group == "score"]
    others = [column for column in columns[1:] if column.group != "score"]
    return [block for group in (others, scores) if group for block in _packed(first, group, width)]


def _packed(first: TableColumn, columns: Sequence[TableColumn], width: int) -> list[list[TableColumn]]:
    if _total([first, *columns]) <= width:
        return [[first, *columns]]
    first = first.narrow()
    blocks = [[first]]
    for column in (column.narrow() for column in columns):
        if len(blocks[-1]) > 1 and _total([*blocks[-1], column]) > width:
            blocks.append([first])
        blocks[-1].append(column)
    return blocks


def _causes(table: pd.DataFrame) -> list[str]:
    """Why each judged variant that is not safe is not."""
    unsafe = table[table["safe"].notna() & (table["safe"] != "passed")]
    return [f"{name}: {why}" for name, why in zip(unsafe["variant"], unsafe["cause_sentence"].fillna(ABSENT), strict=True)]


def write_tables(table: pd.DataFrame, folder: str | Path) -> list[Path]:
    """Write the table as CSV (every column, full precision), Markdown (short) and JSON; a reader sees old or new, never half.

    Parameters
    ----------
    table : DataFrame
        From `arcgate.tracking.results.results`.
    folder : str or Path
        Made if it is missing.

    Returns
    -------
    list of Path
        The files written.
    """
    contents = {
        CSV: table.to_csv(index=False, lineterminator="\n"),
        MARKDOWN: study_description(table),
        JSON: json.dumps(json.loads(table.to_json(orient="split", index=False, double_precision=15)), indent=1) + "\n",
    }
    Path(folder).mkdir(parents=True, exist_ok=True)
    return [_written(Path(folder) / name, text) for name, text in contents.items()]


def rebuild(store: Store, study: str, folder: str | Path) -> pd.DataFrame:
    """Write the study's table to a folder, to its run and to its experiment's page, from what the tracking database holds now.

    To be called whenever a variant ends; processes that call it at once do so one after the other. The study's run ends
    with the last variant that runs.

    Parameters
    ----------
    store : Store
        From `open_store`.
    study : str
        Name of the study.
    folder : str or Path
        Where the files go, for example `experiments/<study>`.

    Returns
    -------
    DataFrame
        The table.
    """
    with locked(store.folder, f"table of {study}"):
        table = study_table(store, study)
        run_id = study_run(store, study)
        for path in write_tables(table, folder):
            log_artifacts(store, run_id, path)
        description = study_description(table)
        logged = json.dumps([{"path": JSON, "type": "table"}])
        set_tags(store, run_id, {LOGGED_TABLES: logged, names.NOTE: description})
        experiment = known_experiment(store, study)
        store.client.set_experiment_tag(experiment.experiment_id, names.NOTE, description)
        columns = [pages.metric(names.SAFE_NUMBER), pages.metric(names.GATES_FAILED), pages.tag(names.WORST_GATE)]
        columns += [*map(pages.metric, short_scores(table)), *map(pages.parameter, shown_factors(table))]
        pages.show_columns(store, experiment, columns)
        crown(store, study, table)
        finish_study(store, study)
    return table


def _rich_table(columns: Sequence[TableColumn]) -> Table:
    two_lines = any("\n" in cell for column in columns for cell in column.cells)
    table = Table(show_lines=two_lines)
    for column in columns:
        table.add_column("\n".join(column.heading), no_wrap=column.group != "variant", overflow="fold")
    for row in range(len(columns[0].cells)):
        table.add_row(*(_styled(column.cells[row]) for column in columns))
    return table


def _styled(cell: str) -> Text:
    text = Text(cell)
    for word in STATUS_WORDS.values():
        if cell.endswith(word):
            text.stylize(_STYLES[word], len(cell) - len(word))
            break
    return text


def _total(columns: Sequence[TableColumn]) -> int:
    return sum(column.width + _CELL_FRAME for column in columns) + 1


def _written(path: Path, text: str) -> Path:
    with atomically(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")
    return path
