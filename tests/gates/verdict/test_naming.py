"""Names from inner products alone: rows made by hand, with answers known in closed form."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shipped_models import MODELS

from arcgate.gates.verdict.bug_model import explanations_of
from arcgate.gates.verdict.explaining import explain
from arcgate.gates.verdict.naming import name_cause
from arcgate.gates.verdict.predictions import prediction_names
from arcgate.gates.verdict.refit import estimates
from arcgate.gates.verdict.rows import RefitRows
from arcgate.imaging import DECALS

N, PIXELS = 40, 300
EXPLANATIONS = explanations_of(MODELS, DECALS)
EXPLANATION = {explanation.label: explanation for explanation in EXPLANATIONS}
PREDICTIONS = prediction_names(EXPLANATIONS)


def rows_with(
    light: dict[str, float | tuple[float, ...]],
    touched: slice = slice(None),
    noise: float = 0.0,
    seed: int = 0,
    strange: slice = slice(0, 0),
) -> RefitRows:
    """Rows whose predictions are random, independent images, and whose light is a sum of some of them, in unit noise.

    `strange` rows hold, besides, light that resembles no prediction: a fifth of their arcs' power.
    """
    rng = np.random.default_rng(seed)
    images = 4.0 * rng.standard_normal((N, 3, len(PREDICTIONS), PIXELS))
    amplitude = np.zeros((N, 3, len(PREDICTIONS)))
    for name, size in light.items():
        amplitude[touched, :, PREDICTIONS.index(name)] = size
    rest = np.einsum("nbkp,nbk->nbp", images, amplitude) + rng.standard_normal((N, 3, PIXELS))
    rest[strange] += 4.0 * np.sqrt(0.2) * np.random.default_rng(seed + 1).standard_normal(rest[strange].shape)
    return RefitRows(
        imaging=DECALS,
        models=MODELS,
        product=images @ np.swapaxes(images, 2, 3),
        found=np.einsum("nbkp,nbp->nbk", images, rest),
        squared=(rest**2).sum(axis=2),
        expected=np.full((N, 3), float(PIXELS)),
        null_found=np.zeros((N, 3, len(PREDICTIONS))),
        null_squared=np.zeros((N, 3)),
        pixels=float(PIXELS),
        noise=noise + 1e-4 * rng.standard_normal((N, 3)),
        null_noise=np.zeros((N, 3)),
        groups=np.array([f"g{i}" for i in range(N)]),
        hosts_hide=False,
    )


def test_nothing_planted_is_physics():
    cause = name_cause(rows_with({}))
    assert cause.name == "physics"
    assert {"flux", "psf_width", "shift_x", "shift_y"} <= {each.name for each in cause.measured}
    assert all(each.inside for each in cause.measured)


@pytest.mark.parametrize(
    ("light", "name"),
    [
        ({"double_psf": 1.0}, "double_psf"),
        ({"sigma_for_fwhm": 1.0}, "sigma_for_fwhm"),
        ({"swap_g_z": 1.0}, "band_swap"),
        ({"angles_in_degrees": 1.0}, "angular_unit"),
        ({"pedestal": 0.2}, "pedestal"),
        ({"shift_x": 0.3, "shift_y": -0.2}, "centre_offset"),
        ({"flux": 2.6}, "flux_unit"),
        ({"magnification": 0.05}, "pixel_scale"),
        ({"psf_width": 0.1}, "unknown_bug"),
        ({"rotation": 0.1}, "unknown_bug"),
    ],
)
def test_each_defect_gets_its_name(light, name):
    assert name_cause(rows_with(light)).name == name


def test_a_defect_in_a_quarter_of_the_rows_is_named_with_its_share():
    rows = rows_with({"double_psf": 1.0}, touched=slice(0, 10))
    assert name_cause(rows).name == "double_psf"
    assert explain(rows, EXPLANATION["double_psf"]).share == pytest.approx(0.25, abs=0.02)


def test_a_prediction_at_half_its_size_is_not_the_bug():
    assert name_cause(rows_with({"double_psf": 0.4})).name != "double_psf"


def test_noise_is_named_and_negative_noise_is_not():
    assert name_cause(rows_with({}, noise=0.05)).name == "extra_sky_noise"
    assert name_cause(rows_with({}, noise=-0.05)).name == "unknown_bug"


def test_two_defects_get_two_names():
    cause = name_cause(rows_with({"pedestal": 0.5, "double_psf": 1.0}))
    assert set(cause.name.split(" + ")) == {"pedestal", "double_psf"}


def test_a_wrong_unit_in_two_rows_is_named():
    cause = name_cause(rows_with({"flux": 9.0}, touched=slice(5, 7)))
    assert cause.name == "flux_unit"
    assert "+8.99 explains what is not the declared arc, in 5 % of the rows" in cause.sentence


def test_two_rows_of_different_factors_share_no_unit():
    one, other = rows_with({"flux": 9.0}, touched=slice(0, 1)), rows_with({"flux": 0.5}, touched=slice(0, 2))
    found, squared = other.found.copy(), other.squared.copy()
    found[0], squared[0] = one.found[0], one.squared[0]
    assert "unknown_bug" in name_cause(replace(other, found=found, squared=squared)).name


def test_physics_needs_rows_whose_light_is_explained():
    cause = name_cause(rows_with({}, strange=slice(7, 9)))
    assert cause.name == "unknown_bug"
    assert "the light of 2 rows (galaxies g7, g8)" in cause.sentence


def test_noise_that_is_expected_leaves_no_row_unexplained():
    rows = rows_with({}, strange=slice(7, 9))
    expected = rows.expected.copy()
    expected[7:9] *= 4.2
    assert name_cause(replace(rows, expected=expected)).name == "physics"


def test_what_is_left_beside_a_named_bug_is_said():
    cause = name_cause(rows_with({"double_psf": 1.0}, strange=slice(7, 9)))
    assert cause.name == "double_psf + unknown_bug"
    left = name_cause(rows_with({"double_psf": 1.0, "rotation": 0.2}))
    assert left.name == "double_psf + unknown_bug"
    assert "rotation" in left.sentence


def test_a_shift_is_judged_by_its_length():
    assert name_cause(rows_with({"shift_x": 0.045, "shift_y": -0.045})).name == "centre_offset"
    assert name_cause(rows_with({"shift_x": 0.03, "shift_y": -0.03})).name == "physics"


def test_arcs_of_a_tenth_of_their_flux_are_shifted_as_far_as_before():
    cause = name_cause(rows_with({"flux": -0.9, "shift_x": 0.03}))
    assert cause.name == "flux_unit + centre_offset"
    assert "+0.3" in cause.sentence


def test_a_factor_below_zero_is_no_unit():
    assert "flux_unit" not in name_cause(rows_with({"flux": -1.8}, touched=slice(0, 10))).name


@pytest.mark.parametrize("touched", [slice(0, 2), slice(0, 10), slice(None)])
@pytest.mark.parametrize("factor", [0.0, 0.005, -0.005])
def test_a_factor_of_zero_is_no_unit(touched, factor):
    cause = name_cause(rows_with({"flux": factor - 1.0}, touched=touched))
    assert cause.name == "unknown_bug"
    assert "arcs are missing" in cause.sentence


def test_a_level_in_two_rows_is_none():
    assert "pedestal" not in name_cause(rows_with({"pedestal": 3.0}, touched=slice(0, 2))).name
    assert name_cause(rows_with({"pedestal": 0.2}, touched=slice(0, 20))).name == "pedestal"


def test_a_level_that_leaves_most_of_the_light_is_none():
    rows = rows_with({"pedestal": 0.3}, strange=slice(None))
    assert "pedestal" not in name_cause(replace(rows, squared=rows.squared * 2.0)).name


def test_factors_by_band_that_agree_are_one():
    assert name_cause(rows_with({"flux": (13.1, 13.05, 13.0)})).name == "flux_unit"
    assert name_cause(rows_with({"flux": (2.0, 0.5, 1.0)})).name == "unknown_bug"


def test_what_stored_arcs_cannot_show_is_not_said_to_be_measured():
    unseen = ("pedestal", "core_pedestal", "noise")
    cause = name_cause(rows_with({}), unseen)
    assert cause.name == "physics"
    assert "not run" in cause.sentence
    assert not {each.name for each in cause.measured} & set(unseen)
    assert name_cause(rows_with({"pedestal": 0.2}), unseen).name == "pedestal"


def test_few_photons_leave_it_undetermined():
    rows = rows_with({})
    weak = replace(rows, product=rows.product * 1e-8, found=rows.found * 1e-4)
    cause = name_cause(weak)
    assert cause.name == "undetermined"
    assert "more galaxies" in cause.sentence


def test_what_controls_do_too_is_no_bug():
    rows = rows_with({"double_psf": 1.0, "shift_x": 0.5})
    hosts = replace(rows, hosts_hide=True, null_found=rows.found, null_squared=rows.squared)
    assert name_cause(hosts).name == "physics"


@given(size=st.floats(-0.5, 0.5))
@settings(deadline=None, max_examples=15)
def test_estimates_return_what_was_planted(size):
    found = {(each.quantity.name, each.band): each for each in estimates(rows_with({"flux": size, "shift_y": -size}))}
    for band in "grz":
        assert found["flux", band].value == pytest.approx(size, abs=5 * found["flux", band].error + 1e-3)
    assert found["shift_y", "all"].value == pytest.approx(-size, abs=5 * found["shift_y", "all"].error + 1e-3)


def test_intervals_cover_at_their_level():
    inside, total = 0, 0
    for seed in range(40):
        for each in estimates(rows_with({"flux": 0.03}, seed=seed)):
            if each.quantity.name == "flux":
                parameter = each.parameter(0.9, hidden=False)
                inside += parameter.low < 0.03 < parameter.high
                total += 1
    # 120 intervals at 90 %: 108 +- 3.3.
    assert 97 <= inside <= 118


def test_every_explanation_has_words():
    for explanation in EXPLANATIONS:
        light = dict.fromkeys(explanation.predictions, 1.0 if not explanation.free else 0.3)
        cause = name_cause(rows_with(light))
        assert "explains what is not the declared arc, in all rows" in cause.sentence, explanation.label
