"""Diagnostics of light on galaxies and arcs made by hand: what was planted comes back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from arcgate.gates.published.alignment import Alignment
from arcgate.gates.published.annulus import AnnulusPedestal
from arcgate.gates.published.concentration import Concentration
from arcgate.gates.published.core_offset import CoreOffset
from arcgate.gates.published.core_share import CoreShare
from arcgate.gates.published.deflection_units import DeflectionUnits
from arcgate.gates.published.localisation import Localisation, exchanged
from arcgate.gates.published.profiles import Profiles
from arcgate.gates.published.shifts import shifted
from arcgate.injection.core_mask import radius_from

ALL = "overall"


def wings(helpers, shard):
    """Mean of the point's Moffat at r >= 20 px per flux inside the stamp, mean over galaxies."""
    point = helpers.moffat(shard.positive.x, shard.positive.y)
    out = radius_from(shard.positive.x, shard.positive.y, 64) >= 20
    return np.mean([p[o].mean() / p.sum() for p, o in zip(point, out, strict=True)])


@pytest.mark.parametrize("declared", [True, False])
def test_a_planted_pedestal_is_the_intercept_and_wings_are_the_slope(helpers, declared):
    shard = helpers.fabricated(pedestal=3e-4, flux_declared=declared)
    found = helpers.judged(AnnulusPedestal, shard)
    pedestal, slope = found["annulus_pedestal_r", ALL], found["annulus_wings_r", ALL]
    assert pedestal.value == pytest.approx(3e-4, abs=6e-6)
    assert pedestal.low < 3e-4 < pedestal.high
    assert slope.value == pytest.approx(wings(helpers, shard), rel=0.05)
    clean = helpers.judged(AnnulusPedestal, helpers.fabricated())["annulus_pedestal_r", ALL]
    assert clean.low < 0 < clean.high


def test_a_pedestal_of_unpaired_stamps_is_seen_above_the_controls(helpers):
    shard = helpers.fabricated(n=200, paired=False, pedestal=1e-3)
    found = helpers.judged(AnnulusPedestal, shard)["annulus_pedestal_z", ALL]
    # The sky's mean over 2,800 pixels and 200 galaxies of each class.
    assert found.value == pytest.approx(1e-3, abs=5e-5)
    assert found.low > 5e-4
    assert found.n_groups == 400


def test_core_annulus_and_their_ratio(helpers):
    shard = helpers.fabricated()
    found = helpers.judged(Concentration, shard)
    flux = shard.positive.table["arc_flux_r"].to_numpy()
    point, radius = helpers.moffat(shard.positive.x, shard.positive.y), radius_from(shard.positive.x, shard.positive.y, 64)
    point *= (flux / point.sum(axis=(1, 2)))[:, None, None]
    core, annulus = (np.mean([p[i].mean() for p, i in zip(point, inside, strict=True)]) for inside in (radius < 5, radius >= 20))
    assert found["difference_core", ALL].value == pytest.approx(core, rel=1e-5)
    assert found["difference_annulus", ALL].value == pytest.approx(annulus, rel=1e-3)
    ratio = found["concentration_ratio", ALL]
    assert ratio.value == pytest.approx(core / annulus, rel=1e-3)
    assert ratio.low < ratio.value < ratio.high


def test_without_light_in_the_annulus_the_ratio_has_no_bound(helpers):
    found = helpers.judged(Concentration, helpers.fabricated(paired=False))["concentration_ratio", ALL]
    assert found.status == "not_run"
    assert "not told from 0" in found.reason


def test_the_core_offset_of_points_goes_with_their_flux_alone(helpers):
    found = helpers.judged(CoreOffset, helpers.fabricated(n=150))
    assert found["core_offset_arc_flux_r2", ALL].value == pytest.approx(1.0, abs=1e-3)
    # All of a point's light at r < 5 px is spread over the circle: per pixel, encircled light over its area.
    alpha = 5.0 / (2 * np.sqrt(2 ** (1 / 3) - 1))
    inside = 1 - (1 + 25 / alpha**2) ** -2
    assert found["core_offset_arc_flux_slope", ALL].value == pytest.approx(inside / (25 * np.pi), rel=0.02)
    theta_e = found["core_offset_theta_e_slope", ALL]
    assert theta_e.low < 0 < theta_e.high
    assert found["core_offset_theta_e_r2", ALL].value < 0.05


@pytest.mark.parametrize("has_arc", [True, False])
def test_the_core_share_of_a_point_is_its_encircled_light(helpers, has_arc):
    found = helpers.judged(CoreShare, helpers.fabricated(has_arc=has_arc))
    alpha = 5.0 / (2 * np.sqrt(2 ** (1 / 3) - 1))
    assert found["core_share", ALL].value == pytest.approx(1 - (1 + 25 / alpha**2) ** -2, rel=0.02)
    assert found["core_share", "theta_e_ge_2"].value == pytest.approx(found["core_share", ALL].value, rel=0.02)
    assert found["core_share_before_mask", ALL].status == "not_run"


