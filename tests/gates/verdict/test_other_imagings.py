"""The verdict on stamps of other surveys: other bands, odd sizes, finer pixels."""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from declared_rows import declared
from shipped_models import MODELS

from arcgate.dataset.source import Facts
from arcgate.gates.verdict.borders import batches, border_of, polar
from arcgate.gates.verdict.bug_model import REFIT_PARAMETERS, explanations_of, predicted
from arcgate.gates.verdict.bug_models.band_swap import band_orders
from arcgate.gates.verdict.bug_models.centre_offset import common_shifts, shifts_of_some
from arcgate.gates.verdict.evenness import _rings
from arcgate.gates.verdict.host_model import HostModel, knots_pix
from arcgate.gates.verdict.identifiability import identifiability
from arcgate.gates.verdict.naming import name_cause
from arcgate.gates.verdict.predictions import predicted_light, prediction_names
from arcgate.gates.verdict.rows import between_galaxies, differences
from arcgate.gates.verdict.shifting import shifted
from arcgate.imaging import DECALS, Imaging
from arcgate.injection.arcs import declared_psfs, render_arcs
from arcgate.lensing.psf import Psf

HSC = Imaging(("g", "r", "i"), "i", 101, 0.168)
VIS = Imaging(("vis",), "vis", 200, 0.1)
UGRIZY = Imaging(("u", "g", "r", "i", "z", "y"), "i", 64, 0.2)
SMALL = replace(HSC, size_pix=65)
# Imaging, psfsize in arcsec, rows.
SURVEYS = {"hsc": (HSC, 0.7, 6), "vis": (VIS, 0.2, 6), "small": (SMALL, 0.7, 8)}


def galaxies_of(table: pd.DataFrame, imaging: Imaging, seed: int = 0) -> np.ndarray:
    """Round exponential galaxies of the declared magnitudes in white noise, float32 (n, band, y, x)."""
    rng, size = np.random.default_rng(seed), imaging.size_pix
    radius = polar(table, imaging)[0].reshape(len(table), 1, size, size) * imaging.pixel_scale_arcsec
    shape = np.exp(-radius / rng.uniform(0.5, 0.8, len(table))[:, None, None, None])
    flux = 10.0 ** (-0.4 * (table[[f"host_mag_{band}" for band in imaging.bands]].to_numpy() - 22.5))
    sky = table[[f"sky_sigma_{band}" for band in imaging.bands]].to_numpy()[:, :, None, None]
    noise = sky * rng.standard_normal((len(table), *imaging.shape))
    return (flux[:, :, None, None] * shape / shape.sum(axis=(2, 3), keepdims=True) + noise).astype(np.float32)


@pytest.fixture(scope="module")
def surveys():
    """Imaging, rows, their galaxies, and their arcs by PSFs that are read as declared or not."""

    @functools.cache
    def make(kind):
        imaging, psfsize, n = SURVEYS[kind]
        table = declared(imaging, psfsize, n)
        sizes = table[[f"psfsize_{band}" for band in imaging.bands]].to_numpy()
        read = {
            "physics": declared_psfs(table, imaging),
            "psfsize_as_moffat_fwhm": [tuple(Psf("moffat", float(size), 3.0) for size in row) for row in sizes],
            "gaussian_for_moffat": [tuple(Psf("gaussian", float(size)) for size in row) for row in sizes],
        }
        arcs = {name: render_arcs(table, psfs, imaging)[0] for name, psfs in read.items()}
        return imaging, table, galaxies_of(table, imaging), arcs

    return make


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("hsc", "physics"),
        ("hsc", "gaussian_for_moffat"),
        ("vis", "physics"),
        ("vis", "psfsize_as_moffat_fwhm"),
    ],
)
def test_the_psf_is_named(surveys, kind, name):
    imaging, table, galaxies, arcs = surveys(kind)
    light = (galaxies + arcs[name]) - galaxies
    cause = name_cause(differences(table, light, imaging, MODELS, galaxies))
    assert cause.name == name, cause.sentence
    assert cause.alarm == (name != "physics")
    assert {each.band for each in cause.measured} == {*imaging.bands, "all"}


def test_pedestals_and_landings_are_named(surveys):
    imaging, table, _, arcs = surveys("small")
    sky = table[[f"sky_sigma_{band}" for band in imaging.bands]].to_numpy(np.float32)[:, :, None, None]
    level = name_cause(differences(table, arcs["physics"] + 0.2 * sky, imaging, MODELS))
    assert level.name == "pedestal", level.sentence
    landed = shifted(arcs["physics"], np.array([7.0, -11.0]), wrapped=False)
    cause = name_cause(differences(table, landed, imaging, MODELS))
    assert cause.name == "centre_offset", cause.sentence
    assert "(+7.0, -11.0) px" in cause.sentence


