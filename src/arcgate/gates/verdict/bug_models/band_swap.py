"""Bands are mistaken for each other."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

from arcgate.gates.verdict.bug_model import BugModel, Explanation, OtherImage
from arcgate.imaging import Imaging


@dataclass(frozen=True)
class BandOrder:
    """One order: its label, which band's arc stands in each band's place, and words."""

    label: str
    order: tuple[int, ...]
    words: str

    @property
    def explanation(self) -> Explanation:
        """Arcs in this order."""
        return Explanation(self.label, self.words, prediction=OtherImage(lambda _, arc: arc[:, list(self.order)]))


@lru_cache
def band_orders(bands: tuple[str, ...]) -> tuple[BandOrder, ...]:
    """Two bands exchanged (neighbours first), all moved by some places, all in reverse; none for one band."""
    n = len(bands)
    pairs = sorted(combinations(range(n), 2), key=lambda pair: pair[1] - pair[0])
    orders = [_exchanged(bands, one, other) for one, other in pairs]
    if n > 2:
        orders += [_moved(bands, places) for places in range(1, n)]
    # The reverse of three bands exchanges the outer two.
    if n > 3:
        orders.append(BandOrder("reverse", tuple(reversed(range(n))), "bands in reverse order"))
    return tuple(orders)


def _exchanged(bands: tuple[str, ...], one: int, other: int) -> BandOrder:
    order = list(range(len(bands)))
    order[one], order[other] = other, one
    return BandOrder(f"swap_{bands[one]}_{bands[other]}", tuple(order), f"bands {bands[one]} and {bands[other]} exchanged")


def _moved(bands: tuple[str, ...], places: int) -> BandOrder:
    order = tuple((place + places) % len(bands) for place in range(len(bands)))
    least = min(places, len(bands) - places)
    how = "one place" if least == 1 else f"{least} places"
    return BandOrder("_".join(["cycle", *[bands[band] for band in order]]), order, f"bands moved by {how}")


def _orders(imaging: Imaging) -> tuple[Explanation, ...]:
    return tuple(order.explanation for order in band_orders(imaging.bands))


MODEL = BugModel(
    "band_swap",
    title="bands are swapped",
    advice="Check the order of the bands between renderer, PSF and stamp.",
    explanations=_orders,
    identifiability={"band_swap": ("identifiable", "identifiable", "identifiable")},
)
