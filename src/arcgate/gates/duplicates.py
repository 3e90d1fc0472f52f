"""Gate on near-duplicates: the same galaxy under two names, on two sides of a split."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from arcgate.dataset.source import Facts
from arcgate.gates.arms import Arms, Pixels, Stamps
from arcgate.gates.exhibit import Exhibit
from arcgate.gates.fingerprints import TYPICAL_SKY, Vectors, fingerprints
from arcgate.gates.result import GateResult, Status
from arcgate.injection.draws import generator, text_ids, uniform
from arcgate.variant import Gates
from arcgate.views.view import Viewer

Array = NDArray[np.float64]

# Neighbours from which the density of galaxies around each one is learnt; a gate on fewer than three times as many means nothing.
NEIGHBOURS: Final = 16
MIN_HOSTS: Final = 3 * NEIGHBOURS
# Pairs are suspected when as many as that are expected by chance over the whole data set.
EXPECTED_BY_CHANCE: Final = 0.01
# Share of galaxies of which a copy with new noise is made, and the share of copies that must be recognised.
COPIED: Final = 0.2
LEAST_RECOGNISED: Final = 0.05
_POWER: Final = 0.95
_FIELD: Final = 96


@dataclass
class Duplicates:
    """Keeps a fingerprint of every galaxy among the chosen pairs, without its arc.

    Two galaxies are suspected when they lie so much nearer to each other than to the next ones that chance would hardly do it
    once in a hundred data sets. Copies of the same pixels are always found; of images of one galaxy with different noise those
    that stand out from other galaxies, by brightness or neighbours. The canary says how many that are.
    """

    viewer: Viewer
    settings: Gates
    facts: Facts
    _names: list[str] = field(default_factory=list)
    _splits: list[str] = field(default_factory=list)
    _prints: list[Vectors] = field(default_factory=list)
    _copied: list[str] = field(default_factory=list)
    _copies: list[Vectors] = field(default_factory=list)
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
        kept = [place for place, name in enumerate(other._copied) if name not in known]
        if kept:
            self._copied += [other._copied[place] for place in kept]
            self._copies.append(np.concatenate(other._copies)[kept])

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
        power = f"{100 * recognised:.0f} % of copies with new noise, turned and shifted by a pixel, are recognised"
        status: Status
        if crossing:
            one, other, here, there, _ = crossing[0]
            status = "failed"
            reason = f"{len(crossing)} pairs of galaxies in different splits look like one: {one} ({here}) and {other} ({there})"
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
        rows = [[one, here, other, there, f"{chance:.1g}"] for one, other, here, there, chance in self._suspects[:20]]
        content = {"columns": ["galaxy", "split", "galaxy", "split", "expected by chance"], "rows": rows}
        caption = "Galaxies that are much nearer to each other than galaxies are, at most 20 pairs."
        return [Exhibit("duplicates", "Galaxies under two names", caption, "table", content)]

    def _take(self, stamps: Stamps) -> None:
        names = stamps.table["host_id"].astype(str)
        self._names += names.tolist()
        known = stamps.table["split"].astype(str) if "split" in stamps.table else pd.Series("all", index=names.index)
        self._splits += known.tolist()
        typical = np.array(TYPICAL_SKY, dtype=np.float32)[:, None, None]
        image = stamps.image / typical
        self._prints.append(fingerprints(image))
        drawn = uniform(self.settings.seed, "copied", text_ids(names.tolist())) < COPIED
        if drawn.any():
            self._copied += names[drawn].tolist()
            noise = (stamps.sky[drawn] / typical).astype(np.float32)
            self._copies.append(fingerprints(_seen_again(image[drawn], noise, text_ids(names[drawn].tolist()))))

    def _searched(self, prints: Array) -> tuple[list[tuple[str, str, str, str, float]], float]:
        """Suspected pairs, and the share of copies that would be suspected."""
        n = len(prints)
        limit = EXPECTED_BY_CHANCE / n
        search = NearestNeighbors(n_neighbors=NEIGHBOURS + 1, algorithm="brute").fit(prints)
        # The nearest of a galaxy is itself, or an equal one.
        distance, place = search.kneighbors()
        chance = by_chance(distance[:, 0], distance[:, 1:])
        pairs: dict[tuple[int, int], float] = {}
        for one in np.flatnonzero(chance < limit):
            pair = (min(int(one), int(place[one, 0])), max(int(one), int(place[one, 0])))
            pairs[pair] = min(pairs.get(pair, np.inf), float(chance[one]))
        suspects = [
            (self._names[one], self._names[other], self._splits[one], self._splits[other], expected * n)
            for (one, other), expected in sorted(pairs.items(), key=lambda item: (item[1], item[0]))
        ]
        if not self._copies:
            return suspects, 0.0
        copies = np.concatenate(self._copies).astype(np.float64)
        row_of = {name: row for row, name in enumerate(self._names)}
        own = np.array([row_of[name] for name in self._copied])
        distance, place = search.kneighbors(copies)
        others = np.stack([far[near != row][:NEIGHBOURS] for far, near, row in zip(distance, place, own, strict=True)])
        apart = np.sqrt(np.square(copies - prints[own]).sum(axis=1))
        return suspects, float(np.mean(by_chance(apart, others) < limit))


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
    """The galaxies flipped, turned, moved by a pixel in x and y, with noise as if both images had their own."""
    field_of_noise = generator(0, "seen again", 0).standard_normal((3, _FIELD, _FIELD)).astype(np.float32)
    size = image.shape[-1]
    start = (uniform(0, "seen again", ids) * (_FIELD - size) ** 2).astype(np.intp)
    added = np.stack([
        field_of_noise[:, down : down + size, across : across + size]
        for down, across in zip(*np.divmod(start, _FIELD - size), strict=True)
    ])  # fmt: skip
    turned = np.rot90(image[..., ::-1], axes=(2, 3))
    return np.roll(turned, (1, -1), axis=(2, 3)) + np.float32(np.sqrt(2.0)) * noise * added


def _result(share: float | None, leak: float | None, n: int, status: Status, reason: str) -> GateResult:
    unit = "of the galaxies once more in another split"
    return GateResult(
        "duplicates", "table", "overall", "gate", share, share, share, 0.0, leak, n, n, status, reason, null=0.0, leak_unit=unit
    )
