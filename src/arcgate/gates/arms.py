"""The stamps that gates compare: what each pair looks like as control, as null, and with its declared arc taken away."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.dataset.shard_reading import StampBatch
from arcgate.dataset.source import Facts, Source
from arcgate.ground.draws import text_ids, uniform
from arcgate.imaging import Imaging
from arcgate.injection.arcs import Psfs, declared_psfs, render_arcs, used_psfs
from arcgate.injection.inject import core_mask, photons_of
from arcgate.views.view import Viewer

Pixels = NDArray[np.float32]

# The normaliser gate on arcs: with their light gone inside a quarter of half the stamp (8 px of 64), half a pixel beyond the
# outermost ring of the core, only the normaliser can carry the label into the core.
NORMALISER_MASK = 8 / 32


@dataclass(frozen=True)
class Stamps:
    """Stamps of one class, with what is needed to look at them.

    Attributes
    ----------
    image : ndarray, float32 (n, band, y, x)
        What is judged, nanomaggies per pixel.
    seen : ndarray, float32 (n, band, y, x)
        The stamp that the network gets: the view takes its normalising statistics from it.
    table : DataFrame
        host_id, pair_id, host_x_pix, host_y_pix, sky_sigma per band, split.
    imaging : Imaging
        Of the stamps.
    """

    image: Pixels
    seen: Pixels
    table: pd.DataFrame
    imaging: Imaging

    @cached_property
    def x(self) -> NDArray[np.float64]:
        """Centre of each host in x, pixels."""
        return self.table["host_x_pix"].to_numpy(np.float64)

    @cached_property
    def y(self) -> NDArray[np.float64]:
        """Centre of each host in y, pixels."""
        return self.table["host_y_pix"].to_numpy(np.float64)

    @cached_property
    def sky(self) -> NDArray[np.float64]:
        """Standard deviation of the sky, shape (n, band, 1, 1), nanomaggies per pixel."""
        return self.table[[f"sky_sigma_{band}" for band in self.imaging.bands]].to_numpy(np.float64)[:, :, None, None]

    def viewed(self, viewer: Viewer) -> Pixels:
        """The judged image under the view, normalised by the statistics of the stamp that the network sees."""
        return viewer.apply(self.image, *viewer.normaliser(self.seen, self.x, self.y))

    def take(self, chosen: NDArray[np.bool_] | NDArray[np.intp]) -> Stamps:
        """The rows that `chosen` marks or counts."""
        rows = np.flatnonzero(chosen) if chosen.dtype == bool else chosen
        image = self.image[rows]
        seen = image if self.seen is self.image else self.seen[rows]
        return Stamps(image, seen, self.table.iloc[rows].reset_index(drop=True), self.imaging)

    def with_leak(self, leak: NDArray[np.floating[Any]]) -> Stamps:
        """The same stamps with light added (it broadcasts to their shape), as a network would get them."""
        image = self.image + leak.astype(np.float32)
        return replace(self, image=image, seen=image)


@dataclass(frozen=True)
class Arms:
    """The stamps of one shard's pairs. All but the controls are class 1.

    Attributes
    ----------
    control, stamp : Stamps
        Controls and positives as stored.
    counterpart : Stamps
        What positives without their arcs are held against: the controls, with the photon noise that the declared arc of their
        pair brings, where arcs have such noise. It stays when an arc is taken away, and real arcs have it too.
    twin, twin_control : Stamps
        The null twin, in which leaks are planted: two classes between which only chance differs. Null rows against the controls
        where null rows are stored; else, on pairs, the controls against themselves, and without pairs one half of the
        controls' galaxies against the other.
    null : Stamps or None
        Null rows as stored (a part of the pairs).
    residual : Stamps or None
        Positives minus the arc that the survey's declared PSF and the declared mask predict.
    unmasked : Stamps or None
        Positives minus the whole arc, mask ignored, convolved with the PSF that was used: what a mask took away is missing.
    masked : Stamps or None
        Stamps with arc light outside `NORMALISER_MASK` only: controls that are given the declared arc of their pair there, pixel
        by pixel, so that what else a bug adds is not in them. Where nothing is declared, `arc`.
    arc : ndarray, float32 (n, band, y, x), or None
        Stored arcs of the positives; on pairs without them, stamp minus control.
    declared : ndarray, float32 (n, band, y, x), or None
        The arcs that `residual` takes away.
    excess : dict of str to ndarray, shape (n, band)
        Light that `residual` and `unmasked` hold beyond their hosts': mean in the core per band, in sky sigma a pixel.
    """

    control: Stamps
    counterpart: Stamps
    stamp: Stamps
    twin: Stamps
    twin_control: Stamps
    null: Stamps | None
    residual: Stamps | None
    unmasked: Stamps | None
    masked: Stamps | None
    arc: Pixels | None
    declared: Pixels | None
    excess: dict[str, NDArray[np.float64]]


def alike(one: Stamps, other: Stamps) -> bool:
    """Whether two arms hold the same stamps of the same pairs, so that one need not be measured again."""
    if one.image is other.image:
        return True
    if one.image.shape != other.image.shape or not np.array_equal(one.image[:1], other.image[:1]):
        return False
    columns = ["pair_id", "host_x_pix", "host_y_pix", *(f"sky_sigma_{band}" for band in one.imaging.bands)]
    return one.table[columns].equals(other.table[columns]) and np.array_equal(one.image, other.image)


def matched(one: Stamps, other: Stamps) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Positions of the pairs that both hold, in each."""
    _, first, second = np.intersect1d(one.table["pair_id"], other.table["pair_id"], return_indices=True)
    return first, second


