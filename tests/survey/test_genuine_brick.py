"""A genuine brick, mostly gaps, in two bands: its images are read, its stamps counted, and the band that it lacks is named."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from brick_files import legacy_hosts, write_parents
from composing import REAL, needs_real

from arcgate.ground.engine import Local
from arcgate.ground.errors import ArcgateError
from arcgate.imaging import DECALS, Imaging
from arcgate.survey.hosts import cut_out
from arcgate.survey.legacy.layout import SurveyFolder
from arcgate.survey.legacy.parents import LegacyFiles, LegacyParents
from arcgate.survey.native import IN_THE_CORE, NO_PIXELS, OVER_THE_EDGE, TOO_MANY

BRICK = "0959p805"
STEP = 90
G = Imaging(("g",), "g", 64, 0.262)

pytestmark = needs_real


@pytest.fixture(scope="module")
def survey(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The brick where a survey keeps it, and a catalogue of places on a grid, from edge to edge."""
    root = tmp_path_factory.mktemp("genuine")
    (root / "north").mkdir()
    (root / "north" / "coadd").symlink_to(REAL / "coadd_brick" / "coadd")
    shutil.copy(REAL / "coadd_brick" / "survey-bricks.fits.gz", root)
    with fits.open(SurveyFolder(root, "north").coadd(BRICK, "image", "g")) as file:
        wcs = WCS(file[1].header)
    x, y = (axis.ravel() + 0.2 for axis in np.meshgrid(np.arange(0, 3600, STEP), np.arange(0, 3600, STEP)))
    ra, dec = wcs.all_pix2world(x, y, 0)
    table = pd.DataFrame({"host_id": [f"{a:.0f}-{b:.0f}" for a, b in zip(x, y, strict=True)], "ra": ra, "dec": dec})
    table["release"], table["brick"], table["footprint"], table["ebv"], table["shape_r"] = 6000, BRICK, "north", 0.05, 1.0
    for band in DECALS.bands:
        table[f"host_mag_{band}"], table[f"psfsize_{band}"], table[f"depth_{band}"] = 20.0, 1.5, 23.0
    write_parents(root / "parents", table)
    return root


def test_stamps_of_a_genuine_brick_are_counted(survey: Path, tmp_path: Path) -> None:
    hosts = legacy_hosts(survey, masks="invvar")
    parents = LegacyParents.open(LegacyFiles.open(hosts, G), tmp_path)
    rows = np.arange(len(parents.catalogue))
    found = cut_out(parents, rows, data_dir=tmp_path, engine=Local())
    usable = np.setdiff1d(rows, found.unusable)
    # By brute force from the whole inverse variance; where a stamp has 100 pixels of sky and more its noise was measured.
    with fits.open(SurveyFolder(survey, "north").coadd(BRICK, "invvar", "g")) as file:
        measured = file[1].data > 0
    x, y = np.meshgrid(np.arange(0, 3600, STEP), np.arange(0, 3600, STEP))
    inside = complete = 0
    for left, top in zip(x.ravel() - 31, y.ravel() - 31, strict=True):
        if min(left, top) >= 0 and max(left, top) + 64 <= 3600:
            inside += 1
            complete += bool((~measured[top : top + 64, left : left + 64]).sum() <= 0.005 * 4096)
    lost = found.left_out
    assert lost[OVER_THE_EDGE] == len(rows) - inside
    assert set(lost) <= {OVER_THE_EDGE, NO_PIXELS, IN_THE_CORE, TOO_MANY}
    assert complete - lost.get(IN_THE_CORE, 0) <= len(usable) <= complete
    assert len(usable) > 100
    ratio = found.table["pixels_over_ivar_g"].median()
    assert 0.6 < ratio < 1.2
    assert found.table["apertures_over_ivar_g"].median() > ratio


def test_the_band_that_it_lacks_is_named(survey: Path, tmp_path: Path) -> None:
    files = LegacyFiles.open(legacy_hosts(survey, masks="invvar"), DECALS)
    with pytest.raises(ArcgateError, match=r"sought is legacysurvey-0959p805-image-r.fits.fz; there is .*image-g.*image-z"):
        LegacyParents.open(files, tmp_path)
