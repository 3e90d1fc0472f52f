"""A galaxy without a lens, for tests that need light in a stamp."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from arcgate.imaging import DECALS
from arcgate.lensing.frame import Frame
from arcgate.lensing.models import Lenses, Sersics
from arcgate.lensing.psf import Psf
from arcgate.lensing.render import render


def galaxy(
    reff_arcsec: float, n: float, q: float, phi_rad: float, x_pix: float, y_pix: float, psf: Psf, frame: Frame = DECALS.frame
) -> NDArray[np.float64]:
    """A Sersic galaxy of flux 1 in a stamp, shape (y, x)."""
    place = torch.tensor([x_pix]), torch.tensor([y_pix])
    rendered = render(Lenses.of(0.0), Sersics.of(reff_arcsec, n, q, phi_rad), torch.ones(1, 1), *place, [[psf]], frame)
    return rendered.image[0, 0].numpy().astype(np.float64)
