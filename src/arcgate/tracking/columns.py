"""The compact table of a study: which columns it shows and how a cell reads."""

from __future__ import annotations

import math
import textwrap
from dataclasses import dataclass, replace
from typing import Final, Literal

import pandas as pd

from arcgate.factors import telling
from arcgate.tracking import names
from arcgate.tracking.results import factors_of

Group = Literal["variant", "factor", "gate", "score"]
STATUS_WORDS: Final = {
    "passed": "pass",
    "failed": "FAIL",
    "undetermined": "undet.",
    "insensitive": "insens.",
    "not_run": "not run",
    "not_applicable": "n/a",
}
"""How the table writes a gate's status; diagnostics decide nothing and are left to the CSV."""
ABSENT: Final = "-"
DIAGNOSTICS: Final = ("core_published/raw/overall", "core_corrected/raw/overall")
"""Diagnostics shown beside the gates: the published core gate and its corrected form."""
_NAME_WIDTH: Final = 28
SCORES: Final = (
    ("test/auroc", "test AUROC"),
    ("common/auroc", "common AUROC"),
    ("common_leaked/auroc", "common AUROC, leaked"),
    ("realistic/auroc", "realistic AUROC"),
    ("realistic_leaked/auroc", "realistic AUROC, leaked"),
    ("test/core_masked_auroc_drop", "AUROC drop, core masked"),
    ("common/recall_at_fpr", "common recall at fixed FPR"),
    ("realistic/recall_at_fpr", "realistic recall at fixed FPR"),
)
"""Scores shown, with their headings; those that no variant has are left out."""


@dataclass(frozen=True)
class TableColumn:
    """One column of the compact table.

    Attributes
    ----------
    group : {'variant', 'factor', 'gate', 'score'}
        What it shows.
    heading : tuple of str
        Lines of the heading.
    cells : tuple of str
        One text a variant.
    """

    group: Group
    heading: tuple[str, ...]
    cells: tuple[str, ...]

    def narrow(self) -> TableColumn:
        """Put cells on several lines: a status below its interval or its name, causes below each other."""
        if self.group == "variant":
            return replace(self, cells=tuple(_folded(cell) for cell in self.cells))
        if self.group == "gate":
            return replace(self, cells=tuple(cell.replace("] ", "]\n").replace(" + ", " +\n") for cell in self.cells))
        return self

    @property
    def width(self) -> int:
        """Characters that the column needs."""
        return max(len(line) for text in (*self.heading, *self.cells) for line in text.split("\n"))


def compact_columns(table: pd.DataFrame) -> list[TableColumn]:
    """Columns of the compact table: variant, differing factors, safe?, cause?, gates over all rows, scores.

    Parameters
    ----------
    table : DataFrame
        From `arcgate.tracking.results.results`.
    """
    columns = [TableColumn("variant", ("variant",), tuple(variant_cell(row) for _, row in table.iterrows()))]
    columns += [TableColumn("factor", tuple(_short(name, 2).split(".")), _texts(table[name])) for name in shown_factors(table)]
    columns.append(TableColumn("gate", ("safe?",), tuple(_safe(value) for value in table["safe"])))
    columns.append(TableColumn("gate", ("cause?",), _texts(table["cause"])))
    columns += [_gate_column(table, stem) for stem in shown_gates(table)]
    columns += [_diagnostic_column(table, name) for name in DIAGNOSTICS if f"diagnostic/{name}" in table]
    columns += [_score_column(table, name, heading) for name, heading in SCORES if name in table]
    return columns


def sensitivity_columns(table: pd.DataFrame) -> list[TableColumn]:
    """Smallest planted leak that each gate fails, in units of the sky's standard deviation per pixel."""
    columns = [TableColumn("variant", ("variant",), tuple(variant_cell(row) for _, row in table.iterrows()))]
    for stem in shown_gates(table):
        if f"{stem}/{names.DETECTED}" in table:
            _, name, view, _ = stem.split("/")
            columns.append(
                TableColumn(
                    "gate", (name, view), _texts(table[f"{stem}/{names.DETECTED}"].map("{:.2g}".format, na_action="ignore"))
                )
            )
    return columns


