"""What `arcgate parents` is asked for."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from arcgate.settings import STRICT, Positive
from arcgate.survey.catalogue.selection import Text, Wanted
from arcgate.survey.legacy.layout import Footprint
from arcgate.variant import Runtime


@dataclass(config=STRICT, frozen=True, kw_only=True)
class ParentsSpec(Wanted):
    """A parents catalogue: sweeps of a survey, and who of them is a parent.

    Attributes
    ----------
    root : str
        Folder of the survey's files, as on its own server (`arcgate.survey.legacy.layout`).
    versions : dict of {'south', 'north'} to str
        Footprints to read, each with the version of its sweeps: the folder `<root>/<footprint>/sweep/<version>`.
    extra_versions : dict of {'south', 'north'} to str
        Of footprints whose sweeps have files of further columns beside them (`<sweep>-ex.fits`), such as NGOOD, their folder:
        `10.1-extra`.
    twin_radius_arcsec : float
        How far apart one galaxy may lie in the southern and in the northern survey.
    runtime : Runtime
    dry_run : bool
    """

    root: Text
    versions: Annotated[dict[Footprint, Text], Field(min_length=1)]
    extra_versions: dict[Footprint, Text]
    twin_radius_arcsec: Positive
    runtime: Runtime
    dry_run: bool = False

    @model_validator(mode="after")
    def _once(self) -> ParentsSpec:
        for name, values in (("bands", self.bands), ("known_lenses", self.known_lenses)):
            if len(set(values)) < len(values):
                raise ValueError(f"{name} names one thing twice: {', '.join(values)}")
        return self

    @property
    def wanted(self) -> Wanted:
        """What is taken from each sweep; where they lie is no part of it."""
        return Wanted(self.bands, self.selection, self.known_lenses, self.lens_radius_arcsec)