def test_a_core_level_is_that_of_the_same_arcsec(surveys):
    imaging, table, _, arcs = surveys("small")
    sky = table[[f"sky_sigma_{band}" for band in imaging.bands]].to_numpy(np.float32)[:, :, None, None]
    size = imaging.size_pix
    core = polar(table, imaging)[0].reshape(len(table), 1, size, size) * imaging.pixel_scale_arcsec < 1.31
    cause = name_cause(differences(table, (arcs["physics"] + 0.5 * sky * core).astype(np.float32), imaging, MODELS))
    assert cause.name == "pedestal", cause.sentence
    assert f"r < {1.31 / imaging.pixel_scale_arcsec:.3g} px" in cause.sentence


def test_falling_light_is_no_pedestal(surveys):
    imaging, table, _, arcs = surveys("small")
    sky = table[[f"sky_sigma_{band}" for band in imaging.bands]].to_numpy(np.float32)[:, :, None, None]
    size = imaging.size_pix
    radius = polar(table, imaging)[0].reshape(len(table), 1, size, size)
    falling = 0.3 * np.exp(-radius / (0.2 * size)) * sky
    cause = name_cause(differences(table, (arcs["physics"] + falling).astype(np.float32), imaging, MODELS))
    assert cause.name == "unknown_bug", cause.sentence


def test_between_other_galaxies_a_bug_is_named(surveys):
    imaging, table, galaxies, arcs = surveys("small")
    controls = declared(imaging, 1.0, len(table)).assign(host_id=[f"other {i}" for i in range(len(table))])
    others = galaxies_of(controls, imaging, seed=1)
    named = {}
    for name in ("physics", "psfsize_as_moffat_fwhm"):
        named[name] = name_cause(between_galaxies(table, galaxies + arcs[name], controls, others, imaging, MODELS))
    assert not named["physics"].alarm, named["physics"].sentence
    assert named["psfsize_as_moffat_fwhm"].name == "psfsize_as_moffat_fwhm", named["psfsize_as_moffat_fwhm"].sentence


# Pixels of VIS do not resolve its PSF: what follows from pixels alone, as shifts do, is known to a tenth there.
@pytest.mark.parametrize(("kind", "tolerance"), [("hsc", 0.01), ("vis", 0.1)])
def test_shifts_are_derivatives_of_the_renderers_stamps(surveys, kind, tolerance):
    imaging, table, _, _ = surveys(kind)
    few = table.iloc[:2].reset_index(drop=True)
    predicted, step = predicted_light(few, imaging, ()), 0.05
    for name, column in (("shift_x", "host_x_pix"), ("shift_y", "host_y_pix")):
        ahead, behind = (
            render_arcs(few.assign(**{column: few[column] + sign * step}), declared_psfs(few, imaging), imaging)[0]
            for sign in (1, -1)
        )
        slope = (ahead - behind) / (2.0 * step)
        difference = np.abs(predicted.slopes[:, REFIT_PARAMETERS.index(name)] - slope).max(axis=(2, 3))
        assert (difference < tolerance * np.abs(slope).max(axis=(2, 3))).all()


@pytest.mark.parametrize("size", [64, 65, 101])
def test_shifts_are_found_on_even_and_odd_stamps(size):
    imaging = replace(HSC, size_pix=size)
    pixel = np.arange(size) - imaging.middle_pix
    arc = np.exp(-0.5 * (pixel[None, :] ** 2 + (pixel[:, None] - 4.0) ** 2) / 2.0**2)
    arc = np.tile(arc.astype(np.float32), (2, 3, 1, 1))
    for shift in ([7.4, -11.2], [-0.3 * size, 0.3 * size]):
        light = shifted(arc, np.array(shift), wrapped=False).astype(np.float64)
        assert min(np.abs(each - shift).max() for each in common_shifts(light, arc, imaging)) < 0.1
    assert shifted(arc, np.array([size, 0.0]), wrapped=True) == pytest.approx(arc, abs=1e-6)
    assert not shifted(arc, np.array([size, 0.0]), wrapped=False).any()


def test_many_bands_are_moved_together_all_but_one_or_alone():
    rng = np.random.default_rng(0)
    arc = rng.standard_normal((1, *UGRIZY.shape)).astype(np.float32)
    moved = shifted(arc, np.array([3.0, 0.0]), wrapped=True).astype(np.float64)
    touched = {int((each != 0.0).any(axis=1).sum()) for each in shifts_of_some(moved, arc, UGRIZY)}
    assert touched == {1, 5, 6}


