"""The cuts of a selection: each a few numbers, the columns that it needs, its words for the cut flow, a pure function of rows.

A selection is an ordered list of them in a file of `conf/parents/`, by names of the user's own.
"""

from __future__ import annotations

from dataclasses import field
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from arcgate.settings import STRICT
from arcgate.survey.catalogue.rows import Rows

Passed = NDArray[np.bool_]
Name = Annotated[str, Field(pattern=r"^[A-Z0-9_]+$")]
Names = Annotated[tuple[Name, ...], Field(min_length=1)]
Band = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9]*$")]


@dataclass(config=STRICT, frozen=True)
class Bounds:
    """A range of numbers; a value that is not finite lies in none.

    Attributes
    ----------
    above, below : float or None
        The value is larger, or smaller, than this.
    at_least, at_most : float or None
        It may also equal this.
    """

    above: float | None = None
    at_least: float | None = None
    below: float | None = None
    at_most: float | None = None

    @model_validator(mode="after")
    def _bounds(self) -> Bounds:
        given = [self.above, self.at_least, self.below, self.at_most]
        if all(one is None for one in given):
            raise ValueError("give at least one of above, at_least, below, at_most")
        low = max((one for one in given[:2] if one is not None), default=-np.inf)
        high = min((one for one in given[2:] if one is not None), default=np.inf)
        if low > high:
            raise ValueError(f"nothing lies both above {low:g} and below {high:g}")
        return self

    def holds(self, values: NDArray[np.generic]) -> Passed:
        """Whether each value lies in the range."""
        passed = np.isfinite(values)
        for bound, compare in (
            (self.above, np.greater),
            (self.at_least, np.greater_equal),
            (self.below, np.less),
            (self.at_most, np.less_equal),
        ):
            if bound is not None:
                passed &= compare(values, bound)
        return np.asarray(passed, dtype=bool)

    def around(self, what: str) -> str:
        """The range in words: `17 < r < 21`, `NOBS_G >= 1`."""
        low = [f"{self.above:g} < "] if self.above is not None else []
        low += [f"{self.at_least:g} <= "] if self.at_least is not None else []
        high = [f" < {self.below:g}"] if self.below is not None else []
        high += [f" <= {self.at_most:g}"] if self.at_most is not None else []
        if low and not high:
            return what + "".join(f" {'>=' if '=' in one else '>'} {one.split()[0]}" for one in low)
        return "".join([*low, what, *high])


@dataclass(config=STRICT, frozen=True)
class Values(Bounds):
    """Every one of some columns lies in a range: `NOBS_G >= 1`, `DEC < 32`.

    Attributes
    ----------
    columns : tuple of str
        As the survey names them.
    if_present : bool
        Whether the cut is left out for files that lack one of them, which the cut flow then says.
    """

    kind: Literal["values"] = field(kw_only=True)
    columns: Names = field(kw_only=True)
    if_present: bool = False

    def needs(self) -> tuple[str, ...]:
        """Columns of the sweep."""
        return self.columns

    def in_words(self) -> str:
        """For the cut flow."""
        stems = {name.rpartition("_")[0] for name in self.columns}
        if len(self.columns) > 1 and len(stems) == 1 and "" not in stems:
            bands = ", ".join(name.rpartition("_")[2] if name[-2:].startswith("W") else name[-1].lower() for name in self.columns)
            return f"{self.around(stems.pop())} in {bands}"
        return self.around(", ".join(self.columns))

    def passes(self, rows: Rows) -> Passed:
        """Whether each row does."""
        passed = np.ones(rows.size, dtype=bool)
        for name in self.columns:
            passed &= self.holds(rows[name])
        return passed


@dataclass(config=STRICT, frozen=True)
class Position:
    """The object has a position: right ascension in 0 to 360 degrees, declination in -90 to 90."""

    kind: Literal["position"]

    def needs(self) -> tuple[str, ...]:
        """Columns of the sweep."""
        return ("RA", "DEC")

    def in_words(self) -> str:
        """For the cut flow."""
        return "a position on the sky"

    def passes(self, rows: Rows) -> Passed:
        """Whether each row does."""
        ra, dec = rows["RA"], rows["DEC"]
        return np.asarray((ra >= 0.0) & (ra <= 360.0) & (dec >= -90.0) & (dec <= 90.0))  # type: ignore[operator]  # numbers


