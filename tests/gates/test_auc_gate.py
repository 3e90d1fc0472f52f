"""Gates on features where a set feeds only a part of them, and what they keep and draw."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from judging import by_name, judgement, kept_of, shards_in
from ring_gates import NAMES, SOUND, UNPAIRED, all_kept, judged_anew, judgements, results, told, without_arcs

from arcgate.dataset.source import DatasetSource
from arcgate.gates.core import battery
from arcgate.gates.core.auc_gate import Look
from arcgate.gates.core.listing import gate_of
from arcgate.gates.core.sensitivity_exhibits import sensitivity_exhibits
from arcgate.gates.core.shard import Shard, rows_of
from arcgate.gates.features.ring_features import RingColumns, core
from arcgate.gates.features.ring_leaks import FRAME_PEDESTAL

MISSING = [
    ({"has_null": False}, {"normaliser_null"}, "data.null_rows"),
    ({"declared": False}, {"residual_core", "residual_annulus", "residual_border", "mask_edge"}, "give their columns"),
]


@pytest.mark.parametrize(("change", "names", "says"), MISSING)
def test_what_a_set_cannot_feed_is_not_run_with_the_reason(small, built, change, names, says):
    facts = replace(DatasetSource(built(*SOUND)).facts, **change)
    results = judged_anew(shards_in(built(*SOUND), small(*SOUND), facts))
    not_run = {name for (name, _), result in results.items() if result.status == "not_run"}
    assert not_run == names
    for name, view in results:
        if name in names:
            assert says in results[name, view].reason
            assert results[name, view].value is None


def test_without_arcs_and_with_other_galaxies_only_the_null_remains(ring_shards):
    poorer = without_arcs(ring_shards(*UNPAIRED), has_arc=False, declared=False)
    results = judged_anew(poorer)
    assert {name for (name, _), result in results.items() if result.status != "not_run"} == {"null", "normaliser_null"}
    assert set(results) == {(look.name or name, look.view) for name in NAMES for look in gate_of(name).looks}
    assert "give their columns" in results["residual_core", "raw"].reason
    assert "store them" in results["normaliser_masked", "network"].reason


def test_one_galaxy_alone_cannot_be_judged(ring_shards, ring_kept):
    context = replace(
        ring_shards(*SOUND)[0].context, galaxies=np.zeros(1, int), first_pairs=np.zeros(1, int), ranks=np.zeros(1, int)
    )
    alone = {
        name: {key: np.zeros_like(values) if key.endswith("/galaxy") else values for key, values in arrays.items()}
        for name, arrays in ring_kept(*SOUND).items()
    }
    found = results(alone, context)
    assert {result.status for result in found.values()} == {"not_run"}
    assert "1 galaxies in a class" in found["residual_core", "raw"].reason


@pytest.mark.parametrize(("value", "says"), [(np.nan, "not finite"), (0.5, "no spread")])
def test_stamps_that_no_view_can_show_leave_gates_not_run(ring_shards, value, says):
    """One such shard is enough: what the others gave is then not judged."""
    first, *others = ring_shards(*SOUND)
    image = first.counterpart.image.copy()
    image[0, 1] = value
    spoiled = Shard(first.context, first.stored)
    spoiled.__dict__["counterpart"] = replace(first.counterpart, image=image, seen=image)
    found = []
    for name in NAMES:
        measured = battery._all([battery._measured(gate_of(name), shard, name) for shard in (spoiled, *others)], name)
        found += battery.judgement_of(battery._Case(name, measured, first.context)).results
    assert {result.status for result in found if result.name != "mask_edge"} == {"not_run"}
    # A gate that looks at stamps as they are stored needs no view of them.
    assert by_name(found)["mask_edge", "raw"].status == ("not_run" if np.isnan(value) else "passed")
    assert says in by_name(found)["residual_core", "raw"].reason


def test_exhibits_are_plain_values_and_name_every_gate(ring_shards, ring_kept):
    context = ring_shards(*SOUND)[0].context
    made = judgements(ring_kept(*SOUND), context)
    curves = [curve for each in made.values() for curve in each.curves]
    profile = judgement(gate_of("residual_profile"), ring_shards(*SOUND)).exhibits
    exhibits = {exhibit.name: exhibit for exhibit in (*sensitivity_exhibits(curves, context.settings.margin), *profile)}
    json.dumps([exhibit.content for exhibit in exhibits.values()])
    named = {(row[0], row[1]) for row in exhibits["planted_leaks"].content["rows"]}
    results = [result for each in made.values() for result in each.results]
    assert named == {(result.name, result.view) for result in results if result.role == "gate"}
    series = exhibits["residual_profile"].content["series"]
    assert [each["label"] for each in series] == ["g", "r", "z"]
    assert np.abs([each["y"] for each in series]).max() < 1e-3


def test_nothing_is_drawn_of_a_set_that_feeds_nothing(ring_shards):
    context = ring_shards(*SOUND)[0].context
    nothing = replace(context, facts=replace(context.facts, declared=False, has_null=False, has_arc=False, paired=False))
    made = judgements({name: {} for name in (*NAMES, "residual_profile")}, nothing)
    assert {result.status for each in made.values() for result in each.results} == {"not_run"}
    assert not [drawn for each in made.values() for drawn in (*each.exhibits, *each.curves)]


@pytest.mark.parametrize("overrides", [SOUND, UNPAIRED])
def test_halves_of_a_shard_give_what_the_shard_gives(ring_shards, overrides):
    """What is kept of a stamp depends on no other stamp: members of a pair are neighbours, and halves are cut between pairs."""
    whole = ring_shards(*overrides)[0]
    pair = pd.factorize(whole.stored.table["pair_id"])[0]
    first = pair < pair.max() // 2
    assert 0 < np.count_nonzero(first) < len(first)
    halves = [Shard(whole.context, rows_of(whole.stored, rows)) for rows in (first, ~first)]
    for name in NAMES:
        together, apart = (kept_of(gate_of(name), each) for each in ([whole], halves))
        assert together.keys() == apart.keys()
        assert bool(together) == (name != "null" or "controls=unpaired" in overrides)
        for key, values in together.items():
            np.testing.assert_array_equal(values, apart[key], err_msg=f"{name} {key}")


def test_what_gates_select_is_known_by_the_function_not_by_its_name(ring_shards):
    """Two lambdas have one name: what the null pair reads through the first is not what it reads through the second."""
    gate = gate_of("residual_core")
    columns = [
        RingColumns("raw", lambda features, regions: core(features, regions)),
        RingColumns("raw", lambda features, _: features[:, :, -5:-1]),
    ]
    assert columns[0].select.__name__ == columns[1].select.__name__
    looks = tuple(Look("raw", each, (FRAME_PEDESTAL,), "", name=f"look {i}") for i, each in enumerate(columns))
    curves = judgement(replace(gate, looks=looks), ring_shards(*SOUND)).curves
    # The core sees nothing of the frame.
    assert [(curve.gate, curve.sensitive) for curve in curves] == [("look 0", False), ("look 1", True)]


def test_the_null_pair_of_controls_detects_every_leak(small, built, ring_shards):
    overrides, gate = (*SOUND, "data.n_pairs=150"), gate_of("null_pair")
    facts = replace(DatasetSource(built(*overrides)).facts, has_null=False)
    without = shards_in(built(*overrides), small(*overrides), facts)
    kept = all_kept(without)

    def summary(context):
        return gate.summarise(judgements(kept, context), context).results

    [result] = summary(without[0].context)
    assert (result.status, result.value) == ("passed", 0.0)
    assert "controls against themselves" in result.reason
    [result] = summary(told(without[0], leak_sizes_sky_sigma=(1e-9,)))
    assert result.status == "insensitive"
    assert "not detected: pedestal at r < 5 px" in result.reason
    assert summary(ring_shards(*SOUND)[0].context) == []
