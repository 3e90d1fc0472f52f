"""A brick's planes: light with noise, and what says how it was observed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arcgate.ground.draws import generator
from arcgate.lensing.noise import photon_noise
from arcgate.survey.legacy.layout import BRICK_PIX, MASKBITS
from arcgate.survey.mock.noise import sky_noise
from arcgate.survey.mock.sky.catalogue import Observed
from arcgate.survey.mock.sky.choosing import Pointing
from arcgate.survey.mock.sky.conditions import BandConditions
from arcgate.survey.mock.sky.painting import Image
from arcgate.survey.mock.sky.settings import MockSky


def planes_of(
    settings: MockSky, pointing: Pointing, light: Image, observed: Observed
) -> Iterator[tuple[NDArray[Any], str, str | None]]:
    """The planes that are asked for, one after the other: pixels (y, x), kind, band or None."""
    for number, (band, one) in enumerate(observed.conditions.items()):
        usable = np.where(observed.saturated[number], 0, observed.exposures[number]).astype(np.int16)
        share = usable.astype(np.float32) / np.float32(one.exposures)
        if "image" in settings.planes:
            yield _image(settings, pointing, band, light[number], share, one), "image", band
        if "nexp" in settings.planes:
            yield usable, "nexp", band
        if "psfsize" in settings.planes:
            yield (share > 0) * np.float32(one.psfsize_arcsec), "psfsize", band
        for kind, full in (("invvar", one.pixel_ivar), ("depth", one.psf_ivar), ("galdepth", observed.galdepth[band])):
            if kind in settings.planes:
                yield share * np.float32(full), kind, band
    if MASKBITS in settings.planes:
        yield observed.bits, MASKBITS, None


def _image(settings: MockSky, pointing: Pointing, band: str, light: Image, share: Image, one: BandConditions) -> Image:
    """Light with noise; nothing where no exposure is usable."""
    usable = share > 0
    light = np.where(usable, light, np.float32(0.0))
    if not settings.with_noise:
        return light
    rng = generator(settings.seed, f"mock sky noise {pointing.footprint} {band}", pointing.brick.number)
    sigma = settings.scatter_over_invvar / np.sqrt(one.pixel_ivar)
    noise = sky_noise(rng, sigma, settings.noise_lag1, BRICK_PIX, np.float32)
    noise /= np.sqrt(np.where(usable, share, np.float32(1.0)))
    # Numbers for dark pixels too would take most of a brick's time.
    lit = light > 0
    noise[lit] += photon_noise(rng, light[lit].astype(np.float64), one.gain * share[lit].astype(np.float64)).astype(np.float32)
    return np.where(usable, light + noise, np.float32(0.0))
