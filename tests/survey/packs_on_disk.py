"""Stamp packs for tests: written ones and the real one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from astropy.io import fits
from numpy.typing import NDArray

from arcgate.data_node import PackHosts, PerBand


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
        psfsize_arcsec=PerBand(1.39, 1.05, 0.94),
        psf_beta=PerBand(4.1, 4.4, 4.0),
        gain=PerBand(7500.0, 7500.0, 7500.0),
    )
    return replace(spec, **changes)
