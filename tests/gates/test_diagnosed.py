"""The pairs that diagnostics look at, shards in which a class has no rows, and shards in pieces."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from judging import kept_of, shards_in
from made_shards import made_context, made_shard, made_stamps

from arcgate.dataset.shard_reading import StampBatch
from arcgate.dataset.source import DatasetSource
from arcgate.gates import published, residual_core
from arcgate.gates.core import context as contexts
from arcgate.gates.core import shard as shards
from arcgate.gates.core.battery import REFIT
from arcgate.gates.core.context import DIAGNOSED_PAIRS, context_of
from arcgate.gates.core.listing import gates_of
from arcgate.gates.core.predicted import Predicted
from arcgate.gates.core.shard import Shard, shards_of
from arcgate.gates.published.concentration import Concentration
from arcgate.gates.published.psf_impulse import PsfImpulse

OVERRIDES = ("psf=moffat_converted", "gates=quick")


@pytest.fixture(scope="module")
def settings(small):
    return small(*OVERRIDES).gates


def of_many(context, n):
    """The same with as many judged pairs."""
    return replace(context, pairs=np.arange(n))


def test_few_pairs_are_a_part_of_more_and_about_as_many_as_asked_for(settings):
    many = of_many(made_context(settings, [made_stamps(1, 0)]), 20_000)
    few, more = (many.drawn(many.pairs, count) for count in (1000, 5000))
    assert not (few & ~more).any()
    # Four standard deviations of a binomial count.
    assert abs(few.sum() - 1000) < 4 * np.sqrt(1000 * 0.95)
    assert abs(more.sum() - 5000) < 4 * np.sqrt(5000 * 0.75)
    assert many.drawn(many.pairs, 20_000).all()


def test_diagnosed_are_all_rows_of_the_same_pairs_and_what_was_rendered_for_them(settings):
    n = 50
    control = made_stamps(n, 0)
    table = control.table.loc[np.repeat(np.arange(n), 2)].assign(role=np.tile(["positive", "control"], n))
    image = np.repeat(control.image, 2, axis=0)
    batch = StampBatch(table.reset_index(drop=True), image, 2 * image)
    context = of_many(made_context(settings, [control]), 10 * DIAGNOSED_PAIRS)
    whole = Shard(context, batch)
    whole.__dict__.update({"judged": batch, "predicted": Predicted(3 * control.image, 4 * control.image, None)})
    few = whole.diagnosed
    kept = np.flatnonzero(context.drawn(np.arange(n), DIAGNOSED_PAIRS))
    assert 0 < len(kept) < 20
    for stamps in (few.control, few.positive):
        assert stamps.table["pair_id"].tolist() == kept.tolist()
        np.testing.assert_array_equal(stamps.image, control.image[kept])
    np.testing.assert_array_equal(few.arc, 2 * control.image[kept])
    np.testing.assert_array_equal(few.declared, 3 * control.image[kept])
    np.testing.assert_array_equal(few.predicted.whole, 4 * control.image[kept])
    all_of_them = made_shard(of_many(context, DIAGNOSED_PAIRS), control)
    assert all_of_them.diagnosed is all_of_them


def test_results_say_on_how_many_pairs_they_rest(small, built, monkeypatch):
    spec = small(*OVERRIDES)
    for module in (contexts, shards):
        monkeypatch.setattr(module, "DIAGNOSED_PAIRS", 60)
    monkeypatch.setattr(published, "KINDS", (Concentration, PsfImpulse))
    found = shards_in(built(*OVERRIDES), spec)
    kept = kept_of(published.GATE, found)
    results = {(result.name, result.stratum): result for result in published.GATE.judge(kept, found[0].context).results}
    core = results["difference_core", "overall"]
    assert 0 < core.n < 90
    assert core.reason.endswith("; on about 60 of 100 pairs, chosen by hash")
    assert "pairs, chosen" not in results["psf_impulse_off_centre", "overall"].reason


_LONG = pytest.mark.long


@pytest.mark.parametrize(
    "absent", [("positive",), pytest.param(("control", "null"), marks=_LONG), pytest.param(("null",), marks=_LONG)]
)
@pytest.mark.parametrize("controls", ["paired", "unpaired"])
def test_every_gate_takes_shards_without_rows(small, built, controls, absent):
    """The last pairs of a shard may lack a class; how many pairs are measured at once must not matter."""
    spec = small(*OVERRIDES, f"controls={controls}")
    source = DatasetSource(built(*OVERRIDES, f"controls={controls}"))
    context = context_of(source, spec.view, spec.gates)
    batch, complete = source.parts()[0].read(), Shard(context, source.parts()[1].read())
    rows = np.flatnonzero(~batch.table["role"].isin(absent))
    lacking = Shard(context, StampBatch(batch.table.iloc[rows].reset_index(drop=True), batch.image[rows], batch.arc[rows]))
    judged = set()
    for gate in gates_of([REFIT, *spec.gates.listed]):
        if gate.name == "split_integrity":
            continue  # It looks at columns of all rows alone.
        alone, both = (results_by_key(gate, some, context) for some in ([complete], [lacking, complete]))
        judged |= alone.keys()
        # Nothing of the complete shard is lost, and no gate appears or goes.
        assert both.keys() == alone.keys()
        assert all(both[key] >= alone[key] for key in alone)
    if absent != ("null",):
        # A class that no shard holds cannot be compared.
        assert {
            result.status for result in residual_core.GATE.judge(kept_of(residual_core.GATE, [lacking]), context).results
        } == {"not_run"}
    assert {name for name, _, _ in judged} > {"residual_core", "tails", "tails_stored", "deinjection", "metadata_ridge"}


def results_by_key(gate, some, context):
    """How many rows each result rests on."""
    return {(result.name, result.view, result.stratum): result.n for result in gate.judge(kept_of(gate, some), context).results}


def test_pieces_hold_whole_pairs_and_everything_once(small, built, monkeypatch):
    monkeypatch.setattr(shards, "PAIRS_AT_ONCE", 7)
    spec, source = small(*OVERRIDES), DatasetSource(built(*OVERRIDES))
    batch = source.parts()[0].read()
    found = [piece.stored for piece in shards_of(batch, context_of(source, spec.view, spec.gates))]
    assert len(found) == -(-batch.table["pair_id"].nunique() // 7)
    assert sorted(row for piece in found for row in piece.table["sample_id"]) == sorted(batch.table["sample_id"])
    sets = [set(piece.table["pair_id"]) for piece in found]
    assert sum(map(len, sets)) == len(set.union(*sets))
    first = batch.table["sample_id"].tolist().index(found[1].table["sample_id"].iloc[0])
    np.testing.assert_array_equal(found[1].image[0], batch.image[first])
    np.testing.assert_array_equal(found[1].arc[0], batch.arc[first])
