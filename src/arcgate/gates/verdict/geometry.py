"""Geometric explanations, tried before all others once the plain refit has found something.

Turned arcs, other conventions of angles, arcs that landed elsewhere: compared on a few rows, and the best of each on all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.gates.verdict.borders import batches, border_of, photons, sky_of, spread2
from arcgate.gates.verdict.conventions import ORIENTATIONS, Convention, Orientation, steps
from arcgate.gates.verdict.families import Explained, Family, explained_by
from arcgate.gates.verdict.landings import common_shifts, shifted, shifts_of_some
from arcgate.gates.verdict.predictions import rendered_as
from arcgate.gates.verdict.rows import Rows
from arcgate.gates.verdict.scene import Few, Scene
from arcgate.imaging import Imaging

Array = NDArray[np.float64]
Images = NDArray[np.floating]
Index = NDArray[np.int64]

# Rows on which explanations are tried, and in how many steps of one column each.
_TRIED: Final = 12
_TRIED_HIDDEN: Final = 24
_STEPS: Final = 4
# A step must gain this much log likelihood.
_GAIN: Final = 5.0
# Two explanations whose light differs by less than this share of what they add predict the same pixels.
_SAME: Final = 0.02
# Sources further out than this share of half the stamp may leave it when they are put elsewhere: 7 of 32 pixels of 0.262 arcsec.
_FARTHEST: Final = 7.0 / (32.0 * 0.262)
# Columns are not looked at where whole arcs leave less than this share of the light.
_SETTLED: Final = 0.02


@dataclass(frozen=True)
class Transformed:
    """Arcs as a transformation would have them, and how well that accounts for the rows.

    Attributes
    ----------
    explained : Explained
        With the family's name: orientation, angle_convention, centre_offset, or unknown_bug where the pixels of these rows
        cannot tell several of them apart.
    null : Explained
        The same search in controls, where hosts hide light.
    words : str
    product, found : ndarray (n, band)
        Of what it adds to the declared arcs: with itself, and with the light beyond them.
    noise : ndarray (n, band)
        As of `Rows`, of the light beyond the transformed arcs: those that landed in the border are no noise.
    turned : Orientation or None
        What everything was turned by.
    """

    explained: Explained
    null: Explained
    words: str
    product: Array
    found: Array
    noise: Array
    turned: Orientation | None


def transformed(rows: Rows, candidates: NDArray[np.bool_]) -> list[Transformed]:
    """The best explanation of each name.

    Parameters
    ----------
    rows : Rows
        With their scene.
    candidates : ndarray of bool (n,)
        Rows that something is known to be wrong with; all, where that is not known of single rows.
    """
    if rows.scene is None:
        return []
    scene = rows.scene
    tried = _chosen(rows, candidates)
    few = scene.few(tried)
    wholes = [_best(rows, few, tried, _turns()), _landing(rows, few, tried, candidates)]
    found = [_compared(rows, each, each.of(scene.table, scene.arc)) for each in wholes if each is not None]
    settled = any(_leaves(rows, each, candidates) < _SETTLED for each in found)
    convention = Convention() if settled else _descended(rows, few, tried)
    if convention != Convention():
        whole = convention in [orientation.convention for orientation in ORIENTATIONS]
        read = _Transform("orientation" if whole else "angle_convention", convention.in_words(), lambda table, arc: arc)
        found.append(_compared(rows, read, _read(scene, scene.table, scene.arc, convention)))
    return [_told_apart(scene, few, each) for each in found]


@dataclass(frozen=True)
class _Transform:
    """What happens to whole arcs: the bug's name, words, and images (n, band, y, x) of rows and their declared arcs."""

    bug: str
    words: str
    of: Callable[[pd.DataFrame, Images], Images]
    turned: Orientation | None = None


