"""Colours carried from g, r and z, in which galaxies are drawn, to the bands of any imaging."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

import numpy as np

from arcgate.ground.errors import ArcgateError

Magnitude = TypeVar("Magnitude", bound=Any)

WAVELENGTHS: Final = {
    "u": 3671.0,
    "g": 4827.0,
    "r": 6432.0,
    "vis": 7103.0,
    "i": 7827.0,
    "z": 9179.0,
    "y": 9920.0,
}
"""Mean wavelength of bands by the ends of columns' names, angstrom.

g, r, i, z as those of DECam, u and y as LSST's, vis as Euclid's. Bands of one name differ by a hundred angstrom or two between
surveys, which moves a carried magnitude by some hundredths: colours in other bands are plausible ones, not measured ones.
"""
DRAWN: Final = ("g", "r", "z")


def carried(mag: Mapping[str, Magnitude], bands: Sequence[str]) -> dict[str, Magnitude]:
    """Magnitudes in bands from those in g, r and z.

    A magnitude is linear in the logarithm of the wavelength between g and r and between r and z, and goes on as it ended beyond.
    g, r and z stay what they are, to the last bit.

    Parameters
    ----------
    mag : mapping of str to float or ndarray
        AB magnitudes in g, r and z.
    bands : sequence of str
        Names of `WAVELENGTHS`.

    Returns
    -------
    dict of str to float or ndarray
        AB magnitudes in `bands`, in their order.

    Raises
    ------
    ArcgateError
        A band whose wavelength is not known.
    """
    unknown = [band for band in bands if band not in WAVELENGTHS]
    if unknown:
        raise ArcgateError(
            f"no wavelength is known for {', '.join(unknown)}, so that colours of drawn galaxies cannot be carried there",
            where="data.imaging.bands",
            todo=f"choose from {', '.join(WAVELENGTHS)}",
        )
    return {band: mag[band] if band in DRAWN else _between(mag, band) for band in bands}


def _between(mag: Mapping[str, Magnitude], band: str) -> Magnitude:
    blue, red = ("g", "r") if WAVELENGTHS[band] < WAVELENGTHS["r"] else ("r", "z")
    at, start, end = (np.log(WAVELENGTHS[name]) for name in (band, blue, red))
    share = float((at - start) / (end - start))
    between: Magnitude = mag[blue] + share * (mag[red] - mag[blue])
    return between
