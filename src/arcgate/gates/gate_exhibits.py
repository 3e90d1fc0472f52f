"""Figures of the gates on features: how leaks of growing size are seen, and where unexplained light lies."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from arcgate.gates.auc_judging import NULL_AUC, Ladder
from arcgate.gates.exhibit import Exhibit
from arcgate.gates.features import Floats
from arcgate.gates.regions import Regions
from arcgate.variant import Gates


def of_canaries(ladders: list[Ladder], settings: Gates) -> list[Exhibit]:
    """A table of the smallest leaks, and for each unit of size the AUC against it."""
    if not ladders:
        return []
    rows = [
        [ladder.gate.name, ladder.gate.view, ladder.canary.name, *_sizes(ladder), "heard" if ladder.heard else "missed"]
        for ladder in ladders
    ]
    table = Exhibit(
        "canaries",
        "Leaks planted to test the gates",
        "Each leak was planted, at several sizes, where no other leak can be: among galaxies without arcs. The smallest size is "
        "that which the gate would fail in about 9 of 10 data sets like this one. A gate that misses one of its leaks at the "
        "size that must be heard is blind, and its passing would mean nothing.",
        "table",
        {"columns": ["gate", "view", "leak", "smallest caught", "must be heard", "outcome"], "rows": rows},
    )
    units = dict.fromkeys(ladder.canary.unit for ladder in ladders)
    return [table, *(_curves([ladder for ladder in ladders if ladder.canary.unit == unit], unit, settings) for unit in units)]


def _sizes(ladder: Ladder) -> list[str]:
    words = ladder.canary.size_in_words
    return [words(ladder.smallest) if ladder.smallest else "", words(ladder.least)]


def _curves(ladders: list[Ladder], unit: str, settings: Gates) -> Exhibit:
    marks = [{"label": "no leak", "y": NULL_AUC}, {"label": "margin", "y": NULL_AUC + settings.margin}]
    name = "".join(letter if letter.isalnum() else "_" for letter in unit.replace("%", "percent"))
    return Exhibit(
        f"canary_curves_{name}",
        f"How the gates see leaks of growing size ({unit})",
        "AUC of each gate's rule on galaxies without arcs, into half of which a leak was planted. A leak is caught where the "
        "whole interval lies above 0.5 and reaches beyond the margin.",
        "lines",
        {
            "x_label": f"size of the leak, {unit}",
            "y_label": "AUC",
            "x_log": True,
            "y_log": False,
            "series": [_series(ladder) for ladder in ladders],
            "marks": marks,
        },
    )


def _series(ladder: Ladder) -> dict[str, Any]:
    factor = 100.0 if ladder.canary.unit == "%" else 1.0
    return {
        "label": f"{ladder.gate.name}, {ladder.gate.view}: {ladder.canary.name}",
        "x": [factor * size for size in ladder.sizes],
        "y": [auc.value for auc in ladder.aucs],
        "low": [auc.low for auc in ladder.aucs],
        "high": [auc.high for auc in ladder.aucs],
    }


def of_residual(difference: Floats, regions: Regions) -> list[Exhibit]:
    """The radial profile of unexplained light, from differences (n, band, ring) of pairs; nothing from fewer than two pairs."""
    if len(difference) < 2:
        return []
    mean = difference.mean(axis=0, dtype=np.float64)
    error = difference.std(axis=0, ddof=1, dtype=np.float64) / np.sqrt(len(difference))
    middle = [0.5 * (low + high) for low, high in pairwise(regions.rings_pix)]
    series = [
        {
            "label": band,
            "x": middle,
            "y": mean[i].tolist(),
            "low": (mean[i] - 1.645 * error[i]).tolist(),
            "high": (mean[i] + 1.645 * error[i]).tolist(),
        }
        for i, band in enumerate(regions.imaging.bands)
    ]
    return [
        Exhibit(
            "residual_profile",
            "Light that the declared arc does not explain",
            "Positives without the arc that their declared lens, source and PSF predict, minus the control of the same pair: "
            "mean over rings about the galaxy, with 90 % intervals of the mean. A sound set shows zero at every radius; a PSF of "
            "another width gives rings of both signs, a pedestal a step.",
            "lines",
            {
                "x_label": "distance from the galaxy's centre, px",
                "y_label": "sky sigma a pixel",
                "x_log": False,
                "y_log": False,
                "series": series,
                "marks": [{"label": "nothing", "y": 0.0}],
            },
        )
    ]
