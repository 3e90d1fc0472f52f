"""Real galaxies as lensed sources: HST stamps in GalSim's RealGalaxy layout (COSMOS, ACS F814W), made ready for `SourceImages`.

What the stamps bring with them, and what is done about it:

- *Their own PSF* is exchanged for a Gaussian of `RESOLUTION_ARCSEC`, which is declared as the resolution of the source. The
  core of an ACS PSF (FWHM 0.11 arcsec) is about as wide; its wings blur more than the core does and are taken away at hardly
  any cost in noise, no frequency being raised by more than 1.8. Nothing finer is restored, since at the signal-to-noise of
  these stamps that would be noise. What blur remains can be seen in arcs, because a lens stretches its source: see
  tests/survey/test_cosmos.py, where one more blur by a PSF changes lensed stamps seen through a PSF of 1.0 arcsec by 11 % of
  the peak (median) for the ACS PSF and 4 % for the Gaussian. That is a difference between the galaxy as it is and the source as
  declared, no error of a rendered image. Galaxies that are hardly wider than that Gaussian are refused: they would be stars of
  finite size.
- *Their noise*: what the noise could have made is smoothed, sources with low signal-to-noise are refused, and the share of noise
  in what is left is stated (`noise_share`, `snr`).
- *Neighbours and sky* are cut away with a soft edge (`source_cleaning.py`). Galaxies that reach the frame of their stamp, or of
  which the cut leaves another flux than the catalogue states, are refused as truncated, divided or blended.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arcgate.ground.errors import ArcgateError
from arcgate.survey.fits_file import read_hdus
from arcgate.survey.source_cleaning import NOISE_RATIO, CleanSource, centroid, clean_source, exchange_psf, half_light_pix

Array = NDArray[np.float64]

ZERO_POINT = 25.94
"""AB magnitude of a count per second in F814W, with which the catalogue's `stamp_flux` follows from its `MAG`."""
MIN_SNR = 15.0
MAX_EDGE_SHARE = 0.1
MAX_PEAK_SHARE = 0.25
FLUX_SHARES = (0.8, 1.25)
MIN_WIDTHS = 1.5
"""Least half-light radius in units of the Gaussian's, which is half of its FWHM."""
RESOLUTION_ARCSEC = 0.12
MAX_GAIN = 2.0
"""Greatest factor by which exchanging the PSF may raise an amplitude."""
_COLUMNS = ("IDENT", "MAG", "GAL_FILENAME", "PSF_FILENAME", "GAL_HDU", "PSF_HDU", "PIXEL_SCALE", "NOISE_VARIANCE")
_WHAT = f"a catalogue in GalSim's RealGalaxy layout, with the columns {', '.join(_COLUMNS)}"


@dataclass(frozen=True, eq=False)
class CosmosSources:
    """Usable galaxies, and why the others are not.

    Attributes
    ----------
    images : ndarray, float32 (k, h, w)
        Light a pixel, none negative, sum 1, zero beyond the galaxy; h = w, odd. The centroid lies in the central pixel.
    scale_arcsec : float
        Side of a pixel.
    identifiers : tuple of str, length k
        `IDENT` of the catalogue.
    magnitude : ndarray, float64 (k,)
        Catalogue's F814W magnitude (AB).
    half_light_arcsec : ndarray, float64 (k,)
        Radius of the circle about the centroid that holds half of the light of the source as it is, resolution included.
    resolution_arcsec : float
        FWHM of the Gaussian that stands in place of the telescope's PSF; its half-light radius is half of that.
    snr : ndarray, float64 (k,)
        Flux over its standard deviation, correlated noise.
    noise_share : ndarray, float64 (k,)
        Share of sum(image^2) that is noise, at most.
    flux_share : ndarray, float64 (k,)
        Flux before it was set to 1, over the catalogue's.
    refused : tuple of (str, str)
        Identifier and reason of each galaxy that is not usable.
    """

    images: NDArray[np.float32]
    scale_arcsec: float
    identifiers: tuple[str, ...]
    magnitude: Array
    half_light_arcsec: Array
    resolution_arcsec: float
    snr: Array
    noise_share: Array
    flux_share: Array
    refused: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class _Stamp:
    """One row of the catalogue with its pixels."""

    identifier: str
    image: Array
    psf: Array
    sigma: float
    magnitude: float


def cosmos_sources(folder: Path) -> CosmosSources:
    """Read the stamps of a folder and prepare each as a source.

    Parameters
    ----------
    folder : Path
        Holds a catalogue in GalSim's RealGalaxy layout and the files of galaxies and PSFs that it names.

    Returns
    -------
    CosmosSources
        In the catalogue's order; nothing is random.

    Raises
    ------
    ArcgateError
        If the catalogue or a file that it names is missing or incomplete, or no galaxy is usable.
    """
    stamps, scale = _read(folder)
    refused, usable = [], []
    for stamp in stamps:
        sharp, gain = exchange_psf(stamp.image, stamp.psf, RESOLUTION_ARCSEC / scale)
        clean = clean_source(sharp, NOISE_RATIO * stamp.sigma)
        reason = _refusal(stamp, clean, gain, scale)
        if clean is None or reason:
            refused.append((stamp.identifier, reason))
        else:
            usable.append((stamp, clean))
    if not usable:
        raise ArcgateError(
            f"none of the {len(stamps)} galaxies is usable; the first: {refused[0][1]}",
            where=folder,
            todo="use brighter galaxies",
        )
    return CosmosSources(
        images=_centred([clean.image for _, clean in usable]),
        scale_arcsec=scale,
        identifiers=tuple(stamp.identifier for stamp, _ in usable),
        magnitude=np.array([stamp.magnitude for stamp, _ in usable]),
        half_light_arcsec=np.array([half_light_pix(clean.image) * scale for _, clean in usable]),
        resolution_arcsec=RESOLUTION_ARCSEC,
        snr=np.array([clean.flux / clean.flux_sigma for _, clean in usable]),
        noise_share=np.array([clean.noise_share for _, clean in usable]),
        flux_share=np.array([_flux_share(stamp, clean) for stamp, clean in usable]),
        refused=tuple(refused),
    )


