"""The `data` node of the configuration as frozen dataclasses: all that determines the pixels of a data set."""

from __future__ import annotations

import math
from typing import Annotated, Final, Literal

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from arcgate.imaging import ZERO_POINT, Imaging
from arcgate.selection_node import EVERYTHING, Controls, Entry
from arcgate.settings import STRICT, Positive, PositiveInt

Share = Annotated[float, Field(ge=0, lt=1)]
Split = Literal["train", "val", "test"]


PerBand = dict[str, Positive]
"""One positive value for each band of the imaging."""


@dataclass(config=STRICT, frozen=True)
class MockHosts:
    """Hosts drawn and rendered by the embedded mock survey.

    Attributes
    ----------
    n_hosts : int
        Galaxies in the survey.
    seed : int
        Seed of the survey; a larger survey of the same seed begins with the same galaxies.
    mag_r_min, mag_r_max : float
        Selection in r, AB magnitudes.
    psfsize_arcsec : PerBand
        Median `psfsize` per band, arcsec.
    psf_beta_min, psf_beta_max : float
        Range of the Moffat exponent, drawn per galaxy and band.
    depth_mag : PerBand
        Median 5-sigma point-source depth, AB magnitudes.
    depth_scatter_mag : float
        Standard deviation of the depth between galaxies.
    noise_lag1 : float
        Correlation of the sky noise between neighbouring pixels, median over galaxies.
    neighbours_per_stamp : float
        Mean number of neighbouring objects brighter than the survey's limit in a stamp.
    """

    kind: Literal["mock"]
    n_hosts: PositiveInt
    seed: int
    mag_r_min: float
    mag_r_max: float
    psfsize_arcsec: PerBand
    psf_beta_min: Annotated[float, Field(gt=1)]
    psf_beta_max: Annotated[float, Field(gt=1)]
    depth_mag: PerBand
    depth_scatter_mag: Annotated[float, Field(ge=0)]
    noise_lag1: Annotated[float, Field(ge=0, lt=0.5)]
    neighbours_per_stamp: Annotated[float, Field(ge=0)]

    @model_validator(mode="after")
    def _ordered(self) -> MockHosts:
        if self.mag_r_min >= self.mag_r_max:
            raise ValueError(
                f"mag_r_min {self.mag_r_min:g} must lie below mag_r_max {self.mag_r_max:g}: no host is left after the cuts"
            )
        if self.psf_beta_min > self.psf_beta_max:
            raise ValueError(f"psf_beta_min {self.psf_beta_min:g} must not exceed psf_beta_max {self.psf_beta_max:g}")
        return self


@dataclass(config=STRICT, frozen=True)
class Kernels:
    """Measured PSFs of a survey, each of which serves the galaxies of one split.

    Attributes
    ----------
    path : str
        Folder of the files.
    format : {'psfex', 'coadd'}
        PsfEx models of single exposures (`*psfex*.fits`), or the Legacy Surveys' coadd PSFs (`copsf*.fits`).
    centroid : {'removed', 'declared'}
        Whether a PSF's light is moved onto its central pixel, or stays off it, and arcs with it.
    pixel_scale_arcsec : float
        Of the models' samples, which must be that of the stamps.
    wings : {'none', 'decam'}
        Light beyond the model: that of DECam from 5 arcsec to half the stamp's diagonal, or nothing.
    """

    path: str
    format: Literal["psfex", "coadd"]
    pixel_scale_arcsec: Positive
    centroid: Literal["removed", "declared"]
    wings: Literal["none", "decam"]


@dataclass(config=STRICT, frozen=True)
class PackHosts:
    """Hosts read from a stamp pack: one FITS cube per band.

    Attributes
    ----------
    path : str
        Folder with a file for each band (g.fits, r.fits, ...), each a cube (n, height, width).
    nanomaggies_per_count : float or None
        Factor from pixel values to nanomaggies; None takes that of the imaging's zero point.
    pixel_scale_arcsec : float
        Pixel size.
    psfsize_arcsec : PerBand
        The survey's PSF sizes, since a pack carries none.
    psf_beta : PerBand
        The survey's Moffat exponents.
    gain : PerBand
        Electrons per nanomaggy.
    kernels : Kernels or None
        Measured PSFs, instead of `psfsize_arcsec` and `psf_beta`.
    """

    kind: Literal["pack"]
    path: str
    nanomaggies_per_count: Positive | None
    pixel_scale_arcsec: Positive
    psfsize_arcsec: PerBand
    psf_beta: PerBand
    gain: PerBand
    kernels: Kernels | None = None

    def psf_of(self, band: str) -> tuple[float, float]:
        """Size (arcsec) and exponent in a band where nothing else declares them; NaN where measured PSFs do."""
        return (self.psfsize_arcsec[band], self.psf_beta[band]) if self.kernels is None else (math.nan, math.nan)

    @property
    def factor(self) -> float:
        """Nanomaggies per count, of hosts that state it or were given it (`arcgate.survey.pack`)."""
        if self.nanomaggies_per_count is None:
            raise ValueError("nanomaggies_per_count is not known yet: PackFiles.open takes it from the imaging")
        return self.nanomaggies_per_count


