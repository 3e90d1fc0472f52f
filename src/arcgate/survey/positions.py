"""Names under which tables of all kinds keep the position of an object on the sky."""

from __future__ import annotations

from typing import Final

RA_NAMES: Final = ("ra", "target_ra", "ra_deg", "raj2000", "ra_j2000", "ra_icrs", "right_ascension", "alpha_j2000")
DEC_NAMES: Final = (
    "dec",
    "target_dec",
    "dec_deg",
    "decj2000",
    "dec_j2000",
    "de_icrs",
    "dej2000",
    "de",
    "declination",
    "delta_j2000",
)
