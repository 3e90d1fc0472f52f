"""A study's table in the terminal."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Final

import pandas as pd
from rich.console import Console
from rich.text import Text

from arcgate.ground.counting import count_of
from arcgate.tracking.results import read_table
from arcgate.tracking.short_table import WIDTH, short_table
from arcgate.tracking.table import CSV, print_table

# Marks of the short table, by what follows them: the next cell, or the end of the line.
_STYLES: Final = {
    r"\d\S* x(?= |$)|\bFAIL\b": "bold red",
    r"\d\S* \?(?= |$)": "yellow",
    r"\d\S* i(?= |$)": "magenta",
    r"\bpass\b": "green",
}


def print_study(study: str, mlruns_dir: str, data_dir: str, full: bool = False) -> None:
    """Print a study's table and say where its files are.

    Parameters
    ----------
    study : str
        Name of the study.
    mlruns_dir, data_dir : str
        Folders of the tracking database and of the study's files.
    full : bool
        Every gate, with intervals, statuses, smallest leaks and causes in words, instead of the table of values and marks.

    Raises
    ------
    ArcgateError
        Unknown study.
    """
    show(read_table(study, mlruns_dir, full=full), study, data_dir, full)


def draw_study(study: str, mlruns_dir: str) -> None:
    """Draw a study's figures on its run, if its table is another than when they were drawn."""
    from arcgate.tracking.store import open_store
    from arcgate.tracking.study_figures import log_study_figures

    log_study_figures(open_store(mlruns_dir), study)


def show(table: pd.DataFrame, study: str, data_dir: str, full: bool = False) -> None:
    """Print a table that was read already; see `print_study`."""
    terminal = Console()
    # In a pipe the table is as wide as on a terminal of 100 columns, not as whatever width rich assumes.
    console = Console(width=min(terminal.width, WIDTH)) if terminal.is_terminal and not full else terminal
    if not terminal.is_terminal:
        console = Console(width=WIDTH)
    title = f"study {study}: {count_of(len(table), 'variant')}"
    if full:
        print_table(table, console, title=title)
    else:
        console.print(Text(title, style="bold"))
        for line in short_table(table, console.width):
            console.print(_styled(line), soft_wrap=True)
    for note in table.attrs.get("notes", []):
        for line in textwrap.wrap(f"note: {note}", console.width, subsequent_indent="  "):
            console.print(Text(line, style="yellow"), soft_wrap=True)
    files = Path(data_dir) / "studies" / study
    more = [] if full else [f"intervals, other gates, causes in words: arcgate report study={study} full=true"]
    for line in (*more, f"every column: {files / CSV}", f"runs, curves, figures: arcgate ui study={study}"):
        console.print(line, soft_wrap=True, highlight=False, markup=False)


def _styled(line: str) -> Text:
    text = Text(line)
    for pattern, style in _STYLES.items():
        text.highlight_regex(pattern, style)
    return text
