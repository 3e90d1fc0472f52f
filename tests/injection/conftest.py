"""A small survey in memory and the specifications of data sets on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from arcgate.colours import DRAWN, carried
from arcgate.data_node import Controls, CoreMask, Data, Grid, Noise, PsfChoice, SersicSources
from arcgate.ground.engine import Local
from arcgate.hosts_node import PackHosts
from arcgate.imaging import DECALS, Imaging
from arcgate.survey.columns import as_table, declared_columns, measured_columns
from arcgate.survey.hosts import Hosts, cut_out
from arcgate.survey.places import Cut, Unusable

SPREAD = {"psfsize": 0.1, "depth": 0.3}
MEDIAN = {
    "host_mag": (21.3, 19.8, 18.9),
    "psfsize": (1.4, 1.05, 0.95),
    "psf_beta": (3.0, 3.2, 3.5),
    "depth": (24.9, 24.8, 23.7),
    "sky_sigma": (0.004, 0.006, 0.015),
    "gain": (7500.0, 7500.0, 7500.0),
}


@dataclass
class MemoryParents:
    """Invented galaxies; pixels are made from the galaxy's number, and some cannot be used."""

    catalogue: pd.DataFrame
    imaging: Imaging = DECALS
    digest: str = "0" * 64
    kernels: pd.DataFrame | None = None
    unusable: frozenset[int] = frozenset()

    def place(self, rows: NDArray[np.int64]) -> MemoryPlace:
        return MemoryPlace(self.catalogue.iloc[rows], self.imaging, self.unusable)

    @property
    def places(self) -> NDArray[np.int64]:
        return np.arange(len(self.catalogue)) // 70

    @property
    def left_out(self) -> dict[str, int]:
        return {}

    @property
    def cut_flow(self) -> list[tuple[str, int]]:
        return []

    def warm_up(self) -> None:
        """Nothing to compile."""

    def describe(self) -> str:
        return f"{len(self.catalogue)} invented galaxies"


@dataclass
class MemoryPlace:
    """Galaxies by their rows."""

    table: pd.DataFrame
    imaging: Imaging
    unusable: frozenset[int]

    def cut(self) -> list[Cut | Unusable]:
        rows = zip(self.table.index, self.table[list(measured_columns(self.imaging))].to_dict("records"), strict=True)
        return [
            Unusable("a cosmic ray", f"at pixel {number}")
            if number in self.unusable
            else Cut(np.random.default_rng(int(number)).normal(0.05, 0.01, self.imaging.shape).astype(np.float32), measured)
            for number, measured in rows
        ]


def _medians(imaging: Imaging, psfsize: float | None) -> dict[str, dict[str, float]]:
    drawn = {stem: dict(zip(DRAWN, values, strict=True)) for stem, values in MEDIAN.items()}
    if imaging == DECALS:
        return drawn
    mags = carried(drawn["host_mag"], imaging.bands)
    alike = {stem: dict.fromkeys(imaging.bands, values["r"]) for stem, values in drawn.items()}
    return alike | {"host_mag": mags, "psfsize": dict.fromkeys(imaging.bands, psfsize or drawn["psfsize"]["r"])}


def catalogue_of(count: int, positions: bool = True, imaging: Imaging = DECALS, psfsize: float | None = None) -> pd.DataFrame:
    """Galaxies with scattered seeing, depth and magnitude; four share a sky cell."""
    rng, medians, middle = np.random.default_rng(99), _medians(imaging, psfsize), imaging.middle_pix
    rows = []
    for i in range(count):
        row: dict[str, Any] = {f"{stem}_{band}": values[band] for stem, values in medians.items() for band in imaging.bands}
        bright = rng.normal(0.0, 0.7)
        for band in imaging.bands:
            row[f"host_mag_{band}"] += bright
            row[f"psfsize_{band}"] *= np.exp(SPREAD["psfsize"] * rng.normal())
            row[f"depth_{band}"] += SPREAD["depth"] * rng.normal()
            row[f"ivar_{band}"] = 1.0 / medians["sky_sigma"][band] ** 2
        row |= {
            "host_id": f"galaxy-{i:05d}",
            "ra": 10.0,
            "dec": -5.0,
            "healpix": 5000 + i // 4 if positions else None,
            "ebv": 0.03,
        }
        row |= {
            "host_x_pix": middle + rng.uniform(-0.5, 0.5),
            "host_y_pix": middle + rng.uniform(-0.5, 0.5),
            "provenance": f"row {i}",
        }
        rows.append(row)
    return as_table(rows, declared_columns(imaging) | measured_columns(imaging))