def _leaves(rows: Rows, found: Transformed, candidates: NDArray[np.bool_]) -> float:
    """Median share of the light that an explanation leaves in the candidates; all, where hosts hide what is left."""
    if rows.hosts_hide:
        return 1.0
    left = (rows.squared - 2.0 * found.found + found.product).sum(axis=1)[candidates]
    return float(np.median(left / np.maximum(rows.squared.sum(axis=1)[candidates], 1e-300)))


def _chosen(rows: Rows, candidates: NDArray[np.bool_]) -> Index:
    """Rows to try on, the ones with most to explain; where hosts hide light, those whose arcs stand out most."""
    power = rows.product[:, :, 0, 0].sum(axis=1) if rows.hosts_hide else rows.squared.sum(axis=1)
    order = np.argsort(np.where(candidates, -power, 0.0), kind="stable")
    return np.sort(order[: min(_TRIED_HIDDEN if rows.hosts_hide else _TRIED, int(candidates.sum()))])


def _compared(rows: Rows, transform: _Transform, images: Images) -> Transformed:
    """An explanation compared on all rows."""
    assert rows.scene is not None  # from `transformed`
    product, found, null_found = rows.scene.against(np.arange(len(images)), images)
    family = Family(transform.bug, transform.bug, ("flux",), free=False, partial=True)
    fit = explained_by(rows, family, product[..., None, None], found[..., None])
    null = explained_by(replace(rows, squared=rows.null_squared), family, product[..., None, None], null_found[..., None])
    return Transformed(fit, null, transform.words, product, found, _noise(rows.scene, images), transform.turned)


def _noise(scene: Scene, images: Images) -> Array:
    """Variance of the border beyond these arcs and their photons, over the declared sky's."""
    parts = []
    for some in batches(len(images), scene.imaging):
        table, arc = scene.table.iloc[some].reset_index(drop=True), images[some].astype(np.float64)
        border, sky = border_of(table, scene.imaging), sky_of(table, scene.imaging)
        parts.append((spread2(scene.light[some] - arc, border) - photons(table, arc, border, scene.imaging)) / sky**2)
    return np.concatenate(parts)


def _best(rows: Rows, few: Few, tried: Index, transforms: list[_Transform]) -> _Transform | None:
    """The one that the tried rows speak for most; None if they speak for none."""
    gains = [_gain(rows, few, tried, each.of(few.table, few.arc)) for each in transforms]
    best = int(np.argmax(gains))
    return transforms[best] if gains[best] > _GAIN else None


def _turns() -> list[_Transform]:
    """Whole stamps turned about their middle, and arcs about their galaxies."""
    return [
        _Transform("orientation", f"{what} {each.label}", partial(_turned, each, what == "arcs"), each)
        for each in ORIENTATIONS
        for what in ("stamps", "arcs")
    ]


def _turned(orientation: Orientation, about_galaxy: bool, table: pd.DataFrame, arc: Images) -> Images:
    image = orientation.pixels(arc)
    if not about_galaxy:
        return image
    middle = (image.shape[-1] - 1) / 2.0
    x, y = (table[name].to_numpy(np.float64) - middle for name in ("host_x_pix", "host_y_pix"))
    moved_x, moved_y = orientation.place(x, y)
    return shifted(image, np.stack([x - moved_x, y - moved_y], axis=1)[:, None, :], wrapped=False)


def _landing(rows: Rows, few: Few, tried: Index, candidates: NDArray[np.bool_]) -> _Transform | None:
    """Where arcs landed; where hosts hide which rows are wrong, by those whose arcs are missed most where they belong."""
    shifts = common_shifts(few.matched, few.arc, rows.imaging)
    if rows.hosts_hide:
        assert rows.scene is not None  # from `transformed`
        tried = _missing(rows, candidates)
        few = rows.scene.few(tried)
        shifts += shifts_of_some(few.rest, few.arc, rows.imaging)
    return _best(rows, few, tried, _landings(shifts, rows.imaging))


