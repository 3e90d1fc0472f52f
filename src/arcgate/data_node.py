"""The `data` node of the configuration as frozen dataclasses: all that determines the pixels of a data set."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from arcgate.hosts_node import CutoutHosts, Hosts, MockHosts, PackHosts, PerBand
from arcgate.imaging import ZERO_POINT, Imaging
from arcgate.selection_node import EVERYTHING, Controls, Entry
from arcgate.settings import STRICT, Positive, PositiveInt

Split = Literal["train", "val", "test"]
Certifying = Literal["unlensed", "ring", "shuffled"]


@dataclass(config=STRICT, frozen=True)
class Grid:
    """Values from which the lens and source parameters of a row are drawn, each value equally likely.

    Attributes
    ----------
    theta_e_arcsec : tuple of float
        Einstein radii. With `theta_e_from = luminosity` only their range is used: the host's r magnitude sets the radius.
    dmag : tuple of float
        Unlensed source magnitude minus host magnitude in r.
    reff_arcsec : tuple of float
        Half-light radii of the source (intermediate axis).
    ellipticity : tuple of float
        (1 - q) / (1 + q) of the source.
    shear : tuple of float
        Modulus of the external shear.
    offset_arcsec : float
        The source centre is uniform within +- this value on each axis.
    lens_q : tuple of float
        Range of the uniform lens axis ratio; (1, 1) is a SIS.
    sersic_n : float
        Sersic index of the source.
    theta_e_scatter_dex : float
        Scatter of theta_E at fixed luminosity, used by `theta_e_from = luminosity`.
    """

    name: str
    theta_e_from: Literal["grid", "luminosity"]
    theta_e_arcsec: Annotated[tuple[Positive, ...], Field(min_length=1)]
    dmag: Annotated[tuple[float, ...], Field(min_length=1)]
    reff_arcsec: Annotated[tuple[Positive, ...], Field(min_length=1)]
    ellipticity: Annotated[tuple[Annotated[float, Field(ge=0, lt=1)], ...], Field(min_length=1)]
    shear: Annotated[tuple[Annotated[float, Field(ge=0, lt=1)], ...], Field(min_length=1)]
    offset_arcsec: Annotated[float, Field(ge=0)]
    lens_q: tuple[Annotated[float, Field(gt=0, le=1)], Annotated[float, Field(gt=0, le=1)]]
    sersic_n: Annotated[float, Field(ge=0.3, le=8)]
    theta_e_scatter_dex: Annotated[float, Field(ge=0)]

    @model_validator(mode="after")
    def _ordered(self) -> Grid:
        if self.lens_q[0] > self.lens_q[1]:
            raise ValueError(f"lens_q is a range, its first value must not exceed its second: {list(self.lens_q)}")
        return self


@dataclass(config=STRICT, frozen=True)
class SersicSources:
    """Sources with a Sersic profile, as the grid has them."""

    kind: Literal["sersic"]


@dataclass(config=STRICT, frozen=True)
class CosmosSources:
    """Sources that are images of real galaxies, each of which serves one split: their shapes and sizes, else the grid's values.

    Attributes
    ----------
    path : str
        Folder with HST stamps in GalSim's RealGalaxy layout.
    """

    kind: Literal["cosmos"]
    path: str


Sources = Annotated[SersicSources | CosmosSources, Field(discriminator="kind")]


@dataclass(config=STRICT, frozen=True)
class PsfChoice:
    """The PSF with which arcs are convolved, derived from what the survey declares.

    Attributes
    ----------
    profile : {'gaussian', 'moffat', 'kernel'}
        Shape; a kernel is the survey's own.
    width_convention : {'noise_equivalent_area', 'psfsize_as_fwhm', 'fitted', 'measured'}
        What the width is taken from. `noise_equivalent_area` keeps the area that psfsize states; `psfsize_as_fwhm` takes
        psfsize for the FWHM. For a Gaussian the two are the same by the definition of psfsize. `fitted` is the Moffat that
        fits the survey's kernel best, `measured` the kernel itself.
    beta : float or None
        Moffat exponent; None takes the survey's declared value for each galaxy and band.
    """

    name: str
    profile: Literal["gaussian", "moffat", "kernel"]
    width_convention: Literal["noise_equivalent_area", "psfsize_as_fwhm", "fitted", "measured"]
    beta: Annotated[float, Field(gt=1)] | None

    @model_validator(mode="after")
    def _consistent(self) -> PsfChoice:
        if (self.profile == "kernel") != (self.width_convention == "measured"):
            raise ValueError("profile 'kernel' goes with width_convention 'measured', and no other does")
        if self.width_convention == "fitted" and (self.profile != "moffat" or self.beta is not None):
            raise ValueError("width_convention 'fitted' goes with profile 'moffat' and beta null: both are fitted")
        return self


@dataclass(config=STRICT, frozen=True)
class Noise:
    """Noise that injecting adds.

    Attributes
    ----------
    arc : {'none', 'poisson'}
        Whether the arc carries the noise of its own photons, by each band's gain. Sky noise is never added.
    """

    name: str
    arc: Literal["none", "poisson"]


@dataclass(config=STRICT, frozen=True)
class CoreMask:
    """Removal of the arc's light around the host's centre, after convolution.

    Attributes
    ----------
    kind : {'none', 'hard', 'tanh'}
        Shape of the mask.
    radius_pix : float
        Radius inside which light is removed; 0 means none.
    width_pix : float
        Width of the tanh taper.
    """

    name: str
    kind: Literal["none", "hard", "tanh"]
    radius_pix: Annotated[float, Field(ge=0)]
    width_pix: Annotated[float, Field(ge=0)]

    @model_validator(mode="after")
    def _consistent(self) -> CoreMask:
        if self.kind == "none" and self.radius_pix != 0:
            raise ValueError("kind 'none' goes with radius_pix 0")
        if self.kind != "none" and self.radius_pix <= 0:
            raise ValueError(f"kind {self.kind!r} needs radius_pix > 0")
        if self.kind == "tanh" and self.width_pix <= 0:
            raise ValueError("kind 'tanh' needs width_pix > 0")
        return self


@dataclass(config=STRICT, frozen=True)
class Data:
    """Everything that determines the pixels of a data set.

    Attributes
    ----------
    imaging : Imaging
        Bands, size and scale of the stamps.
    n_pairs : int
        Positives, each with its control.
    injections_per_host : int
        Arcs injected into each galaxy that carries any.
    null_rows : int
        At most this many null rows (the pipeline run with flux 0), taken in hash order.
    only_split : {'train', 'val', 'test'} or None
        Restrict the data set to one split's galaxies.
    certifying : tuple of {'unlensed', 'ring', 'shuffled'}
        Rows that each pair has beside its own, for questions to trained networks (`injection.certifying`); gates and training
        never see them.
    seed : int
        Seed of every draw of the manifest.
    entry : Entry
        What a pair must be to enter.
    """

    seed: int
    n_pairs: PositiveInt
    injections_per_host: PositiveInt
    null_rows: PositiveInt
    only_split: Split | None
    imaging: Imaging
    hosts: Hosts
    grid: Grid
    source: Sources
    controls: Controls
    psf: PsfChoice
    noise: Noise
    core_mask: CoreMask
    entry: Entry = EVERYTHING
    certifying: tuple[Certifying, ...] = ()

    @model_validator(mode="after")
    def _once(self) -> Data:
        if len(set(self.certifying)) < len(self.certifying):
            raise ValueError(f"certifying: each role once: {list(self.certifying)}")
        if self.certifying and self.core_mask.kind != "none":
            raise ValueError("certifying: light as bright as an arc is not so any more under a mask: take core_mask=none")
        return self

    @model_validator(mode="after")
    def _consistent(self) -> Data:
        half = self.imaging.size_pix / 2
        radius = self.core_mask.radius_pix
        if radius >= half:
            raise ValueError(f"core_mask: a mask of radius {radius:g} px is larger than the stamp: use less than {half:g} px")
        reach = half * self.imaging.pixel_scale_arcsec
        if (largest := max(self.grid.theta_e_arcsec)) >= reach:
            raise ValueError(f"grid: theta_E of {largest:g} arcsec lies beyond the stamp, which reaches {reach:.3g} arcsec")
        measured = self.psf.width_convention in ("fitted", "measured")
        if measured and (isinstance(self.hosts, MockHosts) or self.hosts.kernels is None):
            raise ValueError(
                f"psf: {self.psf.name} needs measured PSFs, and the hosts declare none: add +kernels=psfex or +kernels=coadd"
            )
        if isinstance(self.hosts, MockHosts) and self.imaging.zero_point != ZERO_POINT:
            raise ValueError(
                f"imaging: a zero point of {self.imaging.zero_point:g} is that of files that are read, and the mock survey has "
                f"none: leave it at {ZERO_POINT:g}"
            )
        if not isinstance(self.hosts, MockHosts | PackHosts) and self.imaging.zero_point != ZERO_POINT:
            raise ValueError(
                f"imaging: a zero point of {self.imaging.zero_point:g}, but hosts={self.hosts.kind} are read in nanomaggies: "
                f"leave it at {ZERO_POINT:g}"
            )
        self.controls.in_bands(self.imaging.bands)
        if self.entry.drops == "positive" and self.controls.name not in ("unpaired", "unmatched"):
            raise ValueError(
                f"entry: drops 'positive' leaves controls whose positives are gone, and {self.controls.name} ones cannot be "
                "without: take unpaired or unmatched controls"
            )
        for name, values in self._per_band().items():
            # A pack's defaults are those of the most common bands: there may be more of them.
            lacking = [band for band in self.imaging.bands if band not in values]
            if lacking or (isinstance(self.hosts, MockHosts) and len(values) > len(self.imaging.bands)):
                missing = " ".join(f"+data.hosts.{name}.{band}=..." for band in lacking)
                raise ValueError(
                    f"hosts: {name} is stated for {', '.join(values)}, but the imaging has {', '.join(self.imaging.bands)}"
                    + (f": add {missing}" if missing else "")
                )
        return self

    def _per_band(self) -> dict[str, PerBand]:
        hosts = self.hosts
        if isinstance(hosts, MockHosts):
            return {"psfsize_arcsec": hosts.psfsize_arcsec, "depth_mag": hosts.depth_mag}
        numbers = {} if hosts.kernels is not None else {"psf_beta": hosts.psf_beta}
        if isinstance(hosts, PackHosts | CutoutHosts) and hosts.kernels is None:
            numbers = {"psfsize_arcsec": hosts.psfsize_arcsec} | numbers
        return numbers | {"gain": hosts.gain}
