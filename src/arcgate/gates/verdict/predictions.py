"""What each row's arc should look like: as declared, with one quantity moved a little, and as each bug model would have it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from arcgate.dataset.references import NONE, References
from arcgate.gates.verdict.bug_model import REFIT_PARAMETERS, Explanation, OtherColumns, OtherImage, OtherPsfs, predicted
from arcgate.gates.verdict.declared import Columns, DeclaredRows, Light, profiles, widened
from arcgate.gates.verdict.shifting import frequencies
from arcgate.imaging import Imaging
from arcgate.injection.arcs import Psfs
from arcgate.injection.inject import core_mask
from arcgate.lensing.psf import MAX_BETA, Kernel, Psf, fwhm_from_psfsize

# Steps of the numerical derivatives.
_WIDTH_STEP, _WINGS_STEP, _RADIUS_STEP = 0.02, 0.1, 0.01


def prediction_names(explanations: Sequence[Explanation]) -> tuple[str, ...]:
    """Names of all predictions: refit parameters first, then what explanations predict themselves."""
    return (*REFIT_PARAMETERS, *[label for label, _ in predicted(explanations)])


@dataclass(frozen=True)
class Predictions:
    """Predicted light of n rows, nanomaggies per pixel.

    Attributes
    ----------
    arc : ndarray, float32 (n, band, y, x)
        As declared, mask included.
    slopes : ndarray, float32 (n, parameter, band, y, x)
        Change of the light per unit of each refit parameter.
    bugs : ndarray, float32 (n, bug, band, y, x)
        What each explanation with a prediction of its own adds to `arc`.
    """

    arc: Light
    slopes: Light
    bugs: Light


def predicted_light(
    table: pd.DataFrame, imaging: Imaging, explanations: Sequence[Explanation], references: References = NONE
) -> Predictions:
    """Predictions for manifest rows with host_x_pix, host_y_pix and sky_sigma; reads declared columns only.

    Parameters
    ----------
    table : DataFrame of n rows
        Positives.
    imaging : Imaging
        Of their stamps.
    explanations : sequence of Explanation
        Of the bug models that are looked for.
    references : References
        Kernels and images that rows name.
    """
    declared = DeclaredRows(table, imaging, references)
    own, mask = predicted(explanations), core_mask(table, imaging)
    others = {label: prediction.read(declared) for label, prediction in own if isinstance(prediction, OtherPsfs)}
    arc, wider, winged, *others_light = declared.with_psfs(
        [
            declared.psfs,
            [widened(row, 1.0 + _WIDTH_STEP) for row in declared.psfs],
            _winged(declared),
            *others.values(),
        ]
    )
    light = dict(zip(others, others_light, strict=True))
    changes = {label: prediction.read(declared) for label, prediction in own if isinstance(prediction, OtherColumns)}
    radius, geometry, *changed = declared.with_each(
        [
            {"theta_e_arcsec": declared.column("theta_e_arcsec") * (1.0 + _RADIUS_STEP)},
            _scaled(declared, 1.0 + _RADIUS_STEP),
            *changes.values(),
        ]
    )
    light |= dict(zip(changes, changed, strict=True))
    bugs = np.empty((len(table), len(own), *imaging.shape), dtype=np.float32)
    for place, (label, prediction) in enumerate(own):
        if isinstance(prediction, OtherImage):
            light[label] = prediction.read(declared, arc)
        bugs[:, place] = (light[label] - arc) * mask
    slopes = _slopes(declared, _Steps(arc, wider, winged, radius, geometry), mask)
    return Predictions(arc=arc * mask, slopes=slopes, bugs=bugs)


def rendered_as(table: pd.DataFrame, change: Columns, imaging: Imaging, references: References = NONE) -> Light:
    """Arcs as declared but for some columns, mask included, float32 (n, band, y, x)."""
    return DeclaredRows(table, imaging, references).with_columns(change) * core_mask(table, imaging)


class _Steps(NamedTuple):
    """Arcs before the mask: as declared, and with a refit parameter a step away."""

    arc: Light
    wider: Light
    winged: Light
    radius: Light
    geometry: Light


def _slopes(declared: DeclaredRows, steps: _Steps, mask: Light) -> Light:
    """Change of the light per unit of each refit parameter: (n, parameter, band, y, x)."""
    imaging, (arc, wider, winged, radius, geometry) = declared.imaging, steps
    dx, dy = _gradient(arc)
    x, y = _offsets(declared)
    core = (np.hypot(x, y) < imaging.core_pix).astype(np.float32)
    sky = declared.table[[f"sky_sigma_{band}" for band in imaging.bands]].to_numpy(np.float32)[:, :, None, None]
    slopes = {
        "flux": arc,
        "psf_width": (wider - arc) / np.log(1.0 + _WIDTH_STEP),
        "psf_wings": (winged - arc) / np.log(1.0 + _WINGS_STEP),
        "shift_x": -dx,
        "shift_y": -dy,
        "rotation": y * dx - x * dy,
        "einstein_radius": (radius - arc) / np.log(1.0 + _RADIUS_STEP),
        "geometry": (geometry - arc) / np.log(1.0 + _RADIUS_STEP),
        "magnification": -2.0 * arc - x * dx - y * dy,
    }
    slopes = {name: light * mask for name, light in slopes.items()}
    slopes |= {"pedestal": np.broadcast_to(sky, arc.shape), "core_pedestal": sky * core}
    return np.stack([slopes[name] for name in REFIT_PARAMETERS], axis=1).astype(np.float32)


def _scaled(declared: DeclaredRows, factor: float) -> Columns:
    lengths = ("theta_e_arcsec", "source_reff_arcsec", "source_x_arcsec", "source_y_arcsec")
    return {name: declared.column(name) * factor for name in lengths}


def _winged(declared: DeclaredRows) -> list[Psfs]:
    """Moffats of a larger exponent; kernels with what that changes in the Moffats that fit them."""
    scale, sizes, betas = declared.imaging.pixel_scale_arcsec, declared.psfsizes, declared.betas
    fitted = [profiles("moffat", width, beta) for width, beta in zip(fwhm_from_psfsize(sizes, betas), betas, strict=True)]
    return [
        tuple(_with_wings(psf, moffat, scale) for psf, moffat in zip(row, moffats, strict=True))
        for row, moffats in zip(declared.psfs, fitted, strict=True)
    ]


def _with_wings(psf: Psf | Kernel, fitted: Psf, scale_arcsec: float) -> Psf | Kernel:
    if isinstance(psf, Kernel):
        size = max(psf.image.shape)
        step = _steeper(fitted).on(size, scale_arcsec) - fitted.on(size, scale_arcsec)
        return Kernel(psf.normalised().on(size, scale_arcsec) + step, psf.includes_pixel)
    return _steeper(psf)


def _steeper(psf: Psf) -> Psf:
    return psf if psf.beta is None else replace(psf, beta=min(psf.beta * (1.0 + _WINGS_STEP), MAX_BETA))


def _offsets(declared: DeclaredRows) -> tuple[Light, Light]:
    """Offsets of each pixel from its host, pixels, each (n, 1, y, x)."""
    pixel = np.arange(declared.imaging.size_pix, dtype=np.float64)
    shape = (len(declared.table), 1, len(pixel), len(pixel))
    x = pixel[None, None, None, :] - declared.column("host_x_pix")[:, None, None, None]
    y = pixel[None, None, :, None] - declared.column("host_y_pix")[:, None, None, None]
    return np.broadcast_to(x, shape).astype(np.float32), np.broadcast_to(y, shape).astype(np.float32)


def _gradient(image: Light) -> tuple[Light, Light]:
    """Derivatives along x and y per pixel, exact for what the pixels resolve."""
    wave = 2.0j * np.pi * frequencies(image.shape[-1])
    spectrum = np.fft.fft2(image)
    along_x = np.fft.ifft2(spectrum * wave[None, :]).real
    along_y = np.fft.ifft2(spectrum * wave[:, None]).real
    return along_x.astype(np.float32), along_y.astype(np.float32)
