"""Stamp packs: reading real and written ones, and every way a pack can be unusable."""

from __future__ import annotations

import pickle
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from brick_files import slipped
from composing import REAL, needs_real
from lighting import galaxy
from numpy.typing import NDArray
from packs_on_disk import cutouts, opened, pack_hosts, whole_table, write_pack

from arcgate.ground.errors import ArcgateError
from arcgate.hosts_node import Kernels, PackHosts
from arcgate.imaging import DECALS, Imaging
from arcgate.lensing.psf import Psf
from arcgate.survey.columns import declared_columns, measured_columns
from arcgate.survey.pack import PackFiles, PackParents
from arcgate.survey.parents import open_parents
from arcgate.survey.places import Parents

Cubes = dict[str, NDArray[Any]]
HSC = Imaging(("g", "r", "i"), "r", 101, 0.168)


@pytest.fixture(scope="module")
def real() -> PackParents:
    """The 46 real galaxies."""
    return opened(pack_hosts(REAL / "des_lrg_hosts"))


def corners(parents: Parents) -> NDArray[np.int64]:
    """First row and column of each cut, as its provenance states them."""
    found = whole_table(parents)["provenance"].str.extract(r"row (\d+), column (\d+)")
    return found.to_numpy(np.int64)


@needs_real
def test_real_galaxies_are_centred_and_plausible(real: PackParents) -> None:
    assert len(real.catalogue) == 46
    assert dict(real.catalogue.dtypes.astype(str)) == declared_columns(DECALS)
    table = whole_table(real)
    assert set(table) == {*declared_columns(DECALS), *measured_columns(DECALS)}
    assert table[["host_x_pix", "host_y_pix"]].sub(31.5).abs().to_numpy().max() <= 0.5
    assert table["host_mag_r"].between(17.5, 21.2).all()
    assert (table["host_mag_g"] - table["host_mag_r"]).between(0.9, 2.6).all()
    assert (table["host_mag_r"] - table["host_mag_z"]).between(0.5, 1.8).all()
    assert table["depth_r"].between(24.3, 25.3).all()
    assert table["healpix"].isna().all()
    assert table[["ra", "dec", "ebv"]].isna().to_numpy().all()


@needs_real
def test_depths_of_galaxies_with_measured_psfs_are_of_those(real: PackParents) -> None:
    kernels = Kernels(str(REAL / "psfex"), "psfex", 0.262, "removed", "decam")
    found = opened(pack_hosts(REAL / "des_lrg_hosts", kernels=kernels))
    assert found.catalogue["host_id"].equals(real.catalogue["host_id"])
    for band in "grz":
        wider = found.catalogue[f"psfsize_{band}"] / real.catalogue[f"psfsize_{band}"]
        deeper = found.catalogue[f"depth_{band}"] - real.catalogue[f"depth_{band}"]
        assert deeper.to_numpy() == pytest.approx(-2.5 * np.log10(wider.to_numpy()), abs=1e-9)
        assert wider.std() > 0.02
    assert not any("implausible" in note for note in found.notes)


@needs_real
def test_the_zero_point_of_the_imaging_stands_in_for_the_factor(real: PackParents) -> None:
    hosts, imaging = pack_hosts(REAL / "des_lrg_hosts", nanomaggies_per_count=None), replace(DECALS, zero_point=30.0)
    assert PackFiles.open(hosts, imaging).digest == real.digest
    assert PackFiles.open(hosts, imaging).imaging == DECALS
    assert PackFiles.open(hosts, DECALS).digest != real.digest
    with pytest.raises(ArcgateError, match=r"(?s)a zero point of 27 means 0\.01585 nanomaggies per count, the hosts' say 0\.001"):
        PackFiles.open(pack_hosts(REAL / "des_lrg_hosts"), replace(DECALS, zero_point=27.0))