def _missing(rows: Rows, candidates: NDArray[np.bool_]) -> Index:
    """Rows to try landings on: those that miss most light, over its noise, where the declared arc is."""
    at = rows.place("flux")
    missed = rows.found[:, :, at].sum(axis=1) / np.sqrt(np.maximum(rows.product[:, :, at, at].sum(axis=1), 1e-300))
    order = np.argsort(np.where(candidates, missed, np.inf), kind="stable")
    return np.sort(order[: min(_TRIED_HIDDEN, int(candidates.sum()))])


def _landings(shifts: list[Array], imaging: Imaging) -> list[_Transform]:
    return [
        _Transform("centre_offset", _landing_in_words(shift, wrapped, imaging.bands), partial(_landed, shift, wrapped))
        for shift in shifts
        for wrapped in (False, True)
    ]


def _landed(shift: Array, wrapped: bool, table: pd.DataFrame, arc: Images) -> Images:
    return shifted(arc, shift, wrapped)


def _landing_in_words(shift: Array, wrapped: bool, bands: tuple[str, ...]) -> str:
    places = [f"({x:+.1f}, {y:+.1f})" for x, y in shift]
    where = places[0] if len(set(places)) == 1 else f"{', '.join(places)} in {', '.join(bands)}"
    return f"arcs that landed {where} px from where they belong" + (", around the stamp's edge" if wrapped else "")


def _read(scene: Scene, table: pd.DataFrame, arc: Images, convention: Convention) -> Images:
    """Arcs of rows as a renderer with another convention would have them; sources far out stay where they are."""
    image, imaging = arc.copy(), scene.imaging
    place = table[["source_x_arcsec", "source_y_arcsec"]].to_numpy(np.float64)
    near = np.hypot(place[:, 0], place[:, 1]) < _FARTHEST * imaging.size_pix / 2 * imaging.pixel_scale_arcsec
    if near.any():
        part = table[near].reset_index(drop=True)
        image[near] = rendered_as(part, convention.change(part), imaging, scene.references)
    return image


def _descended(rows: Rows, few: Few, tried: Index) -> Convention:
    """The convention that explains the tried rows best, one column after another."""
    assert rows.scene is not None  # from `transformed`
    best, score = Convention(), 0.0
    seen: dict[Convention, float] = {best: 0.0}
    for _ in range(_STEPS):
        for step in steps(best):
            if step not in seen:
                seen[step] = _gain(rows, few, tried, _read(rows.scene, few.table, few.arc, step))
        ahead = max(seen, key=lambda each: seen[each])
        if seen[ahead] < score + _GAIN:
            break
        best, score = ahead, seen[ahead]
    return best


def _gain(rows: Rows, few: Few, tried: Index, images: Images) -> float:
    """Log likelihood that an explanation gains on some rows; a row that it does not hold in costs little."""
    product, found = few.added(images)
    left = (rows.squared[tried] - 2.0 * found + product).clip(min=0.0)
    gain = rows.pixels * (np.log1p(rows.squared[tried] / rows.pixels) - np.log1p(left / rows.pixels)).sum(axis=1)
    return float(np.logaddexp(gain, 0.0).sum() - len(tried) * np.log(2.0))


def _told_apart(scene: Scene, few: Few, found: Transformed) -> Transformed:
    """The same, without a name of its own if single columns predict the same pixels as everything turned together."""
    if found.turned is None:
        return found
    whole = found.turned.convention
    image = _read(scene, few.table, few.arc, whole)
    added = np.maximum(few.square(image - few.arc).sum(axis=1), 1e-300)
    for other in {Convention(place=whole.place), replace(whole, place=Convention().place)} - {whole, Convention()}:
        apart = few.square(image - _read(scene, few.table, few.arc, other)).sum(axis=1)
        if np.median(apart / added) < _SAME:
            words = f"{found.words}, or {other.in_words()}: on these rows the same pixels"
            family = replace(found.explained.family, bug="unknown_bug")
            return replace(found, words=words, explained=replace(found.explained, family=family))
    return found
