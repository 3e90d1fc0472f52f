"""PsfEx models: the real tables against GalSim's reader, plain files, and models that are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import galsim
import galsim.des
import numpy as np
import pytest
from astropy.io import fits
from composing import REAL, needs_real
from numpy.typing import NDArray

from arcgate.ground.errors import ArcgateError
from arcgate.imaging import DECALS
from arcgate.survey.psfex import PsfEx, read_psfex, read_psfex_file

FOLDER = REAL / "psfex"
REAL_FILES = sorted(FOLDER.glob("*.fits"))

KEYWORDS: dict[str, Any] = {
    "polnaxis": 2,
    "polngrp": 1,
    "polgrp1": 1,
    "polgrp2": 1,
    "polname1": "X_IMAGE",
    "polname2": "Y_IMAGE",
    "polzero1": 1024.5,
    "polzero2": 2048.5,
    "polscal1": 2040.0,
    "polscal2": 4090.0,
    "poldeg1": 2,
    "psfnaxis": 3,
    "psfaxis1": 9,
    "psfaxis2": 7,
    "psfaxis3": 6,
    "psf_samp": 1.0,
}


def planes(count: int = 6) -> NDArray[np.float32]:
    """A positive first term and small others, 7 x 9 pixels."""
    rng = np.random.default_rng(8)
    terms = 0.01 * rng.normal(size=(count, 7, 9))
    terms[0] = np.exp(-0.5 * np.hypot(*(np.indices((7, 9)) - np.array([3, 4])[:, None, None])) ** 2)
    return terms.astype(np.float32)


def plain(path: Path, mask: NDArray[np.float32], keywords: dict[str, Any]) -> Path:
    """PSFEx's own layout: keywords in the header, one column PSF_MASK."""
    shape = mask.shape
    column = fits.Column("PSF_MASK", f"{mask.size}E", dim=f"({shape[2]},{shape[1]},{shape[0]})", array=mask[None])
    table = fits.BinTableHDU.from_columns([column])
    for name, value in keywords.items():
        table.header[name.upper()] = value
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(path)
    return path


def merged(path: Path, ccds: tuple[str, ...], **change: Any) -> Path:
    """The Legacy Surveys' layout: keywords in columns, one row a CCD; the CCDs' first terms are 1, 2, ... times the same."""
    mask = np.stack([planes() * (number + 1) for number in range(len(ccds))])
    columns = [
        fits.Column("psf_mask", f"{mask[0].size}E", dim="(9,7,6)", array=mask),
        fits.Column("ccdname", "3A", array=list(ccds)),
    ]
    for name, value in (KEYWORDS | change).items():
        if value is None:
            continue
        kind = "7A" if isinstance(value, str) else "K" if isinstance(value, int) else "D"
        columns.append(fits.Column(name, kind, array=[value] * len(ccds)))
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns(columns)]).writeto(path)
    return path


@needs_real
def test_all_real_models_give_normalised_kernels_over_their_ccds() -> None:
    assert len(REAL_FILES) == 20
    models = [read_psfex(path) for path in REAL_FILES]
    assert sorted(model.band for model in models) == ["g"] * 6 + ["r"] * 7 + ["z"] * 7
    for model, path in zip(models, REAL_FILES, strict=True):
        assert f"_{model.band}_" in path.name
        (x, y), (width, height) = model.centre, model.scale
        for place in ((x, y), (x - 0.5 * width, y + 0.5 * height), (x + 0.5 * width, y - 0.5 * height)):
            kernel = model.kernel(*place)
            assert kernel.image.shape == (63, 63)
            assert kernel.image.sum() == pytest.approx(1.0, abs=1e-12)
            assert 0.7 < kernel.psfsize_pix * DECALS.pixel_scale_arcsec < 2.0
        assert 1.01 < model.raw_sum(x, y) < 1.04


@needs_real
@pytest.mark.parametrize("number", [0, 7, 19])
def test_a_real_model_equals_galsims(number: int, tmp_path: Path) -> None:
    with fits.open(REAL_FILES[number]) as file:
        row = file[1].data[0]
        keywords = {name: row[name].item() if hasattr(row[name], "item") else row[name] for name in KEYWORDS}
        # GalSim reads PSFEx's own layout only.
        path = plain(tmp_path / "model_g_.psf", np.array(row["psf_mask"], dtype=np.float32), keywords)
    model, theirs = read_psfex(REAL_FILES[number]), galsim.des.DES_PSFEx(str(path))
    for u, v in ((0.0, 0.0), (0.4, -0.2), (-0.5, 0.5)):
        place = galsim.PositionD(model.zero[0] + u * model.scale[0], model.zero[1] + v * model.scale[1])
        image = theirs.getPSFArray(place).astype(np.float64)
        # GalSim sums in float32.
        assert model.raw_sum(place.x, place.y) == pytest.approx(image.sum(), rel=1e-5)
        kernel = model.kernel(place.x, place.y).image
        assert kernel == pytest.approx(image / image.sum(), abs=1e-7)
        # As an object drawn at pixel centres, without another pixel, it is the same kernel centred on the central pixel.
        drawn = theirs.getPSF(place).drawImage(nx=63, ny=63, scale=1.0, method="no_pixel").array
        assert kernel == pytest.approx(drawn, abs=1e-5 * kernel.max())


