"""Coadd PSF files: the real one, and broken ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from brick_files import slipped
from composing import REAL, needs_real

from arcgate.ground.errors import ArcgateError
from arcgate.imaging import DECALS
from arcgate.survey.coadd_psf import read_coadd_psf

REAL_FILE = REAL / "dr9_cutout" / "copsf_59.1067_-30.4848.fits"


def write(path: Path, bands: str = "gr", promised: str | None = None, size: int = 5, value: float = 1.0) -> Path:
    hdus = []
    for number, band in enumerate(bands):
        image = np.full((size, size), value, dtype=np.float32)
        image[size // 2, size // 2 + 1] += number
        hdu = fits.ImageHDU(image) if hdus else fits.PrimaryHDU(image)
        if band != " ":
            hdu.header["BAND"] = band
        hdus.append(hdu)
    hdus[0].header["BANDS"] = bands if promised is None else promised
    fits.HDUList(hdus).writeto(path)
    return path


@needs_real
def test_the_real_file() -> None:
    kernels = read_coadd_psf(REAL_FILE)
    assert list(kernels) == ["g", "r", "z"]
    for number, (band, kernel) in enumerate(kernels.items()):
        pixels = fits.getdata(REAL_FILE, number).astype(np.float64)
        assert kernel.image == pytest.approx(pixels / pixels.sum(), abs=1e-15), band
        assert kernel.includes_pixel
        assert np.unravel_index(kernel.image.argmax(), kernel.image.shape) == (31, 31)
    # The centroid lies off the central pixel; x and y are not exchanged.
    assert kernels["g"].centroid_pix == pytest.approx((0.048, 0.154), abs=1e-3)
    assert kernels["g"].psfsize_pix * DECALS.pixel_scale_arcsec == pytest.approx(1.369, abs=1e-3)


def test_kernels_are_normalised_and_keyed_by_band(tmp_path: Path) -> None:
    kernels = read_coadd_psf(write(tmp_path / "psf.fits"))
    assert kernels["g"].image.sum() == pytest.approx(1.0)
    assert kernels["g"].centroid_pix == pytest.approx((0.0, 0.0))
    assert kernels["r"].centroid_pix == pytest.approx((1.0 / 26.0, 0.0))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"bands": "g "}, "image 1 of psf.fits has no keyword BAND"),
        ({"bands": "gg"}, "the band g a second time"),
        ({"promised": "grz"}, "no PSF in z"),
        ({"size": 4}, "g image of psf.fits is no PSF: .*odd"),
        ({"value": np.nan}, "finite"),
        ({"value": -1.0}, "sum of a PSF kernel must be positive"),
    ],
)
def test_files_that_hold_something_else(tmp_path: Path, change: dict[str, object], message: str) -> None:
    path = write(tmp_path / "psf.fits", **change)  # type: ignore[arg-type]  # parametrised
    with pytest.raises(ArcgateError, match=message) as error:
        read_coadd_psf(path)
    assert error.value.where == path
    assert error.value.todo


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ArcgateError, match=r"no file nothing\.fits, sought is a coadd PSF"):
        read_coadd_psf(tmp_path / "nothing.fits")
    (tmp_path / "text.fits").write_text("not FITS")
    with pytest.raises(ArcgateError, match="not a complete FITS file"):
        read_coadd_psf(tmp_path / "text.fits")
    whole = write(tmp_path / "whole.fits", size=63)
    short = tmp_path / "short.fits"
    short.write_bytes(whole.read_bytes()[:20000])
    with pytest.raises(ArcgateError, match="not a complete FITS file"):
        read_coadd_psf(short)
    fits.PrimaryHDU().writeto(tmp_path / "empty.fits")
    with pytest.raises(ArcgateError, match="no PSF in any band"):
        read_coadd_psf(tmp_path / "empty.fits")


def test_damaged_compressed_pixels_are_told(tmp_path: Path) -> None:
    path = tmp_path / "psf.fits.fz"
    pixels = np.random.default_rng(1).normal(size=(63, 63)).astype(np.float32)
    fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(pixels, compression_type="RICE_1")]).writeto(path)
    slipped(path)
    with pytest.raises(ArcgateError, match=r"psf.fits.fz is not a complete FITS file \(.*decompress") as caught:
        read_coadd_psf(path)
    assert caught.value.where == path
