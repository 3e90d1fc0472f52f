"""Stamp packs for tests: written ones and the real one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
from astropy.io import fits
from numpy.typing import NDArray

from arcgate.hosts_node import PackHosts
from arcgate.imaging import DECALS, Imaging
from arcgate.survey.pack import PackFiles, PackParents
from arcgate.survey.places import Cut, Parents


def write_pack(folder: Path, cubes: dict[str, NDArray[Any]]) -> PackHosts:
    """Write cubes as a stamp pack."""
    for band, cube in cubes.items():
        fits.PrimaryHDU(cube).writeto(folder / f"{band}.fits", overwrite=True)
    return pack_hosts(folder)


def pack_hosts(folder: Path, **changes: Any) -> PackHosts:
    """Specification of a pack with the values of conf/hosts/pack.yaml."""
    spec = PackHosts(
        kind="pack",
        path=str(folder),
        nanomaggies_per_count=1e-3,
        pixel_scale_arcsec=0.263,
        psfsize_arcsec={"g": 1.39, "r": 1.05, "z": 0.94},
        psf_beta={"g": 4.1, "r": 4.4, "z": 4.0},
        gain={"g": 7500.0, "r": 7500.0, "z": 7500.0},
    )
    return replace(spec, **changes)


def opened(hosts: PackHosts, imaging: Imaging = DECALS) -> PackParents:
    """A pack's parents, measured anew."""
    with TemporaryDirectory() as folder:
        return PackParents.open(PackFiles.open(hosts, imaging), Path(folder), 1)


def cuts(parents: Parents, rows: Sequence[int]) -> list[Cut]:
    """Galaxies by catalogue row, all of which can be used."""
    made = parents.place(np.array(rows)).cut()
    assert all(isinstance(one, Cut) for one in made)
    return made  # type: ignore[return-value]  # asserted


def cutouts(parents: Parents, rows: Sequence[int]) -> NDArray[np.float32]:
    """Their pixels."""
    return np.stack([one.image for one in cuts(parents, rows)])


def whole_table(parents: Parents) -> pd.DataFrame:
    """Declared and measured columns of all galaxies."""
    measured = pd.DataFrame([one.measured for one in cuts(parents, range(len(parents.catalogue)))])
    return pd.concat([parents.catalogue, measured], axis=1)