@needs_real
def test_cutouts_are_whole_pixel_cuts_of_the_files(real: PackParents) -> None:
    row, column = corners(real)[7]
    native = fits.getdata(REAL / "des_lrg_hosts" / "r.fits")[7, row : row + 64, column : column + 64].astype(np.float64)
    cut = cutouts(real, [7, 2])
    assert cut.shape == (2, 3, 64, 64)
    assert cut.dtype == np.float32
    assert np.array_equal(cut[0, 1], (native * 1e-3).astype(np.float32))


@needs_real
def test_a_place_travels_to_worker_processes(real: PackParents) -> None:
    before = cutouts(real, [3])
    place = real.place(np.array([5, 3]))
    content = pickle.dumps(place)
    assert len(content) < 10_000
    made = pickle.loads(content).cut()  # noqa: S301  # pickled above
    assert np.array_equal(made[1].image, before[0])
    assert [one.measured["provenance"].split(",")[1] for one in made] == [" galaxy 5", " galaxy 3"]


def test_centres_and_fluxes_of_a_written_pack(tmp_path: Path, pack_cubes: Cubes) -> None:
    survey = open_parents(write_pack(tmp_path, pack_cubes), DECALS, data_dir=tmp_path, workers=1)
    table = whole_table(survey)
    # The galaxies lie at x = 36.2, y = 33.7 of stamps 72 wide and 70 high.
    assert np.array_equal(corners(survey), np.tile([2, 5], (3, 1)))
    assert table["host_x_pix"].to_numpy() == pytest.approx(31.2, abs=0.1)
    assert table["host_y_pix"].to_numpy() == pytest.approx(31.7, abs=0.1)
    assert table["host_mag_r"].to_numpy() == pytest.approx(22.5 - 2.5 * np.log10(8.0), abs=0.05)
    assert table["sky_sigma_r"].to_numpy() == pytest.approx(4e-3, rel=0.06)
    assert list(table["host_id"]) == ["pack-0000", "pack-0001", "pack-0002"]


def test_digest_is_that_of_content_and_settings_not_of_the_place(tmp_path: Path, pack_cubes: Cubes) -> None:
    folders = [tmp_path / name for name in "ab"]
    for folder in folders:
        folder.mkdir()
        write_pack(folder, pack_cubes)
    same = [opened(pack_hosts(folder)).digest for folder in folders]
    other_scale = opened(pack_hosts(folders[0], pixel_scale_arcsec=0.262)).digest
    pack_cubes["z"][0, 0, 0] += 1.0
    other_pixel = opened(write_pack(folders[0], pack_cubes)).digest
    assert same[0] == same[1]
    assert len({same[0], other_scale, other_pixel}) == 3


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(ArcgateError, match="no such folder"):
        opened(pack_hosts(tmp_path / "nowhere"))


def test_missing_file(tmp_path: Path, pack_cubes: Cubes) -> None:
    hosts = write_pack(tmp_path, pack_cubes)
    (tmp_path / "r.fits").unlink()
    with pytest.raises(ArcgateError, match=r"no file r\.fits"):
        opened(hosts)


def test_truncated_file_names_the_missing_bytes(tmp_path: Path, pack_cubes: Cubes) -> None:
    hosts = write_pack(tmp_path, pack_cubes)
    path = tmp_path / "z.fits"
    path.write_bytes(path.read_bytes()[: 2880 + 3 * 70 * 72 * 4 - 1000])
    with pytest.raises(ArcgateError, match=r"z\.fits ends early: 1000 of 63360 bytes are missing"):
        opened(hosts)


@pytest.mark.parametrize("content", [b"", b"SIMPLE  =", b"not a FITS file" * 1000])
def test_a_file_that_is_not_fits(tmp_path: Path, pack_cubes: Cubes, content: bytes) -> None:
    hosts = write_pack(tmp_path, pack_cubes)
    (tmp_path / "g.fits").write_bytes(content)
    with pytest.raises(ArcgateError, match=r"g\.fits is not a readable FITS file"):
        opened(hosts)


