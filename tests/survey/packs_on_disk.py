"""Stamp packs for tests: written ones and the real one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from astropy.io import fits
from numpy.typing import NDArray

from arcgate.data_node import PackHosts


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
