"""The verdict on arcs of measured PSFs and source images: what is sound, and wrong PSFs by their names."""

from __future__ import annotations

import numpy as np
import pytest
from declared_rows import declared
from measured_light import referring
from shipped_models import MODELS

from arcgate.gates.verdict.bug_model import REFIT_PARAMETERS
from arcgate.gates.verdict.naming import name_cause
from arcgate.gates.verdict.predictions import predicted_light
from arcgate.gates.verdict.rows import differences
from arcgate.imaging import DECALS
from arcgate.injection.arcs import declared_psfs, render_arcs
from arcgate.lensing.psf import FWHM_PER_SIGMA, Psf

ROWS = 24


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """Rows that name kernels and images, and where those lie."""
    return referring(declared(DECALS, 1.1, ROWS), DECALS, tmp_path_factory.mktemp("tables"))


def arcs(measured, change):
    table, references = measured
    psfs = [tuple(change(psf) for psf in row) for row in declared_psfs(table, DECALS, references)]
    return render_arcs(table, psfs, DECALS, references)[0]


def named(measured, light):
    table, references = measured
    return name_cause(differences(table, light, DECALS, MODELS, references=references))


def test_what_is_declared_is_physics(measured):
    cause = named(measured, arcs(measured, lambda psf: psf))
    assert cause.name == "physics", cause.sentence
    assert not cause.alarm


@pytest.mark.long
@pytest.mark.parametrize(("factor", "name"), [(1.03, "kernel_width"), (FWHM_PER_SIGMA, "sigma_for_fwhm")])
def test_a_kernel_too_wide_is_named(measured, factor, name):
    cause = named(measured, arcs(measured, lambda psf: psf.stretched(factor)))
    assert cause.alarm
    assert cause.name == name, cause.sentence


@pytest.mark.long
def test_a_gaussian_in_place_of_the_kernel_is_named(measured):
    scale = DECALS.pixel_scale_arcsec
    cause = named(measured, arcs(measured, lambda psf: Psf("gaussian", psf.psfsize_pix * scale)))
    assert cause.name == "gaussian_for_moffat", cause.sentence


def test_a_pedestal_is_named(measured):
    table, _ = measured
    sky = table[[f"sky_sigma_{band}" for band in DECALS.bands]].to_numpy(np.float32)[:, :, None, None]
    cause = named(measured, arcs(measured, lambda psf: psf) + 0.2 * sky)
    assert cause.name == "pedestal", cause.sentence


def test_slopes_are_those_of_finite_steps(measured):
    table, references = measured
    few = table.iloc[:3].reset_index(drop=True)
    predicted, step = predicted_light(few, DECALS, (), references), 0.02
    wide, narrow = (
        render_arcs(
            few, [tuple(psf.stretched(f) for psf in row) for row in declared_psfs(few, DECALS, references)], DECALS, references
        )[0]
        for f in (np.exp(step), np.exp(-step))
    )
    slope = (wide.astype(np.float64) - narrow) / (2.0 * step)
    found = predicted.slopes[:, REFIT_PARAMETERS.index("psf_width")]
    assert np.abs(found - slope).max() < 0.03 * np.abs(slope).max()
    # Wings gain what the core loses: no light is made.
    wings = predicted.slopes[:, REFIT_PARAMETERS.index("psf_wings")].sum(axis=(2, 3)) / predicted.arc.sum(axis=(2, 3))
    assert np.abs(wings).max() < 0.05
