"""Some pairs of a data set with all of their rows, and the classes of stamps that gates compare, made when asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, is_dataclass, replace
from functools import cached_property
from typing import Any, Final, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.dataset.shard_reading import StampBatch, whole_pairs
from arcgate.gates.core.context import DIAGNOSED_PAIRS, Context
from arcgate.gates.core.predicted import Predicted, predicted
from arcgate.gates.core.stamps import Pixels, Stamps, alike, light_of_pairs
from arcgate.ground.draws import uniform
from arcgate.ground.read_only import read_only

Found = TypeVar("Found")

# Pairs that are measured at once: their stamps in all classes then take a quarter of a gigabyte.
PAIRS_AT_ONCE: Final = 350


@dataclass(frozen=True, eq=False)
class Shard:
    """Rows of some pairs, and what has been measured on them; arrays are read-only, as those of `Stamps`.

    Attributes
    ----------
    context : Context
    stored : StampBatch
        All rows of these pairs, as stored.
    """

    context: Context
    stored: StampBatch
    _known: dict[tuple[Any, ...], Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Lock the pixels."""
        _locked(self.stored)

    def once(self, measure: Callable[..., Found], *of: Any) -> Found:
        """What `measure(shard, *of)` gives, worked out when it is first asked for: gates share what several of them look at."""
        if (measure, *of) not in self._known:
            self._known[(measure, *of)] = _locked(measure(self, *of))
        found: Found = self._known[(measure, *of)]
        return found

    def normaliser(self, stamps: Stamps) -> tuple[Pixels, Pixels]:
        """Centre and scale (n, band) by which the view normalises stamps: those of the stamps that the network sees."""
        key = ("normaliser", id(stamps.seen))
        if key not in self._known:
            # The stamps are kept beside it, so that no others can come to lie in their place.
            self._known[key] = _locked(self.normaliser_of(stamps.seen, stamps)), stamps.seen
        found: tuple[Pixels, Pixels] = self._known[key][0]
        return found

    def normaliser_of(self, image: Pixels, stamps: Stamps) -> tuple[Pixels, Pixels]:
        """The same, if the network saw this image of them."""
        return self.context.viewer.normaliser(image, stamps.x, stamps.y, np.asarray(stamps.sky[:, :, 0, 0], dtype=np.float32))

    def shown(self, image: Pixels, stamps: Stamps) -> Pixels:
        """The planes (n, channels, y, x) that the view shows of an image of these stamps, nanomaggies per pixel."""
        viewer = self.context.viewer
        control = light_of_pairs(self.control.image, self.control, stamps) if viewer.viewer.needs_control else None
        return viewer.shown(image, stamps.x, stamps.y, control)

    def viewed(self, stamps: Stamps) -> Pixels:
        """Stamps as the view hands them to the network."""
        return self.viewed_as(stamps.image, stamps)

    def viewed_as(self, image: Pixels, stamps: Stamps) -> Pixels:
        """An image of these stamps, normalised by what the network sees of them."""
        return self.context.viewer.apply(self.shown(image, stamps), *self.normaliser(stamps))

    @cached_property
    def broken(self) -> NDArray[np.bool_]:
        """Stored rows whose stamp or arc has a pixel that is NaN or infinite."""
        broken = not_finite(self.stored.image)
        return read_only(broken if self.stored.arc is None else broken | not_finite(self.stored.arc))

    @cached_property
    def finite(self) -> StampBatch:
        """The pairs all of whose rows are finite."""
        return _locked(rows_of(self.stored, whole_pairs(self.stored.table, self.broken)))

    @cached_property
    def flat(self) -> NDArray[np.bool_]:
        """Rows of `finite` that the view cannot scale."""
        x, y = (self.finite.table[name].to_numpy(np.float64) for name in ("host_x_pix", "host_y_pix"))
        return read_only(~self.context.viewer.scalable(self.finite.image, x, y))

    @cached_property
    def judged(self) -> StampBatch:
        """The pairs that gates look at: finite, and such as the view can scale."""
        return _locked(rows_of(self.finite, whole_pairs(self.finite.table, self.flat)))

    @cached_property
    def control(self) -> Stamps:
        """Controls as stored."""
        return self._of_role("control")

    @cached_property
    def positive(self) -> Stamps:
        """Positives as stored."""
        return self._of_role("positive")

    @cached_property
    def null(self) -> Stamps | None:
        """Null rows as stored; a part of the pairs may have one."""
        return self._of_role("null") if self.context.facts.has_null else None

    @cached_property
    def arc(self) -> Pixels | None:
        """Arcs of the positives as stored; on pairs without them, stamp minus control; None where neither is there."""
        if self.judged.arc is not None:
            stored: Pixels = self.judged.arc[np.flatnonzero(self._role == "positive")]
            return read_only(stored)
        if not self.context.facts.paired:
            return None
        place = pd.Index(self.control.pair).get_indexer(pd.Index(self.positive.pair))
        difference: Pixels = self.positive.image - self.control.image[place]
        return read_only(difference)

    @cached_property
    def predicted(self) -> Predicted | None:
        """The arcs that positives declare; None where they declare none."""
        return _locked(predicted(self.positive.table, self.arc, self.context.facts)) if self.context.facts.declared else None

    @property
    def declared(self) -> Pixels | None:
        """Declared arcs of the positives, mask included."""
        return None if self.predicted is None else self.predicted.declared

    @cached_property
    def counterpart(self) -> Stamps:
        """What positives without their arcs are held against: controls, with the photon noise of their pair's declared arc.

        The noise stays when an arc is taken away, and real arcs have it too; where arcs have none, these are the controls.
        """
        return self._with_photons(self.control, 0)

    @cached_property
    def null_pair(self) -> tuple[Stamps, Stamps]:
        """Two classes without arcs between which only chance differs, in which leaks are planted.

        Null rows against controls where null rows are stored; else, on pairs, the controls against themselves, and without pairs
        one half of the controls' galaxies against the other. Where arcs bring photon noise both get as much of it, since null
        rows carry none of their own.
        """
        subject, reference = self._bare_null_pair()
        noisy = self.counterpart if reference is self.control else self._with_photons(reference, 0)
        subject = self._with_photons(subject, 1)
        # An injection without light leaves its galaxy as it was, so that there is nothing new to measure.
        return (noisy if alike(subject, noisy) else subject), noisy

    @cached_property
    def diagnosed(self) -> Shard:
        """About `DIAGNOSED_PAIRS` of all pairs, for diagnostics: what decides nothing is known well enough from fewer.

        What was rendered for all is not rendered again.
        """
        if len(self.context.pairs) <= DIAGNOSED_PAIRS:
            return self
        few = self.context.drawn(self.judged.table["pair_id"].to_numpy(np.int64), DIAGNOSED_PAIRS)
        part = Shard(self.context, rows_of(self.judged, few))
        if self.predicted is not None:
            chosen = self.context.drawn(self.positive.pair, DIAGNOSED_PAIRS)
            kept = replace(self.predicted, declared=self.predicted.declared[chosen], whole=self.predicted.whole[chosen])
            part.__dict__["predicted"] = kept
        part.__dict__["judged"] = part.stored
        return part

    @cached_property
    def _role(self) -> NDArray[np.object_]:
        return self.judged.table["role"].to_numpy()

    def _of_role(self, role: str) -> Stamps:
        rows = np.flatnonzero(self._role == role)
        light = self.judged.image[rows]
        return Stamps(light, light, self.judged.table.iloc[rows].reset_index(drop=True), self.context.facts.imaging)

    def _bare_null_pair(self) -> tuple[Stamps, Stamps]:
        if self.null is not None:
            return self.null, self.control
        if self.context.facts.paired:
            return self.control, self.control
        first = uniform(self.context.settings.seed, "twin", self.control.galaxy) < 0.5
        return self.control.take(first), self.control.take(~first)

    def _with_photons(self, stamps: Stamps, draw: int) -> Stamps:
        """Stamps with the photon noise of their pair's arc, of the first or the second draw."""
        if self.predicted is None or self.predicted.photons is None:
            return stamps
        return stamps.with_light(light_of_pairs(self.predicted.photons[draw], self.positive, stamps))


