"""The PSF is applied twice."""

from __future__ import annotations

import numpy as np
from scipy.signal import fftconvolve

from arcgate.gates.verdict.bug_model import BugModel, Explanation, OtherImage
from arcgate.gates.verdict.declared import Declared, Light


def _convolved_again(declared: Declared, arc: Light) -> Light:
    """The arc convolved with its PSF a second time."""
    size, scale = 2 * declared.imaging.size_pix - 1, declared.imaging.pixel_scale_arcsec
    kernels = np.array([[psf.on(size, scale) for psf in row] for row in declared.psfs])
    twice: Light = fftconvolve(arc, kernels, mode="same", axes=(2, 3)).astype(np.float32)
    return twice


MODEL = BugModel(
    "double_psf",
    title="the PSF is applied twice",
    advice="Remove one of the two convolutions.",
    explanations=(Explanation("double_psf", "a PSF applied twice", prediction=OtherImage(_convolved_again)),),
    identifiability={"double_psf": ("identifiable", "identifiable", "identifiable")},
)
