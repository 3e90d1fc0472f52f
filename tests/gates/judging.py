"""One gate by itself, without the rest of the battery."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from arcgate.dataset.reader import Dataset
from arcgate.dataset.source import DatasetSource, Facts, Source
from arcgate.gates.core.battery import kept_by, numbers
from arcgate.gates.core.context import Context, context_of
from arcgate.gates.core.gate import Gate, Judgement
from arcgate.gates.core.result import GateResult
from arcgate.gates.core.shard import Shard, shards_of
from arcgate.variant import Variant

Results = dict[tuple[str, str], GateResult]


class Knowing(DatasetSource):
    """A data set of which other things are known than it says itself."""

    def __init__(self, dataset: Dataset, facts: Facts) -> None:
        super().__init__(dataset)
        object.__setattr__(self, "_facts", facts)

    @property
    def facts(self) -> Facts:
        """What is known."""
        found: Facts = self.__dict__["_facts"]
        return found


def shards_in(dataset: Dataset, spec: Variant, facts: Facts | None = None) -> list[Shard]:
    """The judged pairs of every shard; `context` of each says what is known of the data set."""
    source: Source = DatasetSource(dataset) if facts is None else Knowing(dataset, facts)
    context = context_of(source, spec.view, spec.gates)
    return [shard for part in source.parts() for shard in shards_of(part.read(), context)]


def kept_of(gate: Gate, shards: Sequence[Shard]) -> dict[str, Any]:
    """What a gate keeps of some shards, as it is handed to `judge`."""
    return numbers(kept_by([gate.extract(shard) for shard in shards]))


def judgement(gate: Gate, shards: Sequence[Shard], context: Context | None = None) -> Judgement:
    """What a gate makes of some shards."""
    return gate.judge(kept_of(gate, shards), context or shards[0].context)


def results_of(gate: Gate, shards: Sequence[Shard], context: Context | None = None) -> Results:
    """Its results by name and view."""
    return by_name(judgement(gate, shards, context).results)


def by_name(results: list[GateResult]) -> Results:
    """Results by name and view."""
    return {(result.name, result.view): result for result in results}
