"""The PSF is applied twice."""

from __future__ import annotations

import numpy as np
from scipy.fft import irfft2, next_fast_len, rfft2

from arcgate.gates.verdict.bug_model import BugModel, Explanation, OtherImage
from arcgate.gates.verdict.declared import DeclaredRows, Light


def _convolved_again(declared: DeclaredRows, arc: Light) -> Light:
    """The arc convolved with its PSF a second time."""
    stamp, scale = declared.imaging.size_pix, declared.imaging.pixel_scale_arcsec
    size = 2 * stamp - 1
    kernels = np.array([[psf.on(size, scale) for psf in row] for row in declared.psfs])
    # Of the linear convolution the middle alone is wanted, into which nothing of the rest wraps if the period is the kernel's.
    period = (next_fast_len(size, real=True),) * 2
    twice = irfft2(rfft2(arc.astype(np.float64), period) * rfft2(kernels, period), period)
    return np.asarray(twice[:, :, stamp - 1 : size, stamp - 1 : size], dtype=np.float32)


MODEL = BugModel(
    "double_psf",
    title="the PSF is applied twice",
    advice="Remove one of the two convolutions.",
    explanations=(Explanation("double_psf", "a PSF applied twice", prediction=OtherImage(_convolved_again)),),
    identifiability={"double_psf": ("identifiable", "identifiable", "identifiable")},
)
