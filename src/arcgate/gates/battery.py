"""All gates over a data set, in one pass over its shards."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from arcgate.dataset.shard_reading import Batch
from arcgate.dataset.source import Facts, Part, Source
from arcgate.gates.arms import arms_of, chosen_pairs
from arcgate.gates.auc_gates import AucGates
from arcgate.gates.collector import Collector
from arcgate.gates.declared_arc import DeclaredArcs
from arcgate.gates.duplicates import Duplicates
from arcgate.gates.exhibit import Exhibit
from arcgate.gates.finite_pixels import FinitePixels
from arcgate.gates.identity import Identities
from arcgate.gates.information import Information
from arcgate.gates.left_out_rows import judge_left_out
from arcgate.gates.metadata import Metadata
from arcgate.gates.published import published_diagnostics
from arcgate.gates.reference_gate import AgainstReference
from arcgate.gates.required import required_of
from arcgate.gates.result import Cause, GateResult, Judged
from arcgate.gates.scalable import ScalableStamps
from arcgate.gates.split_integrity import judge_splits
from arcgate.gates.stored_values import StoredValues
from arcgate.gates.tails import Tails
from arcgate.gates.two_sample import TwoSample
from arcgate.gates.verdict.refit_collector import Refit
from arcgate.ground.draws import uniform
from arcgate.ground.errors import ArcgateError
from arcgate.ground.progress import step
from arcgate.ground.workers import Workers
from arcgate.variant import Gates, View
from arcgate.views.view import Viewer

Done = TypeVar("Done")

# Pairs of a shard that are measured at once: their stamps in all arms then take a quarter of a gigabyte.
PAIRS_AT_ONCE: Final = 350
# So many pairs are judged by this process before others would have started: two of them take 15 s to import what they need.
PAIRS_ALONE: Final = 1500


@dataclass(frozen=True)
class _Task:
    """One shard's share of the work; picklable."""

    part: Part
    pairs: NDArray[np.int64]
    facts: Facts
    seed: int
    viewer: Viewer
    empty: list[Collector]


@dataclass(frozen=True)
class _Gathered:
    """What one shard, or several, gave: the rows that were set aside, and everything else."""

    finite: FinitePixels
    scalable: ScalableStamps
    collectors: list[Collector]

    def merge(self, other: _Gathered) -> None:
        self.finite.merge(other.finite)
        self.scalable.merge(other.scalable)
        for collector, more in zip(self.collectors, other.collectors, strict=True):
            collector.merge(more)


@dataclass(frozen=True)
class _Part:
    """What one collector adds to the evidence."""

    results: list[GateResult]
    exhibits: list[Exhibit]
    cause: Cause | None


def run_battery(source: Source, view: View, settings: Gates, workers: int = 1) -> Judged:
    """Judge a data set as a network with this view would get it.

    Parameters
    ----------
    source : Source
        With positives and controls.
    view : View
        What the network sees.
    settings : Gates
        Margin, level, sizes of the canaries.
    workers : int
        Processes that read, measure and judge, where there are many pairs; no result depends on it.

    Returns
    -------
    Judged

    Raises
    ------
    ArcgateError
        The data set has one class only, or no pair whose pixels are all finite and that the view can scale.
    """
    facts = source.facts
    missing = {"positive", "control"} - set(source.table(["role"])["role"])
    if missing:
        raise ArcgateError(
            f"the data set has no {' and no '.join(sorted(missing))} rows: one class cannot be told from nothing",
            where=source.path,
            todo="give both classes",
        )
    pairs = chosen_pairs(source, settings.max_pairs, settings.seed)
    empty = battery_for(facts, view, settings, pairs)
    tasks = [_Task(part, pairs, facts, settings.seed, Viewer(view, facts.imaging), empty) for part in source.parts()]
    with Workers(workers if len(pairs) > PAIRS_ALONE else 1, source.path) as crew:
        gathered = _merged(tasks, crew, source)
        done = dict(_shown(crew.completed(_judged, gathered.collectors), "judging", len(gathered.collectors)))
    parts = [done[position] for position in range(len(gathered.collectors))]
    results = [result for part in parts for result in part.results]
    results += [gathered.finite.judge(), gathered.scalable.judge(), judge_splits(source), *judge_left_out(facts)]
    [cause] = [
        replace(part.cause, rows_judged=gathered.scalable.left.get("positive", 0)) for part in parts if part.cause is not None
    ]
    exhibits = tuple(exhibit for part in parts for exhibit in part.exhibits)
    gates_first = tuple(sorted(results, key=lambda result: result.role != "gate"))
    return Judged(gates_first, exhibits, cause, settings.level, required_of(facts, view, settings, _several_splits(source)))