def _locked(found: Found) -> Found:
    """The same, with the arrays that it consists of read-only."""
    parts = list(vars(found).values()) if is_dataclass(found) else [found]
    for part in parts:
        for each in part if isinstance(part, tuple) else (part,):
            if isinstance(each, np.ndarray):
                read_only(each)
    return found


def shards_of(batch: StampBatch, context: Context) -> Iterator[Shard]:
    """The judged pairs of a stored shard, in pieces of `PAIRS_AT_ONCE` pairs, each with all of its members."""
    batch = rows_of(batch, np.isin(batch.table["pair_id"].to_numpy(np.int64), context.pairs))
    piece = pd.factorize(batch.table["pair_id"])[0] // PAIRS_AT_ONCE
    for number in range(int(piece.max(initial=-1)) + 1):
        yield Shard(context, rows_of(batch, piece == number))


def rows_of(batch: StampBatch, kept: NDArray[np.bool_]) -> StampBatch:
    """The rows that `kept` marks; where members of pairs are neighbours, as in arcgate's own sets, no image is copied."""
    if kept.all():
        return batch
    found = np.flatnonzero(kept)
    together = len(found) > 0 and found[-1] - found[0] + 1 == len(found)
    rows = slice(found[0], found[-1] + 1) if together else found
    table: pd.DataFrame = batch.table.iloc[rows].reset_index(drop=True)
    return replace(batch, table=table, image=batch.image[rows], arc=None if batch.arc is None else batch.arc[rows])


def not_finite(image: Pixels) -> NDArray[np.bool_]:
    """Rows (n,) of stamps (n, band, y, x) with a pixel that is NaN or infinite."""
    # A sum of finite float32 pixels in float64 cannot overflow, and one bad pixel spoils it.
    with np.errstate(invalid="ignore"):
        spoiled: NDArray[np.bool_] = ~np.isfinite(image.sum(axis=(1, 2, 3), dtype=np.float64))
    return spoiled
