"""The nuisance gate: what is known of rows without their pixels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made_arms import PAIRED, changed, gathered, made_arms, made_stamps
from threadpoolctl import threadpool_limits

from arcgate.gates.metadata import Metadata

N = 240


@pytest.fixture(autouse=True)
def one_thread():
    """As the battery judges."""
    with threadpool_limits(1):
        yield


@pytest.fixture(scope="module")
def settings(small):
    return replace(small().gates, margin=0.1)


@pytest.fixture(scope="module")
def control():
    return made_stamps(N, 2)


def judged(settings, arms):
    collector = gathered(Metadata(None, settings, PAIRED), [arms])
    return {result.name: result for result in collector.judge()}, collector


def with_column(stamps, name, values):
    return replace(stamps, table=stamps.table.assign(**{name: values}))


def test_equal_columns_pass_and_the_shifted_column_is_heard(settings, control):
    results, _ = judged(settings, made_arms(control))
    assert {result.status for result in results.values()} == {"passed"}
    assert all(0 < result.smallest_leak <= 2 for result in results.values())
    assert "psfsize_r shifted" in results["metadata_ridge"].reason


def test_without_pairs_the_canary_is_heard_among_other_galaxies(settings, control):
    """Controls against copies of themselves would hear a shift that no gate between galaxies could."""
    unpaired = gathered(Metadata(None, settings, replace(PAIRED, paired=False)), [made_arms(control)])
    heard = {result.name: result.smallest_leak for result in unpaired.judge()}
    with_pairs = judged(settings, made_arms(control))[0]
    assert any(leak is not None for leak in heard.values())
    for name, leak in heard.items():
        assert leak is None or leak > 1.3 * with_pairs[name].smallest_leak


def test_what_is_not_there_is_named(settings, control):
    reason = judged(settings, made_arms(control))[0]["metadata_ridge"].reason
    assert "depth_g" in reason
    assert "compressed_size" not in reason
    without = judged(settings, made_arms(control, null=None))[0]["metadata_ridge"].reason
    assert "compressed_size" in without


@pytest.mark.parametrize("rule", ["metadata_ridge", "metadata_trees"])
def test_a_column_that_tells_the_classes_apart_fails_and_is_named(settings, control, rule):
    stamp = with_column(control, "psfsize_r", control.table["psfsize_r"] + 0.3)
    result = judged(settings, made_arms(control, stamp=stamp))[0][rule]
    assert result.status == "failed"
    assert "psfsize_r" in result.reason


def test_names_are_read_by_trees(settings, control):
    stamp, zero = (with_column(control, "provenance", name) for name in ("survey a", "survey b"))
    assert judged(settings, made_arms(zero, stamp=stamp))[0]["metadata_trees"].value == pytest.approx(1.0)


def test_missing_values_are_features_too(settings, control):
    stamp = with_column(control, "ebv", np.nan)
    assert judged(settings, made_arms(control, stamp=stamp))[0]["metadata_ridge"].status == "failed"


def test_the_compressed_size_is_seen_and_a_dead_column_of_pixels_is_no_selection(settings, control):
    padded = control.image.copy()
    padded[:, :, :4] = 0.0
    results, collector = judged(settings, made_arms(control, stamp=changed(control, padded), null=changed(control, padded)))
    assert results["metadata_ridge"].status == "failed"
    single = dict(
        zip(collector.exhibits()[0].content["labels"], collector.exhibits()[0].content["series"][0]["values"], strict=True)
    )
    assert single["compressed_size"] < 0.1
    dead = control.image.copy()
    dead[..., 5] = 0.0
    results, _ = judged(settings, made_arms(control, stamp=changed(control, dead)))
    assert {result.status for result in results.values()} == {"passed"}


def test_what_was_measured_on_stamps_with_arcs_is_not_read(settings, control):
    """An arc pulls a measured centre; a recorded one of the same values is read."""
    stamp = with_column(control, "host_x_pix", control.table["host_x_pix"] + 1.0)
    arms = made_arms(control, stamp=stamp)
    assert judged(settings, arms)[0]["metadata_trees"].status == "failed"
    facts = replace(PAIRED, measured_on_arcs=frozenset({"host_x_pix", "host_y_pix"}))
    results = {result.name: result for result in gathered(Metadata(None, settings, facts), [arms]).judge()}
    assert {result.status for result in results.values()} == {"passed"}
    assert "not looked at: host_x_pix, host_y_pix" in results["metadata_trees"].reason
    bare = replace(control, table=control.table[["host_id", "pair_id", "host_x_pix", "host_y_pix"]])
    [ridge, _] = gathered(Metadata(None, settings, facts), [made_arms(bare, null=None)]).judge()
    assert ridge.status == "not_run"
    assert ridge.reason.startswith("nothing that could be compared is recorded beside the pixels; ")


def test_an_empty_or_constant_column_is_no_selection_but_gaps_of_one_class_are(settings, control):
    dead = with_column(with_column(control, "ebv", np.nan), "depth_r", 24.0)
    assert judged(settings, made_arms(dead))[0]["metadata_trees"].status == "passed"
    gaps = with_column(control, "ebv", control.table["ebv"].where(np.arange(N) % 2 == 0))
    assert judged(settings, made_arms(control, stamp=gaps))[0]["metadata_trees"].status == "failed"


def test_columns_of_the_arc_are_not_read(settings, control):
    results, collector = judged(settings, made_arms(control, stamp=with_column(control, "theta_e_arcsec", 99.0)))
    assert {result.status for result in results.values()} == {"passed"}
    assert "theta_e_arcsec" in collector.exhibits()[0].caption


def test_the_inverse_variance_of_noisy_arcs_is_left_out(settings, control):
    with_ivar = with_column(with_column(control, "ivar_r", 1.0), "arc_noise", "poisson")
    stamp = with_column(with_ivar, "ivar_r", 0.5)
    assert judged(settings, made_arms(with_ivar, stamp=stamp))[0]["metadata_ridge"].status == "passed"
    quiet = (with_column(stamps, "arc_noise", "none") for stamps in (with_ivar, stamp))
    assert judged(settings, made_arms(next(quiet), stamp=next(quiet)))[0]["metadata_ridge"].status == "failed"


def test_few_galaxies_and_one_class_are_no_pass(settings, control):
    few = control.take(np.arange(20))
    assert {result.status for result in judged(settings, made_arms(few))[0].values()} == {"undetermined"}
    none = control.take(np.arange(0))
    assert {result.status for result in judged(settings, made_arms(control, stamp=none))[0].values()} == {"not_run"}