def test_damaged_compressed_pixels_are_told(tmp_path: Path, pack_cubes: Cubes) -> None:
    hosts = write_pack(tmp_path, pack_cubes)
    path = tmp_path / "r.fits"
    cube = pack_cubes["r"] + np.random.default_rng(1).normal(size=pack_cubes["r"].shape).astype(np.float32)
    fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(cube, compression_type="RICE_1")]).writeto(path, overwrite=True)
    slipped(path)
    with pytest.raises(ArcgateError, match=r"r\.fits is not a readable FITS file: .*decompress"):
        opened(hosts)


def test_an_image_instead_of_a_cube(tmp_path: Path, pack_cubes: Cubes) -> None:
    pack_cubes["g"] = pack_cubes["g"][0]
    with pytest.raises(ArcgateError, match="sought is one cube"):
        opened(write_pack(tmp_path, pack_cubes))


def test_bands_of_different_shape(tmp_path: Path, pack_cubes: Cubes) -> None:
    pack_cubes["r"] = pack_cubes["r"][:2]
    with pytest.raises(ArcgateError, match=r"differ in shape: g\.fits \(3, 70, 72\), r\.fits \(2, 70, 72\)"):
        opened(write_pack(tmp_path, pack_cubes))


def test_small_stamps(tmp_path: Path, pack_cubes: Cubes) -> None:
    with pytest.raises(ArcgateError, match="63 x 72 pixels; sought is at least one of 64 x 64"):
        opened(write_pack(tmp_path, {band: cube[:, :63] for band, cube in pack_cubes.items()}))


@pytest.mark.parametrize("value", [np.nan, np.inf, -99.0, -32768.0])
def test_galaxies_with_pixels_without_measurement_are_left_out_and_counted(
    tmp_path: Path, pack_cubes: Cubes, value: float
) -> None:
    hosts = write_pack(tmp_path, pack_cubes)
    whole = opened(hosts)
    assert whole.notes == ("pixels of 0.263 arcsec are labelled as 0.262: lengths in arcsec are off by +0.4 %",)
    # In two bands, inside the cut, and sparse: one pixel of each.
    pack_cubes["z"][1, 40, 40] = value * (100.0 if np.isfinite(value) else 1.0)
    survey = opened(write_pack(tmp_path, pack_cubes))
    assert list(survey.catalogue["host_id"]) == ["pack-0000", "pack-0002"]
    assert any(note.startswith("1 galaxy is left out") and "galaxy 1, 1 pixels in z" in note for note in survey.notes)
    # The others keep their pixels, although they have moved up.
    assert np.array_equal(cutouts(survey, [1]), cutouts(whole, [2]))


@pytest.mark.parametrize("value", [0.0, -9999.0, 7.25, 65535.0])
@pytest.mark.parametrize("counts", [False, True])
def test_a_value_that_many_pixels_share_is_no_measurement(tmp_path: Path, pack_cubes: Cubes, value: float, counts: bool) -> None:
    if counts:
        pack_cubes = {band: np.rint(cube) for band, cube in pack_cubes.items()}
        value = np.rint(value)
    assert len(opened(write_pack(tmp_path, pack_cubes)).catalogue) == 3
    pack_cubes["g"][2, :, :16] = value
    assert list(opened(write_pack(tmp_path, pack_cubes)).indices) == [0, 1]


def test_missing_pixels_beside_the_cut_do_no_harm(tmp_path: Path, pack_cubes: Cubes) -> None:
    whole = opened(write_pack(tmp_path, pack_cubes))
    # The cut begins in column 5.
    for cube in pack_cubes.values():
        cube[1, :, :3] = -9999.0
    survey = opened(write_pack(tmp_path, pack_cubes))
    assert len(survey.catalogue) == 3
    assert np.array_equal(cutouts(survey, range(3)), cutouts(whole, range(3)))


