"""Headers of a stamp pack against the configuration, and cubes that lie elsewhere or are packed."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from numpy.typing import NDArray
from packs_on_disk import cutouts, cuts, pack_hosts, write_pack
from packs_on_disk import opened as opened_pack

from arcgate.ground.errors import ArcgateError
from arcgate.survey.cubes import open_cube
from arcgate.survey.pack import PackParents

Cubes = dict[str, NDArray[Any]]
DEGREES = 0.263 / 3600


def opened(folder: Path, cubes: Cubes, **header: Any) -> PackParents:
    """The pack with these keywords in all three headers."""
    for band, cube in cubes.items():
        fits.PrimaryHDU(cube, fits.Header(header)).writeto(folder / f"{band}.fits", overwrite=True)
    return opened_pack(pack_hosts(folder))


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ({"BUNIT": "nanomaggy"}, r"BUNIT = 'nanomaggy' means 1 nanomaggies per count, the configuration says 0\.001"),
        ({"BUNIT": "nmgy/pixel"}, "means 1 nanomaggies"),
        ({"BUNIT": "nJy"}, r"means 0\.0002754 nanomaggies"),
        ({"BUNIT": "Jy"}, r"means 2\.754e\+05 nanomaggies"),
        ({"MAGZERO": 22.5}, r"MAGZERO = 22\.5 means 1 nanomaggies per count, the configuration says 0\.001"),
        ({"MAGZPT": 27}, r"means 0\.01585 nanomaggies"),
        ({"FLUXMAG0": 63095734448.0}, r"means 0\.01585 nanomaggies"),
        # Contradicts itself: counts of zero point 30 cannot be nanomaggies.
        ({"BUNIT": "nanomaggy", "MAGZERO": 30.0}, "BUNIT = 'nanomaggy' means 1"),
        ({"BUNIT": "1/nanomaggy^2"}, "is no flux per pixel"),
        ({"BUNIT": "mag/arcsec2"}, "is no flux per pixel"),
        ({"BUNIT": "MJy/sr"}, "is no flux per pixel"),
        (
            {"CD1_1": -0.2 / 3600, "CD2_2": 0.2 / 3600},
            r"pixels of 0\.2000 arcsec by the header, 0\.263 by the configuration, -24\.0 %",
        ),
        ({"CTYPE1": "RA---TAN", "CDELT1": -0.168 / 3600, "CDELT2": 0.168 / 3600}, r"pixels of 0\.1680 arcsec"),
        ({"PIXSCALE": 0.2}, r"pixels of 0\.2000 arcsec"),
        ({"BANDS": "grz"}, "the 3 planes of g.fits are bands of one galaxy"),
        ({"FILTER": "r DECam SDSS c0002 6415.0 1480.0"}, "g.fits should hold the band g, its header says FILTER = 'r DECam"),
    ],
)
def test_a_header_that_contradicts_is_refused_with_both_numbers(
    tmp_path: Path, pack_cubes: Cubes, header: dict[str, Any], says: str
) -> None:
    with pytest.raises(ArcgateError, match=says):
        opened(tmp_path, pack_cubes, **header)


@pytest.mark.parametrize(
    "header",
    [
        {},
        {"BUNIT": "adu", "MAGZERO": 30.0},
        {"MAGZERO": 30.004, "FILTER": "clear"},
        {"MAGZERO": 0.0, "BUNIT": "electron/s"},
        {"FLUXMAG0": 1e12},
        {"CD1_1": -DEGREES, "CD2_2": DEGREES},
        # Turned by 30 degrees.
        {
            "CTYPE1": "RA---TAN",
            "CDELT1": -DEGREES,
            "CDELT2": DEGREES,
            "PC1_1": 0.75**0.5,
            "PC1_2": -0.5,
            "PC2_1": 0.5,
            "PC2_2": 0.75**0.5,
        },
        {"CDELT1": 1.0, "CDELT2": 1.0},
    ],
)
def test_a_header_that_agrees_or_says_nothing_passes(tmp_path: Path, pack_cubes: Cubes, header: dict[str, Any]) -> None:
    survey = opened(tmp_path, pack_cubes, **header)
    assert len(survey.catalogue) == 3
    assert len(survey.notes) == 1


def test_a_scale_that_differs_by_less_than_a_percent_is_told(tmp_path: Path, pack_cubes: Cubes) -> None:
    survey = opened(tmp_path, pack_cubes, CD1_1=-0.262 / 3600, CD2_2=0.262 / 3600)
    assert "g.fits: pixels of 0.2620 arcsec by the header, 0.263 by the configuration" in survey.notes[1]


def test_a_zero_point_in_another_part_of_the_file_counts(tmp_path: Path, pack_cubes: Cubes) -> None:
    write_pack(tmp_path, pack_cubes)
    first = fits.PrimaryHDU(header=fits.Header({"MAGZERO": 22.5}))
    fits.HDUList([first, fits.ImageHDU(pack_cubes["z"])]).writeto(tmp_path / "z.fits", overwrite=True)
    with pytest.raises(ArcgateError, match=r"MAGZERO = 22\.5 means 1 nanomaggies(.|\n)*z\.fits"):
        opened_pack(pack_hosts(tmp_path))


@pytest.fixture
def plain(tmp_path: Path, pack_cubes: Cubes) -> NDArray[np.float32]:
    """Cutouts of the pack as it is."""
    write_pack(tmp_path, pack_cubes)
    return cutouts(opened_pack(pack_hosts(tmp_path)), range(3))


def test_a_cube_in_another_part_is_found(tmp_path: Path, pack_cubes: Cubes, plain: NDArray[np.float32]) -> None:
    table = fits.BinTableHDU.from_columns([fits.Column("id", "J", array=np.arange(3))])
    fits.HDUList([fits.PrimaryHDU(), table, fits.ImageHDU(pack_cubes["r"])]).writeto(tmp_path / "r.fits", overwrite=True)
    assert np.array_equal(cutouts(opened_pack(pack_hosts(tmp_path)), range(3)), plain)


def test_two_cubes_are_one_too_many(tmp_path: Path, pack_cubes: Cubes) -> None:
    write_pack(tmp_path, pack_cubes)
    parts = [fits.PrimaryHDU(pack_cubes["r"]), fits.ImageHDU(pack_cubes["r"])]
    fits.HDUList(parts).writeto(tmp_path / "r.fits", overwrite=True)
    with pytest.raises(ArcgateError, match=r"r\.fits holds 2 cubes(.|\n)*part 0: \(3, 70, 72\); part 1: \(3, 70, 72\)"):
        opened_pack(pack_hosts(tmp_path))


@pytest.mark.parametrize("name", ["r.fits", "r.fits.gz"])
def test_a_packed_file_under_any_name(tmp_path: Path, plain: NDArray[np.float32], name: str) -> None:
    content = (tmp_path / "r.fits").read_bytes()
    (tmp_path / "r.fits").unlink()
    (tmp_path / name).write_bytes(gzip.compress(content))
    assert np.array_equal(cutouts(opened_pack(pack_hosts(tmp_path)), range(3)), plain)
    (tmp_path / name).write_bytes(gzip.compress(content)[:-5000])
    with pytest.raises(ArcgateError, match="is not a readable FITS file"):
        opened_pack(pack_hosts(tmp_path))


@pytest.mark.parametrize("name", ["r.fits", "r.fits.fz"])
def test_a_tile_compressed_image_under_any_name(tmp_path: Path, pack_cubes: Cubes, plain: NDArray[np.float32], name: str) -> None:
    (tmp_path / "r.fits").unlink()
    packed = fits.CompImageHDU(pack_cubes["r"], compression_type="GZIP_1", quantize_level=0)
    fits.HDUList([fits.PrimaryHDU(), packed]).writeto(tmp_path / name)
    assert np.array_equal(cutouts(opened_pack(pack_hosts(tmp_path)), range(3)), plain)


@pytest.mark.parametrize(("bits", "header"), [(np.int32, {"BLANK": -(2**31)}), (np.int16, {"BLANK": -32768})])
def test_blank_integers_are_no_measurements(tmp_path: Path, pack_cubes: Cubes, bits: type, header: dict[str, Any]) -> None:
    counts = {band: np.rint(cube).astype(bits) for band, cube in pack_cubes.items()}
    counts["g"][1, 40, 30] = header["BLANK"]
    survey = opened(tmp_path, counts, **header)
    assert list(survey.indices) == [0, 2]
    assert "galaxy 1, 1 pixels in g, such as nan counts" in " ".join(survey.notes)
    assert np.array_equal(cutouts(survey, [0])[0, 1], cut(survey, counts["r"][0]))


def cut(survey: PackParents, image: NDArray[Any]) -> NDArray[np.float32]:
    _, row, column = (int(number) for number in re.findall(r"\d+", str(cuts(survey, [0])[0].measured["provenance"])))
    return (image[row : row + 64, column : column + 64] * 1e-3).astype(np.float32)


def test_unsigned_and_scaled_integers_are_read(tmp_path: Path, pack_cubes: Cubes) -> None:
    path = tmp_path / "g.fits"
    fits.PrimaryHDU(np.rint(pack_cubes["g"] + 1000.0).astype(np.uint16)).writeto(path)
    assert fits.getheader(path)["BZERO"] == 32768
    assert np.array_equal(open_cube(path, 64), np.rint(pack_cubes["g"] + 1000.0))
