"""One collector by itself, without the rest of the battery."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from arcgate.dataset.reader import Dataset
from arcgate.dataset.source import DatasetSource, Facts
from arcgate.gates.arms import Arms, arms_of, chosen_pairs
from arcgate.gates.result import GateResult
from arcgate.imaging import DECALS
from arcgate.variant import Variant
from arcgate.views.view import Viewer

Results = dict[tuple[str, str], GateResult]


def arms_in(dataset: Dataset, spec: Variant, facts: Facts | None = None) -> list[Arms]:
    """The arms of every shard."""
    source = DatasetSource(dataset)
    pairs = chosen_pairs(source, spec.gates.max_pairs, spec.gates.seed)
    held = facts or source.facts
    arms = [arms_of(part.read(), pairs, held, spec.gates.seed) for part in source.parts()]
    return [found for found in arms if found is not None]


def gathered(kind: type[Any], arms: Sequence[Arms], spec: Variant, facts: Facts) -> Any:
    """A collector after all shards, each added to a copy of its own and merged in order."""
    whole = kind(Viewer(spec.view, DECALS), spec.gates, facts)
    empty = copy.deepcopy(whole)
    for shard in arms:
        other = copy.deepcopy(empty)
        other.add(shard)
        whole.merge(other)
    return whole


def by_name(results: list[GateResult]) -> Results:
    """Results by name and view."""
    return {(result.name, result.view): result for result in results}
