"""Which objects of a survey are parents, and what is kept of them: what decides on the rows of a catalogue."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from arcgate.settings import STRICT, Positive
from arcgate.survey.catalogue.columns import needed_columns
from arcgate.survey.catalogue.cuts import Colour, Magnitude, NoBits, NotTypes, Position, Values
from arcgate.survey.catalogue.desi import DesiLrgColours, GaiaFainter
from arcgate.survey.catalogue.rows import Extinction

Cut = Annotated[
    Values | Position | NotTypes | NoBits | Magnitude | Colour | DesiLrgColours | GaiaFainter, Field(discriminator="kind")
]
OfMagnitudes = (Magnitude, Colour, DesiLrgColours)
"""Cuts that depend on the choice of extinction."""
Text = Annotated[str, Field(min_length=1)]


@dataclass(config=STRICT, frozen=True)
class Selection:
    """Which objects of a survey are parents: named cuts, applied in order.

    Attributes
    ----------
    name : str
    extinction : {'observed', 'dereddened'}
        Whether magnitudes and colours of the cuts are those of the file, or corrected for the Milky Way's extinction. What the
        other choice would leave is counted too.
    cuts : dict of str to Cut
        By names of the user's own, in the order in which they are applied and counted.
    """

    name: Text
    extinction: Extinction
    cuts: Annotated[dict[str, Cut], Field(min_length=1)]

    def needs(self) -> tuple[str, ...]:
        """Columns that every sweep must have for the cuts."""
        optional = {name for cut in self.cuts.values() if isinstance(cut, Values) and cut.if_present for name in cut.needs()}
        wanted = dict.fromkeys(name for cut in self.cuts.values() for name in cut.needs())
        return tuple(name for name in wanted if name not in optional)


@dataclass(config=STRICT, frozen=True)
class Wanted:
    """What is taken from each sweep.

    Attributes
    ----------
    bands : tuple of str
        Bands whose columns the catalogue has.
    selection : Selection
    known_lenses : tuple of str
        Lists (CSV, TSV, FITS, Parquet) of positions on the sky near which no galaxy is a parent.
    lens_radius_arcsec : float
        How near.
    """

    bands: Annotated[tuple[Literal["g", "r", "i", "z"], ...], Field(min_length=1)]
    selection: Selection
    known_lenses: tuple[Text, ...]
    lens_radius_arcsec: Positive

    def needs(self) -> tuple[str, ...]:
        """Columns that every sweep must have."""
        return tuple(dict.fromkeys((*needed_columns(self.bands), *self.selection.needs())))

    def looks_at(self) -> tuple[str, ...]:
        """Columns that are looked at where a sweep has them."""
        of_cuts = (name for cut in self.selection.cuts.values() for name in cut.needs())
        return tuple(dict.fromkeys((*needed_columns(self.bands), *of_cuts)))
