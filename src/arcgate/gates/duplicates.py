"""Gate on near-duplicates: the same galaxy under two names, on two sides of a split."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.ndimage import fourier_shift
from sklearn.neighbors import NearestNeighbors

from arcgate.dataset.missing import without_shared
from arcgate.dataset.source import Facts
from arcgate.gates.arms import Arms, Pixels, Stamps
from arcgate.gates.exhibit import Exhibit
from arcgate.gates.fingerprints import Vectors, fingerprints, unit_sky
from arcgate.gates.result import GateResult, Status
from arcgate.gates.shared_noise import Steps, noise_fields, shared_noise
from arcgate.ground.draws import generator, text_ids, uniform
from arcgate.variant import Gates
from arcgate.views.view import Viewer

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


@dataclass
class Duplicates:
    """Keeps a fingerprint of every galaxy among the chosen pairs, without its arc.

    Galaxies that look alike are compared by the noise beside them (`shared_noise`). That two of them look alike happens: in one
    of five sets of 1,000 mock galaxies some pair is nearer than chance should make it in one of a hundred. That they share noise
    does not. Copies of the same pixels and cutouts of the same exposures are found, and the canary says how many; a galaxy that
    was taken twice, with all new noise, is known by its position only (`split_integrity`).
    """

    viewer: Viewer
    settings: Gates
    facts: Facts
    _names: list[str] = field(default_factory=list)
    _splits: list[str] = field(default_factory=list)
    _prints: list[Vectors] = field(default_factory=list)
    _copied: list[str] = field(default_factory=list)
    _copies: list[Vectors] = field(default_factory=list)
    _noise: list[Steps] = field(default_factory=list)
    _copied_noise: list[Steps] = field(default_factory=list)
    _suspects: list[tuple[str, str, str, str, float]] = field(default_factory=list)

    def add(self, arms: Arms) -> None:
        """Take the fingerprints of controls, and of the positives' galaxies where they are others."""
        arm = [arms.control]
        if not self.facts.paired:
            arm += [stamps for stamps in (arms.null if arms.null is not None else arms.residual,) if stamps is not None]
        known = set(self._names)
        for stamps in arm:
            names = stamps.table["host_id"].astype(str).to_numpy()
            _, first = np.unique(names, return_index=True)
            new = np.array([place for place in first if names[place] not in known], dtype=np.intp)
            if not len(new):
                continue
            known.update(names[new])
            self._take(stamps.take(new))

    def merge(self, other: Self) -> None:
        """Append galaxies that are new in a later shard."""
        known = set(self._names)
        new = np.array([name not in known for name in other._names], dtype=bool)
        if not new.any():
            return
        self._names += [name for name, fresh in zip(other._names, new, strict=True) if fresh]
        self._splits += [split for split, fresh in zip(other._splits, new, strict=True) if fresh]
        self._prints.append(np.concatenate(other._prints)[new])
        self._noise.append(np.concatenate(other._noise)[new])
        kept = [place for place, name in enumerate(other._copied) if name not in known]
        if kept:
            self._copied += [other._copied[place] for place in kept]
            self._copies.append(np.concatenate(other._copies)[kept])
            self._copied_noise.append(np.concatenate(other._copied_noise)[kept])

    def judge(self) -> list[GateResult]:
        """The share of galaxies that are suspected to be another one of another split."""
        n = len(self._names)
        if n < MIN_HOSTS:
            return [_result(None, None, n, "not_run", f"{n} galaxies, {MIN_HOSTS} are needed to know how alike galaxies are")]
        prints = np.concatenate(self._prints).astype(np.float64)
        self._suspects, recognised = self._searched(prints)
        crossing = [pair for pair in self._suspects if pair[2] != pair[3]]
        share = len({name for pair in crossing for name in pair[:2]}) / n
        inside = len(self._suspects) - len(crossing)
        power = f"{100 * recognised:.0f} % of copies that share half of their noise, turned and shifted, are recognised"
        status: Status
        if crossing:
            one, other, here, there, _ = crossing[0]
            status = "failed"
            reason = (
                f"{len(crossing)} pairs of galaxies in different splits share their noise: {one} ({here}) and {other} ({there})"
            )
        elif len(set(self._splits)) < 2:
            status, reason = "not_run", "the data set has one split only"
        elif recognised < LEAST_RECOGNISED:
            status, reason = "blind", "these galaxies are too much alike to be recognised"
        else:
            status, reason = "passed", "no galaxy is seen again in another split"
        reason += f"; {power}"
        if inside:
            reason += f"; {inside} pairs within a split carry two names, and intervals take them for two galaxies"
        # So many galaxies in two splits would show at least one with 95 % power.
        leak = np.log(1.0 - _POWER) / np.log(1.0 - min(recognised, 1.0 - 1e-9)) / n if recognised else None
        return [_result(share, None if leak is None else float(min(leak, 1.0)), n, status, reason)]

    def exhibits(self) -> list[Exhibit]:
        """The suspected pairs, the surest first."""
        if not self._suspects:
            return []
        rows = [[one, here, other, there, f"{shared:.1f}"] for one, other, here, there, shared in self._suspects[:20]]
        content = {"columns": ["galaxy", "split", "galaxy", "split", "shared noise (standard deviations)"], "rows": rows}
        caption = f"Pairs of stamps that look alike and whose noise is correlated, by more than {SHARED:g}; at most 20 of them."
        return [Exhibit("duplicates", "Galaxies under two names", caption, "table", content)]

    def _take(self, stamps: Stamps) -> None:
        names = stamps.table["host_id"].astype(str)
        self._names += names.tolist()
        known = stamps.table["split"].astype(str) if "split" in stamps.table else pd.Series("all", index=names.index)
        self._splits += known.tolist()
        unit = unit_sky(stamps)
        # Two stamps that are filled with one value where nothing was measured share that, and no galaxy.
        measured, filled = without_shared(stamps.image)
        image, sky = measured / unit, (stamps.sky / unit).astype(np.float32)
        red = stamps.imaging.bands.index(stamps.imaging.reference_band)
        self._prints.append(fingerprints(image))
        self._noise.append(np.where(filled[:, red], np.int8(0), noise_fields(image[:, red], sky[:, red, 0, 0])))
        # In a large set enough are left to choose from.
        copied = min(COPIED, 2.0 * MOST_COPIES / self.settings.max_pairs)
        drawn = uniform(self.settings.seed, "copied", text_ids(names.tolist())) < copied
        if drawn.any():
            self._copied += names[drawn].tolist()
            copies = _seen_again(image[drawn], sky[drawn], text_ids(names[drawn].tolist()))
            self._copies.append(fingerprints(copies))
            self._copied_noise.append(noise_fields(copies[:, red], np.sqrt(2.0) * sky[drawn, red, 0, 0]))

    def _searched(self, prints: Array) -> tuple[list[tuple[str, str, str, str, float]], float]:
        """Suspected pairs, and the share of copies that would be suspected."""
        noise = np.concatenate(self._noise)
        search = NearestNeighbors(n_neighbors=NEIGHBOURS + 1, algorithm="brute").fit(prints)
        # The nearest of a galaxy is itself, or an equal one.
        distance, place = search.kneighbors()
        near = np.flatnonzero(by_chance(distance[:, 0], distance[:, 1:]) < NEAR)
        pairs = sorted(
            {(min(one, other), max(one, other)) for one, other in zip(near.tolist(), place[near, 0].tolist(), strict=True)}
        )
        shared = [(shared_noise(noise[one], noise[other]), one, other) for one, other in pairs]
        suspects = [
            (self._names[one], self._names[other], self._splits[one], self._splits[other], value)
            for value, one, other in sorted(shared, reverse=True)
            if value > SHARED
        ]
        return suspects, self._recognised(search, prints, noise)

    def _recognised(self, search: NearestNeighbors, prints: Array, noise: Steps) -> float:
        """The share of copies that would be suspected."""
        if not self._copies:
            return 0.0
        order = np.argsort(uniform(self.settings.seed, "sought", text_ids(self._copied)), kind="stable")[:MOST_COPIES]
        copies, of_copies = np.concatenate(self._copies)[order].astype(np.float64), np.concatenate(self._copied_noise)[order]
        row_of = {name: row for row, name in enumerate(self._names)}
        own = np.array([row_of[self._copied[place]] for place in order])
        distance, place = search.kneighbors(copies)
        others = np.stack([far[near != row][:NEIGHBOURS] for far, near, row in zip(distance, place, own, strict=True)])
        apart = np.sqrt(np.square(copies - prints[own]).sum(axis=1))
        near = by_chance(apart, others) < NEAR
        found = [near[i] and shared_noise(of_copies[i], noise[row]) > SHARED for i, row in enumerate(own)]
        return float(np.mean(found))


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


def _result(share: float | None, leak: float | None, n: int, status: Status, reason: str) -> GateResult:
    unit = "of the galaxies once more in another split"
    return GateResult(
        "duplicates", "table", "overall", "gate", share, share, share, 0.0, leak, n, n, status, reason, null=0.0, leak_unit=unit
    )
