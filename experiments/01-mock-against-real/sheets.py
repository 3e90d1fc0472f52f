"""Figures of the comparison."""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from features import FEATURES
from numpy.typing import NDArray

# Weights of z, r, g as red, green, blue: a luminous red galaxy comes out yellow.
_WEIGHTS = {"z": 1.7, "r": 3.4, "g": 6.0}
_SOFTENING = 1.5
_PER_ROW = 8


def colour(stamp: NDArray[np.float32]) -> NDArray[np.float64]:
    """Colour picture of a stamp (band, y, x), shape (y, x, 3), north up; asinh of the mean intensity (Lupton et al. 2004)."""
    g, r, z = stamp.astype(np.float64)
    channels = np.stack([z * _WEIGHTS["z"], r * _WEIGHTS["r"], g * _WEIGHTS["g"]], axis=-1)
    intensity = np.maximum(channels.mean(axis=-1, keepdims=True), 1e-6)
    scaled = channels * np.arcsinh(20.0 * _SOFTENING * intensity) / intensity / 9.0
    return np.clip(scaled + 0.05, 0.0, 1.0)[::-1]


def contact_sheet(stamps: NDArray[np.float32], path: Path) -> None:
    """Write stamps, eight a row, without labels."""
    pictures = [colour(stamp) for stamp in stamps]
    rows = [np.hstack(pictures[start : start + _PER_ROW]) for start in range(0, len(pictures), _PER_ROW)]
    plt.imsave(path, np.vstack(rows))


def histograms(mock: pd.DataFrame, real: pd.DataFrame, path: Path) -> None:
    """Distribution of each feature in both samples."""
    figure, axes = plt.subplots(2, 4, figsize=(11, 5), layout="constrained")
    for axis, name in zip(axes.flat, FEATURES, strict=False):
        low, high = np.percentile(np.concatenate([mock[name], real[name]]), [1, 99])
        edges = np.linspace(low, high, 16)
        axis.hist(mock[name], edges, density=True, color="0.75", label=f"mock, n = {len(mock)}")
        axis.hist(real[name], edges, density=True, histtype="step", color="C3", lw=1.5, label=f"real, n = {len(real)}")
        axis.set_xlabel(name)
        axis.set_yticks([])
    axes.flat[-1].axis("off")
    axes.flat[-1].legend(*axes.flat[0].get_legend_handles_labels(), loc="center", frameon=False)
    figure.savefig(path, dpi=90)
    plt.close(figure)