V4_SOTA = Grid(
    name="v4_sota",
    theta_e_from="grid",
    theta_e_arcsec=(0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0, 2.25, 2.5),
    dmag=(0.5, 1.0, 1.5, 2.0, 2.5, 3.0),
    reff_arcsec=(0.1, 0.2, 0.3, 0.5),
    ellipticity=(0.2, 0.4, 0.6),
    shear=(0.0, 0.05, 0.1),
    offset_arcsec=0.4,
    lens_q=(0.6, 0.95),
    sersic_n=1.0,
    theta_e_scatter_dex=0.0,
)
REALISTIC = replace(
    V4_SOTA,
    name="realistic",
    theta_e_from="luminosity",
    theta_e_arcsec=(0.5, 2.5),
    dmag=(2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0),
    theta_e_scatter_dex=0.1,
)
PAIRED = Controls("paired", "free_hosts", ())
UNPAIRED = Controls("unpaired", "free_hosts", ("psfsize_r", "depth_r"))
GAUSSIAN = PsfChoice("gaussian", "gaussian", "noise_equivalent_area", None)
MOFFAT = PsfChoice("moffat_converted", "moffat", "noise_equivalent_area", None)
NO_NOISE = Noise("none", "none")
NO_MASK = CoreMask("none", "none", 0.0, 0.0)
BASE = Data(
    seed=0,
    n_pairs=40,
    injections_per_host=1,
    null_rows=10,
    only_split=None,
    imaging=DECALS,
    # The survey itself is given to the functions under test.
    hosts=PackHosts(
        "pack",
        "unused",
        1.0,
        0.262,
        {"g": 1.4, "r": 1.05, "z": 0.95},
        {"g": 3.0, "r": 3.0, "z": 3.0},
        {"g": 1.0, "r": 1.0, "z": 1.0},
    ),
    grid=V4_SOTA,
    source=SersicSources("sersic"),
    controls=PAIRED,
    psf=GAUSSIAN,
    noise=NO_NOISE,
    core_mask=NO_MASK,
)


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    """Linear algebra on one thread, as where shards are made."""
    with threadpool_limits(1):
        yield


@pytest.fixture(scope="session")
def catalogue() -> pd.DataFrame:
    """Three hundred galaxies."""
    return catalogue_of(300)


@pytest.fixture(scope="session")
def make_catalogue() -> Callable[..., pd.DataFrame]:
    return catalogue_of


@pytest.fixture(scope="session")
def make_parents() -> Callable[..., MemoryParents]:
    return MemoryParents


@pytest.fixture(scope="session")
def hosts(catalogue: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Hosts:
    """The three hundred galaxies with pixels."""
    folder = tmp_path_factory.mktemp("hosts")
    return cut_out(MemoryParents(catalogue), np.arange(len(catalogue)), data_dir=folder, engine=Local(1))


@pytest.fixture(scope="session")
def spec() -> Callable[..., Data]:
    """The published set-up on forty pairs, with changes; names stand for parts of the configuration."""
    named: dict[str, Any] = {
        "v4_sota": V4_SOTA,
        "realistic": REALISTIC,
        "paired": PAIRED,
        "unpaired": UNPAIRED,
        "any_other_host": replace(UNPAIRED, pool="any_other_host"),
        "gaussian": GAUSSIAN,
        "moffat_converted": MOFFAT,
        "moffat_naive": replace(MOFFAT, name="moffat_naive", width_convention="psfsize_as_fwhm"),
        "none": NO_MASK,
        "hard_r5": CoreMask("hard_r5", "hard", 5.0, 0.0),
        "hard_r7": CoreMask("hard_r7", "hard", 7.0, 0.0),
        "tanh_r5": CoreMask("tanh_r5", "tanh", 5.0, 1.5),
    }

    def make(**changes: Any) -> Data:
        return replace(
            BASE, **{key: named[value] if isinstance(value, str) and value in named else value for key, value in changes.items()}
        )

    return make
