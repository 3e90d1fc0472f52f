"""Figures and tables as data: reports and the tracking database draw the same ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["lines", "bars", "images", "scatter", "table"]


@dataclass(frozen=True)
class Exhibit:
    """One figure or table.

    Attributes
    ----------
    name : str
        File stem.
    title : str
        What is shown.
    caption : str
        What to see in it, for a reader who knows lenses and not this code.
    kind : {'lines', 'bars', 'images', 'scatter', 'table'}
        How `content` is drawn.
    content : dict
        Plain values only (JSON):

        lines, scatter: `x_label`, `y_label`, `x_log`, `y_log` (bool), `series` (list of `label`, `x`, `y` and optionally `low`,
        `high`), `marks` (list of `label` and `x` or `y`: reference lines).
        bars: `labels`, `y_label`, `series` (list of `label`, `values` and optionally `low`, `high`), `marks`.
        images: `unit`, `low`, `high` (range of the colours), `diverging` (bool), `panels` (list of `label`, `values`: rows from
        y = 0 upwards).
        table: `columns`, `rows`.
    section : str
        Of the report, in which it is shown.
    """

    name: str
    title: str
    caption: str
    kind: Kind
    content: dict[str, Any]
    section: str = ""
