"""Folders of the viewer's cutouts: native pixels, cubes that were resampled, mixtures that are refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from brick_files import BANDS, SIGMA, SmallBrick
from composing import REAL, needs_real
from numpy.typing import NDArray

from arcgate.ground.engine import Local
from arcgate.ground.errors import ArcgateError
from arcgate.hosts_node import CutoutHosts, Kernels, Layer
from arcgate.imaging import DECALS
from arcgate.survey.hosts import Hosts, cut_out
from arcgate.survey.measure import measure_centre, measure_sky
from arcgate.survey.native import OVER_THE_EDGE
from arcgate.survey.stamp_parents import StampParents
from arcgate.survey.viewer_cutouts import CutoutReader

SOUTH = {"SURVEY": "DECaLS", "VERSION": "DR9-south"}


def hosts_of(folder: Path, **changes: Any) -> CutoutHosts:
    """Hosts of such a folder."""
    numbers = {
        name: dict.fromkeys(BANDS, value) for name, value in (("psfsize_arcsec", 1.3), ("psf_beta", 3.0), ("gain", 7500.0))
    }
    return CutoutHosts(
        "cutouts", str(folder), **({"layer": None, "resampled": "refuse", "most_unmeasured": 0.005} | numbers | changes)
    )


def opened(folder: Path, **changes: Any) -> StampParents:
    """Its galaxies."""
    return StampParents.open(CutoutReader.open(hosts_of(folder, **changes), DECALS), folder / "kept", 1)


def cut(parents: StampParents, folder: Path) -> Hosts:
    """All of them, cut out."""
    return cut_out(parents, np.arange(len(parents.catalogue)), data_dir=folder / "data", engine=Local(1))


def native(path: Path, x: float, y: float, side: int = 120, clip: int | None = None, **layer: str) -> tuple[float, float]:
    """Write a sub-image about the galaxy of a brick, clipped at a row where wanted; where the galaxy is."""
    brick = SmallBrick(places=[(x, y)])
    left, top = int(x) - side // 2, int(y) - side // 2
    header = brick.wcs_header
    header["CRPIX1"], header["CRPIX2"] = header["CRPIX1"] - left, header["CRPIX2"] - top
    header.update({"BRICK": brick.name} | SOUTH | layer)
    parts: list[Any] = [fits.PrimaryHDU()]
    window = np.s_[top : top + side if clip is None else top + clip, left : left + side]
    for band in BANDS:
        for kind, planes in (("image", brick.images), ("invvar", brick.ivars)):
            part = fits.ImageHDU(planes[band][window], header)
            part.header["IMAGETYP"], part.header["BAND"] = kind, band
            parts.append(part)
    path.parent.mkdir(parents=True, exist_ok=True)
    ra, dec = brick.on_sky()
    fits.HDUList(parts).writeto(path)
    return float(ra[0]), float(dec[0])


def resampled(path: Path, **layer: str) -> None:
    """Write a cube in the first part, as the viewer does without a sub-image."""
    brick = SmallBrick(side=100, places=[(49.5, 49.5)])
    header = brick.wcs_header
    header.update({"BANDS": "grz"} | SOUTH | layer)
    fits.PrimaryHDU(np.stack([brick.images[band] for band in BANDS]), header).writeto(path)


def test_native_cutouts_are_cut_where_the_catalogue_says(tmp_path: Path) -> None:
    places = [(150.3, 200.7), (220.1, 180.4)]
    sky = [native(tmp_path / f"galaxy{number}.fits", *place) for number, place in enumerate(places)]
    pd.DataFrame(sky, columns=["ra", "dec"]).assign(file=["galaxy0.fits", "galaxy1"]).to_csv(tmp_path / "catalogue.csv")
    parents = opened(tmp_path)
    found = cut(parents, tmp_path)
    measured, images = found.of(np.arange(2)).read()
    for row, (x, y) in enumerate(places):
        # The window of the cutout begins at whole pixels of the brick.
        assert measured["host_x_pix"][row] == pytest.approx(x - np.floor(x - 31.5 + 0.5), abs=1e-6)
        assert measured["host_y_pix"][row] == pytest.approx(y - np.floor(y - 31.5 + 0.5), abs=1e-6)
        image = images[row, 1].astype(np.float64)
        centre = measure_centre(image, measure_sky(image))
        assert np.array(centre) == pytest.approx(measured[["host_x_pix", "host_y_pix"]].to_numpy()[row], abs=0.05)
    assert parents.catalogue["brick"].tolist() == ["0500m300"] * 2
    assert parents.catalogue["footprint"].tolist() == ["south"] * 2
    assert parents.catalogue["release"].tolist() == ["DR9-south"] * 2
    assert parents.catalogue["host_mag_r"].to_numpy() == pytest.approx(22.5 - 2.5 * np.log10(30.0), abs=0.03)
    assert found.table["pixels_over_ivar_z"].to_numpy() == pytest.approx(1.0, abs=0.06)
    assert parents.catalogue["healpix"].notna().all()


def test_a_galaxy_is_taken_from_the_brick_in_which_it_lies_deepest(tmp_path: Path) -> None:
    ra, dec = native(tmp_path / "whole.fits", 150.3, 200.7)
    native(tmp_path / "part.fits", 150.3, 200.7, clip=70)
    with fits.open(tmp_path / "part.fits") as part, fits.open(tmp_path / "whole.fits") as whole:
        for hdu in part[1:]:
            hdu.header["BRICK"] = "0001m300"
        fits.HDUList([*part, *whole[1:]]).writeto(tmp_path / f"both_{ra:.8f}_{dec:.8f}.fits")
    for name in ("whole.fits", "part.fits"):
        (tmp_path / name).unlink()
    parents = opened(tmp_path)
    assert parents.catalogue["brick"].tolist() == ["0500m300"]
    assert cut(parents, tmp_path).left_out == {}


def test_a_clipped_cutout_is_left_out(tmp_path: Path) -> None:
    ra, dec = native(tmp_path / "whole.fits", 150.3, 200.7)
    (tmp_path / "whole.fits").rename(tmp_path / f"a_{ra:.8f}_{dec:.8f}.fits")
    native(tmp_path / f"b_{ra:.8f}_{dec:.8f}.fits", 150.3, 200.7, clip=70)
    native(tmp_path / "c_10.0_0.0.fits", 150.3, 200.7)
    parents = opened(tmp_path)
    assert len(parents.catalogue) == 1
    assert parents.left_out == {OVER_THE_EDGE: 1, "a position outside its cutout": 1}
    assert "1 galaxy is left out for a stamp over the edge of its image" in parents.describe()


def test_resampled_cutouts_need_leave_and_are_called_so(tmp_path: Path) -> None:
    resampled(tmp_path / "a_50.0_-30.0.fits")
    with pytest.raises(
        ArcgateError, match=r"all 1 cutouts were resampled by the viewer, which smooths noise and light alike"
    ) as caught:
        opened(tmp_path)
    assert "data.hosts.resampled=accept" in str(caught.value.todo)
    parents = opened(tmp_path, resampled="accept")
    assert "pixels that the viewer RESAMPLED" in parents.describe()
    found = cut(parents, tmp_path)
    assert found.of(np.array([0])).read()[0]["sky_sigma_r"][0] == pytest.approx(SIGMA["r"], rel=0.06)
    assert found.table["pixels_over_ivar_r"].isna().all()
    assert found.noise() == []


def test_resampled_beside_native_is_refused(tmp_path: Path) -> None:
    native(tmp_path / "a_50.0_-30.0.fits", 150.3, 200.7)
    resampled(tmp_path / "b_50.0_-30.0.fits")
    for leave in ("refuse", "accept"):
        with pytest.raises(ArcgateError, match=r"1 cutouts hold native pixels and 1 resampled ones, such as b_50.0_-30.0.fits"):
            opened(tmp_path, resampled=leave)


def test_another_layer_is_seen(tmp_path: Path) -> None:
    native(tmp_path / "a_50.0_-30.0.fits", 150.3, 200.7, VERSION="DR10-south")
    native(tmp_path / "b_50.0_40.0.fits", 150.3, 200.7, SURVEY="BASS", VERSION="DR9-north")
    with pytest.raises(ArcgateError, match=r"of several layers: DECaLS DR10-south \(1\), BASS DR9-north \(1\)"):
        opened(tmp_path)
    layer = Layer("DECaLS", "DR10-south")
    with pytest.raises(
        ArcgateError, match=r"1 of 2 cutouts are of another layer than DECaLS DR10-south, such as b_.*: BASS DR9-north"
    ) as caught:
        opened(tmp_path, layer=layer)
    assert "Dec 32.375" in str(caught.value.todo)


def no_images(path: Path) -> None:
    """A file of something else."""
    fits.PrimaryHDU(np.zeros((5, 5))).writeto(path)


WRONG: dict[str, tuple[Callable[[Path], None], str]] = {
    "empty": (lambda folder: None, "no FITS cutout is there"),
    "name": (lambda folder: no_images(folder / "galaxy.fits"), r"galaxy.fits does not say where its galaxy is"),
    "no cutout": (
        lambda folder: no_images(folder / "a_10.0_-2.5.fits"),
        r"holds neither images with the keyword BRICK nor a cube",
    ),
    "html": (lambda folder: no_text(folder / "a_10.0_-2.5.fits"), r"a_10.0_-2.5.fits is not a complete FITS file"),
    "unlisted": (lambda folder: listed(folder, "other.fits"), r"1 cutouts are not in the catalogue, such as galaxy.fits"),
    "twice": (lambda folder: listed(folder, "galaxy.fits", rows=2), r"the catalogue has 2 rows for galaxy"),
    "columns": (lambda folder: listed(folder, "galaxy.fits", "lon"), r"the catalogue has the columns .*; sought are file"),
}


def no_text(path: Path) -> None:
    """A server's message."""
    path.write_text("429 Too Many Requests")