def battery_for(facts: Facts, view: View, settings: Gates, pairs: NDArray[np.int64]) -> list[Collector]:
    """Everything that looks at the chosen pairs, empty: the refit, the gates and the diagnostics."""
    order = np.argsort(uniform(settings.seed, "refit", pairs), kind="stable")
    refit = Refit(facts, np.sort(pairs[order[: settings.verdict_pairs]]), settings.bug_models)
    return [refit, *collectors_for(facts, view, replace(settings, max_pairs=len(pairs)))]


def collectors_for(facts: Facts, view: View, settings: Gates) -> list[Collector]:
    """Every gate and diagnostic, empty. Those that the data set cannot feed say so when they judge."""
    viewer = Viewer(view, facts.imaging)
    first = (AucGates, Identities, DeclaredArcs, StoredValues, Tails)
    gates = (*first, TwoSample, Metadata, AgainstReference, Duplicates, Information)
    return [*[gate(viewer, settings, facts) for gate in gates], *published_diagnostics(viewer, settings, facts)]


def _several_splits(source: Source) -> bool:
    """Whether more than one split is recorded."""
    return "split" in source.facts.columns and source.table(["split"])["split"].nunique() > 1


def _merged(tasks: list[_Task], crew: Workers, source: Source) -> _Gathered:
    """What was gathered from all shards, merged in their order."""
    done = dict(_shown(crew.completed(_gathered, tasks), "reading shards", len(tasks)))
    first, *others = [done[position] for position in range(len(tasks))]
    for other in others:
        first.merge(other)
    if not first.scalable.left and (first.finite.broken or first.scalable.flat):
        aside = [
            counted.in_words()
            for counted, any_ in ((first.finite, first.finite.broken), (first.scalable, first.scalable.flat))
            if any_
        ]
        raise ArcgateError(
            f"no pair is left to be judged: {'; '.join(aside)}",
            where=source.path,
            todo="give stamps whose pixels are numbers, and differ",
        )
    return first


def _gathered(task: _Task) -> _Gathered:
    """One shard's features, of pairs whose pixels are all finite and that the view can scale."""
    gathered = _Gathered(FinitePixels(task.facts.imaging), ScalableStamps(task.viewer), copy.deepcopy(task.empty))
    with threadpool_limits(1):
        finite = gathered.finite.finite_pairs(task.part.read(), task.pairs)
        for piece in pieces(gathered.scalable.scalable_pairs(finite)):
            arms = arms_of(piece, task.pairs, task.facts, task.seed)
            if arms is not None:
                for collector in gathered.collectors:
                    collector.add(arms)
    return gathered


def pieces(batch: Batch) -> Iterator[Batch]:
    """A shard in pieces of `PAIRS_AT_ONCE` pairs, each with all of its members."""
    piece = pd.factorize(batch.table["pair_id"])[0] // PAIRS_AT_ONCE
    for number in range(int(piece.max(initial=-1)) + 1):
        found = np.flatnonzero(piece == number)
        # Where members of a pair are neighbours, as in arcgate's own sets, nothing need be copied.
        together = found[-1] - found[0] + 1 == len(found)
        rows = slice(found[0], found[-1] + 1) if together else found
        arc = None if batch.arc is None else batch.arc[rows]
        yield Batch(batch.table.iloc[rows].reset_index(drop=True), batch.image[rows], arc)


def _judged(collector: Collector) -> _Part:
    """A collector's share of the evidence."""
    # The matrices are small: on several threads their linear algebra is slower, many times so on a busy machine.
    with threadpool_limits(1):
        results = collector.judge()
        cause = collector.cause() if isinstance(collector, Refit) else None
        return _Part(results, collector.exhibits(), cause)


def _shown(done: Iterator[tuple[int, Done]], what: str, total: int) -> Iterator[tuple[int, Done]]:
    """The same, counted for whoever watches."""
    with step(what, total) as advance:
        for one in done:
            advance(1)
            yield one
