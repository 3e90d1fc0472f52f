"""Is the same galaxy there under two names, on two sides of a split?

Galaxies that look alike are compared by the noise beside them (`shared_noise`). That two of them look alike happens: in one of
five sets of 1,000 mock galaxies some pair is nearer than chance should make it in one of a hundred. That they share noise does
not. Copies of the same pixels and cutouts of the same exposures are found, and planted copies say how many; a galaxy that was
taken twice, with all new noise, is known by its position only (`split_integrity`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import fourier_shift
from sklearn.neighbors import NearestNeighbors

from arcgate.dataset.missing import without_shared
from arcgate.gates.core.context import Context
from arcgate.gates.core.counted import CountStatistic, Noticed, exactly
from arcgate.gates.core.design_leaks import SPLIT
from arcgate.gates.core.evaluator import Outcome, Statement, evaluate, not_run
from arcgate.gates.core.exhibit import Exhibit
from arcgate.gates.core.gate import Arrays, Judgement, Kept, StatedGate
from arcgate.gates.core.shard import Shard
from arcgate.gates.core.stamps import Pixels, Stamps
from arcgate.gates.features.fingerprints import fingerprints, unit_sky
from arcgate.gates.features.shared_noise import noise_fields, shared_noise
from arcgate.ground.draws import generator, uniform

Array = NDArray[np.float64]

# Neighbours from which the density of galaxies around each one is learnt; a gate on fewer than twice as many means nothing.
NEIGHBOURS: Final = 16
MIN_HOSTS: Final = 2 * NEIGHBOURS
# Two galaxies are compared when fewer than so many others are expected as near by chance.
NEAR: Final = 0.05
# Standard deviations of shared noise from which two stamps are of one galaxy: 5.0 is the most among 2,300 pairs of different
# galaxies, real and mock, and 12.2 the least among 46 real galaxies and copies that share half of their noise.
SHARED: Final = 7.0
# Share of galaxies of which a copy is made, the most copies that are sought, and the share of them that must be recognised.
COPIED: Final = 0.2
MOST_COPIES: Final = 200
LEAST_RECOGNISED: Final = 0.5
_POWER: Final = 0.95
# How far pieces of one field of noise lie apart at most, pixels.
_FIELD_REACH: Final = 32


_UNIT: Final = "of the galaxies"


@dataclass(frozen=True)
class _Suspects:
    """Two galaxies that share noise: names, splits, and by how many standard deviations."""

    one: str
    other: str
    here: str
    there: str
    shared: float


@dataclass(frozen=True, kw_only=True)
class Duplicates(StatedGate):
    """Keeps a fingerprint of every galaxy among the judged pairs, without its arc."""

    def extract(self, shard: Shard) -> dict[str, Kept]:
        """Fingerprints and noise of the galaxies that are first seen here, and of copies of some of them."""
        classes = [shard.control]
        if not shard.context.facts.paired:
            # The galaxies of positives are others: their null rows show them, or what is left without their arcs.
            bare = shard.null if shard.null is not None else _without_arcs(shard)
            classes += [] if bare is None else [bare]
        parts = [_kept(new, shard.context) for new in _new_in(classes, shard.context) if len(new)]
        return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]} if parts else {}

    def judge(self, arrays: Arrays, context: Context) -> Judgement:
        """The share of galaxies that are suspected to be another one of another split."""
        stated = Statement(self.name, self.view, 0.0, 0.0, "in such a set")
        n = len(arrays["name"]) if arrays else 0
        if n < MIN_HOSTS:
            reason = f"{n} galaxies, {MIN_HOSTS} are needed to know how alike galaxies are"
            return Judgement([not_run(stated, reason)], [], [])
        suspects, recognised = _searched(arrays, context)
        crossing = [pair for pair in suspects if pair.here != pair.there]
        remark = f"; {100 * recognised:.0f} % of copies that share half of their noise, turned and shifted, are recognised"
        if inside := len(suspects) - len(crossing):
            remark += f"; {inside} pairs within a split carry two names, and intervals take them for two galaxies"
        stated = Statement(stated.name, stated.view, 0.0, 0.0, stated.detected_how, remark)
        if not crossing and len(np.unique(arrays["split"])) < 2:
            return Judgement([not_run(stated, "the data set has one split only")], _exhibits(suspects), [])
        share = len({name for pair in crossing for name in (pair.one, pair.other)}) / n
        if crossing:
            first = crossing[0]
            shown = Outcome(
                "leak",
                f"{len(crossing)} pairs of galaxies in different splits share their noise: "
                f"{first.one} ({first.here}) and {first.other} ({first.there})",
            )
        else:
            shown = Outcome("no leak", "no galaxy is seen again in another split")
        # So many galaxies in two splits would show at least one with 95 % power.
        leak = float(np.log(1.0 - _POWER) / np.log(1.0 - min(recognised, 1.0 - 1e-9)) / n) if recognised else 1.0
        least = float(np.log(1.0 - _POWER) / np.log(1.0 - LEAST_RECOGNISED) / n)
        planted = {
            "a second name in another split for": Noticed(recognised >= LEAST_RECOGNISED, min(leak, 1.0), min(least, 1.0), _UNIT)
        }
        evaluated = evaluate(stated, CountStatistic(self.name, self.view, exactly(share, n, n), shown, planted))
        return Judgement([evaluated.result], _exhibits(suspects), list(evaluated.curves))


def _without_arcs(shard: Shard) -> Stamps | None:
    return None if shard.declared is None else shard.positive.without(shard.declared)


def _new_in(classes: list[Stamps], context: Context) -> list[Stamps]:
    """Of each class the first row of every galaxy that no earlier pair, and no earlier class, has shown."""
    known: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
    found = []
    for stamps in classes:
        rows = np.flatnonzero(context.shown_first(stamps.galaxy, stamps.pair) & ~np.isin(stamps.galaxy, known))
        _, first = np.unique(stamps.galaxy[rows], return_index=True)
        found.append(stamps.take(rows[np.sort(first)]))
        known = np.concatenate([known, found[-1].galaxy])
    return found


def _kept(stamps: Stamps, context: Context) -> dict[str, NDArray[Any]]:
    """What is kept of galaxies; a copy is made of those that are drawn for it, and the others have none."""
    split = stamps.table["split"].to_numpy(np.str_) if "split" in stamps.table else np.full(len(stamps), "all")
    unit = unit_sky(stamps)
    # Two stamps that are filled with one value where nothing was measured share that, and no galaxy.
    measured, filled = without_shared(stamps.image)
    image, sky = measured / unit, (stamps.sky / unit).astype(np.float32)
    red = stamps.imaging.bands.index(stamps.imaging.reference_band)
    # In a large set enough are left to choose from.
    copied = min(COPIED, 2.0 * MOST_COPIES / len(context.pairs))
    drawn = uniform(context.settings.seed, "copied", stamps.galaxy) < copied
    prints = fingerprints(image)
    noise = np.where(filled[:, red], np.int8(0), noise_fields(image[:, red], sky[:, red, 0, 0]))
    kept = {"name": stamps.names, "galaxy": stamps.galaxy, "split": split, "print": prints, "noise": noise}
    copied_prints, copied_noise = prints[:0], noise[:0]
    if drawn.any():
        copies = _seen_again(image[drawn], sky[drawn], stamps.galaxy[drawn])
        copied_prints, copied_noise = fingerprints(copies), noise_fields(copies[:, red], np.sqrt(2.0) * sky[drawn, red, 0, 0])
    return kept | {"copied": stamps.galaxy[drawn], "copy": copied_prints, "copied noise": copied_noise}


def _searched(arrays: Arrays, context: Context) -> tuple[list[_Suspects], float]:
    """Suspected pairs, the surest first, and the share of copies that would be suspected."""
    prints, noise, names, splits = (arrays["print"], *(arrays[key] for key in ("noise", "name", "split")))
    search = NearestNeighbors(n_neighbors=NEIGHBOURS + 1, algorithm="brute").fit(prints)
    # The nearest of a galaxy is itself, or an equal one.
    distance, place = search.kneighbors()
    near = np.flatnonzero(by_chance(distance[:, 0], distance[:, 1:]) < NEAR)
    pairs = sorted(
        {(min(one, other), max(one, other)) for one, other in zip(near.tolist(), place[near, 0].tolist(), strict=True)}
    )
    shared = [(shared_noise(noise[one], noise[other]), one, other) for one, other in pairs]
    suspects = [
        _Suspects(str(names[one]), str(names[other]), str(splits[one]), str(splits[other]), value)
        for value, one, other in sorted(shared, reverse=True)
        if value > SHARED
    ]
    return suspects, _recognised(search, arrays, context)


def _recognised(search: NearestNeighbors, arrays: Arrays, context: Context) -> float:
    """The share of copies that would be suspected."""
    prints, galaxy, copied = arrays["print"], arrays["galaxy"], arrays["copied"]
    if not len(copied):
        return 0.0
    order = np.argsort(uniform(context.settings.seed, "sought", copied), kind="stable")[:MOST_COPIES]
    copies, of_copies = arrays["copy"][order], arrays["copied noise"][order]
    row_of = {int(name): row for row, name in enumerate(galaxy)}
    own = np.array([row_of[int(name)] for name in copied[order]])
    distance, place = search.kneighbors(copies)
    others = np.stack([far[near != row][:NEIGHBOURS] for far, near, row in zip(distance, place, own, strict=True)])
    apart = np.sqrt(np.square(copies - prints[own]).sum(axis=1))
    near = by_chance(apart, others) < NEAR
    found = [near[i] and shared_noise(of_copies[i], arrays["noise"][row]) > SHARED for i, row in enumerate(own)]
    return float(np.mean(found))


def _exhibits(suspects: list[_Suspects]) -> list[Exhibit]:
    """The suspected pairs."""
    if not suspects:
        return []
    rows = [[pair.one, pair.here, pair.other, pair.there, f"{pair.shared:.1f}"] for pair in suspects[:20]]
    content = {"columns": ["galaxy", "split", "galaxy", "split", "shared noise (standard deviations)"], "rows": rows}
    caption = f"Pairs of stamps that look alike and whose noise is correlated, by more than {SHARED:g}; at most 20 of them."
    return [Exhibit("duplicates", "Galaxies under two names", caption, "table", content)]


def by_chance(distance: Array, others: Array) -> Array:
    """How many galaxies are expected within a distance of one, from the distances of its other neighbours.

    Parameters
    ----------
    distance : ndarray, shape (n,)
    others : ndarray, shape (n, k)
        Ascending.

    Returns
    -------
    ndarray, shape (n,)
        k (distance / d_k)^m with the local dimension m = (k - 2) / sum(log(d_k / d_j)) of Levina & Bickel (2004, NIPS 17, eq. 8
        with their remark on bias); k where the others all lie at one distance.
    """
    furthest = others[:, -1:]
    with np.errstate(divide="ignore", invalid="ignore"):
        dimension = (others.shape[1] - 2) / np.log(furthest / others[:, :-1]).sum(axis=1)
        expected = others.shape[1] * np.minimum(distance / furthest[:, 0], 1.0) ** dimension
    return np.where(np.isfinite(expected), expected, float(others.shape[1]))


def _seen_again(image: Pixels, noise: Pixels, ids: NDArray[np.int64]) -> Pixels:
    """The galaxies flipped, turned, moved by 1.5 pixels, with as much noise again: as if they shared half of their exposures."""
    bands, size = image.shape[1], image.shape[-1]
    side = size + _FIELD_REACH
    field_of_noise = generator(0, "seen again", 0).standard_normal((bands, side, side)).astype(np.float32)
    start = (uniform(0, "seen again", ids) * _FIELD_REACH**2).astype(np.intp)
    added = np.stack([
        field_of_noise[:, down : down + size, across : across + size]
        for down, across in zip(*np.divmod(start, _FIELD_REACH), strict=True)
    ])  # fmt: skip
    moved = fourier_shift(np.fft.rfft2(image), (0, 0, 1.5, -1.5), n=size)
    turned = np.rot90(np.fft.irfft2(moved, (size, size)).astype(np.float32)[..., ::-1], axes=(2, 3))
    return turned + noise * added


GATE: Final = Duplicates(
    name="duplicates",
    section="splits",
    title="Near-duplicates",
    asks="Does almost the same image occur in two sets?",
    failing="a galaxy is on two sides of a split under two names",
    advice=SPLIT.advice,
    view="table",
    cause=SPLIT,
    compares="each galaxy against every other: fingerprints, then noise",
    plants="copies that share half of their noise, turned and shifted: half of them must be recognised",
)
