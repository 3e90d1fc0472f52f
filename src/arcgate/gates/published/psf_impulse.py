"""Where a point of light lands when it is convolved."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from scipy import fft

from arcgate.gates.core.exhibit import Exhibit
from arcgate.gates.core.result import GateResult
from arcgate.gates.core.shard import Shard
from arcgate.gates.published.gathering import Diagnostic, galaxies, identities, not_run, stated
from arcgate.gates.published.shifts import centroid
from arcgate.imaging import Imaging
from arcgate.injection.arcs import Psfs, declared_psfs, used_psfs
from arcgate.lensing.models import Lenses, Sersics
from arcgate.lensing.render import render

# PSFs of a shard, and of a data set, that are tried.
_PER_SHARD: Final = 8
_PSFS: Final = 24
# Half-light radius of a source that every PSF makes a point of, arcsec.
_POINT_ARCSEC: Final = 0.005
# Where the point lies, from the middle of the stamp in x and y.
_OFFSET_PIX: Final = (-0.2, 0.7)
# The published demonstration's own pixels, whatever those of the stamps.
_TRANSFORM_SIZE: Final = 64
_KERNEL_SIZE: Final = 19
_IMPULSE_PIX: Final = 32
_STEMS: Final = ("psfsize", "psf_beta_declared", "psf_fwhm_used", "psf_beta_used")
# Of sets that hold kernels; other makers' tables have none.
_KERNELS: Final = ("kernel_declared", "kernel_used")


class PsfImpulse(Diagnostic):
    """Centroid of an unlensed point source after convolution with declared and used PSFs by the renderer.

    Beside it the published demonstration: a 19 x 19 kernel laid into the corner of a 64 x 64 Fourier transform without being
    centred, the same for stamps of any size.
    """

    def measure(self, shard: Shard) -> pd.DataFrame | None:
        """PSF columns of a few positives, where PSFs are declared."""
        columns = ["sample_id", "psf_profile_used", *[f"{stem}_{band}" for stem in _STEMS for band in self.facts.imaging.bands]]
        if not self.facts.declared or not set(columns) <= self.facts.columns:
            return None
        kernels = [
            name for stem in _KERNELS for band in self.facts.imaging.bands if (name := f"{stem}_{band}") in self.facts.columns
        ]
        table = shard.positive.table[[*columns, *kernels]].reset_index(drop=True)
        return identities(shard.positive).join(table).head(_PER_SHARD)

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
        imaging = self.facts.imaging
        psfs = (read(rows, imaging, self.facts.references) for read in (declared_psfs, used_psfs))
        miss = max(float(np.abs(impulse_offsets(each, imaging)).max()) for each in psfs)
        reason = (
            "largest distance in x or y, pixels, between a point source and its centroid after convolution by arcgate's renderer "
            "with the declared and the used PSFs"
        )
        return [stated("psf_impulse", miss, len(rows), len(np.unique(galaxies(rows))), reason), demonstration]

    def exhibits(self) -> list[Exhibit]:
        """None: two numbers say it."""
        return []


def impulse_offsets(psfs: list[Psfs], imaging: Imaging) -> NDArray[np.float64]:
    """Centroid less place of a point source that each PSF convolves, pixels, shape (psfs x bands, 2)."""
    n, bands = len(psfs), len(psfs[0])
    places = [imaging.middle_pix + offset for offset in _OFFSET_PIX]
    x, y = (torch.full((n,), place, dtype=torch.float64) for place in places)
    lenses, sources = Lenses.of(theta_e_arcsec=np.zeros(n)), Sersics.of(reff_arcsec=np.full(n, _POINT_ARCSEC))
    image = render(lenses, sources, torch.ones((n, bands), dtype=torch.float64), x, y, psfs, imaging.frame).image.numpy()
    each = image.reshape(n * bands, *image.shape[2:])
    recorded_x, recorded_y = (np.full(len(each), place) for place in places)
    return centroid(each, recorded_x, recorded_y, imaging.pixel_scale_arcsec)


def off_centre_impulse() -> tuple[int, int]:
    """Row and column at which an impulse at (32, 32) lands in the published demonstration.

    The kernel's centre lies at (9, 9) of the padded array instead of at (0, 0), so that the convolution moves light by 9 pixels,
    to 41; rolling the result by half a stamp, as for a kernel centred at (32, 32), takes it to 41 + 32 - 64 = 9.
    """
    offset = np.arange(_KERNEL_SIZE) - _KERNEL_SIZE // 2
    kernel, impulse = (np.zeros((_TRANSFORM_SIZE, _TRANSFORM_SIZE)) for _ in range(2))
    kernel[:_KERNEL_SIZE, :_KERNEL_SIZE] = np.exp(-0.5 * (offset[:, None] ** 2 + offset[None, :] ** 2) / 2.0**2)
    impulse[_IMPULSE_PIX, _IMPULSE_PIX] = 1.0
    landed = fft.fftshift(fft.irfft2(fft.rfft2(impulse) * fft.rfft2(kernel), s=impulse.shape))
    row, column = np.unravel_index(int(landed.argmax()), landed.shape)
    return int(row), int(column)
