"""Where a point of light lands when it is convolved."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from scipy import fft

from arcgate.dataset.schema import BANDS, STAMP_SIZE
from arcgate.gates.arms import Arms
from arcgate.gates.exhibit import Exhibit
from arcgate.gates.published.gathering import Diagnostic, galaxies, identities, not_run, stated
from arcgate.gates.published.shifts import centroid
from arcgate.gates.result import GateResult
from arcgate.imaging import DECALS
from arcgate.injection.arcs import Psfs, declared_psfs, used_psfs
from arcgate.lensing.models import Lenses, Sersics
from arcgate.lensing.render import render

# PSFs of a shard, and of a data set, that are tried.
_PER_SHARD: Final = 8
_PSFS: Final = 24
# Half-light radius of a source that every PSF makes a point of, arcsec.
_POINT_ARCSEC: Final = 0.005
_PLACE_PIX: Final = (31.3, 32.2)
_KERNEL_SIZE: Final = 19
_IMPULSE_PIX: Final = 32
_COLUMNS: Final = [
    "sample_id",
    "psf_profile_used",
    *[
        f"{stem}_{band}"
        for stem in ("psfsize", "psf_beta_declared", "psf_fwhm_used", "psf_beta_used")
        for band in BANDS
    ],
]  # fmt: skip


class PsfImpulse(Diagnostic):
    """Centroid of an unlensed point source after convolution with declared and used PSFs by the renderer.

    Beside it the published demonstration: a 19 x 19 kernel laid into the corner of a 64 x 64 Fourier transform without being
    centred.
    """

    def measure(self, arms: Arms) -> pd.DataFrame | None:
        """PSF columns of a few positives, where PSFs are declared."""
        if not self.facts.declared or not set(_COLUMNS) <= self.facts.columns:
            return None
        table = arms.stamp.table[_COLUMNS].reset_index(drop=True)
        return identities(arms.stamp).join(table).head(_PER_SHARD)

    def judge(self) -> list[GateResult]:
        """Largest miss of the renderer, and that of the off-centre kernel."""
        row, column = off_centre_impulse()
        demonstration = stated(
            "psf_impulse_off_centre",
            float(_IMPULSE_PIX - row),
            0,
            0,
            f"an impulse at ({_IMPULSE_PIX}, {_IMPULSE_PIX}) lands at ({row}, {column}) when a kernel of {_KERNEL_SIZE} pixels a "
            "side is not centred before a Fourier transform and the result is rolled by half a stamp; pixels, no data needed",
        )
        rows = self.table()
        if not len(rows):
            return [not_run("psf_impulse", "no PSF is declared"), demonstration]
        rows = rows.iloc[np.unique(np.linspace(0, len(rows) - 1, _PSFS).round().astype(np.int64))]
        miss = max(float(np.abs(impulse_offsets(psfs)).max()) for psfs in (declared_psfs(rows), used_psfs(rows)))
        reason = (
            "largest distance in x or y, pixels, between a point source and its centroid after convolution by arcgate's renderer "
            "with the declared and the used PSFs"
        )
        return [stated("psf_impulse", miss, len(rows), len(np.unique(galaxies(rows))), reason), demonstration]

    def exhibits(self) -> list[Exhibit]:
        """None: two numbers say it."""
        return []


def impulse_offsets(psfs: list[Psfs]) -> NDArray[np.float64]:
    """Centroid less place of a point source that each PSF convolves, pixels, shape (psfs x bands, 2)."""
    n, bands = len(psfs), len(psfs[0])
    x, y = (torch.full((n,), place, dtype=torch.float64) for place in _PLACE_PIX)
    lenses, sources = Lenses.of(theta_e_arcsec=np.zeros(n)), Sersics.of(reff_arcsec=np.full(n, _POINT_ARCSEC))
    image = render(lenses, sources, torch.ones((n, bands), dtype=torch.float64), x, y, psfs, DECALS.frame).image.numpy()
    each = n * bands
    return centroid(image.reshape(each, STAMP_SIZE, STAMP_SIZE), *(np.full(each, place) for place in _PLACE_PIX))


def off_centre_impulse() -> tuple[int, int]:
    """Row and column at which an impulse at (32, 32) lands in the published demonstration.

    The kernel's centre lies at (9, 9) of the padded array instead of at (0, 0), so that the convolution moves light by 9 pixels,
    to 41; rolling the result by half a stamp, as for a kernel centred at (32, 32), takes it to 41 + 32 - 64 = 9.
    """
    offset = np.arange(_KERNEL_SIZE) - _KERNEL_SIZE // 2
    kernel, impulse = np.zeros((STAMP_SIZE, STAMP_SIZE)), np.zeros((STAMP_SIZE, STAMP_SIZE))
    kernel[:_KERNEL_SIZE, :_KERNEL_SIZE] = np.exp(-0.5 * (offset[:, None] ** 2 + offset[None, :] ** 2) / 2.0**2)
    impulse[_IMPULSE_PIX, _IMPULSE_PIX] = 1.0
    landed = fft.fftshift(fft.irfft2(fft.rfft2(impulse) * fft.rfft2(kernel), s=impulse.shape))
    row, column = np.unravel_index(int(landed.argmax()), landed.shape)
    return int(row), int(column)