def light_of_pairs(light: Pixels, stamps: Stamps, other: Stamps) -> Pixels:
    """For each row of `other` the light (n, band, y, x) of the row of `stamps` in its pair; none where its pair has none."""
    place = pd.Index(stamps.table["pair_id"]).get_indexer(pd.Index(other.table["pair_id"]))
    out = np.zeros((len(place), *light.shape[1:]), dtype=np.float32)
    out[place >= 0] = light[place[place >= 0]]
    return out


def chosen_pairs(source: Source, max_pairs: int, seed: int) -> NDArray[np.int64]:
    """At most `max_pairs` pairs by hash, ascending: those that have a null row, where null rows are stored.

    A gate and its twin are then judged on the same galaxies.
    """
    table = source.table(["pair_id", "role"])
    role = "null" if source.facts.has_null else "positive"
    pairs = table.loc[table["role"] == role, "pair_id"].to_numpy(np.int64)
    order = np.argsort(uniform(seed, "audit", pairs), kind="stable")
    return np.sort(pairs[order[:max_pairs]])


def arms_of(batch: StampBatch, pairs: NDArray[np.int64], facts: Facts, seed: int) -> Arms | None:
    """The arms of one shard.

    Parameters
    ----------
    batch : StampBatch
        Its rows.
    pairs : ndarray of int, ascending
        The pairs that are judged.
    facts : Facts
        What the data set holds.
    seed : int
        Of the halves of a twin that is made of controls.

    Returns
    -------
    Arms, or None for a shard without any of the pairs
    """
    keep = np.isin(batch.table["pair_id"].to_numpy(np.int64), pairs)
    if not keep.any():
        return None
    table, image = batch.table[keep].reset_index(drop=True), batch.image if keep.all() else batch.image[keep]
    role = table["role"].to_numpy()

    def stamps(rows: NDArray[np.intp]) -> Stamps:
        light = image[rows]
        return Stamps(light, light, table.iloc[rows].reset_index(drop=True), facts.imaging)

    control, positive = (stamps(np.flatnonzero(role == name)) for name in ("control", "positive"))
    null = stamps(np.flatnonzero(role == "null")) if facts.has_null else None
    arc = _arc(batch, keep, role, control, positive, facts)
    twin, twin_control = _twin(control, null, facts, seed)
    predicted = _predicted(positive.table, arc, facts) if facts.declared else None
    residual, unmasked, excess, counterpart = None, None, {}, control
    if predicted is not None:
        residual = replace(positive, image=positive.image - predicted.masked)
        if arc is not None:
            unmasked = replace(positive, image=positive.image - predicted.whole)
            excess = {
                "residual": _core_mean(arc, predicted.masked, positive),
                "unmasked": _core_mean(arc, predicted.whole, positive),
            }
        if predicted.photons is not None:
            counterpart = _with_photons(control, positive, predicted.photons[0])
            # Null rows carry no photons of arcs: the twin gets as much noise as what it stands for, on both sides.
            twin_control = counterpart if twin_control is control else _with_photons(twin_control, positive, predicted.photons[0])
            twin = _with_photons(twin, positive, predicted.photons[1])
    # The declared arc, since a bug may have put more into what is stored.
    light = arc if predicted is None else predicted.masked
    return Arms(
        control=control,
        counterpart=counterpart,
        stamp=positive,
        twin=twin,
        twin_control=twin_control,
        null=null,
        residual=residual,
        unmasked=unmasked,
        masked=None if light is None else _beyond_core(counterpart, positive, light),
        arc=arc,
        declared=None if predicted is None else predicted.masked,
        excess=excess,
    )


def _arc(
    batch: StampBatch, keep: NDArray[np.bool_], role: NDArray[np.object_], control: Stamps, positive: Stamps, facts: Facts
) -> Pixels | None:
    """Arcs as stored, or what a positive holds beyond its own galaxy."""
    if batch.arc is not None:
        stored: Pixels = batch.arc[np.flatnonzero(keep)[role == "positive"]]
        return stored
    if not facts.paired:
        return None
    place = pd.Index(control.table["pair_id"]).get_indexer(pd.Index(positive.table["pair_id"]))
    difference: Pixels = positive.image - control.image[place]
    return difference