def test_a_pack_without_any_whole_galaxy_is_refused(tmp_path: Path, pack_cubes: Cubes) -> None:
    pack_cubes["r"][:, 30:34] = np.nan
    with pytest.raises(
        ArcgateError,
        match=r"none of 3 galaxies can be used: 3 galaxies are left out for pixels that hold no measurement .galaxy 0",
    ):
        opened(write_pack(tmp_path, pack_cubes))


def test_a_galaxy_with_an_absurd_pixel_is_left_out_and_a_pack_of_them_refused(tmp_path: Path, pack_cubes: Cubes) -> None:
    pack_cubes["r"][2, 11, 12] = 3e38
    survey = opened(write_pack(tmp_path, pack_cubes))
    assert list(survey.indices) == [0, 1]
    assert any("galaxy 2, 3e+35 nanomaggies in r at (y, x) = (11, 12)" in note for note in survey.notes)
    pack_cubes["r"][2, 11, 12] = 0.0
    bright = {band: cube * np.float32(1e12) for band, cube in pack_cubes.items()}
    with pytest.raises(ArcgateError, match=r"none of 3 galaxies can be used: 3 .* a damaged file, or a wrong .*_per_count"):
        opened(write_pack(tmp_path, bright))


def test_a_wrong_zero_point_is_told(tmp_path: Path, pack_cubes: Cubes) -> None:
    faint = {band: cube * np.float32(1e-3) for band, cube in pack_cubes.items()}
    notes = opened(write_pack(tmp_path, faint)).notes
    assert any(note.startswith("implausible: the median magnitude of the galaxies in r is 27.") for note in notes)
    assert any(note.startswith("implausible: the median depth in r") for note in notes)


def test_another_pixel_scale(tmp_path: Path, pack_cubes: Cubes) -> None:
    write_pack(tmp_path, pack_cubes)
    with pytest.raises(ArcgateError, match=r"0\.27 arcsec, \+3\.1 % off 0\.262"):
        opened(pack_hosts(tmp_path, pixel_scale_arcsec=0.27))


def test_a_galaxy_that_is_not_there_is_left_out_and_named(tmp_path: Path, pack_cubes: Cubes) -> None:
    for cube in pack_cubes.values():
        cube[2] = np.random.default_rng(1).normal(0.0, 4.0, cube[2].shape)
    survey = opened(write_pack(tmp_path, pack_cubes))
    assert list(survey.catalogue["host_id"]) == ["pack-0000", "pack-0001"]
    assert any(re.search(r"1 galaxy is left out for a centre .*galaxy 2, no peak above 5 sigma", note) for note in survey.notes)


def test_galaxies_are_counted_by_the_reason_for_which_they_are_left_out(tmp_path: Path, pack_cubes: Cubes) -> None:
    pack_cubes["g"][0] *= -1.0
    pack_cubes["z"][1, 40, 40] = np.nan
    survey = opened(write_pack(tmp_path, pack_cubes))
    assert survey.left_out == {"a centre or light that cannot be measured": 1, "pixels that hold no measurement": 1}
    assert any("in g: both must be positive" in note for note in survey.notes)


@pytest.fixture
def hsc_cubes() -> Cubes:
    """Two galaxies in stamps of 108 x 110 pixels of 0.168 arcsec, in counts of 1e-3 nanomaggies."""
    rng = np.random.default_rng(4)
    light = galaxy(0.8, 1.0, 0.7, 0.4, 49.8, 50.3, Psf("moffat", 0.7, 3.0), HSC.frame)
    cubes = {}
    for band, flux in (("g", 2.0), ("r", 8.0), ("i", 14.0)):
        stamps = rng.normal(0.0, 1e-3, (2, 108, 110))
        stamps[:, 2:103, 5:106] += flux * light
        cubes[band] = (stamps / 1e-3).astype(np.float32)
    return cubes


def hsc_hosts(folder: Path, cubes: Cubes, **changes: Any) -> PackHosts:
    write_pack(folder, cubes)
    size, beta, gain = (dict.fromkeys(HSC.bands, value) for value in (0.85, 3.0, 7500.0))
    plain = {"pixel_scale_arcsec": 0.168, "psfsize_arcsec": size, "psf_beta": beta, "gain": gain}
    return pack_hosts(folder, **(plain | changes))


