"""Transformations of arcs, tried before all other explanations once the plain refit has found something.

Turned arcs, other conventions of angles, arcs that landed elsewhere: each bug model that has some searches on a few rows, and its
best is compared on all of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from arcgate.gates.verdict.borders import batches, border_of, photons, sky_of, spread2
from arcgate.gates.verdict.bug_model import UNKNOWN, Explanation
from arcgate.gates.verdict.explaining import Explained, explained_by
from arcgate.gates.verdict.rows import RefitRows
from arcgate.gates.verdict.scene import Scene
from arcgate.gates.verdict.trial import Transform, Trial

Array = NDArray[np.float64]
Images = NDArray[np.floating]

# Columns are not looked at where whole arcs leave less than this share of the light.
_SETTLED: Final = 0.02


@dataclass(frozen=True)
class Transformed:
    """Arcs as a transformation would have them, and how well that accounts for the rows.

    Attributes
    ----------
    explained : Explained
        With the bug's name, or none where the pixels of these rows cannot tell several transformations apart.
    null : Explained
        The same search in controls, where hosts hide light.
    product, found : ndarray (n, band)
        Of what it adds to the declared arcs: with itself, and with the light beyond them.
    noise : ndarray (n, band)
        As of `RefitRows`, of the light beyond the transformed arcs: those that landed in the border are no noise.
    """

    explained: Explained
    null: Explained
    product: Array
    found: Array
    noise: Array


def transformed(rows: RefitRows, candidates: NDArray[np.bool_]) -> list[Transformed]:
    """The best transformation of each bug model.

    Parameters
    ----------
    rows : RefitRows
        With their scene.
    candidates : ndarray of bool (n,)
        Rows that something is known to be wrong with; all, where that is not known of single rows.
    """
    if rows.scene is None:
        return []
    trial = Trial.of(rows, candidates)
    found = _found(trial, of_columns=False)
    if not any(_leaves(trial, each) < _SETTLED for each in found):
        found += _found(trial, of_columns=True)
    return found


def _found(trial: Trial, of_columns: bool) -> list[Transformed]:
    """What the models find by transformations of whole arcs, or of single columns."""
    searches = [model.transformation for model in trial.rows.models]
    best = [search.find(trial) for search in searches if search is not None and search.of_columns == of_columns]
    return [_compared(trial, each) for each in best if each is not None]


def _leaves(trial: Trial, found: Transformed) -> float:
    """Median share of the light that a transformation leaves in the candidates; all, where hosts hide what is left."""
    rows, candidates = trial.rows, trial.candidates
    if rows.hosts_hide:
        return 1.0
    left = (rows.squared - 2.0 * found.found + found.product).sum(axis=1)[candidates]
    return float(np.median(left / np.maximum(rows.squared.sum(axis=1)[candidates], 1e-300)))


def _compared(trial: Trial, transform: Transform) -> Transformed:
    """A transformation compared on all rows; it has no name if something else predicts the same pixels."""
    rows, scene = trial.rows, trial.scene
    images = transform.of(scene.table, scene.arc)
    product, found, null_found = scene.against(np.arange(len(images)), images)
    explanation = Explanation(transform.bug, transform.words, bug=transform.bug)
    if transform.also is not None and (also := transform.also(trial)):
        words = f"{transform.words}, or {also}: on these rows the same pixels"
        explanation = replace(explanation, words=words, bug=UNKNOWN)
    fit = explained_by(rows, explanation, product[..., None, None], found[..., None])
    controls = replace(rows, squared=rows.null_squared)
    null = explained_by(controls, explanation, product[..., None, None], null_found[..., None])
    return Transformed(fit, null, product, found, _noise(scene, images))


def _noise(scene: Scene, images: Images) -> Array:
    """Variance of the border beyond these arcs and their photons, over the declared sky's."""
    parts = []
    for some in batches(len(images), scene.imaging):
        table, arc = scene.table.iloc[some].reset_index(drop=True), images[some].astype(np.float64)
        border, sky = border_of(table, scene.imaging), sky_of(table, scene.imaging)
        parts.append((spread2(scene.light[some] - arc, border) - photons(table, arc, border, scene.imaging)) / sky**2)
    return np.concatenate(parts)
