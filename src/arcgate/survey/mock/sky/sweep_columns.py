"""Names and types of the columns of DR10's sweep catalogues, in their order (legacysurvey.org, files of DR10)."""

from __future__ import annotations

from typing import Final

import numpy as np

OPTICAL: Final = ("G", "R", "I", "Z")
INFRARED: Final = ("W1", "W2", "W3", "W4")
_ALL: Final = OPTICAL + INFRARED

SWEEP: Final = np.dtype(
    [
        *(
            ("RELEASE", "i2"),
            ("BRICKID", "i4"),
            ("BRICKNAME", "S8"),
            ("OBJID", "i4"),
            ("TYPE", "S3"),
            ("RA", "f8"),
            ("DEC", "f8"),
        ),
        *(("RA_IVAR", "f4"), ("DEC_IVAR", "f4"), ("DCHISQ", "f4", (5,)), ("EBV", "f4")),
        *((f"{stem}_{band}", "f4") for stem in ("FLUX", "FLUX_IVAR", "MW_TRANSMISSION") for band in _ALL),
        *((f"NOBS_{band}", "i2") for band in _ALL),
        *((f"{stem}_{band}", "f4") for stem in ("RCHISQ", "FRACFLUX") for band in _ALL),
        *((f"{stem}_{band}", "f4") for stem in ("FRACMASKED", "FRACIN") for band in OPTICAL),
        *((f"{stem}_{band}", "i2") for stem in ("ANYMASK", "ALLMASK") for band in OPTICAL),
        *(("WISEMASK_W1", "u1"), ("WISEMASK_W2", "u1")),
        *((f"{stem}_{band}", "f4") for stem in ("PSFSIZE", "PSFDEPTH", "GALDEPTH") for band in OPTICAL),
        *(("PSFDEPTH_W1", "f4"), ("PSFDEPTH_W2", "f4"), ("WISE_COADD_ID", "S8")),
        *((f"{stem}{end}", "f4") for stem in ("SHAPE_R", "SHAPE_E1", "SHAPE_E2") for end in ("", "_IVAR")),
        *((f"{stem}_{band}", "f4") for stem in ("FIBERFLUX", "FIBERTOTFLUX") for band in OPTICAL),
        *(("REF_CAT", "S2"), ("REF_ID", "i8"), ("REF_EPOCH", "f4")),
        *((f"GAIA_PHOT_{band}_MEAN_{what}", "f4") for band in ("G", "BP", "RP") for what in ("MAG", "FLUX_OVER_ERROR")),
        *(("GAIA_ASTROMETRIC_EXCESS_NOISE", "f4"), ("GAIA_DUPLICATED_SOURCE", "?"), ("GAIA_PHOT_BP_RP_EXCESS_FACTOR", "f4")),
        *(("GAIA_ASTROMETRIC_SIGMA5D_MAX", "f4"), ("GAIA_ASTROMETRIC_PARAMS_SOLVED", "u1")),
        *((f"{stem}{end}", "f4") for stem in ("PARALLAX", "PMRA", "PMDEC") for end in ("", "_IVAR")),
        *(("MASKBITS", "i4"), ("FITBITS", "i2"), ("SERSIC", "f4"), ("SERSIC_IVAR", "f4")),
    ]
)
