"""Measured PSFs: which galaxy sees which, wings, centroids, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from astropy.io import fits
from composing import REAL, needs_real

from arcgate.ground.errors import ArcgateError
from arcgate.hosts_node import Kernels
from arcgate.imaging import DECALS, Imaging
from arcgate.lensing.psf import Kernel, Psf
from arcgate.survey.columns import declared_columns
from arcgate.survey.kernels import kernels_digest, with_kernels
from arcgate.survey.splits import split_of, split_of_few
from arcgate.survey.wings import JOIN_ARCSEC, decam_wing, with_decam_wings

SCALE = DECALS.pixel_scale_arcsec
PSFEX = Kernels(str(REAL / "psfex"), "psfex", SCALE, "removed", "decam")


def _galaxies(count: int, imaging: Imaging = DECALS) -> pd.DataFrame:
    columns = declared_columns(imaging)
    table = pd.DataFrame({"host_id": [f"galaxy-{k}" for k in range(count)]}).reindex(columns=list(columns))
    return table.astype(columns)


def _moffat(fwhm: float = 1.1, shift: tuple[float, float] = (0.0, 0.0), size: int = 63) -> np.ndarray:
    offset = np.arange(size) - size // 2
    radius = np.hypot(offset[None, :] - shift[0], offset[:, None] - shift[1]) * SCALE
    return Psf("moffat", fwhm, 3.0).density(radius) * SCALE**2


def _coadds(folder: Path, count: int, bands: str = "grz", **changes: float) -> Kernels:
    folder.mkdir(exist_ok=True)
    for number in range(count):
        hdus = [fits.ImageHDU(_moffat(0.9 + 0.1 * number, shift=(0.3, -0.2))) for _ in bands]
        for hdu, band in zip(hdus, bands, strict=True):
            hdu.header["BAND"] = band
        fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(folder / f"copsf_{number}.fits")
    return Kernels(str(folder), "coadd", SCALE, "removed", "none")


def _with_kernels(
    galaxies: pd.DataFrame, kernels: Kernels, folder: Path, imaging: Imaging = DECALS
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """In a folder of its own."""
    return with_kernels(galaxies, kernels, imaging, folder / f"kept-{len(list(folder.iterdir()))}")


@needs_real
def test_no_model_serves_two_splits_and_every_galaxy_sees_its_own_place(tmp_path: Path) -> None:
    galaxies = _galaxies(300)
    catalogue, table = _with_kernels(galaxies, PSFEX, tmp_path)
    assert table["name"].is_unique
    model = table.set_index("name")["file"]
    for band in DECALS.bands:
        seen = pd.DataFrame({"model": model.loc[catalogue[f"kernel_{band}"]].to_numpy(), "split": split_of(galaxies)})
        assert (seen.groupby("model")["split"].nunique() == 1).all()
        assert seen["split"].nunique() == 3
        assert set(seen["model"].str.extract(r"_ooi_(.)_")[0]) == {band}
        of_band = table[table["band"] == band].set_index("name").loc[catalogue[f"kernel_{band}"]]
        assert catalogue[f"psfsize_{band}"].to_numpy() == pytest.approx(of_band["psfsize_arcsec"].to_numpy())
        assert catalogue[f"psf_beta_{band}"].to_numpy() == pytest.approx(of_band["moffat_beta"].to_numpy())
        assert np.abs(of_band[["centroid_x_pix", "centroid_y_pix"]].to_numpy()).max() < 0.02
        assert len(np.unique(of_band.index)) > 30
    assert (table["height_pix"] == 93).all()


@needs_real
def test_a_galaxy_sees_the_same_whatever_other_galaxies_there_are(tmp_path: Path) -> None:
    few, many = (_with_kernels(_galaxies(count), PSFEX, tmp_path)[0] for count in (20, 60))
    assert few["kernel_g"].tolist() == many["kernel_g"].iloc[:20].tolist()


def test_bands_of_one_file_go_together(tmp_path: Path) -> None:
    catalogue, table = _with_kernels(_galaxies(80), _coadds(tmp_path / "psfs", 5), tmp_path)
    model = table.drop_duplicates("name").set_index("name")["file"]
    seen = [model.loc[catalogue[f"kernel_{band}"]].tolist() for band in "grz"]
    assert seen[0] == seen[1] == seen[2]
    assert len(set(seen[0])) == 5


def test_a_centroid_is_removed_or_stays(tmp_path: Path) -> None:
    removed = _coadds(tmp_path / "psfs", 3)
    for kernels, centroid in ((removed, (0.0, 0.0)), (replace(removed, centroid="declared"), (0.3, -0.2))):
        table = _with_kernels(_galaxies(40), kernels, tmp_path)[1]
        found = table[["centroid_x_pix", "centroid_y_pix"]].to_numpy()
        # Light beyond the kernel's frame pulls the centroid by a few thousandths of a pixel.
        assert found == pytest.approx(np.broadcast_to(centroid, found.shape), abs=0.01)


@pytest.mark.parametrize(("band", "ccdname"), [("g", ""), ("r", ""), ("z", ""), ("z", "S21")])
def test_wings_join_at_five_arcsec_and_end_at_half_the_diagonal(band: str, ccdname: str) -> None:
    kernel = with_decam_wings(Kernel(_moffat()), band, ccdname, 64, SCALE)
    assert kernel.image.sum() == pytest.approx(1.0, abs=1e-12)
    offset = (np.arange(93) - 46) * SCALE
    radius = np.hypot(offset[None, :], offset[:, None])
    beyond = (radius > JOIN_ARCSEC) & (radius <= 64 * SCALE / np.sqrt(2.0))
    assert kernel.image[beyond] == pytest.approx(decam_wing(radius[beyond], band, ccdname) * SCALE**2)
    assert not kernel.image[radius > 64 * SCALE / np.sqrt(2.0)].any()
    # Inside the shape is the model's.
    inner = radius <= JOIN_ARCSEC
    ratio = kernel.image[inner] / Kernel(_moffat()).on(93, SCALE)[inner]
    assert ratio == pytest.approx(np.full(inner.sum(), ratio[0]))


def test_the_wings_are_those_that_the_surveys_state() -> None:
    # Surface brightness at 10 arcsec of unit flux, by hand.
    assert decam_wing(np.array([10.0]), "g", "")[0] == pytest.approx(4.5e-6)
    assert decam_wing(np.array([10.0]), "i", "")[0] == pytest.approx(3.3e-6)
    assert decam_wing(np.array([10.0]), "z", "N4")[0] == pytest.approx(
        0.0145 * 0.7 / (np.pi * 17.65**2) * (1 + 100 / 17.65**2) ** -1.7
    )
    assert decam_wing(np.array([10.0]), "z", "S8")[0] == pytest.approx(
        0.0095 * 1.3 / (np.pi * 16.0**2) * (1 + 100 / 256.0) ** -2.3
    )
    with pytest.raises(ArcgateError, match=r"(?s)not in Y.*wings=none"):
        decam_wing(np.array([10.0]), "Y", "")


@pytest.mark.parametrize(
    ("size", "wings", "says"),
    [
        (31, "decam", r"(?s)the PSF in g cannot be used: .*reaches 5 arcsec; .*\(31, 31\).*copsf_\d.fits"),
        (101, "none", r"(?s)\(101, 101\) pixels; 97 a side are the most.*copsf_\d.fits"),
    ],
)
def test_kernels_that_end_before_the_wings_begin_or_are_larger_than_stamps_take_are_refused(
    tmp_path: Path, size: int, wings: str, says: str
) -> None:
    kernels = replace(_coadds(tmp_path / "psfs", 3), wings=wings)
    for path in (tmp_path / "psfs").iterdir():
        with fits.open(path, mode="update") as hdus:
            for hdu in hdus[1:]:
                hdu.data = _moffat(0.9 + 0.1 * int(path.stem[-1]), size=size)
    with pytest.raises(ArcgateError, match=says):
        _with_kernels(_galaxies(5), kernels, tmp_path)


def test_galaxies_of_a_split_that_no_model_serves_have_none(tmp_path: Path) -> None:
    galaxies = _galaxies(60)
    for count, sides in ((1, {"train"}), (2, {"train", "test"})):
        catalogue, table = _with_kernels(galaxies, _coadds(tmp_path / f"{count}", count), tmp_path)
        served = catalogue["kernel_g"].notna().to_numpy()
        assert set(split_of(galaxies)[served]) == sides
        assert catalogue.loc[~served, ["kernel_r", "kernel_z", "psfsize_g"]].isna().all(axis=None)
        assert table["name"].nunique() == count


def test_a_band_without_a_psf_and_no_model_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ArcgateError, match=r"no PSF is declared in z: the models are of g\+r"):
        _with_kernels(_galaxies(5), _coadds(tmp_path / "two bands", 3, "gr"), tmp_path)
    (tmp_path / "nothing").mkdir()
    with pytest.raises(ArcgateError, match=r"(?s)no PSF model of the form copsf\*\.fits.*data\.hosts\.kernels\.path"):
        _with_kernels(_galaxies(5), Kernels(str(tmp_path / "nothing"), "coadd", SCALE, "removed", "none"), tmp_path)


def test_the_digest_follows_the_content_of_the_files(tmp_path: Path) -> None:
    one, two = (_coadds(tmp_path / name, 3) for name in "ab")
    before = kernels_digest(one)
    assert kernels_digest(two) == before
    _coadds(tmp_path / "more", 4)
    (tmp_path / "b" / "copsf_2.fits").write_bytes((tmp_path / "more" / "copsf_3.fits").read_bytes())
    assert kernels_digest(two) != before


def test_a_few_things_are_shared_out_so_that_every_split_has_one() -> None:
    for count in (3, 7, 20, 50):
        sides = split_of_few([f"model {k}" for k in range(count)], "models")
        assert set(sides) == {"train", "val", "test"}
        assert (sides == "val").sum() == max(1, round(0.1 * count))
        assert (sides == "test").sum() == max(1, round(0.2 * count))


def test_kernels_are_made_once_and_kept(tmp_path: Path) -> None:
    galaxies, kernels = _galaxies(40), _coadds(tmp_path / "psfs", 3)
    one, other = (with_kernels(galaxies, kernels, DECALS, tmp_path / "kept") for _ in range(2))
    assert (tmp_path / "kept" / "kernels.parquet").is_file()
    pd.testing.assert_frame_equal(one[0], other[0])
    pd.testing.assert_frame_equal(one[1], other[1])
    assert one[0]["kernel_g"].isin(one[1]["name"]).all()


def test_models_of_other_pixels_than_the_stamps_are_refused(tmp_path: Path) -> None:
    finer = Imaging(("g", "r", "z"), "r", 101, 0.168)
    with pytest.raises(ArcgateError, match=r"(?s)pixels are 0\.262 arcsec, \+56\.0 % off 0\.168.*kernels\.pixel_scale_arcsec"):
        _with_kernels(_galaxies(5), _coadds(tmp_path / "psfs", 3), tmp_path, finer)


def test_bands_are_lower_case(tmp_path: Path) -> None:
    two = Imaging(("r", "y"), "r", 64, SCALE)
    catalogue = _with_kernels(_galaxies(40, two), _coadds(tmp_path / "psfs", 3, "rY"), tmp_path, two)[0]
    assert catalogue["kernel_y"].notna().all()


def test_a_nearly_gaussian_kernel_is_one_like_any_other(tmp_path: Path) -> None:
    kernels = _coadds(tmp_path / "psfs", 3)
    gaussian = Psf("gaussian", 1.0).on(63, SCALE)
    for path in (tmp_path / "psfs").iterdir():
        with fits.open(path, mode="update") as hdus:
            for hdu in hdus[1:]:
                # No two of them are the same.
                hdu.data = gaussian * (1.0 + 1e-6 * len(path.stem) * int(path.stem[-1]) * np.eye(63))
    catalogue = _with_kernels(_galaxies(20), kernels, tmp_path)[0]
    assert catalogue["psf_beta_r"].between(50.0, 1000.0).all()
    assert catalogue["psfsize_r"].to_numpy() == pytest.approx(1.0, abs=0.005)


@needs_real
def test_all_ccds_of_an_exposure_are_one_model(tmp_path: Path) -> None:
    paths = sorted((REAL / "psfex").glob("*_ooi_g_*psfex*.fits"))[:3]
    folder = tmp_path / "merged"
    folder.mkdir()
    for number, path in enumerate(paths):
        with fits.open(path) as hdus:
            place = next(k for k, hdu in enumerate(hdus) if getattr(hdu, "columns", None) is not None)
            table = hdus[place]
            twice = fits.BinTableHDU(np.concatenate([table.data, table.data]), header=table.header)
            twice.data["ccdname"] = ["N4", "S21"]
            fits.HDUList([fits.PrimaryHDU(), twice]).writeto(folder / f"c4d_{number}_ooi_g_psfex.fits")
    kernels = replace(PSFEX, path=str(folder))
    one_band = Imaging(("g",), "g", 64, SCALE)
    catalogue, table = _with_kernels(_galaxies(80, one_band), kernels, tmp_path, one_band)
    assert table["origin"].nunique() == 3
    assert table["place"].max() > 16
    assert catalogue["kernel_g"].notna().all()


def test_one_model_under_two_names_is_refused(tmp_path: Path) -> None:
    kernels = _coadds(tmp_path / "psfs", 3)
    (tmp_path / "psfs" / "copsf_copy.fits").write_bytes((tmp_path / "psfs" / "copsf_1.fits").read_bytes())
    with pytest.raises(ArcgateError, match=r"copsf_1\.fits and copsf_copy\.fits hold the same PSF model"):
        _with_kernels(_galaxies(5), kernels, tmp_path)


def test_galaxies_of_which_none_is_served_have_none(tmp_path: Path) -> None:
    galaxies = _galaxies(60)
    alone = galaxies[split_of(galaxies) == "val"].reset_index(drop=True)
    catalogue, table = _with_kernels(alone, _coadds(tmp_path / "psfs", 1), tmp_path)
    assert catalogue[["kernel_g", "psfsize_z"]].isna().all(axis=None)
    assert table.empty