@dataclass(config=STRICT, frozen=True)
class NotTypes:
    """The survey's model of the object is none of some: point sources, duplicates of a large galaxy.

    Attributes
    ----------
    types : tuple of str
        `PSF REX EXP DEV SER DUP` since DR9; `COMP` before. Blanks at the end do not count.
    """

    kind: Literal["not_types"]
    types: Annotated[tuple[Annotated[str, Field(pattern=r"^[A-Z]{3,4}$")], ...], Field(min_length=1)]

    def needs(self) -> tuple[str, ...]:
        """Columns of the sweep."""
        return ("TYPE",)

    def in_words(self) -> str:
        """For the cut flow."""
        return f"TYPE is not {' or '.join(self.types)}"

    def passes(self, rows: Rows) -> Passed:
        """Whether each row does."""
        found = rows["TYPE"]
        passed = np.ones(rows.size, dtype=bool)
        for name in self.types:
            # Strings of FITS end in blanks, or in zeros that numpy takes away.
            forms = {name.encode(), name.ljust(found.dtype.itemsize).encode()}
            for form in forms:
                passed &= found != form
        return passed


@dataclass(config=STRICT, frozen=True)
class NoBits:
    """None of some bits of a bit mask is set.

    Attributes
    ----------
    column : str
        Such as MASKBITS (int16 in DR9, int32 in DR10).
    bits : tuple of int
        Numbers of the bits, from 0.
    """

    kind: Literal["no_bits"]
    column: Name
    bits: Annotated[tuple[Annotated[int, Field(ge=0, le=62)], ...], Field(min_length=1)]

    def needs(self) -> tuple[str, ...]:
        """Columns of the sweep."""
        return (self.column,)

    def in_words(self) -> str:
        """For the cut flow."""
        return f"no bit {', '.join(map(str, self.bits))} of {self.column}"

    def passes(self, rows: Rows) -> Passed:
        """Whether each row does."""
        mask = sum(1 << bit for bit in set(self.bits))
        return np.asarray((rows[self.column].astype(np.int64) & mask) == 0)


@dataclass(config=STRICT, frozen=True)
class Magnitude(Bounds):
    """A magnitude lies in a range: `17 < r < 21`.

    Attributes
    ----------
    band : str
    flux : {'FLUX', 'FIBERFLUX', 'FIBERTOTFLUX'}
        Of the whole model, or through a fibre of 1.5 arcsec, of the object or of all objects there.
    extinction : {'observed'} or None
        Never corrected for extinction, whatever the selection is.
    """

    kind: Literal["magnitude"] = field(kw_only=True)
    band: Band = field(kw_only=True)
    flux: Literal["FLUX", "FIBERFLUX", "FIBERTOTFLUX"] = "FLUX"
    extinction: Literal["observed"] | None = None

    def needs(self) -> tuple[str, ...]:
        """Columns of the sweep."""
        name = self.band.upper()
        return (f"{self.flux}_{name}", f"MW_TRANSMISSION_{name}")

    def in_words(self) -> str:
        """For the cut flow."""
        what = {"FLUX": "", "FIBERFLUX": "fiber", "FIBERTOTFLUX": "fibertot"}[self.flux]
        return self.around(f"{self.band}_{what}" if what else self.band)

    def passes(self, rows: Rows) -> Passed:
        """Whether each row does."""
        return self.holds(rows.magnitude(self.band, self.flux, self.extinction))


@dataclass(config=STRICT, frozen=True)
class Colour(Bounds):
    """A colour lies in a range: `g - r > 0.5`.

    Attributes
    ----------
    bands : (str, str)
    """

    kind: Literal["colour"] = field(kw_only=True)
    bands: tuple[Band, Band] = field(kw_only=True)

    def needs(self) -> tuple[str, ...]:
        """Columns of the sweep."""
        return tuple(f"{stem}_{band.upper()}" for band in self.bands for stem in ("FLUX", "MW_TRANSMISSION"))

    def in_words(self) -> str:
        """For the cut flow."""
        return self.around(" - ".join(self.bands))

    def passes(self, rows: Rows) -> Passed:
        """Whether each row does."""
        first, second = self.bands
        return self.holds(rows.magnitude(first) - rows.magnitude(second))
