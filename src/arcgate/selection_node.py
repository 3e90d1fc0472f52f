"""Which galaxies serve, and as what: the parts `controls` and `entry` of the node `data`."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Final, Literal

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from arcgate.settings import STRICT, NotNegative, Positive, PositiveInt

COLOUR: Final = "colour"
"""Stem of columns that no catalogue has: a band's magnitude less that of a redder one, `colour_gr`."""
STEMS: Final = ("psfsize", "psf_beta", "depth", "host_mag")
"""Of columns that each band has; alone they stand for all of them."""


def columns_of(names: tuple[str, ...], bands: tuple[str, ...]) -> tuple[str, ...]:
    """Columns that names stand for: `depth` is that of each band, `colour` those of neighbouring bands, others are themselves.

    Examples
    --------
    >>> columns_of(("depth", "host_mag_r", "colour"), ("g", "r"))
    ('depth_g', 'depth_r', 'host_mag_r', 'colour_gr')
    """
    found: list[str] = []
    for name in names:
        if name in STEMS:
            found += [f"{name}_{band}" for band in bands]
        elif name == COLOUR:
            found += [f"{COLOUR}_{blue}{red}" for blue, red in pairwise(bands)]
        else:
            found.append(name)
    return tuple(dict.fromkeys(found))


@dataclass(config=STRICT, frozen=True)
class CoreMatch:
    """How a control is found whose core is as bright as that of its positive with the arc.

    Attributes
    ----------
    caliper : float
        Largest difference of the two cores, as a share of the positive's.
    candidates : int
        Galaxies a pair that are cut out to look for controls among.
    """

    caliper: Annotated[float, Field(gt=0, lt=1)]
    candidates: PositiveInt


@dataclass(config=STRICT, frozen=True)
class Controls:
    """How the galaxy without an arc is chosen.

    Attributes
    ----------
    name : {'paired', 'unpaired', 'unmatched', 'core_matched'}
        The same galaxy; a different one matched on `match_on`; any other one; or one whose core is as bright as that of the
        positive with its arc, as measured on both.
    pool : {'free_hosts', 'any_other_host'}
        Where other galaxies come from: those that carry no arc in this data set, or any galaxy of the split
        but the positive's own (for small packs, where each galaxy then serves in both classes).
    match_on : tuple of str
        Columns matched by nearest neighbour, each in units of its standard deviation, by the names that `columns_of` knows. None
        takes a galaxy at random.
    calipers : dict of str to float
        Largest difference that a matched column may have, in its own unit. A positive without such a control leaves the data set.
    core : CoreMatch or None
        Settings of `core_matched`.
    """

    name: Literal["paired", "unpaired", "unmatched", "core_matched"]
    pool: Literal["free_hosts", "any_other_host"]
    match_on: tuple[str, ...]
    calipers: dict[str, Positive] = Field(default_factory=dict)
    core: CoreMatch | None = None

    @property
    def paired(self) -> bool:
        """Whether a control is its positive's own galaxy; every other kind takes another one."""
        return self.name == "paired"

    @property
    def apart(self) -> bool:
        """Whether no galaxy serves in both classes."""
        return not self.paired and self.pool == "free_hosts"

    @model_validator(mode="after")
    def _consistent(self) -> Controls:
        if self.name == "unmatched" and self.match_on:
            raise ValueError(f"'unmatched' controls are matched on nothing, got match_on {list(self.match_on)}: take unpaired")
        if (self.name == "core_matched") != (self.core is not None):
            raise ValueError("the settings `core` go with 'core_matched' controls, and no other has them")
        if self.core is not None and self.pool != "free_hosts":
            raise ValueError("'core_matched' controls come from the pool 'free_hosts'")
        return self

    def in_bands(self, bands: tuple[str, ...]) -> tuple[tuple[str, ...], dict[str, float]]:
        """Columns to match on and their calipers, in these bands; ValueError for a caliper on a column not matched on."""
        columns = columns_of(self.match_on, bands)
        calipers = {column: caliper for name, caliper in self.calipers.items() for column in columns_of((name,), bands)}
        if stray := [name for name in calipers if name not in columns]:
            raise ValueError(f"controls: calipers on {', '.join(stray)}, which match_on does not name: add it there")
        return columns, calipers


@dataclass(config=STRICT, frozen=True)
class Entry:
    """What a pair must be to enter a data set; the default lets everything in.

    Attributes
    ----------
    hosts : dict of str to (float or None, float or None)
        Ranges of catalogue columns (and colours) in which galaxies may carry arcs, null where a side is open. Controls are not
        bound to them.
    least_theta_e_arcsec, least_theta_e_over_psf : float
        Least Einstein radius, in arcsec and in units of psfsize in the reference band.
    least_arc_snr : float
        Least S/N of the arc before a core mask, predicted from what the catalogue declares (`arcgate.injection.entry`).
    least_images : int
        Least number of images of the source's centre; with fewer than 2 it is no strong lens.
    drops : {'pair', 'positive'}
        What leaves where an arc does not meet the rules: the positive together with its control; or, as has been published, the
        positive alone, whose control stays. The latter selects hosts.
    """

    name: str
    hosts: dict[str, tuple[float | None, float | None]] = Field(default_factory=dict)
    least_theta_e_arcsec: NotNegative = 0.0
    least_theta_e_over_psf: NotNegative = 0.0
    least_arc_snr: NotNegative = 0.0
    least_images: Annotated[int, Field(ge=0, le=4)] = 0
    drops: Literal["pair", "positive"] = "pair"

    @model_validator(mode="after")
    def _ordered(self) -> Entry:
        for column, (low, high) in self.hosts.items():
            if low is not None and high is not None and low >= high:
                raise ValueError(f"hosts: the range of {column} begins at {low:g} and ends at {high:g}")
        return self

    @property
    def ruled(self) -> bool:
        """Whether any arc can be refused."""
        return any((self.least_theta_e_arcsec, self.least_theta_e_over_psf, self.least_arc_snr, self.least_images))


EVERYTHING: Final = Entry("everything")
