"""Geometric explanations, tried before all others once the plain refit has found something: turned arcs, other conventions of
angles, arcs that landed elsewhere. They are rendered on a few rows, and only what explains those is compared on all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from arcgate.dataset.schema import STAMP_SIZE
from arcgate.gates.verdict.conventions import ORIENTATIONS, Convention, steps
from arcgate.gates.verdict.families import Explained, Family, explained_by
from arcgate.gates.verdict.landings import common_shifts, shifted
from arcgate.gates.verdict.predictions import rendered_as
from arcgate.gates.verdict.rows import Rows
from arcgate.gates.verdict.scene import Scene

Array = NDArray[np.float64]
Pixels = NDArray[np.float32]
Index = NDArray[np.int64]

# Rows on which explanations are tried, and in how many steps of one column each.
_TRIED: Final = 12
_TRIED_HIDDEN: Final = 24
_STEPS: Final = 4
# A step must gain this much log likelihood.
_GAIN: Final = 5.0
# Two explanations whose light differs by less than this share of what they add predict the same pixels.
_SAME: Final = 0.02
# Sources further out than this may leave the stamp when they are put elsewhere.
_FARTHEST_ARCSEC: Final = 7.0
_LEAST_SHIFT_PIX: Final = 0.02
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
    product, found : ndarray (n, 3)
        Of what it adds to the declared arcs: with itself, and with the light beyond them.
    """

    explained: Explained
    null: Explained
    words: str
    product: Array
    found: Array


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
    best = [_best(rows, images) for images in (_turned(scene), _landed(scene, np.flatnonzero(candidates)))]
    found = [each for each in best if each is not None]
    settled = any(_leaves(rows, each, candidates) < _SETTLED for each in found)
    convention = Convention() if settled else _descended(rows, scene, tried)
    if convention != Convention():
        image = _read(scene, convention, np.arange(len(scene.arc)))
        whole = convention in [orientation.convention for orientation in ORIENTATIONS]
        found.append(_tried(rows, "orientation" if whole else "angle_convention", convention.in_words(), image))
    return [_told_apart(rows, scene, tried, each) for each in found]


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


def _tried(rows: Rows, bug: str, words: str, images: Pixels) -> Transformed:
    """An explanation compared on all rows."""
    assert rows.scene is not None  # from `transformed`
    product, found, null_found = rows.scene.against(np.arange(len(images)), images)
    family = Family(bug, bug, ("flux",), free=False, partial=True)
    fit = explained_by(rows, family, product[..., None, None], found[..., None])
    null = explained_by(replace(rows, squared=rows.null_squared), family, product[..., None, None], null_found[..., None])
    return Transformed(fit, null, words, product, found)


def _best(rows: Rows, images: Iterator[tuple[str, str, Pixels]]) -> Transformed | None:
    tried = [_tried(rows, bug, words, image) for bug, words, image in images]
    return max(tried, key=lambda each: each.explained.score, default=None)


def _turned(scene: Scene) -> Iterator[tuple[str, str, Pixels]]:
    """Whole stamps turned about their middle, and arcs about their galaxies."""
    middle = (STAMP_SIZE - 1) / 2.0
    x, y = (scene.table[name].to_numpy(np.float64) - middle for name in ("host_x_pix", "host_y_pix"))
    for orientation in ORIENTATIONS:
        image = orientation.pixels(scene.arc)
        yield "orientation", f"stamps {orientation.label}", image
        moved_x, moved_y = orientation.place(x, y)
        back = np.stack([x - moved_x, y - moved_y], axis=1)[:, None, :]
        yield "orientation", f"arcs {orientation.label}", shifted(image, back, wrapped=False)


def _landed(scene: Scene, candidates: Index) -> Iterator[tuple[str, str, Pixels]]:
    for shift in common_shifts(scene.weighed(candidates), scene.arc[candidates]):
        if np.hypot(shift[:, 0], shift[:, 1]).max() < _LEAST_SHIFT_PIX:
            continue
        for wrapped in (False, True):
            yield "centre_offset", _landing_in_words(shift, wrapped), shifted(scene.arc, shift, wrapped)


def _landing_in_words(shift: Array, wrapped: bool) -> str:
    places = [f"({x:+.1f}, {y:+.1f})" for x, y in shift]
    where = places[0] if len(set(places)) == 1 else f"{', '.join(places)} in g, r, z"
    return f"arcs that landed {where} px from where they belong" + (", around the stamp's edge" if wrapped else "")


def _read(scene: Scene, convention: Convention, rows: Index) -> Pixels:
    """Arcs of some rows as a renderer with another convention would have them; sources far out stay where they are."""
    image = scene.arc[rows].copy()
    table = scene.table.iloc[rows].reset_index(drop=True)
    place = table[["source_x_arcsec", "source_y_arcsec"]].to_numpy(np.float64)
    near = np.hypot(place[:, 0], place[:, 1]) < _FARTHEST_ARCSEC
    if near.any():
        part = table[near].reset_index(drop=True)
        image[near] = rendered_as(part, convention.change(part))
    return image


def _descended(rows: Rows, scene: Scene, tried: Index) -> Convention:
    """The convention that explains the tried rows best, one column after another."""
    best, score = Convention(), 0.0
    seen: dict[Convention, float] = {best: 0.0}
    for _ in range(_STEPS):
        for step in steps(best):
            if step not in seen:
                seen[step] = _gain(rows, scene, tried, _read(scene, step, tried))
        ahead = max(seen, key=lambda each: seen[each])
        if seen[ahead] < score + _GAIN:
            break
        best, score = ahead, seen[ahead]
    return best


def _gain(rows: Rows, scene: Scene, tried: Index, images: Pixels) -> float:
    """Log likelihood that an explanation gains on some rows; a row that it does not hold in costs little."""
    product, found, _ = scene.against(tried, images)
    left = (rows.squared[tried] - 2.0 * found + product).clip(min=0.0)
    gain = rows.pixels * (np.log1p(rows.squared[tried] / rows.pixels) - np.log1p(left / rows.pixels)).sum(axis=1)
    return float(np.logaddexp(gain, 0.0).sum() - len(tried) * np.log(2.0))


def _told_apart(rows: Rows, scene: Scene, tried: Index, found: Transformed) -> Transformed:
    """The same, without a name of its own if single columns predict the same pixels as everything turned together."""
    turned = next((each for each in ORIENTATIONS if found.words.endswith(f" {each.label}")), None)
    if turned is None:
        return found
    whole = turned.convention
    image = _read(scene, whole, tried)
    others = {Convention(place=whole.place), replace(whole, place=Convention().place)} - {whole, Convention()}
    for other in others:
        apart, _, _ = _between(scene, tried, image, _read(scene, other, tried))
        added, _, _ = scene.against(tried, image)
        if np.median(apart.sum(axis=1) / np.maximum(added.sum(axis=1), 1e-300)) < _SAME:
            words = f"{found.words}, or {other.in_words()}: on these rows the same pixels"
            family = replace(found.explained.family, bug="unknown_bug")
            return replace(found, words=words, explained=replace(found.explained, family=family))
    return found


def _between(scene: Scene, rows: Index, one: Pixels, other: Pixels) -> tuple[Array, Array, Array]:
    """Inner products of the difference of two images."""
    return scene.against(rows, scene.arc[rows] + one - other)
