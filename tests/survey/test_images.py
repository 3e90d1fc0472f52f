"""Single images with positions of galaxies as hosts: windows, edges, real images of other surveys, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from astropy.io import fits
from composing import REAL, needs_real
from numpy.typing import ArrayLike, NDArray
from packs_on_disk import cuts, opened, pack_hosts
from scipy import ndimage

from arcgate.ground.errors import ArcgateError
from arcgate.hosts_node import Kernels, PackHosts
from arcgate.imaging import DECALS, Imaging
from arcgate.survey.cubes import open_cube
from arcgate.survey.pack import PackFiles

OTHERS = REAL / "other_surveys"


def write_scene(folder: Path, images: dict[str, NDArray[np.floating]], places: ArrayLike) -> Path:
    folder.mkdir(exist_ok=True)
    for band, image in images.items():
        fits.PrimaryHDU(image).writeto(folder / f"{band}.fits", overwrite=True)
    pd.DataFrame(np.reshape(places, (-1, 2)), columns=["x_pix", "y_pix"]).to_csv(folder / "positions.csv", index=False)
    return folder


def hosts_of(folder: Path, imaging: Imaging, zero_point: float, kernels: Kernels | None = None) -> PackHosts:
    def per_band(value: float) -> dict[str, float]:
        return dict.fromkeys(imaging.bands, value)

    factor = float(10.0 ** (-0.4 * (zero_point - 22.5)))
    return pack_hosts(
        folder,
        nanomaggies_per_count=factor,
        pixel_scale_arcsec=imaging.pixel_scale_arcsec,
        psfsize_arcsec=per_band(0.8),
        psf_beta=per_band(3.0),
        gain=per_band(5000.0),
        kernels=kernels,
    )


def field(places: list[tuple[float, float]], size: int = 200) -> dict[str, NDArray[np.float64]]:
    """Round galaxies in noise, in three bands."""
    y, x = np.indices((size, size), dtype=np.float64)
    rng = np.random.default_rng(4)
    light = sum(40.0 * np.exp(-np.hypot(x - a, y - b) / 3.0) for a, b in places)
    return {band: factor * light + rng.normal(0.0, 0.5, light.shape) for band, factor in (("g", 0.5), ("r", 1.0), ("z", 1.5))}


def test_windows_hold_the_pixels_around_their_positions(tmp_path: Path) -> None:
    places = [(60.3, 80.8), (120.0, 50.0)]
    images = field(places)
    hosts = hosts_of(write_scene(tmp_path / "scene", images, places), DECALS, 30.0)
    parents = opened(hosts)
    assert len(parents.catalogue) == 2
    for (x, y), cut in zip(places, cuts(parents, [0, 1]), strict=True):
        left, bottom = round(x - cut.measured["host_x_pix"]), round(y - cut.measured["host_y_pix"])  # type: ignore[operator]
        expected = images["r"][bottom : bottom + 64, left : left + 64] * hosts.nanomaggies_per_count
        assert np.array_equal(cut.image[1], expected.astype(np.float32))
        assert cut.measured["host_x_pix"] == pytest.approx(x - left, abs=0.2)
        assert cut.measured["host_y_pix"] == pytest.approx(y - bottom, abs=0.2)


def test_a_stamp_that_leaves_the_image_cannot_be_used(tmp_path: Path) -> None:
    places = [(100.0, 100.0), (20.0, 100.0), (100.0, 190.0), (-300.0, 10.0)]
    parents = opened(hosts_of(write_scene(tmp_path / "scene", field(places), places), DECALS, 30.0))
    assert parents.catalogue["host_id"].tolist() == ["pack-0000"]
    assert parents.left_out == {"pixels that hold no measurement": 3}


def test_positions_are_in_the_digest(tmp_path: Path) -> None:
    places = [(100.0, 100.0)]
    folder = write_scene(tmp_path / "scene", field(places), places)
    before = PackFiles.open(hosts_of(folder, DECALS, 30.0), DECALS).digest
    write_scene(folder, field(places), [(101.0, 100.0)])
    assert PackFiles.open(hosts_of(folder, DECALS, 30.0), DECALS).digest != before


def test_what_is_no_scene_is_refused(tmp_path: Path) -> None:
    places = [(100.0, 100.0)]
    folder = write_scene(tmp_path / "scene", field(places), places)
    (folder / "positions.csv").write_text("ra,dec\n1,2\n")
    with pytest.raises(ArcgateError, match=r"positions\.csv has no column x_pix, y_pix; it has ra, dec"):
        open_cube(folder / "g.fits", 64)
    (folder / "positions.csv").write_text("x_pix,y_pix\n10,20\nleft,20\n")
    with pytest.raises(ArcgateError, match=r"(?s)a position is no number.*row 1"):
        open_cube(folder / "g.fits", 64)
    (folder / "positions.csv").write_text("x_pix,y_pix\n10,20\n50,20\n51,21\n")
    with pytest.raises(ArcgateError, match=r"(?s)1 pairs of positions are 3 pixels apart or less, such as rows 1 and 2"):
        open_cube(folder / "g.fits", 64)
    (folder / "positions.csv").write_bytes(b"")
    with pytest.raises(ArcgateError, match=r"positions\.csv is empty"):
        open_cube(folder / "g.fits", 64)
    cubes = tmp_path / "cubes"
    write_scene(cubes, {band: np.zeros((2, 80, 80)) for band in "grz"}, places)
    with pytest.raises(ArcgateError, match=r"(?s)holds 0 images.*since positions\.csv lies beside it.*take positions\.csv away"):
        open_cube(cubes / "g.fits", 64)
    (folder / "positions.csv").unlink()
    with pytest.raises(ArcgateError, match=r"(?s)holds 0 cubes.*or add positions\.csv"):
        open_cube(folder / "g.fits", 64)


@needs_real
def test_hsc_with_its_psf(tmp_path: Path) -> None:
    imaging = Imaging(("g", "r", "i"), "r", 33, 0.168)
    found = np.load(OTHERS / "hsc_scarlet" / "hsc_cosmos.npz", allow_pickle=True)
    bands = [str(name) for name in found["filters"]]
    places = np.stack([found["catalog"][axis] for axis in "xy"], axis=1)
    folder = write_scene(tmp_path / "hsc", {band: found["images"][bands.index(band)] for band in imaging.bands}, places)
    hdus = [fits.ImageHDU(found["psfs"][bands.index(band)]) for band in imaging.bands]
    for hdu, band in zip(hdus, imaging.bands, strict=True):
        hdu.header["BAND"] = band
    (tmp_path / "psf").mkdir()
    fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(tmp_path / "psf" / "copsf_hsc.fits")
    kernels = Kernels(str(tmp_path / "psf"), "coadd", 0.168, "removed", "none")
    parents = opened(hosts_of(folder, imaging, 27.0, kernels), imaging)
    # Six detections: three too near to the edge, one of a galaxy with no light in g, and one PSF serves one split.
    assert sum(parents.left_out.values()) + len(parents.catalogue) == 6
    assert len(parents.catalogue) >= 1
    assert parents.kernels is not None
    assert parents.catalogue["psfsize_r"].between(0.5, 0.9).all()
    (cut,) = cuts(parents, [0])
    assert cut.image.shape == (3, 33, 33)


@needs_real
@pytest.mark.parametrize(("survey", "scale", "zero_point", "most"), [("CFHTLS", 0.186, 30.0, 40), ("KiDS", 0.2, 0.0, 1)])
def test_cfhtls_and_kids(tmp_path: Path, survey: str, scale: float, zero_point: float, most: int) -> None:
    imaging = Imaging(("g", "r", "i"), "r", 64, scale)
    images = {band: fits.getdata(OTHERS / "cfhtls_kids_humvi" / f"{survey}-test_{band}.fits") for band in imaging.bands}
    smooth = ndimage.gaussian_filter(images["r"].astype(np.float64), 2.0)
    line, column = np.nonzero(smooth == ndimage.maximum_filter(smooth, 41))
    brightest = np.argsort(-smooth[line, column])[:most]
    places = np.stack([column, line], axis=1)[brightest] if most > 1 else [(50, 50)]
    parents = opened(hosts_of(write_scene(tmp_path / survey, images, places), imaging, zero_point), imaging)
    assert len(parents.catalogue) + sum(parents.left_out.values()) == most
    assert len(parents.catalogue) >= 0.6 * most
    assert parents.catalogue["host_mag_r"].between(18.0, 27.0).all()
    for cut in cuts(parents, range(len(parents.catalogue))):
        assert cut.image.shape == imaging.shape
        assert np.isfinite(cut.image).all()
