"""Every row against its declared arc: what is tolerated, what is detected in a single row, and when it fails."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from judging import judgement
from made_shards import PAIRED, SKY, changed, made_context, made_shard, made_stamps

from arcgate.gates.core.predicted import Predicted
from arcgate.gates.declared_arc import ACCURACY, FAILING_GALAXIES, GATE
from arcgate.variant import REQUIRED_SKY_SIGMA

N = 60
FOREIGN = replace(PAIRED, layout="stamp_npz", has_arc=False, has_null=False)


@pytest.fixture(scope="module")
def settings(small):
    return small().gates


@pytest.fixture(scope="module")
def control():
    stamps = made_stamps(N, 6)
    return replace(stamps, table=stamps.table.assign(arc_noise="none", gain_g=7500.0, gain_r=7500.0, gain_z=7500.0))


@pytest.fixture(scope="module")
def arc():
    """Rings whose peaks lie at 5 to 50 sky sigma."""
    ring = np.exp(-0.5 * (np.hypot(*np.mgrid[-31.5:32, -31.5:32]) - 6.0) ** 2)
    return (np.linspace(5.0, 50.0, N)[:, None, None, None] * ring * SKY[:, None, None]).astype(np.float32)


def judged(settings, control, arc, added, facts=FOREIGN):
    """The result where `added` is the light that the stamps hold."""
    return result_of(settings, control, changed(control, control.image + added), arc, facts)


def result_of(settings, control, stamp, declared, facts, stored=None):
    context = made_context(settings, [control, stamp], facts=facts)
    shard = made_shard(context, control, positive=stamp, arc=stored, predicted=Predicted(declared, declared, None))
    [result] = judgement(GATE, [shard]).results
    return result


def with_light(arc, rows, light):
    out = arc.copy()
    out[rows] += (light * SKY[:, None, None]).astype(np.float32)
    return out


def test_sound_rows_pass_and_what_one_row_would_show_is_stated(settings, control, arc):
    result = judged(settings, control, arc, arc)
    assert (result.status, result.value, result.n_groups) == ("passed", 0.0, N)
    assert 0.0 < result.detected_sensitivity < 0.05
    assert result.required_sensitivity == REQUIRED_SKY_SIGMA
    assert f"{100 * ACCURACY:g} % of the arc's peak" in result.reason


def test_the_renderers_accuracy_is_tolerated(settings, control, arc):
    noise = np.random.default_rng(0).uniform(-1.0, 1.0, arc.shape) * arc.max(axis=(2, 3), keepdims=True)
    assert judged(settings, control, arc, (arc + 0.9 * ACCURACY * noise).astype(np.float32)).status == "passed"
    assert judged(settings, control, arc, arc * np.float32(1.0 + 2.0 * ACCURACY)).status == "undetermined"


PIXEL = np.where((np.arange(64)[:, None] == 10) & (np.arange(64) == 52), 1.0, 0.0)


@pytest.mark.parametrize("light", [0.1, PIXEL], ids=["pedestal", "pixel"])
def test_a_leak_in_a_single_row_keeps_the_set_from_passing_and_the_row_is_named(settings, control, arc, light):
    result = judged(settings, control, arc, with_light(arc, [7], light))
    assert (result.status, result.value) == ("undetermined", 1 / N)
    assert f"galaxy {control.table['host_id'][7]} (pair 7: " in result.reason
    if light is PIXEL:
        assert "at x 52, y 10" in result.reason


def test_many_rows_fail(settings, control, arc):
    few, many = (np.arange(count) for count in (FAILING_GALAXIES - 1, FAILING_GALAXIES))
    assert judged(settings, control, arc, with_light(arc, few, 20.0 * PIXEL)).status == "undetermined"
    assert judged(settings, control, arc, with_light(arc, many, 20.0 * PIXEL)).status == "failed"


def test_declared_photon_noise_is_tolerated_and_hides_no_pedestal(settings, control, arc):
    rng = np.random.default_rng(1)
    noisy = replace(control, table=control.table.assign(arc_noise="poisson"))
    counted = (rng.poisson(7500.0 * arc.astype(np.float64)) / 7500.0).astype(np.float32)
    assert judged(settings, control, arc, counted).status == "failed"
    result = judged(settings, noisy, arc, counted)
    assert result.status == "passed"
    assert result.detected_sensitivity < 0.1
    assert judged(settings, noisy, arc, with_light(counted, [3], 0.2)).status == "undetermined"


def test_half_precision_is_tolerated_where_the_file_says_so(settings, control, arc):
    half = replace(control, image=control.image.astype(np.float16).astype(np.float32))
    stored = (half.image + arc).astype(np.float16).astype(np.float32) - half.image
    assert judged(settings, half, arc, stored).status != "passed"
    assert judged(settings, half, arc, stored, replace(FOREIGN, precision="float16")).value == 0.0


def test_a_pedestal_that_goes_unnoticed_leaves_the_gate_insensitive(settings, control, arc, monkeypatch):
    monkeypatch.setattr("arcgate.gates.declared_arc.REQUIRED_SKY_SIGMA", 1e-4)
    assert judged(settings, control, arc, arc).status == "insensitive"


@pytest.mark.parametrize(("changes", "says"), [({"declared": False}, "not declared"), ({"paired": False}, "other galaxies")])
def test_without_hosts_or_declarations_it_does_not_run(settings, control, arc, changes, says):
    result = judged(settings, control, arc, arc, replace(FOREIGN, **changes))
    assert result.status == "not_run"
    assert says in result.reason


@pytest.mark.parametrize("paired", [True, False])
def test_a_fault_that_was_stored_as_part_of_the_arc_is_found(settings, control, arc, paired):
    """Control + arc = stamp holds for any fault, if the arc is stamp minus control."""
    facts = replace(FOREIGN, has_arc=True, paired=paired)
    for added, status in ((arc, "passed"), (with_light(arc, range(20), 0.2), "failed")):
        stamp = changed(control, control.image + added)
        others = control if paired else control.take(np.arange(N)[::-1])
        assert result_of(settings, others, stamp, arc, facts, stored=added).status == status
