"""Small specifications and packs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lighting import galaxy
from numpy.typing import NDArray

from arcgate.ground.engine import Local
from arcgate.hosts_node import MockHosts
from arcgate.imaging import DECALS
from arcgate.lensing.psf import Psf
from arcgate.survey.hosts import Hosts, cut_out
from arcgate.survey.mock.parents import MockParents
from arcgate.survey.parents import open_parents


@pytest.fixture(scope="session")
def mock_hosts() -> MockHosts:
    """Twelve galaxies with the values of conf/hosts/mock/decals_grz.yaml."""
    return MockHosts(
        kind="mock",
        n_hosts=12,
        seed=7,
        mag_r_min=17.0,
        mag_r_max=21.0,
        psfsize_arcsec={"g": 1.40, "r": 1.04, "z": 0.95},
        psf_beta_min=2.5,
        psf_beta_max=5.0,
        depth_mag={"g": 24.95, "r": 24.88, "z": 23.75},
        depth_scatter_mag=0.13,
        noise_lag1=0.12,
        neighbours_per_stamp=3.5,
    )


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of artifacts of the twelve galaxies."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="session")
def mock_parents(mock_hosts: MockHosts, data_dir: Path) -> MockParents:
    """Their catalogue."""
    parents = open_parents(mock_hosts, DECALS, data_dir=data_dir, workers=1)
    assert isinstance(parents, MockParents)
    return parents


@pytest.fixture(scope="session")
def mock_galaxies(mock_parents: MockParents, data_dir: Path) -> Hosts:
    """The twelve galaxies, cut out."""
    return cut_out(mock_parents, np.arange(12), data_dir=data_dir, engine=Local(1))


@pytest.fixture
def pack_cubes() -> dict[str, NDArray[Any]]:
    """Three galaxies in stamps of 70 x 72 pixels, one cube a band, in counts of 1e-3 nanomaggies."""
    rng = np.random.default_rng(3)
    light = galaxy(0.8, 1.0, 0.7, 0.4, 31.2, 31.7, Psf("moffat", 1.0, 3.0))
    cubes = {}
    for band, flux in (("g", 2.0), ("r", 8.0), ("z", 20.0)):
        stamps = rng.normal(0.0, 4e-3, (3, 70, 72))
        stamps[:, 2:66, 5:69] += flux * light
        cubes[band] = (stamps / 1e-3).astype(np.float32)
    return cubes
