"""All gates over a data set, in one pass over its shards."""

from __future__ import annotations

import copy
import sys
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from rich.progress import track
from threadpoolctl import threadpool_limits

from arcgate.dataset.source import Facts, Part, Source
from arcgate.errors import ArcgateError
from arcgate.gates.arms import arms_of, chosen_pairs
from arcgate.gates.auc_gates import AucGates
from arcgate.gates.collector import Collector
from arcgate.gates.duplicates import Duplicates
from arcgate.gates.finite_pixels import FinitePixels
from arcgate.gates.identity import Identities
from arcgate.gates.information import Information
from arcgate.gates.metadata import Metadata
from arcgate.gates.published import published_diagnostics
from arcgate.gates.reference_gate import AgainstReference
from arcgate.gates.result import Judged
from arcgate.gates.split_integrity import judge_splits
from arcgate.gates.two_sample import TwoSample
from arcgate.gates.verdict.refit_collector import Refit
from arcgate.injection.draws import uniform
from arcgate.variant import Gates, View
from arcgate.views.view import Viewer
from arcgate.workers import completed


@dataclass(frozen=True)
class _Task:
    """One shard's share of the work; picklable."""

    part: Part
    pairs: NDArray[np.int64]
    facts: Facts
    seed: int
    empty: list[Collector]


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
        Processes that read and measure shards; no result depends on it.

    Returns
    -------
    Judged

    Raises
    ------
    ArcgateError
        The data set has one class only, or no pair whose pixels are all finite.
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
    order = np.argsort(uniform(settings.seed, "refit", pairs), kind="stable")
    refit = Refit(facts, np.sort(pairs[order[: settings.verdict_pairs]]))
    empty = [refit, *collectors_for(facts, view, replace(settings, max_pairs=len(pairs)))]
    tasks = [_Task(part, pairs, facts, settings.seed, empty) for part in source.parts()]
    finite, collectors = _merged(tasks, workers, source)
    # The matrices are small: on several threads their linear algebra is slower, many times so on a busy machine.
    with threadpool_limits(1):
        results = [result for collector in collectors for result in collector.judge()]
        results += [finite.judge(), judge_splits(source)]
        gathered = collectors[0]
        assert isinstance(gathered, Refit)  # it was put first
        cause = gathered.cause()
    exhibits = [exhibit for collector in collectors for exhibit in collector.exhibits()]
    return Judged(tuple(sorted(results, key=lambda result: result.role != "gate")), tuple(exhibits), cause)


def collectors_for(facts: Facts, view: View, settings: Gates) -> list[Collector]:
    """Every gate and diagnostic, empty. Those that the data set cannot feed say so when they judge."""
    viewer = Viewer(view)
    gates = (AucGates, Identities, TwoSample, Metadata, AgainstReference, Duplicates, Information)
    return [*[gate(viewer, settings, facts) for gate in gates], *published_diagnostics(viewer, settings, facts)]


def _merged(tasks: list[_Task], workers: int, source: Source) -> tuple[FinitePixels, list[Collector]]:
    """What was gathered from all shards, merged in their order."""
    parts: list[tuple[FinitePixels, list[Collector]] | None] = [None] * len(tasks)
    done = completed(_gathered, tasks, workers, source.path)
    for position, part in track(done, "judging shards", total=len(tasks), transient=True, disable=not sys.stderr.isatty()):
        parts[position] = part
    (finite, first), *others = [part for part in parts if part is not None]
    for counted, other in others:
        finite.merge(counted)
        for collector, more in zip(first, other, strict=True):
            collector.merge(more)
    if sum(finite.broken.values()) and not finite.left:
        raise ArcgateError(
            f"no pair is left to be judged: {finite.in_words()}",
            where=source.path,
            todo="fill these pixels in both classes alike",
        )
    return finite, first


def _gathered(task: _Task) -> tuple[FinitePixels, list[Collector]]:
    """One shard's features, of pairs whose pixels are all finite."""
    finite, collectors = FinitePixels(), copy.deepcopy(task.empty)
    with threadpool_limits(1):
        arms = arms_of(finite.finite_pairs(task.part.read(), task.pairs), task.pairs, task.facts, task.seed)
        if arms is not None:
            for collector in collectors:
                collector.add(arms)
    return finite, collectors