def test_a_pack_of_other_bands_size_and_scale(tmp_path: Path, hsc_cubes: Cubes) -> None:
    survey = opened(hsc_hosts(tmp_path, hsc_cubes), HSC)
    table = whole_table(survey)
    assert survey.notes == ()
    assert dict(survey.catalogue.dtypes.astype(str)) == declared_columns(HSC)
    assert {"host_mag_i", "sky_sigma_i"} < set(table) > {"host_mag_r"}
    assert "host_mag_z" not in table
    # The middle of 101 pixels is number 50: the galaxies lie at x = 54.8, y = 52.3 of the file.
    assert np.array_equal(corners(survey), np.tile([2, 5], (2, 1)))
    assert table["host_x_pix"].to_numpy() == pytest.approx(49.8, abs=0.1)
    assert table["host_y_pix"].to_numpy() == pytest.approx(50.3, abs=0.1)
    for band, flux in (("g", 2.0), ("r", 8.0), ("i", 14.0)):
        assert table[f"host_mag_{band}"].to_numpy() == pytest.approx(22.5 - 2.5 * np.log10(flux), abs=0.05)
        assert table[f"sky_sigma_{band}"].to_numpy() == pytest.approx(1e-3, rel=0.06)
    cut = cutouts(survey, [1])
    assert cut.shape == (1, 3, 101, 101)
    assert np.array_equal(cut[0, 2], (hsc_cubes["i"][1, 2:103, 5:106].astype(np.float64) * 1e-3).astype(np.float32))
    assert opened(hsc_hosts(tmp_path, hsc_cubes), Imaging(HSC.bands, "i", 101, 0.168)).digest != survey.digest


def test_a_pack_smaller_than_the_imaging(tmp_path: Path, hsc_cubes: Cubes) -> None:
    small = {band: cube[:, 2:102] for band, cube in hsc_cubes.items()}
    with pytest.raises(ArcgateError, match=r"100 x 110 pixels; sought is at least one of 101 x 101(.|\n)*another imaging"):
        opened(hsc_hosts(tmp_path, small), HSC)


def test_a_pack_of_other_bands_than_the_imaging(tmp_path: Path, pack_cubes: Cubes) -> None:
    with pytest.raises(ArcgateError, match=r"no file i\.fits(.|\n)*a file for each band of the imaging"):
        opened(hsc_hosts(tmp_path, pack_cubes), HSC)


def test_a_folder_that_is_not_there_is_told_with_the_names_of_the_bands(tmp_path: Path) -> None:
    with pytest.raises(ArcgateError, match=r"no such folder(.|\n)*g\.fits, r\.fits, i\.fits"):
        opened(pack_hosts(tmp_path / "nowhere", pixel_scale_arcsec=0.168), HSC)


def test_a_pack_of_another_scale_than_the_imaging(tmp_path: Path, hsc_cubes: Cubes) -> None:
    hosts = hsc_hosts(tmp_path, hsc_cubes, pixel_scale_arcsec=0.262)
    with pytest.raises(ArcgateError, match=r"0\.262 arcsec, \+56\.0 % off 0\.168, the imaging's(.|\n)*another imaging"):
        opened(hosts, HSC)
    hosts = hsc_hosts(tmp_path, hsc_cubes)
    header = fits.Header({"CTYPE1": "RA---TAN", "CDELT1": -0.262 / 3600, "CDELT2": 0.262 / 3600})
    fits.PrimaryHDU(hsc_cubes["i"], header).writeto(tmp_path / "i.fits", overwrite=True)
    with pytest.raises(
        ArcgateError, match=r"pixels of 0\.2620 arcsec by the header, 0\.168 by the configuration(.|\n)*1 % of 0\.168"
    ):
        opened(hosts, HSC)