@dataclass(config=STRICT, frozen=True)
class LegacyHosts:
    """Hosts cut from coadd bricks of the Legacy Surveys.

    Attributes
    ----------
    parents : str
        Folder that `arcgate parents` made, or a Parquet file with its columns.
    survey : str
        Folder with the survey's files, as they lie on its server (`arcgate.survey.legacy.layout`).
    n_hosts : int or None
        So many galaxies are planned for; None takes all parents.
    plan : {'whole_bricks', 'spread'}
        All galaxies of bricks that are drawn at random, in proportion to depth and seeing, or galaxies at random.
    seed : int
        Of the plan.
    psf_beta : PerBand
        Moffat exponents, which the survey does not declare.
    gain : PerBand
        Electrons per nanomaggy.
    most_unmeasured : float
        Largest share of a stamp's pixels that may hold no measurement, in any band.
    masks : {'maskbits', 'invvar'}
        What tells pixels without a measurement: the survey's mask bits beside inverse variances, or these alone (before DR8).
    verify : {'none', 'checksums'}
        Whether files are compared with the survey's own checksums.
    missing_bricks : {'refuse', 'leave_out'}
        What happens where a brick's files are missing or damaged.
    kernels : Kernels or None
        Measured PSFs, instead of the catalogue's `psfsize` and `psf_beta`.
    """

    kind: Literal["legacy"]
    parents: str
    survey: str
    n_hosts: PositiveInt | None
    plan: Literal["whole_bricks", "spread"]
    seed: int
    psf_beta: PerBand
    gain: PerBand
    most_unmeasured: Share
    masks: Literal["maskbits", "invvar"]
    verify: Literal["none", "checksums"]
    missing_bricks: Literal["refuse", "leave_out"]
    kernels: Kernels | None = None


@dataclass(config=STRICT, frozen=True)
class MmuHosts:
    """Hosts from rows of the Multimodal Universe's Legacy Surveys.

    Attributes
    ----------
    path : str
        A Parquet file, or a folder with such files.
    psf_beta : PerBand
        Moffat exponents, which the rows do not state.
    gain : PerBand
        Electrons per nanomaggy.
    most_unmeasured : float
        Largest share of a stamp's pixels that may hold no measurement, in any band.
    kernels : Kernels or None
        Measured PSFs, instead of the rows' sizes and `psf_beta`.
    """

    kind: Literal["mmu"]
    path: str
    psf_beta: PerBand
    gain: PerBand
    most_unmeasured: Share
    kernels: Kernels | None = None


@dataclass(config=STRICT, frozen=True)
class Layer:
    """A layer of the survey's viewer, as headers of its cutouts name it: it may deliver another than was asked for."""

    survey: str
    version: str


@dataclass(config=STRICT, frozen=True)
class CutoutHosts:
    """Hosts from a folder of the viewer's FITS cutouts, one file a galaxy.

    Attributes
    ----------
    path : str
        Folder; positions are in `catalogue.csv` (or .parquet, .fits) beside the files, or in their names.
    layer : Layer or None
        What all files must be of; None asks only that they are of one layer.
    resampled : {'refuse', 'accept'}
        Whether stamps that the viewer resampled will do.
    psfsize_arcsec, psf_beta : PerBand
        PSF, which cutouts do not state.
    gain : PerBand
        Electrons per nanomaggy.
    most_unmeasured : float
        Largest share of a stamp's pixels that may hold no measurement, in any band.
    kernels : Kernels or None
        Measured PSFs, instead of these numbers.
    """

    kind: Literal["cutouts"]
    path: str
    layer: Layer | None
    resampled: Literal["refuse", "accept"]
    psfsize_arcsec: PerBand
    psf_beta: PerBand
    gain: PerBand
    most_unmeasured: Share
    kernels: Kernels | None = None


Hosts = Annotated[MockHosts | PackHosts | LegacyHosts | MmuHosts | CutoutHosts, Field(discriminator="kind")]
PLACES: Final = ("path", "parents", "survey", "catalogue")
"""Settings that say where something lies: its content counts in digests, not its place."""


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
