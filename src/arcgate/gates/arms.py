"""The stamps that gates compare: what each pair looks like as control, as null, and with its declared arc taken away."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.dataset.reader import Dataset
from arcgate.dataset.schema import BANDS
from arcgate.injection.arcs import declared_psfs, render_arcs, used_psfs
from arcgate.injection.core_mask import radius_from
from arcgate.injection.draws import uniform
from arcgate.injection.inject import CORE_RADIUS_PIX, core_mask
from arcgate.views.view import Viewer

Pixels = NDArray[np.float32]

# The masked case of the normaliser gate: with the arc's light gone at r < 7 px, which covers the box's corners, only the
# normaliser can carry the label into the core.
NORMALISER_MASK_PIX = 7.0


@dataclass(frozen=True)
class Stamps:
    """Stamps of one class, with what is needed to look at them.

    Attributes
    ----------
    image : ndarray, float32 (n, 3, 64, 64)
        What is judged, nanomaggies per pixel.
    seen : ndarray, float32 (n, 3, 64, 64)
        The stamp that the network gets: the view takes its normalising statistics from it.
    table : DataFrame
        host_id, pair_id, host_x_pix, host_y_pix, sky_sigma per band, split.
    """

    image: Pixels
    seen: Pixels
    table: pd.DataFrame

    @property
    def x(self) -> NDArray[np.float64]:
        """Centre of each host in x, pixels."""
        return self.table["host_x_pix"].to_numpy(np.float64)

    @property
    def y(self) -> NDArray[np.float64]:
        """Centre of each host in y, pixels."""
        return self.table["host_y_pix"].to_numpy(np.float64)

    @property
    def sky(self) -> NDArray[np.float64]:
        """Standard deviation of the sky, shape (n, 3, 1, 1), nanomaggies per pixel."""
        return self.table[[f"sky_sigma_{band}" for band in BANDS]].to_numpy(np.float64)[:, :, None, None]

    def viewed(self, viewer: Viewer) -> Pixels:
        """The judged image under the view, normalised by the statistics of the stamp that the network sees."""
        return viewer.apply(self.image, *viewer.normaliser(self.seen, self.x, self.y))

    def with_leak(self, leak: NDArray[np.float64]) -> Stamps:
        """The same stamps with light added (it broadcasts to their shape), as a network would get them."""
        image = self.image + leak.astype(np.float32)
        return replace(self, image=image, seen=image)


@dataclass(frozen=True)
class Arms:
    """The stamps of one shard's pairs. All but `control` are class 1.

    Attributes
    ----------
    control, stamp : Stamps
        Controls and positives as stored.
    null : Stamps
        Null rows as stored (a part of the pairs).
    residual : Stamps
        Positives minus the arc that the survey's declared PSF and the declared mask predict.
    unmasked : Stamps
        Positives minus the whole arc, mask ignored, convolved with the PSF that was used: what a mask took away is missing.
    masked : Stamps
        Positives without the arc's light at r < 7 px.
    arc : ndarray, float32 (n, 3, 64, 64)
        Stored arcs of the positives.
    excess : dict of str to ndarray, shape (n, 3)
        Light that `residual` and `unmasked` hold beyond their hosts': mean at r < 5 px per band, in sky sigma a pixel.
    """

    control: Stamps
    stamp: Stamps
    null: Stamps
    residual: Stamps
    unmasked: Stamps
    masked: Stamps
    arc: Pixels
    excess: dict[str, NDArray[np.float64]]


def arms_of(dataset: Dataset, max_pairs: int, seed: int) -> Iterator[Arms]:
    """The arms of each shard, over at most `max_pairs` pairs that have a null row, chosen by hash.

    Pairs without a null row are left out: a gate and its twin are judged on the same galaxies.

    Parameters
    ----------
    dataset : Dataset
    max_pairs : int
        Bound on the pairs judged.
    seed : int
        Seed of that choice.
    """
    pairs = dataset.table(["pair_id"], roles=["null"])["pair_id"].to_numpy(np.int64)
    order = np.argsort(uniform(seed, "audit", pairs), kind="stable")
    chosen = np.sort(pairs[order[:max_pairs]])
    for batch in dataset.batches():
        keep = np.isin(batch.table["pair_id"].to_numpy(np.int64), chosen)
        if not keep.any() or batch.arc is None:
            continue
        table = batch.table[keep].reset_index(drop=True)
        yield _arms(table, batch.image[keep], batch.arc[keep])


def _arms(table: pd.DataFrame, image: Pixels, arc: Pixels) -> Arms:
    role = table["role"].to_numpy()

    def stamps(name: str) -> Stamps:
        rows = np.flatnonzero(role == name)
        return Stamps(image[rows], image[rows], table.iloc[rows].reset_index(drop=True))

    positive = stamps("positive")
    stored = arc[role == "positive"]
    declared, whole = _predicted(positive.table, stored)
    inside = radius_from(positive.x, positive.y)[:, None] < NORMALISER_MASK_PIX
    without_core = positive.image - np.where(inside, stored, np.float32(0.0))
    return Arms(
        control=stamps("control"),
        stamp=positive,
        null=stamps("null"),
        residual=replace(positive, image=positive.image - declared),
        unmasked=replace(positive, image=positive.image - whole),
        masked=replace(positive, image=without_core, seen=without_core),
        arc=stored,
        excess={"residual": _core_mean(stored - declared, positive), "unmasked": _core_mean(stored - whole, positive)},
    )


def _core_mean(light: Pixels, stamps: Stamps) -> NDArray[np.float64]:
    """Mean at r < 5 px in units of the sky's standard deviation, (n, band)."""
    core = (radius_from(stamps.x, stamps.y) < CORE_RADIUS_PIX)[:, None]
    mean: NDArray[np.float64] = (light / stamps.sky * core).sum(axis=(2, 3)) / core.sum(axis=(2, 3))
    return mean


def _predicted(table: pd.DataFrame, stored: Pixels) -> tuple[Pixels, Pixels]:
    """Arcs by the declared PSF with the mask, and by the used PSF without it."""
    if table.empty:
        return stored.copy(), stored.copy()
    declared = render_arcs(table, declared_psfs(table))[0] * core_mask(table)
    whole = stored.copy()
    # The stored arc is the whole one, bit by bit, where neither a mask nor noise has touched it.
    touched = np.flatnonzero(((table["core_mask_kind"] != "none") | (table["arc_noise"] != "none")).to_numpy())
    if len(touched):
        rows = table.iloc[touched].reset_index(drop=True)
        whole[touched] = render_arcs(rows, used_psfs(rows))[0]
    return declared, whole
