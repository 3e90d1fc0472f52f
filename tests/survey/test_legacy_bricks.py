"""Galaxies cut from coadd bricks: where they are, what they are, and what is said where they cannot be."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from astropy import units
from astropy_healpix import lonlat_to_healpix
from brick_files import SIGMA, SmallBrick, legacy_hosts, write_survey
from numpy.typing import NDArray

from arcgate.ground.engine import Local
from arcgate.ground.errors import ArcgateError
from arcgate.hosts_node import LegacyHosts
from arcgate.imaging import DECALS
from arcgate.survey.hosts import Hosts, cut_out
from arcgate.survey.legacy.catalogue import ParentsFile
from arcgate.survey.legacy.parents import LegacyFiles, LegacyParents
from arcgate.survey.splits import split_of


def cells(ra: NDArray[np.float64], dec: NDArray[np.float64]) -> NDArray[np.int64]:
    """HEALPix cells of places, degrees."""
    return np.asarray(lonlat_to_healpix(ra * units.deg, dec * units.deg, 64, order="nested"))


PLACES = [(200.3, 150.75), (99.9, 300.25), (280.2, 90.49)]


def opened(hosts: LegacyHosts, folder: Path) -> LegacyParents:
    """The parents of a specification."""
    return LegacyParents.open(LegacyFiles.open(hosts, DECALS), folder)


def everything(hosts: LegacyHosts, folder: Path) -> tuple[LegacyParents, Hosts]:
    """All galaxies of a specification, cut out."""
    parents = opened(hosts, folder)
    return parents, cut_out(parents, np.arange(len(parents.catalogue)), data_dir=folder, engine=Local())


@pytest.fixture(scope="module")
def survey(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two bricks of one galaxy and three."""
    root = tmp_path_factory.mktemp("survey")
    bricks = [SmallBrick(places=PLACES), SmallBrick("0503m300", ra=50.3, seed=2, places=[(120.0, 120.0)])]
    write_survey(root, bricks)
    return root


@pytest.fixture(scope="module")
def cut(survey: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[LegacyParents, Hosts]:
    """Its galaxies."""
    return everything(legacy_hosts(survey), tmp_path_factory.mktemp("data"))


def test_stamps_are_native_pixels_about_the_true_centre(cut: tuple[LegacyParents, Hosts], survey: Path) -> None:
    parents, hosts = cut
    assert hosts.left_out == {}
    measured, images = hosts.of(np.arange(3)).read()
    brick = SmallBrick(places=PLACES)
    for row, (x, y) in enumerate(PLACES):
        left, top = (int(np.floor(value - 31.5 + 0.5)) for value in (x, y))
        assert measured["host_x_pix"][row] == pytest.approx(x - left, abs=1e-6)
        assert measured["host_y_pix"][row] == pytest.approx(y - top, abs=1e-6)
        # RICE with a step of 1e-4 moves a pixel by half of it at most.
        for band, image in enumerate(images[row]):
            whole = brick.images["grz"[band]]
            assert np.abs(image - whole[top : top + 64, left : left + 64]).max() < 0.6e-4
        assert measured["provenance"][row] == f"brick 0500m300 south, cut from row {top}, column {left}"
    assert parents.catalogue["release"].tolist() == ["10000"] * 4
    assert parents.catalogue["host_reff_arcsec"].tolist() == [1.2] * 4


def test_a_brick_lies_in_one_cell_that_of_its_centre(tmp_path: Path) -> None:
    cell = cells(50.0 + np.arange(0.0, 1.0, 1e-3), np.full(1000, -30.0))
    border = 50.0 + 1e-3 * (int(np.argmax(cell != cell[0])) - 1)
    brick = SmallBrick(ra=border, places=[(50.2, 200.2), (349.3, 200.2)])
    table = write_survey(tmp_path, [brick])
    assert len(set(cells(table["ra"].to_numpy(), table["dec"].to_numpy()))) == 2
    parents = opened(legacy_hosts(tmp_path), tmp_path)
    assert parents.catalogue["healpix"].tolist() == [cells(np.array([border]), np.array([-30.0]))[0]] * 2
    assert len(set(split_of(parents.catalogue))) == 1


def test_sky_noise_is_measured_three_ways(cut: tuple[LegacyParents, Hosts]) -> None:
    measured, _ = cut[1].of(np.arange(4)).read()
    for band in DECALS.bands:
        assert measured[f"sky_sigma_{band}"].to_numpy() == pytest.approx(SIGMA[band], rel=0.06)
        # White noise: pixels and apertures alike say what the inverse variance does.
        assert cut[1].table[f"pixels_over_ivar_{band}"].to_numpy() == pytest.approx(1.0, abs=0.06)
        assert cut[1].table[f"apertures_over_ivar_{band}"].median() == pytest.approx(1.0, abs=0.3)
    (words,) = cut[1].noise()
    assert words.startswith("sky noise of pixels and of empty apertures over what invvar says, medians: ")
    assert words.count(" in ") == 3


def test_places_are_bricks(cut: tuple[LegacyParents, Hosts]) -> None:
    parents, _ = cut
    assert pd.Series(parents.places).groupby(parents.catalogue["brick"]).nunique().tolist() == [1, 1]
    assert sorted(path.name[:11] for path in cut[1].folder.glob("*.parquet")) == ["place-00000", "place-00001"]


def test_the_only_catalogue_in_a_folder_of_catalogues_is_taken(tmp_path: Path) -> None:
    write_survey(tmp_path, [SmallBrick(places=[(200.2, 200.7)])])
    (tmp_path / "catalogues").mkdir()
    (tmp_path / "parents").rename(tmp_path / "catalogues" / "one")
    assert ParentsFile.open(tmp_path / "catalogues").path == tmp_path / "catalogues" / "one" / "parents.parquet"
    shutil.copytree(tmp_path / "catalogues" / "one", tmp_path / "catalogues" / "two")
    with pytest.raises(ArcgateError, match=r"(?s)2 finished catalogues of parents: one \(1 galaxy\), two.*name one of these"):
        ParentsFile.open(tmp_path / "catalogues")