def listed(folder: Path, name: str, ra: str = "ra", rows: int = 1) -> None:
    """A catalogue."""
    no_images(folder / "galaxy.fits")
    pd.DataFrame({"file": [name] * rows, ra: 1.0, "dec": 2.0}).to_csv(folder / "catalogue.csv", index=False)


@pytest.mark.parametrize("name", WRONG)
def test_folders_that_cannot_serve_are_told(tmp_path: Path, name: str) -> None:
    make, words = WRONG[name]
    make(tmp_path)
    with pytest.raises(ArcgateError, match=words):
        opened(tmp_path)


def measure_centre_near(image: NDArray[Any], x: float, y: float) -> tuple[float, float]:
    """A Gaussian-weighted centroid that begins at the brightest pixel within 8 px of a place."""
    rows, columns = np.indices(image.shape)
    near = np.where(np.hypot(columns - x, rows - y) < 8, image, -np.inf)
    top, left = np.unravel_index(np.argmax(near), image.shape)
    for _ in range(30):
        weight = image * np.exp(-0.5 * ((columns - left) ** 2 + (rows - top) ** 2) / 4.0)
        step = [2.0 * float((weight * (axis - at)).sum() / weight.sum()) for axis, at in ((columns, left), (rows, top))]
        left, top = left + step[0], top + step[1]
    return float(left), float(top)