def test_the_polynomial_is_that_of_position_written_out(tmp_path: Path) -> None:
    mask = planes()
    model = read_psfex(plain(tmp_path / "exposure_r_c01.psf", mask, KEYWORDS))
    u, v = (700.0 - 1024.5) / 2040.0, (3900.0 - 2048.5) / 4090.0
    image = mask[0] + u * mask[1] + u * u * mask[2] + v * mask[3] + u * v * mask[4] + v * v * mask[5]
    assert model.band == "r"
    assert model.raw_sum(700.0, 3900.0) == pytest.approx(image.sum(), rel=1e-6)
    assert model.kernel(700.0, 3900.0).image == pytest.approx(image / image.sum(), abs=1e-7)
    # At the zero point only the first term is left.
    assert model.kernel(*model.centre).image == pytest.approx(mask[0] / mask[0].sum(), abs=1e-7)


def test_a_ccd_of_a_merged_table_is_found_by_name(tmp_path: Path) -> None:
    path = merged(tmp_path / "c4d_ooi_z_ls9.fits", ("N1", "S21"))
    assert read_psfex(path, "S21").raw_sum(1000.0, 2000.0) == pytest.approx(2.0 * read_psfex(path, "N1").raw_sum(1000.0, 2000.0))
    for ccdname, message in ((None, "holds N1, S21; sought is one CCD"), ("N9", "sought is the CCD N9")):
        with pytest.raises(ArcgateError, match=message) as error:
            read_psfex(path, ccdname)
        assert error.value.todo


def test_a_single_row_needs_no_name_but_a_wrong_name_is_an_error(tmp_path: Path) -> None:
    path = merged(tmp_path / "c4d_ooi_z_ls9.fits", ("N1",))
    assert read_psfex(path).band == "z"
    with pytest.raises(ArcgateError, match="sought is the CCD S1"):
        read_psfex(path, "S1")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"psf_samp": 0.5}, "psf_samp is 0.5; models with psf_samp = 1.0 are read"),
        ({"polngrp": 2}, "polngrp is 2"),
        ({"polname1": "XWIN_IM"}, "polname1 is XWIN_IM"),
        ({"polscal2": 0.0}, "polscal .* must be positive"),
        ({"poldeg1": 3}, "sought are 10 images for degree 3"),
        ({"polzero1": None}, "neither a column nor a keyword polzero1"),
    ],
)
def test_other_kinds_of_models_are_refused(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    with pytest.raises(ArcgateError, match=message) as error:
        read_psfex(merged(tmp_path / "c4d_ooi_z_ls9.fits", ("N1",), **change))
    assert "c4d_ooi_z_ls9.fits" in str(error.value.where)
    assert error.value.todo


@pytest.mark.parametrize("place", [(-200.0, 2000.0), (1000.0, 4400.0), (np.nan, 2000.0)])
def test_places_outside_the_ccd_are_refused(tmp_path: Path, place: tuple[float, float]) -> None:
    model = read_psfex(plain(tmp_path / "exposure_r_c01.psf", planes(), KEYWORDS))
    with pytest.raises(ArcgateError, match=r"lies outside the CCD: x runs from -98 to 2146, y from -201 to 4298"):
        model.kernel(*place)


def test_a_model_that_gives_no_psf_says_where() -> None:
    model = PsfEx("a file", "g", "S4", -np.ones((1, 5, 5)), 0, (0.0, 0.0), (10.0, 10.0))
    with pytest.raises(ArcgateError, match="no PSF at x = 1, y = 2: the sum"):
        model.kernel(1.0, 2.0)


def test_files_that_are_no_models(tmp_path: Path) -> None:
    with pytest.raises(ArcgateError, match="no file"):
        read_psfex(tmp_path / "c4d_ooi_g_ls9.fits")
    fits.PrimaryHDU(np.zeros((3, 3))).writeto(tmp_path / "image_g_.fits")
    with pytest.raises(ArcgateError, match="no column psf_mask"):
        read_psfex(tmp_path / "image_g_.fits")
    with pytest.raises(ArcgateError, match=r"the name model\.psf holds no band"):
        read_psfex(plain(tmp_path / "model.psf", planes(), KEYWORDS))


def test_all_ccds_of_a_file_by_row(tmp_path: Path) -> None:
    path = merged(tmp_path / "c4d_ooi_z_ls9.fits", ("N1", "S4", "N1"))
    models = read_psfex_file(path)
    assert [model.ccdname for model in models] == ["N1", "S4", "N1"]
    with fits.open(path) as hdus:
        place = next(k for k, hdu in enumerate(hdus) if getattr(hdu, "columns", None) is not None)
        table = hdus[place]
        unnamed = fits.BinTableHDU.from_columns([column for column in table.columns if column.name.lower() != "ccdname"])
        fits.HDUList([fits.PrimaryHDU(), unnamed]).writeto(tmp_path / "unnamed_ooi_z_ls9.fits")
        fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU(table.data[:0])]).writeto(tmp_path / "empty_ooi_z_ls9.fits")
    assert len(read_psfex_file(tmp_path / "unnamed_ooi_z_ls9.fits")) == 3
    with pytest.raises(ArcgateError, match="has no rows"):
        read_psfex_file(tmp_path / "empty_ooi_z_ls9.fits")