def _refusal(stamp: _Stamp, clean: CleanSource | None, gain: float, scale: float) -> str:
    """Why a galaxy is not usable; empty if it is."""
    if gain > MAX_GAIN:
        return f"blurred: its PSF is too wide for {RESOLUTION_ARCSEC:g} arcsec, amplitudes would be raised {gain:.1f} times"
    if clean is None:
        return "too faint: nothing is detected near the middle of the stamp"
    snr, share = clean.flux / clean.flux_sigma, _flux_share(stamp, clean)
    widths = half_light_pix(clean.image) * scale / (0.5 * RESOLUTION_ARCSEC)
    if snr < MIN_SNR:
        return f"too faint: signal-to-noise {snr:.1f}, at least {MIN_SNR:g} is needed"
    if clean.edge_share > MAX_EDGE_SHARE:
        return (
            f"truncated: the galaxy reaches {clean.edge_share:.0%} of the stamp's frame, at most {MAX_EDGE_SHARE:.0%} is allowed"
        )
    if clean.peak_share > MAX_PEAK_SHARE:
        return f"blended: the brightest point lies {clean.peak_share:.2f} of the stamp's side from its middle"
    if not FLUX_SHARES[0] <= share <= FLUX_SHARES[1]:
        kind = "truncated or divided" if share < 1.0 else "blended"
        return f"{kind}: {share:.2f} of the catalogue's flux, sought are {FLUX_SHARES[0]:g} to {FLUX_SHARES[1]:g}"
    if widths < MIN_WIDTHS:
        return f"unresolved: half-light radius {widths:.2f} times that of the resolution, at least {MIN_WIDTHS:g} is needed"
    return ""


def _flux_share(stamp: _Stamp, clean: CleanSource) -> float:
    return float(clean.flux / 10.0 ** (-0.4 * (stamp.magnitude - ZERO_POINT)))


def _centred(images: list[Array]) -> NDArray[np.float32]:
    """Images of sum 1 on one canvas, each moved by whole pixels so that its centroid is nearest to the middle."""
    middles = [tuple(round(value) for value in centroid(image)) for image in images]
    reach = 0
    for image, (x, y) in zip(images, middles, strict=True):
        rows, columns = np.nonzero(image)
        reach = max(reach, int(np.abs(rows - y).max()), int(np.abs(columns - x).max()))
    canvas = np.zeros((len(images), 2 * reach + 1, 2 * reach + 1))
    for number, (image, (x, y)) in enumerate(zip(images, middles, strict=True)):
        rows, columns = np.nonzero(image)
        # Whatever the canvas, the same numbers.
        canvas[number, rows - y + reach, columns - x + reach] = image[rows, columns] / image.sum()
    return canvas.astype(np.float32)


def _read(folder: Path) -> tuple[list[_Stamp], float]:
    path, table = _catalogue(folder)
    files: dict[str, list[Any]] = {}
    stamps = []
    for row in table:
        pixels = []
        for kind in ("GAL", "PSF"):
            name, number = str(row[f"{kind}_FILENAME"]).strip(), int(row[f"{kind}_HDU"])
            if name not in files:
                files[name] = read_hdus(folder / name, f"the file that {path.name} names in {kind}_FILENAME")
            pixels.append(_pixels(folder / name, files[name], number))
        sigma = _noise_sigma(pixels[0], float(np.sqrt(row["NOISE_VARIANCE"])))
        stamps.append(_Stamp(str(row["IDENT"]), pixels[0], pixels[1], sigma, float(row["MAG"])))
    scales = np.unique(table["PIXEL_SCALE"])
    if len(scales) != 1:
        raise ArcgateError(f"PIXEL_SCALE holds {scales.tolist()}; sought is one scale", where=path, todo="split the catalogue")
    return stamps, float(scales[0])


def _catalogue(folder: Path) -> tuple[Path, Any]:
    found = []
    for path in sorted(folder.glob("*catalog*.fits")):
        for hdu in read_hdus(path, _WHAT):
            columns = getattr(hdu, "columns", None)
            if columns is not None and set(_COLUMNS) <= set(columns.names):
                found.append((path, hdu.data))
    if len(found) != 1:
        raise ArcgateError(f"{len(found)} files *catalog*.fits are {_WHAT}; sought is one", where=folder, todo="check the folder")
    return found[0]


def _pixels(path: Path, hdus: list[Any], number: int) -> Array:
    data = hdus[number].data if number < len(hdus) else None
    if data is None or data.ndim != 2 or not np.isfinite(data).all():
        raise ArcgateError(
            f"part {number} of {path.name} is no image without gaps; the file has {len(hdus)} parts",
            where=path,
            todo="take catalogue and images from the same release",
        )
    return np.asarray(data, dtype=np.float64)


def _noise_sigma(image: Array, catalogue: float) -> float:
    """The catalogue's noise, unless the stamp's own frame scatters by less than half of it.

    One of the hundred stamps states a noise 3.4 times its own.
    """
    frame = np.concatenate([image[0], image[-1], image[1:-1, 0], image[1:-1, -1]])
    scatter = 1.4826 * float(np.median(np.abs(frame - np.median(frame))))
    return scatter if scatter < 0.5 * catalogue else catalogue
