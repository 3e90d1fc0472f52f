"""Leaks of a known size, planted in the null pair: a gate that does not detect them is insensitive. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from string import Formatter
from typing import Any, ClassVar, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from arcgate.gates.core.comparisons import Compared
from arcgate.gates.core.shard import Shard
from arcgate.gates.core.stamps import Stamps
from arcgate.gates.features.regions import Regions
from arcgate.ground.errors import ArcgateError
from arcgate.variant import Gates
from arcgate.views.planes import Symmetry

Features = NDArray[Any]
Measure = Callable[[Shard, Stamps], Features]

SKY: Final = "sky sigma a pixel"


def features_of(measure: Measure, shard: Shard, stamps: Stamps) -> Features:
    """What a gate measures of stamps.

    Raises
    ------
    ArcgateError
        It is no array of real numbers with a row a stamp.
    """
    found: object = measure(shard, stamps)
    if isinstance(found, np.ndarray) and found.dtype.kind in "fiub" and found.ndim > 1 and len(found) == len(stamps):
        return found
    what = f"an array of {found.dtype} of shape {found.shape}" if isinstance(found, np.ndarray) else type(found).__name__
    raise ArcgateError(
        f"the features of {len(stamps)} stamps are {what}, no array of real numbers with a row a stamp",
        where=name_of(measure),
        todo=f"let it return a numpy array of floats of shape ({len(stamps)}, columns) or more axes",
    )


def name_of(function: Callable[..., object]) -> str:
    """Module and name of a function, or of the kind of object that is called like one."""
    named = function if hasattr(function, "__qualname__") else type(function)
    return f"{named.__module__}.{named.__qualname__}"


class Leak(Protocol):
    """What an AUC gate asks of a planted leak."""

    @property
    def unit(self) -> str:
        """That follows a size; `%` for sizes that are shares."""
        ...

    @property
    def in_null_pair(self) -> bool:
        """Whether it is planted in stamps of the null pair; else beside the pixels."""
        ...

    @property
    def symmetry(self) -> Symmetry | None:
        """Of its light about the galaxy's centre, which some inputs do not show."""
        ...

    def named(self, regions: Regions) -> str:
        """As a reader knows it, on stamps with these regions."""
        ...

    def sizes_for(self, settings: Gates) -> tuple[float, ...]:
        """The sizes at which it is planted, ascending."""
        ...

    def required_for(self, settings: Gates) -> float:
        """The size that must be detected."""
        ...

    def extract(self, shard: Shard, compared: Compared, measure: Measure, settings: Gates) -> dict[str, Features]:
        """What is kept of a shard so that the leak can be planted when all rows are at hand."""
        ...

    def planted(self, kept: Mapping[str, Features], bare: Features, size: float) -> Features:
        """Features of the null pair's subject with the leak in it, from what was kept and from its `bare` features."""
        ...


@dataclass(frozen=True)
class Sized:
    """Sizes of a planted leak.

    Attributes
    ----------
    name, unit : str
        As a reader knows them; `{regions...}` in the name stands for where gates look, and the unit follows a size.
    sizes : tuple of float or None
        Ascending; None for those of the settings, in sky sigma.
    required : float or None
        A gate that detects only larger leaks than this is insensitive, since what it lets pass would be no small leak; None for
        the largest of the sizes.
    symmetry : {'round', 'even'} or None
        Of its light about the galaxy's centre: an input that removes such light does not show it.
    """

    name: str
    unit: str
    sizes: tuple[float, ...] | None = None
    required: float | None = None
    symmetry: Symmetry | None = field(default=None, kw_only=True)
    in_null_pair: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Refuse sizes in another order, since the largest stands last, and a name that `named` could not fill in."""
        if {field.partition(".")[0] for _, field, _, _ in Formatter().parse(self.name) if field is not None} - {"regions"}:
            raise ValueError(f"the name of a planted leak holds no braces but {{regions...}}, got {self.name!r}")
        if self.sizes is not None and any(second <= first for first, second in pairwise(self.sizes)):
            raise ValueError(f"sizes of a planted leak must ascend, got {list(self.sizes)}")

    def named(self, regions: Regions) -> str:
        """See `Leak`."""
        return self.name.format(regions=regions)

    def sizes_for(self, settings: Gates) -> tuple[float, ...]:
        """See `Leak`."""
        return self.sizes or settings.leak_sizes_sky_sigma

    def required_for(self, settings: Gates) -> float:
        """See `Leak`: at most the largest that is planted."""
        largest = self.sizes_for(settings)[-1]
        return largest if self.required is None else min(self.required, largest)


@dataclass(frozen=True, kw_only=True)
class PlantedLeak(Sized):
    """A leak that is planted in stamps, which are then measured anew at each size: right for features of any kind.

    Attributes
    ----------
    plant : callable
        Stamps with the leak of a size in them.
    """

    plant: Callable[[Stamps, float], Stamps]

    def extract(self, shard: Shard, compared: Compared, measure: Measure, settings: Gates) -> dict[str, Features]:
        """Features at every size."""
        return {
            f"{size:g}": features_of(measure, shard, self._planted_in(compared.null_subject, size))
            for size in self.sizes_for(settings)
        }

    def _planted_in(self, stamps: Stamps, size: float) -> Stamps:
        found: object = self.plant(stamps, size)
        if not isinstance(found, Stamps) or len(found) != len(stamps):
            raise ArcgateError(
                f"{name_of(self.plant)} gives no stamps with a leak in them, one for each that it was given",
                where=f"planted leak {self.name!r}",
                todo="let it return what stamps.with_light(light) or stamps.without(light) gives",
            )
        return found

    def planted(self, kept: Mapping[str, Features], bare: Features, size: float) -> Features:
        """Features as they were measured."""
        return kept[f"{size:g}"]


@dataclass(frozen=True, kw_only=True)
class ColumnShift(Sized):
    """One column of features (n, k) shifted by a share of its spread.

    Attributes
    ----------
    column : int
    spread : float
        Its standard deviation.
    """

    in_null_pair: ClassVar[bool] = False

    column: int
    spread: float

    def extract(self, shard: Shard, compared: Compared, measure: Measure, settings: Gates) -> dict[str, Features]:
        """Nothing: the features say it all."""
        return {}

    def planted(self, kept: Mapping[str, Features], bare: Features, size: float) -> Features:
        """Features with the column shifted."""
        shifted = bare.copy()
        shifted[:, self.column] += size * self.spread
        return shifted
