"""Measured PSFs: which galaxy sees which, wings, centroids, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from astropy.io import fits
from composing import REAL, needs_real

from arcgate.data_node import Kernels
from arcgate.ground.errors import ArcgateError
from arcgate.imaging import DECALS, Imaging
from arcgate.lensing.psf import Kernel, Psf
from arcgate.survey.columns import declared_columns
from arcgate.survey.kernels import kernels_digest, with_kernels
from arcgate.survey.splits import split_of, split_of_few
from arcgate.survey.wings import JOIN_ARCSEC, decam_wing, with_decam_wings

SCALE = DECALS.pixel_scale_arcsec
PSFEX = Kernels(str(REAL / "psfex"), "psfex", "removed", "decam")


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
    return Kernels(str(folder), "coadd", "removed", "none")


@needs_real
def test_no_model_serves_two_splits_and_every_galaxy_sees_its_own_place() -> None:
    galaxies = _galaxies(300)
    catalogue, table = with_kernels(galaxies, PSFEX, DECALS)
    assert table["name"].is_unique
    model = table.set_index("name")["provenance"].str.split(",").str[0]
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
def test_a_galaxy_sees_the_same_whatever_other_galaxies_there_are() -> None:
    few, many = (with_kernels(_galaxies(count), PSFEX, DECALS)[0] for count in (20, 60))
    assert few["kernel_g"].tolist() == many["kernel_g"].iloc[:20].tolist()


def test_bands_of_one_file_go_together(tmp_path: Path) -> None:
    catalogue, table = with_kernels(_galaxies(80), _coadds(tmp_path / "psfs", 5), DECALS)
    provenance = table.drop_duplicates("name").set_index("name")["provenance"]
    seen = [provenance.loc[catalogue[f"kernel_{band}"]].tolist() for band in "grz"]
    assert seen[0] == seen[1] == seen[2]
    assert len(set(seen[0])) == 5


def test_a_centroid_is_removed_or_stays(tmp_path: Path) -> None:
    removed = _coadds(tmp_path / "psfs", 3)
    for kernels, centroid in ((removed, (0.0, 0.0)), (replace(removed, centroid="declared"), (0.3, -0.2))):
        table = with_kernels(_galaxies(40), kernels, DECALS)[1]
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


def test_a_kernel_that_ends_before_the_wings_begin_is_refused(tmp_path: Path) -> None:
    kernels = replace(_coadds(tmp_path / "psfs", 3), wings="decam")
    for path in (tmp_path / "psfs").iterdir():
        with fits.open(path, mode="update") as hdus:
            for hdu in hdus[1:]:
                hdu.data = _moffat(size=31)
    with pytest.raises(ArcgateError, match=r"(?s)copsf_\d.fits in g cannot be used.*reaches 5 arcsec; its shape is \(31, 31\)"):
        with_kernels(_galaxies(5), kernels, DECALS)


def test_a_kernel_larger_than_the_stamps_take_is_refused(tmp_path: Path) -> None:
    kernels = _coadds(tmp_path / "psfs", 3)
    for path in (tmp_path / "psfs").iterdir():
        with fits.open(path, mode="update") as hdus:
            for hdu in hdus[1:]:
                hdu.data = _moffat(size=101)
    with pytest.raises(ArcgateError, match=r"\(101, 101\) pixels; 97 a side are the most"):
        with_kernels(_galaxies(5), kernels, DECALS)


def test_galaxies_of_a_split_that_no_model_serves_have_none(tmp_path: Path) -> None:
    galaxies = _galaxies(60)
    for count, sides in ((1, {"train"}), (2, {"train", "test"})):
        catalogue, table = with_kernels(galaxies, _coadds(tmp_path / f"{count}", count), DECALS)
        served = catalogue["kernel_g"].notna().to_numpy()
        assert set(split_of(galaxies)[served]) == sides
        assert catalogue.loc[~served, ["kernel_r", "kernel_z", "psfsize_g"]].isna().all(axis=None)
        assert table["name"].nunique() == count


def test_a_band_without_a_psf_and_no_model_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ArcgateError, match=r"no PSF is declared in z: the models are of g\+r"):
        with_kernels(_galaxies(5), _coadds(tmp_path / "two bands", 3, "gr"), DECALS)
    (tmp_path / "nothing").mkdir()
    with pytest.raises(ArcgateError, match=r"(?s)no PSF model of the form copsf\*\.fits.*data\.hosts\.kernels\.path"):
        with_kernels(_galaxies(5), Kernels(str(tmp_path / "nothing"), "coadd", "removed", "none"), DECALS)


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
