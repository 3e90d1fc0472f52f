"""The table that a study ends with: values and marks, a row a variant, at most 100 columns wide."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pandas as pd

from arcgate.ground.counting import count_of
from arcgate.tracking.columns import ABSENT, STATUS_WORDS, shown_factors, shown_gates, variant_cell
from arcgate.tracking.leading_gates import leading_gates
from arcgate.tracking.names import STATUS

WIDTH: Final = 100
N_SCORES: Final = 3
MARKS: Final = {"passed": "", "failed": "x", "undetermined": "?", "insensitive": "i"}
"""What follows a gate's value; the legend explains those that occur."""
NOT_RUN: Final = "n.r."
_MEANINGS: Final = {"x": "failed", "?": "undetermined", "i": "insensitive: missed its planted leak", NOT_RUN: "not run"}
SCORES: Final = (
    ("diagnostic/core_published/raw/overall", ("publ.", "core", "AUC"), "the published core gate, a diagnostic"),
    ("test/auroc", ("own", "test", "AUROC"), "AUROC on the variant's own test set"),
    ("common/auroc", ("common", "test", "AUROC"), "AUROC on the test set that all variants share"),
    ("common_leaked/auroc", ("leaked", "common", "AUROC"), "the same with what the network was trained on"),
    ("realistic/auroc", ("realistic", "test", "AUROC"), "AUROC on the shared test set that is nearer to a survey"),
    ("realistic_leaked/auroc", ("leaked", "realistic", "AUROC"), "the same with what the network was trained on"),
    ("common/recall_at_fpr", ("common", "test", "recall"), "its recall at the fixed false-positive rate"),
    ("test/core_masked_auroc_drop", ("core", "masked", "drop"), "loss of AUROC when the core is masked"),
)
"""Scores in the order of preference; the first three that the study has are shown, and `BESIDE` these."""
BESIDE: Final = ("common_leaked/auroc", "realistic/auroc", "realistic_leaked/auroc")
"""Scores that are shown wherever a study has them, which most have not."""
_CELL: Final = 6
_LEAST: Final = 8
_MOST_LINES: Final = 4
_TEXT_GAP: Final = 2


@dataclass(frozen=True)
class _Column:
    """Heading and cells; text is wrapped to whatever width is left, numbers are not."""

    heading: tuple[str, ...]
    cells: tuple[str, ...]
    wraps: bool

    @property
    def natural(self) -> int:
        """Width without wrapping."""
        return max(len(line) for line in (*self.heading, *self.cells))

    @property
    def least(self) -> int:
        """Width below which text is not wrapped: headings stay whole."""
        return max(_LEAST, *map(len, self.heading))


def short_table(table: pd.DataFrame, width: int = WIDTH) -> list[str]:
    """Lines of the table and its legend.

    Parameters
    ----------
    table : DataFrame
        From `arcgate.tracking.results.results`.
    width : int
        Of the terminal. More than 100 is not used; where it is less than four gates need, fewer are shown.

    Returns
    -------
    list of str
        None longer than the width, unless it is below 60.
    """
    width = min(width, WIDTH)
    gates = leading_gates(table, shown_gates(table))
    columns, widths = _fitted(table, gates, width)
    while gates and sum(widths) + _gaps(columns) > width:
        gates = gates[:-1]
        columns, widths = _fitted(table, gates, width)
    lines = _row([column.heading for column in columns], widths, columns)
    lines.append("-" * (sum(widths) + _gaps(columns)))
    for row in range(len(table)):
        lines += _row([_wrapped(column.cells[row], w) for column, w in zip(columns, widths, strict=True)], widths, columns)
    return lines + [line for text in _legend(table, gates) for line in textwrap.wrap(text, width, subsequent_indent="  ")]


def cause_in_short(cause: object) -> str:
    """Names of a cause as words: `mask_edge + normalisation` reads "mask edge, normalisation"."""
    return ABSENT if not isinstance(cause, str) else cause.replace(" + ", ", ").replace("_", " ")


def _fitted(table: pd.DataFrame, gates: Sequence[str], width: int) -> tuple[list[_Column], list[int]]:
    """Columns and their widths; the widest text gives way first."""
    columns = _columns(table, gates)
    widths = [column.natural for column in columns]
    while sum(widths) + _gaps(columns) > width:
        yielding = [place for place, column in enumerate(columns) if column.wraps and widths[place] > column.least]
        if not yielding:
            break
        widths[max(yielding, key=widths.__getitem__)] -= 1
    return columns, widths


def _columns(table: pd.DataFrame, gates: Sequence[str]) -> list[_Column]:
    factors = _Column(("differs by",), tuple(differences(table)), True)
    columns = [_Column(("variant",), tuple(variant_cell(row) for _, row in table.iterrows()), True)]
    if any(cell != ABSENT for cell in factors.cells):
        columns.append(factors)
    columns.append(_Column(("safe?",), tuple(_safe(value) for value in table["safe"]), False))
    columns.append(_Column(("cause?",), tuple(cause_in_short(value) for value in table["cause"]), True))
    columns += [_Column(_heading(stem), tuple(_gate_cells(table, stem)), False) for stem in gates]
    return columns + [_Column(heading, tuple(map(_score, table[name])), False) for name, heading, _ in _shown_scores(table)]


