"""The metadata gate: what is known of rows without their pixels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from judging import judgement
from made_shards import PAIRED, changed, made_context, made_shard, made_stamps

from arcgate.gates.metadata import GATE

pytestmark = pytest.mark.usefixtures("one_thread")
N = 240


@pytest.fixture(scope="module")
def settings(small):
    return replace(small().gates, margin=0.1)


@pytest.fixture(scope="module")
def control():
    return made_stamps(N, 2)


def judged(settings, control, facts=PAIRED, **others):
    """Results by name, and exhibits; classes that are not among `others` are the controls."""
    shard = made_shard(made_context(settings, [control], facts=facts), control, **others)
    found = judgement(GATE, [shard])
    return {result.name: result for result in found.results}, found.exhibits


def with_column(stamps, name, values):
    return replace(stamps, table=stamps.table.assign(**{name: values}))


def test_equal_columns_pass_and_the_shifted_column_is_detected(settings, control):
    results, _ = judged(settings, control)
    assert {result.status for result in results.values()} == {"passed"}
    assert all(0 < result.detected_sensitivity <= result.required_sensitivity == 1 for result in results.values())
    assert "psfsize_r shifted" in results["metadata_ridge"].reason


def test_without_pairs_the_planted_leak_is_detected_among_other_galaxies(settings, control):
    """Controls against copies of themselves would show a shift that no gate between galaxies could."""
    unpaired = judged(settings, control, replace(PAIRED, paired=False))[0]
    detected = {name: result.detected_sensitivity for name, result in unpaired.items()}
    with_pairs = judged(settings, control)[0]
    assert any(leak is not None for leak in detected.values())
    for name, leak in detected.items():
        assert leak is None or leak > 1.3 * with_pairs[name].detected_sensitivity


def test_what_is_not_there_is_named(settings, control):
    reason = judged(settings, control)[0]["metadata_ridge"].reason
    assert "depth_g" in reason
    assert "compressed_size" not in reason
    without = judged(settings, control, null=None)[0]["metadata_ridge"].reason
    assert "compressed_size" in without


@pytest.mark.parametrize("rule", ["metadata_ridge", "metadata_trees"])
def test_a_column_that_tells_the_classes_apart_fails_and_is_named(settings, control, rule):
    stamp = with_column(control, "psfsize_r", control.table["psfsize_r"] + 0.3)
    result = judged(settings, control, positive=stamp)[0][rule]
    assert result.status == "failed"
    assert "psfsize_r" in result.reason


def test_names_are_read_by_trees(settings, control):
    stamp, zero = (with_column(control, "provenance", name) for name in ("survey a", "survey b"))
    assert judged(settings, zero, positive=stamp)[0]["metadata_trees"].value == pytest.approx(1.0)


def test_missing_values_are_features_too(settings, control):
    stamp = with_column(control, "ebv", np.nan)
    assert judged(settings, control, positive=stamp)[0]["metadata_ridge"].status == "failed"


def test_the_compressed_size_is_seen_and_a_dead_column_of_pixels_is_no_selection(settings, control):
    padded = control.image.copy()
    padded[:, :, :4] = 0.0
    padded = changed(control, padded)
    results, exhibits = judged(settings, control, positive=padded, null=padded)
    assert results["metadata_ridge"].status == "failed"
    content = exhibits[0].content
    single = dict(zip(content["labels"], content["series"][0]["values"], strict=True))
    assert single["compressed_size"] < 0.1
    dead = control.image.copy()
    dead[..., 5] = 0.0
    results, _ = judged(settings, control, positive=changed(control, dead))
    assert {result.status for result in results.values()} == {"passed"}


def test_what_was_measured_on_stamps_with_arcs_is_not_read(settings, control):
    """An arc pulls a measured centre; a recorded one of the same values is read."""
    stamp = with_column(control, "host_x_pix", control.table["host_x_pix"] + 1.0)
    assert judged(settings, control, positive=stamp)[0]["metadata_trees"].status == "failed"
    facts = replace(PAIRED, measured_on_arcs=frozenset({"host_x_pix", "host_y_pix"}))
    results = judged(settings, control, facts, positive=stamp)[0]
    assert {result.status for result in results.values()} == {"passed"}
    assert "not looked at: host_x_pix, host_y_pix" in results["metadata_trees"].reason
    bare = replace(control, table=control.table[["host_id", "pair_id", "host_x_pix", "host_y_pix"]])
    ridge = judged(settings, bare, facts, null=None)[0]["metadata_ridge"]
    assert ridge.status == "not_run"
    assert ridge.reason.startswith("nothing that could be compared is recorded beside the pixels; ")


def test_an_empty_or_constant_column_is_no_selection_but_gaps_of_one_class_are(settings, control):
    dead = with_column(with_column(control, "ebv", np.nan), "depth_r", 24.0)
    assert judged(settings, dead)[0]["metadata_trees"].status == "passed"
    gaps = with_column(control, "ebv", control.table["ebv"].where(np.arange(N) % 2 == 0))
    assert judged(settings, control, positive=gaps)[0]["metadata_trees"].status == "failed"


def test_columns_of_the_arc_are_not_read(settings, control):
    results, exhibits = judged(settings, control, positive=with_column(control, "theta_e_arcsec", 99.0))
    assert {result.status for result in results.values()} == {"passed"}
    assert "theta_e_arcsec" in exhibits[0].caption


def test_the_inverse_variance_of_noisy_arcs_is_left_out(settings, control):
    with_ivar = with_column(with_column(control, "ivar_r", 1.0), "arc_noise", "poisson")
    stamp = with_column(with_ivar, "ivar_r", 0.5)
    assert judged(settings, with_ivar, positive=stamp)[0]["metadata_ridge"].status == "passed"
    quiet = (with_column(stamps, "arc_noise", "none") for stamps in (with_ivar, stamp))
    assert judged(settings, next(quiet), positive=next(quiet))[0]["metadata_ridge"].status == "failed"


def test_few_galaxies_and_one_class_are_no_pass(settings, control):
    few = control.take(np.arange(20))
    assert {result.status for result in judged(settings, few)[0].values()} == {"undetermined"}
    none = control.take(np.arange(0))
    assert {result.status for result in judged(settings, control, positive=none)[0].values()} == {"not_run"}
