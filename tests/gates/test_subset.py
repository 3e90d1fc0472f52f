"""The pairs that diagnostics look at, and arms of which some have no rows."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
from judging import arms_in
from made_arms import made_arms, made_stamps

from arcgate.dataset.shard_reading import StampBatch
from arcgate.dataset.source import DatasetSource
from arcgate.gates import subset
from arcgate.gates.arms import arms_of, chosen_pairs
from arcgate.gates.battery import collectors_for, pieces
from arcgate.gates.published import PublishedDiagnostics
from arcgate.gates.published.concentration import Concentration
from arcgate.gates.published.psf_impulse import PsfImpulse
from arcgate.imaging import DECALS
from arcgate.views.view import Viewer

OVERRIDES = ("psf=moffat_converted", "gates=quick")


@pytest.fixture(scope="module")
def settings(small):
    return small(*OVERRIDES).gates


def test_few_pairs_are_a_part_of_more_and_about_as_many_as_asked_for(settings):
    pairs, many = np.arange(20_000), replace(settings, max_pairs=20_000)
    few, more = (subset.drawn(pairs, many, count) for count in (1000, 5000))
    assert not (few & ~more).any()
    # Four standard deviations of a binomial count.
    assert abs(few.sum() - 1000) < 4 * np.sqrt(1000 * 0.95)
    assert abs(more.sum() - 5000) < 4 * np.sqrt(5000 * 0.75)
    assert subset.drawn(pairs, many, 20_000).all()


def test_arms_keep_the_rows_of_the_same_pairs(settings):
    control = made_stamps(50, 0)
    arms = made_arms(control, arc=control.image)
    many = replace(settings, max_pairs=10 * subset.DIAGNOSED_PAIRS)
    few = subset.some(arms, many)
    kept = np.flatnonzero(subset.drawn(np.arange(50), many, subset.DIAGNOSED_PAIRS))
    assert 0 < len(kept) < 20
    for stamps in (few.control, few.stamp, few.residual):
        assert stamps.table["pair_id"].tolist() == kept.tolist()
        np.testing.assert_array_equal(stamps.image, control.image[kept])
    np.testing.assert_array_equal(few.arc, arms.arc[kept])
    assert subset.some(arms, replace(many, max_pairs=subset.DIAGNOSED_PAIRS)) is arms


def test_results_say_on_how_many_pairs_they_rest(small, built, monkeypatch):
    spec = small(*OVERRIDES)
    monkeypatch.setattr(subset, "DIAGNOSED_PAIRS", 60)
    settings, facts = replace(spec.gates, max_pairs=100), DatasetSource(built(*OVERRIDES)).facts
    kinds = (Concentration, PsfImpulse)
    collector = PublishedDiagnostics(settings, [kind(Viewer(spec.view, DECALS), settings, facts) for kind in kinds])
    for arms in arms_in(built(*OVERRIDES), spec):
        collector.add(arms)
    results = {(result.name, result.stratum): result for result in collector.judge()}
    core = results["difference_core", "overall"]
    assert 0 < core.n < 90
    assert core.reason.endswith("; on about 60 of 100 pairs, chosen by hash")
    assert "pairs, chosen" not in results["psf_impulse_off_centre", "overall"].reason


_LONG = pytest.mark.long


@pytest.mark.parametrize(
    "absent", [("positive",), pytest.param(("control", "null"), marks=_LONG), pytest.param(("null",), marks=_LONG)]
)
@pytest.mark.parametrize("controls", ["paired", "unpaired"])
def test_every_collector_takes_arms_without_rows(small, built, controls, absent):
    """The last pairs of a shard may lack a class; how many pairs are measured at once must not matter."""
    spec = small(*OVERRIDES, f"controls={controls}")
    source = DatasetSource(built(*OVERRIDES, f"controls={controls}"))
    batch = source.parts()[0].read()
    rows = np.flatnonzero(~batch.table["role"].isin(absent))
    part = StampBatch(batch.table.iloc[rows].reset_index(drop=True), batch.image[rows], batch.arc[rows])
    lacking = arms_of(part, np.unique(batch.table["pair_id"]), source.facts, 0)
    complete = arms_of(source.parts()[1].read(), chosen_pairs(source, 100, 0), source.facts, 0)
    judged = set()
    for collector in collectors_for(source.facts, spec.view, replace(spec.gates, max_pairs=100)):
        both = copy.deepcopy(collector)
        for arms in (lacking, complete):
            both.add(arms)
        collector.add(complete)
        alone = {(result.name, result.view, result.stratum): result.n for result in collector.judge()}
        judged |= alone.keys()
        # Nothing of the complete shard is lost, and no gate appears or goes.
        found = {(result.name, result.view, result.stratum): result.n for result in both.judge()}
        assert found.keys() == alone.keys()
        assert all(found[key] >= alone[key] for key in alone)
    assert {name for name, _, _ in judged} > {"residual_core", "tails", "tails_stored", "deinjection", "metadata_ridge"}


def test_pieces_hold_whole_pairs_and_everything_once(built, monkeypatch):
    monkeypatch.setattr("arcgate.gates.battery.PAIRS_AT_ONCE", 7)
    batch = DatasetSource(built(*OVERRIDES)).parts()[0].read()
    found = list(pieces(batch))
    assert len(found) == -(-batch.table["pair_id"].nunique() // 7)
    assert sorted(row for piece in found for row in piece.table["sample_id"]) == sorted(batch.table["sample_id"])
    sets = [set(piece.table["pair_id"]) for piece in found]
    assert sum(map(len, sets)) == len(set.union(*sets))
    first = batch.table["sample_id"].tolist().index(found[1].table["sample_id"].iloc[0])
    np.testing.assert_array_equal(found[1].image[0], batch.image[first])
    np.testing.assert_array_equal(found[1].arc[0], batch.arc[first])