def _shown_scores(table: pd.DataFrame) -> list[tuple[str, tuple[str, str, str], str]]:
    """Names, headings and meanings of the scores that are shown."""
    there = [score for score in SCORES if score[0] in table]
    first = [score for score in there if score[0] not in BESIDE][:N_SCORES]
    return [score for score in there if score in first or score[0] in BESIDE]


def _safe(value: object) -> str:
    return {"passed": "pass", "failed": "FAIL", "undetermined": "?"}.get(value, value) if isinstance(value, str) else ABSENT


def _score(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) and value == value else ABSENT


def _gate_cells(table: pd.DataFrame, stem: str) -> list[str]:
    values = table[stem] if stem in table else pd.Series([float("nan")] * len(table))
    return [_gate_cell(value, status) for value, status in zip(values, table[f"{stem}/{STATUS}"], strict=True)]


def _gate_cell(value: float, status: object) -> str:
    if not isinstance(status, str):
        return ABSENT
    if status == "not_run" or value != value:
        return NOT_RUN if status == "not_run" else MARKS.get(status, STATUS_WORDS.get(status, status)) or "ok"
    return f"{value:.2f} {MARKS.get(status, status[:1])}".rstrip()


def _heading(stem: str) -> tuple[str, ...]:
    """Words of a gate's name and its view, cut to the width of a cell; the legend has them whole."""
    _, name, view, stratum = stem.split("/")
    words = [*name.split("_"), {"network": "net"}.get(view, view), *([] if stratum == "overall" else stratum.split("_"))]
    return tuple(word if len(word) <= _CELL else f"{word[: _CELL - 1]}." for word in words)


def _usual(table: pd.DataFrame, name: str) -> object:
    """The value that most variants have; of several the one that comes first."""
    values = [value for value in table[name] if not pd.isna(value)]
    return max(values, key=values.count)


def differences(table: pd.DataFrame) -> list[str]:
    """For each variant the factors in which it leaves what is usual in the study; numbers with their names."""
    usual = {name: _usual(table, name) for name in shown_factors(table)}
    cells = []
    for _, row in table.iterrows():
        own = [(name, row[name]) for name, value in usual.items() if not pd.isna(row[name]) and row[name] != value]
        cells.append(", ".join(_setting(name, value) for name, value in own) or ABSENT)
    return cells


def _setting(name: str, value: object) -> str:
    return str(value) if isinstance(value, str) and not value[:1].isdigit() else f"{_label(name)} {_text(value)}"


def _label(name: str) -> str:
    return name.removesuffix(".name").rpartition(".")[2]


def _text(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _legend(table: pd.DataFrame, gates: Sequence[str]) -> list[str]:
    lines = []
    if factors := shown_factors(table):
        lines.append("otherwise: " + ", ".join(f"{_label(name)} {_text(_usual(table, name))}" for name in factors))
    if gates:
        cells = " ".join(cell for stem in gates for cell in _gate_cells(table, stem)).split()
        marks = [f"{mark} {meaning}" for mark, meaning in _MEANINGS.items() if mark in cells]
        absent = [f"{ABSENT} does not apply"] if ABSENT in cells else []
        lines.append("gates: value; " + "; ".join(["no mark: passed", *marks, *absent]))
        named = ", ".join(stem.removeprefix("gate/").removesuffix("/overall") for stem in gates)
        failed = any((table[f"{stem}/{STATUS}"] == "failed").any() for stem in gates)
        which = "of each kind that failed the one that failed most" if failed else "one of each kind"
        lines.append(f"shown of {count_of(len(shown_gates(table)), 'gate')}, {which}: {named}")
    scores = [f"{' '.join(heading)}: {words}" for _, heading, words in _shown_scores(table)]
    return lines + (["; ".join(scores)] if scores else [])


def _gaps(columns: Sequence[_Column]) -> int:
    return sum(_gap(columns, place) for place in range(len(columns) - 1))


def _gap(columns: Sequence[_Column], place: int) -> int:
    """Between text two blanks, between numbers one."""
    return _TEXT_GAP if columns[place].wraps or columns[place + 1].wraps else 1


def _wrapped(cell: str, width: int) -> tuple[str, ...]:
    """A cell in lines, broken after blanks, commas and underscores; what is beyond four lines is left to the full table."""
    lines: list[str] = []
    for word in cell.replace("_", "_\0").replace(",", ",\0").replace("=", "=\0").replace(" ", " \0").split("\0"):
        for start in range(0, max(len(word), 1), width):
            piece = word[start : start + width]
            if lines and len((lines[-1] + piece).rstrip()) <= width:
                lines[-1] += piece
            else:
                lines.append(piece.lstrip())
    lines = [line.rstrip() for line in lines if line.strip()]
    if len(lines) > _MOST_LINES:
        lines = [*lines[: _MOST_LINES - 1], lines[_MOST_LINES - 1][: width - 3] + "..."]
    return tuple(lines)


def _row(cells: Sequence[Sequence[str]], widths: Sequence[int], columns: Sequence[_Column]) -> list[str]:
    height = max(len(cell) for cell in cells)
    lines = []
    for number in range(height):
        line = ""
        for place, (cell, width) in enumerate(zip(cells, widths, strict=True)):
            text = cell[number] if number < len(cell) else ""
            line += text.ljust(width + (_gap(columns, place) if place + 1 < len(columns) else 0))
        lines.append(line.rstrip())
    return lines