@pytest.mark.parametrize(
    ("bands", "labels"),
    [
        (("vis",), []),
        (("g", "r"), ["swap_g_r"]),
        (("g", "r", "z"), ["swap_g_r", "swap_r_z", "swap_g_z", "cycle_r_z_g", "cycle_z_g_r"]),
    ],
)
def test_bands_are_exchanged_as_far_as_there_are_any(bands, labels):
    imaging = Imaging(bands, bands[0], 64, 0.2)
    assert [order.label for order in band_orders(bands)] == labels
    assert len(prediction_names(explanations_of(MODELS, imaging))) == len(REFIT_PARAMETERS) + 8 + len(labels)


def test_orders_of_many_bands_are_all_different():
    orders = band_orders(UGRIZY.bands)
    assert len({each.label for each in orders}) == len({each.order for each in orders}) == 15 + 5 + 1
    assert all(sorted(each.order) == list(range(6)) and each.order != tuple(range(6)) for each in orders)


@pytest.mark.parametrize("imaging", [DECALS, HSC, VIS, UGRIZY, replace(DECALS, size_pix=16), replace(DECALS, size_pix=65)])
def test_regions_lie_on_stamps_of_any_size(imaging):
    size = imaging.size_pix
    table = pd.DataFrame({"host_x_pix": [imaging.middle_pix, imaging.middle_pix + 0.5], "host_y_pix": imaging.middle_pix})
    border = border_of(table, imaging)
    assert border.shape == (2, size**2)
    assert border.mean() == pytest.approx(1.0 - np.pi * (20 / 64) ** 2, abs=0.05)
    inside, outside = _rings(imaging)
    radius = polar(table, imaging)[0]
    assert all(((radius >= low) & (radius < high)).any(axis=1).all() for low, high in (*inside, *outside))
    knots = knots_pix(imaging)
    assert knots[-2] < imaging.middle_pix * np.sqrt(2.0) <= knots[-1]
    rows = batches(1000, imaging)
    assert rows[-1].stop == 1000
    assert rows[0].stop * np.prod(imaging.shape) <= 32 * np.prod(DECALS.shape)


def test_decals_regions_are_those_of_its_pixels():
    assert _rings(DECALS) == (((0.0, 2.5), (2.5, 5.0)), ((5.0, 10.0), (10.0, 16.0), (16.0, 22.0), (22.0, 31.0)))
    assert knots_pix(DECALS)[-1] == 46.0
    assert len(knots_pix(DECALS)) == 15
    assert batches(40, DECALS) == [slice(0, 32), slice(32, 40)]


def test_the_mean_host_is_taken_away_on_larger_stamps(surveys):
    imaging, table, galaxies, _ = surveys("small")
    hosts = HostModel.of(table, galaxies, imaging)
    left = hosts.beyond(table, galaxies)
    assert np.square(left).sum() < 0.1 * np.square(galaxies.astype(np.float64)).sum()


def test_one_band_has_no_band_to_be_mistaken_for():
    facts = Facts("arcgate", paired=True, has_arc=True, has_null=True, declared=True, columns=frozenset(), imaging=VIS)
    assert "band_swap" not in {row[0] for row in identifiability(facts, MODELS).content["rows"]}
    assert "band_swap" in {row[0] for row in identifiability(replace(facts, imaging=HSC), MODELS).content["rows"]}


def test_bands_of_another_order_are_named():
    table = declared(UGRIZY, 0.8, n=6)
    arc = render_arcs(table, declared_psfs(table, UGRIZY), UGRIZY)[0]
    cause = name_cause(differences(table, arc[:, [1, 2, 3, 4, 5, 0]], UGRIZY, MODELS))
    assert cause.name == "band_swap", cause.sentence
    assert "bands moved by one place" in cause.sentence


@pytest.mark.parametrize(("imaging", "psfsize", "theta_e"), [(VIS, 0.2, 2.5), (DECALS, 1.2, 5.4)])
def test_rings_that_pixels_would_make_wider_than_any_are_predicted(imaging, psfsize, theta_e):
    # Read as pixels and turned to arcsec these radii are 25 and 20.6 arcsec, wider than the renderer goes.
    table = declared(imaging, psfsize, 2).assign(theta_e_arcsec=theta_e)
    explanations = explanations_of(MODELS, imaging)
    light = predicted_light(table, imaging, explanations)
    bugs, arc = light.bugs, light.arc
    missing = bugs[:, [label for label, _ in predicted(explanations)].index("radius_from_pixels")]
    assert np.isfinite(bugs).all()
    # A stamp holds none of such a ring but the light of the image near the lens.
    assert np.abs(missing + arc).sum() < 0.1 * arc.sum()