def shown_factors(table: pd.DataFrame) -> list[str]:
    """Differing factors, less those that another one decides (`arcgate.factors.telling`)."""
    return telling(table, factors_of(table))


def shown_gates(table: pd.DataFrame) -> list[str]:
    """Gates that decide and cover all rows (stratum `overall`), or all strata of a gate that has no such row."""
    ending = f"/{names.STATUS}"
    stems = [column.removesuffix(ending) for column in table.columns if column.startswith("gate/") and column.endswith(ending)]
    overall = {stem.rpartition("/")[0] for stem in stems if stem.endswith("/overall")}
    return [stem for stem in stems if stem.endswith("/overall") or stem.rpartition("/")[0] not in overall]


def _gate_column(table: pd.DataFrame, stem: str) -> TableColumn:
    _, name, view, stratum = stem.split("/")
    statuses = table[f"{stem}/{names.STATUS}"]
    cells = tuple(_gate_cell(interval, status) for interval, status in zip(_intervals(table, stem), statuses, strict=True))
    heading = (name, view) if stratum == "overall" else (name, view, stratum)
    return TableColumn("gate", heading, cells)


def _diagnostic_column(table: pd.DataFrame, name: str) -> TableColumn:
    gate = name.split("/")[0]
    return TableColumn("gate", (gate, "(diagnostic)"), tuple(_intervals(table, f"diagnostic/{name}", digits=3)))


def _gate_cell(interval: str, status: object) -> str:
    if not isinstance(status, str):
        return ABSENT
    word = STATUS_WORDS.get(status, status)
    return word if interval == ABSENT else f"{interval} {word}"


def _score_column(table: pd.DataFrame, name: str, heading: str) -> TableColumn:
    return TableColumn("score", _wrapped(heading), tuple(_intervals(table, name, digits=3)))


def _intervals(table: pd.DataFrame, name: str, digits: int = 2) -> list[str]:
    missing = pd.Series([float("nan")] * len(table), index=table.index)
    parts = [table.get(column, missing) for column in (name, f"{name}/{names.LOW}", f"{name}/{names.HIGH}")]
    return [_interval(*values, digits=digits) for values in zip(*parts, strict=True)]


def _interval(value: float, low: float, high: float, *, digits: int) -> str:
    if math.isnan(value):
        return ABSENT
    text = f"{value:.{digits}f}"
    exact = low == value == high
    return text if exact or math.isnan(low) or math.isnan(high) else f"{text} [{low:.{digits}f}, {high:.{digits}f}]"


def variant_cell(row: pd.Series) -> str:
    """A variant's name, and what became of it if it is not finished."""
    status = row["run_status"]
    return str(row["variant"]) if status == "finished" else f"{row['variant']} ({status})"


def _folded(cell: str) -> str:
    """Break a variant's cell into lines of at most 28 characters, preferably after a comma."""
    name, bracket, status = cell.partition(" (")
    pieces = [piece for part in name.replace(",", ",\n").split("\n") for piece in textwrap.wrap(part, _NAME_WIDTH)]
    lines = [pieces[0]]
    for piece in pieces[1:]:
        if len(lines[-1]) + len(piece) <= _NAME_WIDTH:
            lines[-1] += piece
        else:
            lines.append(piece)
    return "\n".join([*lines, *([f"({status}"] if bracket else [])])


def _safe(value: object) -> str:
    return STATUS_WORDS.get(value, value) if isinstance(value, str) else ABSENT


def _texts(values: pd.Series) -> tuple[str, ...]:
    return tuple(ABSENT if pd.isna(value) else f"{value:g}" if isinstance(value, float) else str(value) for value in values)


def _short(name: str, parts: int) -> str:
    """Last parts of a dotted name, without a closing `.name`: `data.controls.name` reads `controls`."""
    return ".".join(name.removesuffix(".name").split(".")[1:][-parts:])


def _wrapped(heading: str, length: int = 14) -> tuple[str, ...]:
    lines: list[str] = []
    for word in heading.split():
        if lines and len(lines[-1]) + 1 + len(word) <= length:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return tuple(lines)