def test_mean_cores_follow_the_pairs_theta_e(helpers):
    shard = helpers.fabricated()
    found = helpers.judged(Profiles, shard)
    large = shard.positive.table["theta_e_arcsec"].to_numpy() >= 2
    inside = radius_from(shard.positive.x, shard.positive.y, 64) < 5
    means = {
        name: [i[1][k].mean() for i, k in zip(s.image, inside, strict=True)]
        for name, s in (("stamp", shard.positive), ("control", shard.control))
    }
    stamp, control = (np.mean(np.array(values)[large]) for values in means.values())
    assert found["mean_core_stamp", "theta_e_ge_2"].value == pytest.approx(stamp, rel=1e-5)
    assert found["mean_core_control", "theta_e_ge_2"].value == pytest.approx(control, rel=1e-5)
    assert found["mean_core_difference", "theta_e_ge_2"].value == pytest.approx(stamp - control, rel=1e-5)


def test_the_profile_of_a_point_is_its_moffat(helpers):
    shard = helpers.fabricated()
    lines = {line["label"]: line for line in helpers.gathered(Profiles, shard).exhibits()[0].content["series"]}
    difference = dict(zip(lines["difference"]["x"], lines["difference"]["y"], strict=True))
    point, radius = helpers.moffat(shard.positive.x, shard.positive.y), radius_from(shard.positive.x, shard.positive.y, 64)
    point *= (shard.positive.table["arc_flux_r"].to_numpy() / point.sum(axis=(1, 2)))[:, None, None]
    ring = np.mean([p[(r >= 10) & (r < 12)].mean() for p, r in zip(point, radius, strict=True)])
    assert difference[11 * 0.262] == pytest.approx(ring, rel=1e-4)


def ring_arcs(scale=1.0):
    """Arcs that are thin rings at theta_E times `scale`, for the seed that `fabricated` uses."""

    def light(x, y):
        rng = np.random.default_rng(0)
        n = len(x)
        rng.uniform(30.5, 32.5, (2, n))
        rng.uniform(1, 50, n)
        theta_e = rng.choice([0.5, 0.75, 1.0, 1.5, 2.0, 2.5], n) * scale / 0.262
        image = np.exp(-0.5 * (radius_from(x, y, 64) - theta_e[:, None, None]) ** 2)
        return image / image.sum(axis=(1, 2))[:, None, None]

    return light


def test_deflections_in_arcsec_have_slope_one_and_pixels_do_not(helpers):
    found = helpers.judged(DeflectionUnits, helpers.fabricated(light=ring_arcs()))
    assert found["deflection_units", ALL].value == pytest.approx(1.0, abs=0.06)
    wrong = helpers.judged(DeflectionUnits, helpers.fabricated(light=ring_arcs(scale=0.262)))["deflection_units", ALL]
    assert wrong.high < 0.4


def test_arcs_lie_in_their_own_rings_and_not_in_others(helpers):
    found = helpers.judged(Localisation, helpers.fabricated(light=ring_arcs()))
    assert found["arc_localisation", ALL].value > 0.95
    assert found["arc_localisation_exchanged", ALL].value < 0.4
    assert found["arc_localisation_gain", ALL].low > 0.5
    points = helpers.judged(Localisation, helpers.fabricated())["arc_localisation_gain", ALL]
    assert abs(points.value) < 0.1


def test_exchange_gives_every_arc_anothers_radius():
    theta_e = np.array([0.5, np.nan, 2.5, 1.0, 2.0])
    assert exchanged(theta_e)[[0, 2, 3, 4]] == pytest.approx([2.0, 1.0, 2.5, 0.5])
    assert np.isnan(exchanged(theta_e)[1])


def moved(helpers, shard, shift):
    """The same stamps with their galaxies shifted in x and their arcs where they were."""
    image = (shifted(shard.positive.image.reshape(-1, 64, 64), shift)).reshape(shard.positive.image.shape).astype(np.float32)
    return helpers.with_positive(shard, replace(shard.positive, image=image, seen=image))


@pytest.mark.parametrize("shift", [0.0, 0.3])
def test_a_shift_of_parts_of_a_pixel_is_seen_by_the_methods_with_power_alone(helpers, shift):
    shard = helpers.fabricated()
    found = helpers.judged(Alignment, moved(helpers, shard, shift))
    assert found["phase_correlation_x", ALL].value == 0
    for method, tolerance in (("host_centroid_x", 0.02), ("pair_gradient_x", 0.05)):
        assert found[method, ALL].value == pytest.approx(shift, abs=tolerance)
        assert (found[method, ALL].low > 0) == (shift > 0)
        assert found[method.replace("_x", "_y"), ALL].value == pytest.approx(0.0, abs=0.02)
    for method in ("host_centroid", "pair_gradient"):
        assert found[f"shift_sensitivity_{method}", ALL].value <= 0.05
    # Together with the shift that is there already, half a pixel is reached sooner.
    assert found["shift_sensitivity_phase_correlation", ALL].value >= 0.5 - shift


def test_unpaired_galaxies_are_aligned_by_their_recorded_centres(helpers):
    shard = helpers.fabricated(paired=False)
    found = helpers.judged(Alignment, moved(helpers, shard, 0.3))
    assert found["host_centroid_x", ALL].value == pytest.approx(0.3, abs=0.02)
    assert found["control_centroid_x", ALL].value == pytest.approx(0.0, abs=0.02)
    assert found["pair_gradient_x", ALL].status == found["phase_correlation_x", ALL].status == "not_run"
    assert found["shift_sensitivity_host_centroid", ALL].value <= 0.1
