"""What lies north and east of a galaxy on the sky lies there in its stamp."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy import units
from astropy.coordinates import SkyCoord
from astropy.wcs import WCS
from brick_files import SCALE, SmallBrick, legacy_hosts, write_survey
from scipy.optimize import least_squares

from arcgate.ground.engine import Local
from arcgate.imaging import DECALS
from arcgate.survey.hosts import cut_out
from arcgate.survey.legacy.parents import LegacyFiles, LegacyParents

PSF_PIX, STAR_FLUX = 2.0, 20.0


@pytest.mark.parametrize(("dec", "at"), [(-30.0, (150.3, 180.8)), (28.0, (260.1, 90.4)), (-60.0, (111.9, 300.2))])
def test_a_star_one_arcsec_north_and_one_east_is_found_there(tmp_path: Path, dec: float, at: tuple[float, float]) -> None:
    brick = SmallBrick(dec=dec, places=[at])
    wcs = WCS(brick.wcs_header)
    galaxy = SkyCoord(*brick.on_sky(), unit="deg")
    north, east = (galaxy.directional_offset_by(angle * units.deg, 1.0 * units.arcsec)[0] for angle in (0.0, 90.0))
    both = SkyCoord(east.ra, north.dec)
    x, y = (float(value) for value in wcs.all_world2pix(both.ra.deg, both.dec.deg, 0))
    rows, columns = np.indices(brick.images["r"].shape, dtype=np.float64)
    star = np.exp(-0.5 * ((columns - x) ** 2 + (rows - y) ** 2) / PSF_PIX**2) * STAR_FLUX / (2 * np.pi * PSF_PIX**2)
    image = {}
    for name, light in (("with", star), ("without", 0.0 * star)):
        changed = SmallBrick(dec=dec, places=[at])
        changed.images["r"] = (changed.images["r"] + light).astype(np.float32)
        write_survey(tmp_path / name, [changed])
        files = LegacyFiles.open(legacy_hosts(tmp_path / name), DECALS)
        hosts = cut_out(LegacyParents.open(files, tmp_path), np.arange(1), data_dir=tmp_path / f"data-{name}", engine=Local())
        measured, image[name] = hosts.of(np.arange(1)).read()
    found = _centre((image["with"] - image["without"])[0, 1].astype(np.float64))
    west, up = (found - measured[["host_x_pix", "host_y_pix"]].to_numpy()[0]) * SCALE
    # +x is west: what lies east lies to the left.
    np.testing.assert_allclose([-west, up], [1.0, 1.0], atol=0.02)


def _centre(image: np.ndarray) -> np.ndarray:
    """Place of a Gaussian of known width, (x, y)."""
    rows, columns = np.indices(image.shape, dtype=np.float64)

    def residual(at: np.ndarray) -> np.ndarray:
        model = np.exp(-0.5 * ((columns - at[0]) ** 2 + (rows - at[1]) ** 2) / PSF_PIX**2)
        return (image - at[2] * model).ravel()

    peak = np.unravel_index(int(np.argmax(image)), image.shape)
    return least_squares(residual, [peak[1], peak[0], image.max()]).x[:2]
