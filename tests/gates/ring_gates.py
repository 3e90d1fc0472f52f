"""The gates on light in rings, each by itself, on data sets of known defects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from judging import Results, by_name, kept_of

from arcgate.gates.core.context import Context
from arcgate.gates.core.gate import Judgement
from arcgate.gates.core.listing import gate_of
from arcgate.gates.core.shard import Shard

SOUND = ("psf=moffat_converted", "view=annulus_robust")
UNPAIRED = (*SOUND, "controls=unpaired", "data.n_pairs=90")
NAMES = ("residual_core", "residual_annulus", "residual_border", "mask_edge", "null", "normaliser_null", "normaliser_masked")

AllKept = Mapping[str, Mapping[str, Any]]


def all_kept(shards: Sequence[Shard]) -> dict[str, dict[str, Any]]:
    """What every gate keeps of some shards."""
    return {name: kept_of(gate_of(name), shards) for name in NAMES}


def judgements(kept: AllKept, context: Context) -> dict[str, Judgement]:
    """What every gate makes of what it kept."""
    return {name: gate_of(name).judge(arrays, context) for name, arrays in kept.items()}


def results(kept: AllKept, context: Context) -> Results:
    """Their results by name and view."""
    return by_name([result for each in judgements(kept, context).values() for result in each.results])


def judged_anew(shards: Sequence[Shard]) -> Results:
    """Results of shards that are not known yet."""
    return results(all_kept(shards), shards[0].context)


def told(shard: Shard, **settings: Any) -> Context:
    """The context of a shard with other settings."""
    return replace(shard.context, settings=replace(shard.context.settings, **settings))


def without_arcs(shards: Sequence[Shard], **facts: Any) -> list[Shard]:
    """The same shards without stored arcs, of a set of which other things are known."""
    context = replace(shards[0].context, facts=replace(shards[0].context.facts, **facts))
    return [Shard(context, replace(shard.stored, arc=None)) for shard in shards]