def _twin(control: Stamps, null: Stamps | None, facts: Facts, seed: int) -> tuple[Stamps, Stamps]:
    if null is not None:
        return null, control
    if facts.paired:
        return control, control
    first = uniform(seed, "twin", text_ids(control.table["host_id"].tolist())) < 0.5
    return control.take(first), control.take(~first)


def _beyond_core(controls: Stamps, positive: Stamps, arcs: Pixels) -> Stamps:
    """Controls of a pair, with the arc of that pair but for its light near the centre."""
    held = controls.take(controls.table["pair_id"].isin(positive.table["pair_id"]).to_numpy())
    light = light_of_pairs(arcs, positive, held)
    reach = NORMALISER_MASK * held.imaging.size_pix / 2
    rows, columns, radius = _near(held, reach)
    light[:, :, rows, columns] *= (radius >= reach)[:, None]
    return held.with_leak(light)


def _core_mean(light: Pixels, less: Pixels, stamps: Stamps) -> NDArray[np.float64]:
    """Mean of a difference in the core in units of the sky's standard deviation, (n, band)."""
    rows, columns, radius = _near(stamps, stamps.imaging.core_pix)
    core = (radius < stamps.imaging.core_pix)[:, None]
    difference = (light[:, :, rows, columns] - less[:, :, rows, columns]) / stamps.sky
    mean: NDArray[np.float64] = (difference * core).sum(axis=(2, 3)) / core.sum(axis=(2, 3))
    return mean


def _near(stamps: Stamps, reach_pix: float) -> tuple[slice, slice, NDArray[np.float64]]:
    """A window of lines and columns that holds what is within reach of every centre, and the distances there, (n, y, x)."""
    rows, columns = (
        slice(
            max(int(place.min(initial=stamps.imaging.size_pix) - reach_pix), 0),
            max(int(place.max(initial=0.0) + reach_pix) + 2, 0),
        )
        for place in (stamps.y, stamps.x)
    )
    pixel = np.arange(stamps.imaging.size_pix, dtype=np.float64)
    dx, dy = pixel[columns] - stamps.x[:, None], pixel[rows] - stamps.y[:, None]
    return rows, columns, np.hypot(dx[:, None, :], dy[:, :, None])


def _with_photons(stamps: Stamps, positive: Stamps, photons: Pixels) -> Stamps:
    """Stamps with the photon noise of their pair's arc."""
    return stamps.with_leak(light_of_pairs(photons, positive, stamps))


@dataclass(frozen=True)
class _Predicted:
    """Arcs by the declared PSF with the mask, by the used PSF without it, and photon noise, drawn twice, where arcs have any."""

    masked: Pixels
    whole: Pixels
    photons: tuple[Pixels, Pixels] | None


def _predicted(table: pd.DataFrame, stored: Pixels | None, facts: Facts) -> _Predicted:
    imaging, references = facts.imaging, facts.references
    if table.empty:
        nothing = np.zeros((0, *imaging.shape), dtype=np.float32)
        return _Predicted(nothing, nothing, None)
    psfs = declared_psfs(table, imaging, references)
    full = render_arcs(table, psfs, imaging, references)[0]
    masked, noisy = ((table[name] != "none").to_numpy() for name in ("core_mask_kind", "arc_noise"))
    # The stored arc is the whole one, bit by bit, where neither a mask nor noise has touched it.
    whole, touched = full if stored is None else stored, np.flatnonzero(masked | noisy)
    if len(touched):
        whole = whole.copy()
        whole[touched] = _whole(table.iloc[touched].reset_index(drop=True), full[touched], [psfs[row] for row in touched], facts)
    mask = core_mask(table, imaging) if masked.any() else np.ones(1, dtype=np.float32)
    photons = None
    # Tables of other makers whose arcs carry no noise need not give the gain.
    if noisy.any():
        photons = (photons_of(table, full, "counterpart", imaging) * mask, photons_of(table, full, "twin", imaging) * mask)
    return _Predicted(full * mask, whole, photons)


def _whole(table: pd.DataFrame, by_declared: Pixels, declared: list[Psfs], facts: Facts) -> Pixels:
    """Arcs by the used PSF, rendered again where that is not the declared one."""
    imaging, references = facts.imaging, facts.references
    used = used_psfs(table, imaging, references)
    other = np.flatnonzero([one != two for one, two in zip(used, declared, strict=True)])
    if len(other):
        rows = table.iloc[other].reset_index(drop=True)
        by_declared[other] = render_arcs(rows, [used[row] for row in other], imaging, references)[0]
    return by_declared
