"""Each row's light against its predictions: weighted inner products, from which every fit follows.

With host and stamp of one galaxy the injected light is their difference and carries no noise; what the comparison cannot
resolve is the renderer's accuracy. Between different galaxies the host is in the way: its light is a Gaussian process on
rings and low multipoles about its centre, with mean and covariance measured on the controls, beside the noise of the sky.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.dataset.references import NONE, References
from arcgate.gates.verdict.borders import batches, border_of, photons, sky_of, spread2
from arcgate.gates.verdict.bug_model import BugModel, Explanation, explanations_of
from arcgate.gates.verdict.host_model import HostModel
from arcgate.gates.verdict.predictions import Predictions, predicted_light, prediction_names
from arcgate.gates.verdict.scene import Scene
from arcgate.imaging import Imaging

Array = NDArray[np.float64]
Pixels = NDArray[np.float32]

# Share of a band's peak that a comparison of two renderings cannot resolve.
RESOLUTION: Final = 3e-3
# What an arc covers: a few hundred pixels of this side.
_ARC_PIX: Final = 300.0
_SIDE_ARCSEC: Final = 0.262


@dataclass(frozen=True)
class RefitRows:
    """Inner products of n rows, by band, with K predictions (`prediction_names`), refit parameters first.

    Attributes
    ----------
    imaging : Imaging
        Of the stamps.
    models : tuple of BugModel
        What is looked for.
    product : ndarray (n, band, K, K)
        Of predictions with each other.
    found : ndarray (n, band, K)
        Of predictions with the light found beyond the declared arc.
    squared : ndarray (n, band)
        Of that light with itself: chi squared of the declared arc.
    expected : ndarray (n, band)
        What noise alone brings to `squared`: the border's, and the declared noise of the arc's photons.
    null_found, null_squared : ndarray
        The same for controls in the place of stamps: what chance and host galaxies do. Zeros where hosts are subtracted.
    pixels : float
        Independent values behind `squared`, per row and band.
    noise, null_noise : ndarray (n, band)
        Variance of the border (`border_of`) from differences of neighbouring pixels, over the declared sky's; of the light beyond
        the arc, and of controls (0 where hosts are subtracted).
    groups : ndarray of str (n,)
        Galaxy of each row.
    hosts_hide : bool
        Whether host galaxies are in the way: stamps against other galaxies.
    noise_gained : ndarray (n, band) or None
        Variance of the stamp's border, less the declared photons', less that of its own galaxy's, over the declared sky's; None
        where the galaxy is not at hand. The noise of a difference tells neither lost noise nor other noise from more of it.
    scene : Scene or None
        The pixels, for explanations that are rendered only where something is wrong.
    """

    imaging: Imaging
    models: tuple[BugModel, ...]
    product: Array
    found: Array
    squared: Array
    expected: Array
    null_found: Array
    null_squared: Array
    pixels: float
    noise: Array
    null_noise: Array
    groups: NDArray[np.str_]
    hosts_hide: bool
    noise_gained: Array | None = None
    scene: Scene | None = None

    @cached_property
    def explanations(self) -> tuple[Explanation, ...]:
        """Those of the models."""
        return explanations_of(self.models, self.imaging)

    @cached_property
    def predictions(self) -> tuple[str, ...]:
        """Names of the K predictions."""
        return prediction_names(self.explanations)

    @property
    def pixels_at_hand(self) -> Scene:
        """The scene, where there is one."""
        if self.scene is None:
            raise ValueError("these rows were made without their pixels")
        return self.scene

    def place(self, prediction: str) -> int:
        """Where a prediction stands among the K."""
        return self.predictions.index(prediction)


def differences(
    table: pd.DataFrame,
    light: Pixels,
    imaging: Imaging,
    models: tuple[BugModel, ...],
    galaxies: Pixels | None = None,
    references: References = NONE,
) -> RefitRows:
    """Rows whose injected light is known: stored, or stamp minus the same galaxy.

    Parameters
    ----------
    table : DataFrame of n rows
        Positives: manifest and host columns.
    light : ndarray, float32 (n, band, y, x)
        What was added to each galaxy.
    imaging : Imaging
        Of the stamps.
    models : tuple of BugModel
        What is looked for.
    galaxies : ndarray, float32 (n, band, y, x), optional
        The galaxies themselves, if `light` is what stamps hold beyond them.
    references : References
        Kernels and images that rows name.
    """
    return rows_with(products_of(table, light, imaging, models, galaxies, references), table, light, imaging, models, references)


def products_of(
    table: pd.DataFrame,
    light: Pixels,
    imaging: Imaging,
    models: tuple[BugModel, ...],
    galaxies: Pixels | None = None,
    references: References = NONE,
) -> dict[str, NDArray[Any]]:
    """What `differences` measures of each row by itself, by the names of `RefitRows`, with arc and variance of its scene."""
    explanations = explanations_of(models, imaging)
    parts, arcs, gained = [], [], []
    for rows in batches(len(table), imaging):
        part, found = table.iloc[rows].reset_index(drop=True), light[rows].astype(np.float64)
        predicted = predicted_light(part, imaging, explanations, references)
        arc = predicted.arc.astype(np.float64)
        border = border_of(part, imaging)
        spread, of_photons = spread2(found - arc, border), photons(part, arc, border, imaging)
        variance = (RESOLUTION * arc.max(axis=(2, 3))) ** 2 + spread
        scale = 1.0 / np.sqrt(np.maximum(variance, 1e-30))[:, :, None, None]
        everywhere = np.ones_like(border)
        expected = imaging.size_pix**2 * (spread + photons(part, arc, everywhere, imaging)) * scale[:, :, 0, 0] ** 2
        rest = ((found - arc) * scale).reshape(*found.shape[:2], -1)
        flat = _scaled(predicted, scale)
        product = flat @ np.swapaxes(flat, 2, 3)
        projected = (flat @ rest[..., None])[..., 0]
        sky2 = sky_of(part, imaging) ** 2
        parts.append((product, projected, (rest**2).sum(axis=2), expected, (spread - of_photons) / sky2, scale[:, :, 0, 0] ** -2))
        arcs.append(predicted.arc)
        if galaxies is not None:
            galaxy = galaxies[rows].astype(np.float64)
            gained.append((spread2(galaxy + found - arc, border) - of_photons - spread2(galaxy, border)) / sky2)
    names = ("product", "found", "squared", "expected", "noise", "variance")
    measured = {name: np.concatenate(column) for name, column in zip(names, zip(*parts, strict=True), strict=True)}
    more = {"noise_gained": np.concatenate(gained)} if gained else {}
    return measured | more | {"arc": np.concatenate(arcs)}


def rows_with(
    products: Mapping[str, NDArray[Any]],
    table: pd.DataFrame,
    light: Pixels,
    imaging: Imaging,
    models: tuple[BugModel, ...],
    references: References = NONE,
) -> RefitRows:
    """The rows of `differences` from what was measured of each."""
    found, squared, noise = (products[name] for name in ("found", "squared", "noise"))
    # Beyond the pixels that the arc covers both are zero.
    pixels = _ARC_PIX * (_SIDE_ARCSEC / imaging.pixel_scale_arcsec) ** 2
    return RefitRows(
        imaging, models, products["product"], found, squared, products["expected"], np.zeros_like(found), np.zeros_like(squared),
        pixels, noise, np.zeros_like(noise), table["host_id"].to_numpy(np.str_), hosts_hide=False,
        noise_gained=products.get("noise_gained"),
        scene=Scene(imaging, table, light, products["arc"], products["variance"], None, None, references),
    )  # fmt: skip


def between_galaxies(
    table: pd.DataFrame,
    stamps: Pixels,
    controls: pd.DataFrame,
    control_stamps: Pixels,
    imaging: Imaging,
    models: tuple[BugModel, ...],
    references: References = NONE,
) -> RefitRows:
    """Rows whose hosts are unknown: stamps against other galaxies.

    Parameters
    ----------
    table, controls : DataFrame of n rows
        Positives, and as many controls in any order.
    stamps, control_stamps : ndarray, float32 (n, band, y, x)
    imaging : Imaging
        Of the stamps.
    models : tuple of BugModel
        What is looked for.
    references : References
        Kernels and images that rows name.
    """
    brightness = f"host_mag_{imaging.reference_band}"
    controls, control_stamps = _as_bright(table, controls, control_stamps, brightness)
    hosts = HostModel.of(controls, control_stamps, imaging)
    explanations = explanations_of(models, imaging)
    parts, scenes, variances = [], [], []
    for rows in batches(len(table), imaging):
        part, other = table.iloc[rows].reset_index(drop=True), controls.iloc[rows].reset_index(drop=True)
        predicted = predicted_light(part, imaging, explanations, references)
        arc = predicted.arc.astype(np.float64)
        border = border_of(part, imaging)
        noise = (spread2(stamps[rows] - arc, border) - photons(part, arc, border, imaging)) / sky_of(part, imaging) ** 2
        null_noise = spread2(control_stamps[rows].astype(np.float64), border_of(other, imaging)) / sky_of(other, imaging) ** 2
        null = hosts.beyond(other, control_stamps[rows])
        beyond = hosts.beyond(part, stamps[rows])
        rest = beyond - arc
        stacked = _stacked(predicted.slopes, predicted.bugs)
        everything = np.concatenate([stacked, rest[:, None], null[:, None]], axis=1)
        variance = sky_of(part, imaging) ** 2 + (RESOLUTION * arc.max(axis=(2, 3))) ** 2
        inner = hosts.inner(part, everything, variance)
        scenes.append((beyond, arc, null))
        variances.append(variance)
        k = stacked.shape[1]
        parts.append(
            (
                inner[:, :, :k, :k],
                inner[:, :, :k, k],
                inner[:, :, k, k],
                inner[:, :, :k, k + 1],
                inner[:, :, k + 1, k + 1],
                noise,
                null_noise,
            )
        )
    product, projected, squared, null_found, null_squared, noise, null_noise = map(np.concatenate, zip(*parts, strict=True))
    lights, arcs, nulls = (np.concatenate([each[place] for each in scenes]).astype(np.float32) for place in range(3))
    spreads = np.concatenate(variances)
    pixels = float(imaging.size_pix**2)
    return RefitRows(
        imaging, models, product, projected, squared, np.full_like(squared, pixels), null_found, null_squared, pixels,
        noise, null_noise, table["host_id"].to_numpy(np.str_), hosts_hide=True,
        scene=Scene(imaging, table.reset_index(drop=True), lights, arcs, spreads, nulls, hosts, references),
    )  # fmt: skip


def _as_bright(table: pd.DataFrame, controls: pd.DataFrame, stamps: Pixels, brightness: str) -> tuple[pd.DataFrame, Pixels]:
    """Controls in the order in which they are as bright as the positives' hosts, faintest beside faintest."""
    order = np.empty(len(table), dtype=np.int64)
    order[np.argsort(table[brightness].to_numpy(), kind="stable")] = np.argsort(controls[brightness].to_numpy(), kind="stable")
    return controls.iloc[order].reset_index(drop=True), stamps[order]


def _scaled(predicted: Predictions, scale: Array) -> Array:
    """All predictions times a scale (n, band, 1, 1): (n, band, K, pixel)."""
    rows, bands, *side = predicted.arc.shape
    every = [light[:, place] for light in (predicted.slopes, predicted.bugs) for place in range(light.shape[1])]
    flat = np.empty((rows, bands, len(every), *side))
    for place, light in enumerate(every):
        np.multiply(light, scale, out=flat[:, :, place])
    return flat.reshape(rows, bands, len(every), -1)


def _stacked(slopes: Pixels, bugs: Pixels) -> Array:
    return np.concatenate([slopes, bugs], axis=1).astype(np.float64)
