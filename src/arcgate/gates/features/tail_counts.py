"""From the features of two classes to tails: what lies beyond, how likely that is, and which leaks would be seen. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from arcgate.gates.core.counting import Beyond, Sizes, beyond, share_detected
from arcgate.gates.features.extremes import LEVELS, LINES, NAMES, ONE_SIDED, PIXELS, STORED, Floats, Traits, where
from arcgate.ground.statistics import holm

Side = Literal["high", "low"]

# Family-wise probability that chance makes any tail of a sound data set count (Holm 1979), as for gates that are AUCs.
ALARM: Final = 0.01

# Planted in a few galaxies each, as large as in the faults that were met.
PIXEL_SKY_SIGMA: Final = 20.0
PEDESTAL_SKY_SIGMA: Final = 3.0
LEAKS: Final = {
    "pixel": f"a pixel brighter or darker by {PIXEL_SKY_SIGMA:g} sky sigma",
    "pedestal": f"a pedestal of {PEDESTAL_SKY_SIGMA:g} sky sigma",
}
_NAMED: Final = 5
_OUTWARDS: Final = {"brightest": "high", "darkest": "low"}
# Tails with this share of the most galaxies are taken to show the same leak.
_ALIKE: Final = 0.8
# Less likely than this, a tail is worth a look at its pairs even where nothing is shown.
_NOTEWORTHY: Final = 1e-3


@dataclass(frozen=True)
class Tail:
    """One feature of one band on one side.

    Attributes
    ----------
    feature, band, side : str
    galaxies : int
        Galaxies of positives beyond every control of another galaxy.
    chance : float
        Probability of so many, if the classes are exchangeable.
    rows : tuple of int
        Rows of positives that lie beyond, those at `place` first.
    place : str
        Where most of them do, in words; empty for features that have no place.
    at_place : int
        How many of the rows do there.
    """

    feature: str
    band: str
    side: Side
    galaxies: int
    chance: float
    rows: tuple[int, ...]
    place: str
    at_place: int

    @property
    def name(self) -> str:
        """Feature, band and side in words."""
        return f"{self.feature} in {self.band}, {self.side} side"

    @property
    def obscurity(self) -> int:
        """How little it says of what was done to the stamps: a place 0, a level 1; an extreme that is not extreme enough 2.

        A pedestal, for one, makes the brightest pixel stand out less, since there is more light around it.
        """
        if self.feature not in (*PIXELS, *LINES):
            return 1
        return 0 if self.side == _OUTWARDS[self.feature.split()[0]] else 2


@dataclass(frozen=True)
class Found:
    """All tails of a comparison.

    Attributes
    ----------
    tails : tuple of Tail
    sizes : Sizes
        Galaxies and rows of both classes.
    pairs : ndarray of int
        Pair of each row of the positives.
    hosts : ndarray of str
        Galaxy of each row of the positives.
    n, n_groups : int
        Rows and galaxies of both classes.
    """

    tails: tuple[Tail, ...]
    sizes: Sizes
    pairs: NDArray[np.int64]
    hosts: NDArray[np.str_]
    n: int
    n_groups: int

    @property
    def worst(self) -> Tail:
        """The tail with most galaxies; of several the least likely one."""
        return max(self.tails, key=lambda tail: (tail.galaxies, -tail.chance))


def found_in(ones: Traits, zeros: Traits, with_stored: bool) -> Found:
    """Look at every feature, band and side.

    Parameters
    ----------
    ones, zeros : Traits
        Positives and controls; controls of at least two galaxies.
    with_stored : bool
        Whether the features of stored values are looked at.
    """
    names, code = np.unique(np.concatenate([ones.hosts, zeros.hosts]), return_inverse=True)
    of_ones, of_zeros = code[: len(ones.hosts)], code[len(ones.hosts) :]
    sizes = Sizes.of(of_ones, of_zeros)
    features = NAMES if with_stored else NAMES[: -len(STORED)]
    tails: list[Tail] = []
    sides: tuple[tuple[Side, int], ...] = (("high", 1), ("low", -1))
    for side, sign in sides:
        one, zero = (np.float32(sign) * found.values[:, :, : len(features)] for found in (ones, zeros))
        for band, name in enumerate(ones.imaging.bands):
            counted = beyond(one[:, band], of_ones, zero[:, band], of_zeros)
            over = counted.rows(one[:, band], of_ones)
            for column, feature in enumerate(features):
                if side == "high" or feature not in ONE_SIDED:
                    rows, place, at_place = _placed(ones, np.flatnonzero(over[:, column]), band, column)
                    chance = sizes.chance(int(counted.surprising[column]))
                    tails.append(Tail(feature, name, side, int(counted.galaxies[column]), chance, rows, place, at_place))
    return Found(tuple(tails), sizes, ones.pairs, ones.hosts, len(code), len(names))


def rejected(tails: Sequence[Tail]) -> list[bool]:
    """Which tails chance does not account for, of all that are looked at together."""
    return [bool(each) for each in holm(np.array([tail.chance for tail in tails]), ALARM)]


def seen_shares(bare: Traits, control: Traits, planted: Floats) -> dict[str, tuple[float, ...]]:
    """The share of the galaxies of the null pair that each of `LEAKS` sets apart, band by band.

    Of a pixel on the side that sees it least, of a pedestal in the feature that sees it best. One odd control hides its own
    band, so that what is detected in another says nothing of it.

    Parameters
    ----------
    bare, control : Traits
        The null pair.
    planted : ndarray, float32 (n, band, 2)
        As `planted_pixel` makes it, of the rows of `bare`.
    """
    code = np.unique(np.concatenate([bare.hosts, control.hosts]), return_inverse=True)[1]
    of_bare, of_control = code[: len(bare.hosts)], code[len(bare.hosts) :]

    def seen(columns: list[int], sign: int, light: Floats) -> list[float]:
        ones, zeros = np.float32(sign) * light, np.float32(sign) * control.values[:, :, columns]
        bands = range(light.shape[1])
        return [float(_over(ones[:, band], of_bare, zeros[:, band], of_control).mean(axis=0).max()) for band in bands]

    sides = []
    for name, sign in zip(PIXELS, (1, -1), strict=True):
        column = [NAMES.index(name)]
        pixel = np.float32(sign) * (planted[:, :, :1] + np.float32(sign * PIXEL_SKY_SIGMA) * planted[:, :, 1:])
        sides.append(seen(column, sign, np.float32(sign) * np.maximum(np.float32(sign) * bare.values[:, :, column], pixel)))
    levels = [NAMES.index(level) for level in LEVELS]
    pedestal = seen(levels, 1, bare.values[:, :, levels] + np.float32(PEDESTAL_SKY_SIGMA))
    return {"pixel": tuple(map(min, zip(*sides, strict=True))), "pedestal": tuple(pedestal)}


def _over(ones: Floats, of_ones: NDArray[np.int64], zeros: Floats, of_zeros: NDArray[np.int64]) -> NDArray[np.bool_]:
    counted: Beyond = beyond(ones, of_ones, zeros, of_zeros)
    return counted.rows(ones, of_ones)


Detected = dict[str, tuple[float | None, ...]]


def detected_shares(seen: dict[str, tuple[float, ...]], found: Found, tests: int) -> tuple[int | None, Detected]:
    """How many galaxies fail the gate, and the smallest share of leaking galaxies that does so in 9 of 10 such data sets.

    Parameters
    ----------
    seen : dict
        As `seen_shares` gives it.
    found : Found
        The comparison that is judged.
    tests : int
        Tails that are looked at together: the first step of Holm's procedure.

    Returns
    -------
    needed : int or None
    detected : dict of str to tuple
        Leak by leak a share a band; None where no share is detected.
    """
    needed = found.sizes.needed(ALARM / tests)
    if needed is None:
        return None, {leak: (None,) * len(shares) for leak, shares in seen.items()}
    galaxies = found.sizes.positives
    return needed, {leak: tuple(share_detected(share, needed, galaxies) for share in shares) for leak, shares in seen.items()}


def best_of(shares: tuple[float | None, ...]) -> float | None:
    """The smallest share that is detected in any band."""
    return min((share for share in shares if share is not None), default=None)


def by_band(shares: tuple[float | None, ...], bands: Sequence[str]) -> str:
    """The share that is detected in each band, in words."""
    shown = [
        f"{'no share' if share is None else f'{100 * share:.2g} %'} in {band}" for band, share in zip(bands, shares, strict=True)
    ]
    return f"({', '.join(shown)})"


def most_telling(tails: Sequence[Tail]) -> Tail:
    """Of tails that chance does not account for, the one that says most of the stamps with most galaxies."""
    most = max(tail.galaxies for tail in tails)
    return min(
        (tail for tail in tails if tail.galaxies >= _ALIKE * most),
        key=lambda tail: (tail.obscurity, tail.chance, -tail.galaxies),
    )


def in_words(tail: Tail, found: Found) -> str:
    """A tail with the count of its galaxies; a noteworthy one with its place and some of its pairs."""
    counted = f"{tail.name}: {tail.galaxies} of {found.sizes.positives} galaxies lie beyond the most extreme control"
    if tail.chance > _NOTEWORTHY:
        return counted
    named = dict.fromkeys(f"{found.pairs[row]} ({found.hosts[row]})" for row in tail.rows)
    some = ", ".join(list(named)[:_NAMED]) + (" ..." if len(named) > _NAMED else "")
    at = f", {tail.at_place} of {len(tail.rows)} rows at {tail.place}" if tail.place else ""
    return f"{counted} (p = {tail.chance:.2g}){at}; pairs (galaxies) {some}"


def table_rows(name: str, found: Found, most: float, count: int) -> list[list[Any]]:
    """The tails with most galaxies, as rows of a table."""
    ordered = sorted(found.tails, key=lambda tail: (-tail.galaxies, tail.chance))[:count]
    galaxies = found.sizes.positives
    return [
        [name, f"{tail.feature}, {tail.band}", tail.side, tail.galaxies, tail.galaxies / galaxies, most, tail.chance, tail.place]
        for tail in ordered
    ]


def _placed(ones: Traits, rows: NDArray[np.intp], band: int, column: int) -> tuple[tuple[int, ...], str, int]:
    """Some rows, those first that have their extreme where most have it; that place in words, and how many they are."""
    if column >= ones.places.shape[2] or not len(rows):
        return tuple(rows.tolist()), "", 0
    found = ones.places[rows, band, column]
    places, counts = np.unique(found, return_counts=True)
    most = places[counts.argmax()]
    first = rows[np.argsort(found != most, kind="stable")]
    return tuple(first.tolist()), where(NAMES[column], int(most), ones.imaging.size_pix), int(counts.max())
