"""Rows whose lens, source and PSF are declared, without a survey."""

from __future__ import annotations

import numpy as np
import pandas as pd

from arcgate.imaging import Imaging


def declared(imaging: Imaging, psfsize: float, n: int) -> pd.DataFrame:
    """Rows of lenses whose every column is declared."""
    rng = np.random.default_rng(5)
    table = pd.DataFrame(
        {
            "sample_id": np.arange(n),
            "pair_id": np.arange(n),
            "host_id": [f"galaxy {i}" for i in range(n)],
            "theta_e_arcsec": rng.uniform(0.8, 1.6, n),
            "lens_q": rng.uniform(0.6, 0.9, n),
            "lens_phi_rad": rng.uniform(0.0, np.pi, n),
            "gamma1": rng.normal(0.0, 0.03, n),
            "gamma2": rng.normal(0.0, 0.03, n),
            "source_reff_arcsec": rng.uniform(0.15, 0.3, n),
            "source_sersic_n": 1.0,
            "source_q": rng.uniform(0.5, 0.9, n),
            "source_phi_rad": rng.uniform(0.0, np.pi, n),
            "source_x_arcsec": rng.uniform(-0.2, 0.2, n),
            "source_y_arcsec": rng.uniform(-0.2, 0.2, n),
            "flux_scale": 1.0,
            "core_mask_kind": "none",
            "core_mask_radius_pix": 0.0,
            "core_mask_width_pix": 0.0,
            "arc_noise": "none",
            "host_x_pix": imaging.middle_pix + rng.uniform(-0.5, 0.5, n),
            "host_y_pix": imaging.middle_pix + rng.uniform(-0.5, 0.5, n),
        }
    )
    for place, band in enumerate(imaging.bands):
        table[f"source_mag_{band}"] = 22.0 - 0.4 * place + rng.normal(0.0, 0.3, n)
        table[f"psfsize_{band}"] = psfsize * (1.0 - 0.05 * place) * np.exp(rng.normal(0.0, 0.1, n))
        table[f"psf_beta_declared_{band}"] = 3.0
        table[f"sky_sigma_{band}"] = 0.003 * (imaging.pixel_scale_arcsec / 0.262)
        table[f"host_mag_{band}"] = 19.0 + rng.normal(0.0, 0.5, n)
    return table
