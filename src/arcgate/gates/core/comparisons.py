"""The comparisons that gates judge: a class of stamps against a reference, each with a null pair in which leaks are planted.

Each is named and made from a shard. A gate that compares something else states its own `Comparison` in its module.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from arcgate.dataset.source import Facts
from arcgate.gates.core.shard import Shard
from arcgate.gates.core.stamps import Pixels, Stamps, light_of_pairs, near

# With their light gone inside a quarter of half the stamp (8 px of 64), half a pixel beyond the outermost ring of the core, arcs
# can change the core only through the normaliser.
BEYOND_CORE: Final = 8 / 32
# Where the profile is taken away, or the stamp turned, light comes up to two pixels nearer.
BEYOND_RESIDUAL_CORE: Final = 11 / 32
NO_NULL_ROWS: Final = "there are no null rows (the injection with flux 0): build the set with data.null_rows"
UNDECLARED: Final = (
    "lens, source and PSF of the rows are not declared, so that their arcs cannot be predicted: give their columns"
)
_NOTHING_STORED: Final = (
    "neither arcs nor their galaxies are stored, so that what a mask took away cannot be seen: store the arcs"
)
_NOT_TAKEN_AWAY: Final = (
    "arcs are neither stored nor declared, and controls are other galaxies, so that arcs cannot be taken away: store them"
)


@dataclass(frozen=True, eq=False)
class Compared:
    """The stamps of a comparison in one shard.

    Attributes
    ----------
    subject, reference : Stamps
        Class 1 and class 0.
    null_subject, null_reference : Stamps
        Two classes between which only chance differs: leaks are planted in the former.
    """

    subject: Stamps
    reference: Stamps
    null_subject: Stamps
    null_reference: Stamps

    def sides(self) -> Iterator[tuple[str, Stamps]]:
        """Each class with its name."""
        for name in ("subject", "reference", "null_subject", "null_reference"):
            yield name, getattr(self, name)


@dataclass(frozen=True)
class Comparison:
    """A comparison by its name.

    Attributes
    ----------
    name, words : str
        The latter says what is held against what.
    missing : callable
        Why a data set cannot feed it, and what would let it; empty if it can.
    made : callable
        Its stamps in a shard.
    optional : bool
        Whether a data set that cannot feed it may be called safe, since something else stands in for it.
    """

    name: str
    words: str
    missing: Callable[[Facts], str]
    made: Callable[[Shard], Compared]
    optional: bool = False

    def of(self, shard: Shard) -> Compared:
        """Its stamps, made once a shard."""
        return shard.once(_made, self.name, self.made)


def _made(shard: Shard, name: str, made: Callable[[Shard], Compared]) -> Compared:
    return made(shard)


def without(shard: Shard, light: Pixels | None) -> Compared:
    """Positives without some light against the controls of their pairs."""
    assert light is not None  # `missing` asked
    return against(shard, shard.positive.without(light), shard.counterpart)


def against(shard: Shard, subject: Stamps, reference: Stamps) -> Compared:
    """A class against those rows of a reference whose pairs are in it."""
    return Compared(subject, reference.take(np.isin(reference.pair, subject.pair)), *shard.null_pair)


def beyond_core(shard: Shard) -> Compared:
    """Controls that are given the arc of their pair, but for its light near the centre, against controls.

    It is added pixel by pixel to the control, and it is the declared arc where there is one, so that what else a bug adds is not
    there. The controls themselves are the null pair.
    """
    controls = shard.counterpart
    light = shard.arc if shard.declared is None else shard.declared
    assert light is not None  # `missing` asked
    held = controls.take(np.isin(controls.pair, shard.positive.pair))
    arcs = light_of_pairs(light, shard.positive, held)
    mixed = any(plane.removes for plane in shard.context.viewer.viewer.planes)
    reach = (BEYOND_RESIDUAL_CORE if mixed else BEYOND_CORE) * held.imaging.size_pix / 2
    rows, columns, radius = near(held, reach)
    arcs[:, :, rows, columns] *= (radius >= reach)[:, None]
    return replace(against(shard, held.with_light(arcs), controls), null_subject=controls, null_reference=controls)


def _null(shard: Shard) -> Compared:
    return Compared(*shard.null_pair, *shard.null_pair)


HOSTS: Final = Comparison(
    "hosts", "null rows against controls", lambda facts: "" if facts.has_null else NO_NULL_ROWS, _null, optional=True
)
WITHOUT_ARC: Final = Comparison(
    "without_arc",
    "positives without their declared arcs against controls",
    lambda facts: "" if facts.declared else UNDECLARED,
    lambda shard: without(shard, shard.declared),
)
WITHOUT_WHOLE_ARC: Final = Comparison(
    "without_whole_arc",
    "positives without their whole arcs, the mask ignored, against controls",
    lambda facts: _NOTHING_STORED if not (facts.has_arc or facts.paired) else "" if facts.declared else UNDECLARED,
    lambda shard: without(shard, None if shard.predicted is None else shard.predicted.whole),
)
BEYOND_THE_CORE: Final = Comparison(
    "arc_beyond_core",
    "controls with an arc outside the core against controls",
    lambda facts: "" if facts.declared or facts.has_arc or facts.paired else _NOT_TAKEN_AWAY,
    beyond_core,
)
AS_STORED: Final = Comparison(
    "as_stored",
    "positives as stored against controls",
    lambda facts: "",
    lambda shard: against(shard, shard.positive, shard.counterpart),
)