@needs_real
def test_a_genuine_cutout_with_its_own_psf(tmp_path: Path) -> None:
    folder = REAL / "dr9_cutout"
    kernels = Kernels(str(folder), "coadd", 0.262, "removed", "decam")
    hosts = hosts_of(folder, layer=Layer("DECaLS", "DR9-south"), kernels=kernels)
    parents = StampParents.open(CutoutReader.open(hosts, DECALS), tmp_path / "kept", 1)
    assert parents.catalogue["host_id"].tolist() == ["cutout_59.1067_-30.4848"]
    assert parents.catalogue[["brick", "footprint"]].to_numpy().tolist() == [["0591m305", "south"]]
    assert parents.kernels is not None
    found = cut_out(parents, np.array([0]), data_dir=tmp_path, engine=Local(1))
    measured, images = found.of(np.array([0])).read()
    with fits.open(next(folder.glob("cutout_*.fits"))) as file:
        x, y = (float(axis) for axis in WCS(file[1].header).all_world2pix(59.1067, -30.4848, 0))
        x, y = (float(axis) for axis in measure_centre_near(file[3].data, x, y))
        left, top = (int(np.floor(value - 31.5 + 0.5)) for value in (x, y))
        assert np.array_equal(images[0, 1], file[3].data[top : top + 64, left : left + 64])
    # It lies 3 pixels from where the cutout was asked for.
    assert measured[["host_x_pix", "host_y_pix"]].to_numpy()[0] == pytest.approx([x - left, y - top], abs=0.05)
    for band in DECALS.bands:
        assert 0.6 < found.table[f"pixels_over_ivar_{band}"][0] < 1.1
    with pytest.raises(ArcgateError, match="1 of 1 cutouts are of another layer than DECaLS DR10-south"):
        CutoutReader.open(hosts_of(folder, layer=Layer("DECaLS", "DR10-south")), DECALS)


def joined(folder: Path, *layers: dict[str, str]) -> None:
    """One file with parts of two bricks, each of a layer."""
    parts: list[Any] = [fits.PrimaryHDU()]
    for number, layer in enumerate(layers):
        path = folder / f"part{number}.fits"
        native(path, 500.0, 500.0, **layer)
        with fits.open(path) as file:
            parts += [hdu.copy() for hdu in file[1:]]
        path.unlink()
    fits.HDUList(parts).writeto(folder / "both_150.0_2.0.fits")


def test_parts_of_two_layers_in_one_file_are_refused(tmp_path: Path) -> None:
    joined(tmp_path, {"VERSION": "DR10-south"}, {"VERSION": "DR9-north", "BRICK": "other"})
    with pytest.raises(
        ArcgateError, match=r"both_150\.0_2\.0\.fits holds parts of several layers: DECaLS DR10-south, DECaLS DR9-north"
    ):
        opened(tmp_path)


@pytest.mark.parametrize(("key", "value"), [("BUNIT", "count"), ("MAGZERO", 30.0)])
def test_another_unit_is_refused(tmp_path: Path, key: str, value: Any) -> None:
    ra, dec = native(tmp_path / "one.fits", 500.0, 500.0)
    path = tmp_path / "one.fits"
    with fits.open(path, mode="update") as file:
        for hdu in file[1:]:
            if hdu.header["IMAGETYP"] == "image":
                hdu.header[key] = value
    path.rename(tmp_path / f"one_{ra:.5f}_{dec:.5f}.fits")
    with pytest.raises(ArcgateError, match=f"has {key} '?{value}"):
        cut(opened(tmp_path), tmp_path)
