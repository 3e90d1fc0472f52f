"""Figures of how the gates see planted leaks of growing size, from the curves of all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from arcgate.gates.core.auc_statistic import NULL_AUC
from arcgate.gates.core.exhibit import Exhibit
from arcgate.gates.core.sensitivity import SensitivityCurve
from arcgate.gates.core.words import sized


def sensitivity_exhibits(curves: Sequence[SensitivityCurve], margin: float) -> list[Exhibit]:
    """A table of the smallest leaks, and for each unit of size the AUC against it."""
    if not curves:
        return []
    rows = [
        [
            curve.gate,
            curve.view,
            curve.leak,
            sized(curve.detected, curve.unit) if curve.detected is not None and curve.unit else "",
            sized(curve.required, curve.unit) if curve.unit else "",
            "detected" if curve.sensitive else "missed",
        ]
        for curve in curves
    ]
    table = Exhibit(
        "planted_leaks",
        "Leaks planted to test the gates",
        "Each leak was planted where no other leak can be: among galaxies without arcs, at several sizes, or in single rows. "
        "The smallest size is that which the gate would fail in about 9 of 10 data sets like this one. A gate that misses one of "
        "its leaks at the size at which it must be detected is insensitive, and its passing would mean nothing.",
        "table",
        {"columns": ["gate", "view", "leak", "smallest detected", "must be detected", "outcome"], "rows": rows},
    )
    drawn = [curve for curve in curves if curve.in_null_pair]
    units = dict.fromkeys(curve.unit for curve in drawn)
    return [table, *(_curves([curve for curve in drawn if curve.unit == unit], unit, margin) for unit in units)]


def _curves(curves: Sequence[SensitivityCurve], unit: str, margin: float) -> Exhibit:
    marks = [{"label": "no leak", "y": NULL_AUC}, {"label": "margin", "y": NULL_AUC + margin}]
    percent = "%" if unit == "%" else f"% {unit}" if unit.startswith("of ") else unit
    name = "".join(letter if letter.isalnum() else "_" for letter in percent.replace("%", "percent"))
    return Exhibit(
        f"sensitivity_{name}",
        f"How the gates see leaks of growing size ({percent})",
        "AUC of each gate's rule on galaxies without arcs, into half of which a leak was planted, from the largest size down to "
        "the first that goes undetected. A leak is detected where the whole interval lies above 0.5 and reaches beyond the "
        "margin.",
        "lines",
        {
            "x_label": f"size of the leak, {percent}",
            "y_label": "AUC",
            "x_log": True,
            "y_log": False,
            "series": [_series(curve) for curve in curves],
            "marks": marks,
        },
    )


def _series(curve: SensitivityCurve) -> dict[str, Any]:
    factor = 100.0 if curve.unit == "%" or curve.unit.startswith("of ") else 1.0
    return {
        "label": f"{curve.gate}, {curve.view}: {curve.leak}",
        "x": [factor * size for size in curve.sizes],
        "y": [auc.value for auc in curve.measured],
        "low": [auc.low for auc in curve.measured],
        "high": [auc.high for auc in curve.measured],
    }
