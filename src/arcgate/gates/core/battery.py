"""All gates over a data set: one pass over its shards, then each gate on what it kept."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from arcgate.dataset.source import Source, StampPart
from arcgate.gates.core.context import Context, context_of, context_of_rows
from arcgate.gates.core.gate import ALL_ROWS, Gate, Judgement, Kept, LeftOut, ReadsColumns, Summary, Total
from arcgate.gates.core.listing import gate_of, gates_of, module_of, shipped_gates
from arcgate.gates.core.required import required_of
from arcgate.gates.core.result import NO_PIXELS, Cause, GateResult, Judged, left_out_by
from arcgate.gates.core.sensitivity_exhibits import sensitivity_exhibits
from arcgate.gates.core.set_aside import counted_by_role, roles_in_words
from arcgate.gates.core.shard import Shard, shards_of
from arcgate.gates.core.words import PLANTED_LEAKS, CauseWords
from arcgate.gates.verdict.listed import bug_models
from arcgate.ground.errors import ArcgateError, UnfitDataError
from arcgate.ground.memory import kept_memory
from arcgate.ground.progress import step
from arcgate.ground.workers import Workers
from arcgate.survey.catalogue.lens_list import known_lenses
from arcgate.variant import GATE_LISTS, Gates, View

Done = TypeVar("Done")

# So many pairs are judged by this process before another would have started: it takes some seconds to import what it needs.
PAIRS_ALONE: Final = 1500
# The refit answers *cause?*; it is no gate, and always there.
REFIT: Final = "arcgate.gates.verdict.refitted"
# Gates whose judgement takes longer than what they kept suggests.
_MANY_FITS: Final = ("arcgate.gates.published",)
# Gates that look at what is set aside, before the others see the rest.
BEFORE: Final = ("arcgate.gates.finite_pixels", "arcgate.gates.scalable_stamps")


@dataclass(frozen=True)
class _Pass:
    """One shard's share of the pass; picklable."""

    part: StampPart
    context: Context
    names: tuple[str, ...]


@dataclass(frozen=True)
class _Kept:
    """What one gate keeps of a shard, or of all of them, and why it could not look at some stamps."""

    arrays: dict[str, Kept]
    unable: str = ""


@dataclass(frozen=True)
class _Case:
    """What one gate judges; picklable."""

    name: str
    kept: _Kept
    context: Context


def run_battery(source: Source, view: View, settings: Gates, workers: int = 1) -> Judged:
    """Judge a data set as a network with this view would get it.

    Parameters
    ----------
    source : Source
        With positives and controls.
    view : View
        What the network sees.
    settings : Gates
        Which gates, margin, level, sizes of the planted leaks.
    workers : int
        Processes that read, measure and judge, where there are many pairs; no result depends on it.

    Returns
    -------
    Judged

    Raises
    ------
    ArcgateError
        The data set has one class only, or no pair whose pixels are all finite and that the view can scale; a listed module
        holds no gate, or one of another's name.
    """
    missing = {"positive", "control"} - set(source.table(["role"])["role"])
    if missing:
        raise ArcgateError(
            f"the data set has no {' and no '.join(sorted(missing))} rows: one class cannot be told from nothing",
            where=source.path,
            todo="give both classes",
        )
    lenses = known_lenses(settings.known_lenses)
    names = (REFIT, *settings.gate_modules)
    gates_of(names)  # names that two gates have are refused before anything is read
    if not source.facts.pixels:
        return _judged_without_pixels(source, context_of_rows(source, view, settings, lenses), names)
    context = context_of(source, view, settings, lenses)
    tasks = [_Pass(part, context, names) for part in source.parts()]
    alone = len(context.pairs) <= PAIRS_ALONE
    with kept_memory(), Workers(1 if alone else workers, source.path, takes_part=True) as crew:
        kept = _appended(dict(_shown(crew.completed(extracted, tasks), "reading shards", len(tasks))), source)
        full = {name: replace(each, arrays=with_rows(gate_of(name), each.arrays, source)) for name, each in kept.items()}
        cases = [_Case(name, full[name], context) for name in names if name not in settings.attack_modules]
        # What takes longest comes first, so that no process is left alone with it in the end: many fits, then what kept most.
        cases.sort(key=lambda case: (case.name not in _MANY_FITS, -_size(case.kept)))
        judged = dict(_shown(crew.completed(judgement_of, cases), "judging", len(cases)))
    found = {case.name: judged[place] for place, case in enumerate(cases)}
    attacks = [_Case(name, full[name], context) for name in settings.attack_modules]
    started = time.monotonic()
    # By itself, so that what it takes is seen apart from what all other gates take.
    done = ((place, judgement_of(case)) for place, case in enumerate(attacks))
    found |= {attacks[place].name: judgement for place, judgement in _shown(done, "attacking", len(attacks))}
    seconds = time.monotonic() - started
    return replace(_summed_up({name: found[name] for name in names}, _judged_positives(kept), context), attack_s=seconds)


def _judged_without_pixels(source: Source, context: Context, names: Sequence[str]) -> Judged:
    """What gates on columns find; all others are not run, for one reason."""
    judgements, done = {}, _shown(((0, name) for name in names), "judging", len(names))
    for _, name in done:
        gate = gate_of(name)
        if isinstance(gate, ReadsColumns):
            judgements[name] = judgement_of(_Case(name, _Kept(with_rows(gate, {}, source)), context))
        else:
            judgements[name] = _without_pixels(gate.judge({}, context))
    judgements[REFIT] = Judgement([], [], [], Cause("undetermined", NO_PIXELS))
    return _summed_up(judgements, 0, context)


def _without_pixels(judgement: Judgement) -> Judgement:
    """A judgement of a gate that had no pixels to look at."""
    return Judgement([replace(result, status="not_run", reason=NO_PIXELS) for result in judgement.results], [], [])


def _summed_up(judgements: dict[str, Judgement], rows_judged: int, context: Context) -> Judged:
    """All judgements with those that follow from them, and of gates that are left out."""
    names = (*judgements,)
    gates = gates_of(names)
    for name, gate in zip(names, gates, strict=True):
        if isinstance(gate, Summary):
            summary = gate.summarise(judgements, context)
            judgements[name] = summary if context.facts.pixels else _without_pixels(summary)
    left_out = [gate for gate in shipped_gates() if gate not in gates]
    of_gates = [*zip(gates, judgements.values(), strict=True), *((gate, _left_out(gate, context)) for gate in left_out)]
    return _evidence(of_gates, rows_judged, context)


def _left_out(gate: Gate, context: Context) -> Judgement:
    """What is said of a gate that a shorter list leaves out: a pass needs it all the same, or says that it does not."""
    if isinstance(gate, LeftOut):
        # Of a table without pixels no gate could have been asked for it.
        return Judgement([gate.left_out()] if context.facts.pixels else [], [], [])
    needed = [key.split("/") for key in gate.needed(context.facts, context.viewer.view, context.settings)]
    results = [GateResult(name=name, view=view, status="not_run", reason=left_out_by("gates.listed")) for name, view in needed]
    return Judgement(results, [], [])


def _evidence(of_gates: Sequence[tuple[Gate, Judgement]], rows_judged: int, context: Context) -> Judged:
    """All judgements together: gates first."""
    results = [result for _, judgement in of_gates for result in judgement.results]
    keys = [result.key for result in results]
    if twice := next((key for key in keys if keys.count(key) > 1), None):
        owners = [gate for gate, judgement in of_gates for result in judgement.results if result.key == twice]
        modules = " and of ".join(module_of(gate, context.settings.gate_modules) for gate in owners)
        raise ArcgateError(f"two results are called {twice}: of {modules}", where=GATE_LISTS, todo="give one another name")
    curves = [curve for _, judgement in of_gates for curve in judgement.curves]
    exhibits = [
        replace(exhibit, section=gate.words(exhibit.name).section)
        for gate, judgement in of_gates
        for exhibit in judgement.exhibits
    ]
    planted = [replace(exhibit, section=PLANTED_LEAKS) for exhibit in sensitivity_exhibits(curves, context.settings.margin)]
    named = {result.name: gate for gate, judgement in of_gates for result in judgement.results}
    cause = next(judgement.cause for _, judgement in of_gates if judgement.cause is not None)  # the refit always answers
    facts, view = context.facts, context.viewer.view
    return Judged(
        results=tuple(sorted(results, key=lambda result: result.role != "gate")),
        exhibits=(*exhibits, *planted),
        cause=replace(cause, rows_judged=rows_judged),
        level=context.settings.level,
        required=required_of([gate for gate, _ in of_gates], facts, view, context.settings),
        words={name: gate.words(name) for name, gate in named.items()},
        leaks={name: gate.cause for name, gate in named.items() if gate.cause is not None},
        bounding=tuple(name for name, gate in named.items() if gate.bounds_light),
        bugs={model.name: CauseWords(model.heading, model.advice) for model in bug_models(context.settings.bug_model_modules)},
    )


_JUDGED: Final = "positives judged"


def _judged_positives(kept: Mapping[str, _Kept]) -> int:
    return int(np.sum(cast("NDArray[np.int64]", kept[REFIT].arrays.get(_JUDGED, np.zeros(1)))))


def extracted(task: _Pass) -> dict[str, _Kept]:
    """What every gate keeps of one shard."""
    gates = {name: gate_of(name) for name in task.names}
    with threadpool_limits(1):
        pieces = [
            {name: _measured(gate, shard, name) for name, gate in gates.items()}
            for shard in shards_of(task.part.read(), task.context)
        ]
    return {name: _all([piece[name] for piece in pieces], name) for name in task.names}


def _measured(gate: Gate, shard: Shard, name: str) -> _Kept:
    """What a gate keeps of some pairs; of pairs that are set aside only those gates see anything that say so."""
    counted: dict[str, Kept] = {_JUDGED: np.array([len(shard.positive)])} if name == REFIT else {}
    if shard.judged.table.empty and name not in BEFORE:
        return _Kept({})
    try:
        return _Kept(gate.extract(shard) | counted)
    except UnfitDataError as error:
        # A host whose centre lies outside its stamp, for one: there is no view of it.
        return _Kept(counted, str(error))


def numbers(kept: Mapping[str, Kept]) -> dict[str, Any]:
    """What is handed to `judge`: totals are plain arrays by then."""
    plain = {key: value.value if isinstance(value, Total) else value for key, value in kept.items()}
    plain.pop(_JUDGED, None)
    return plain


def judgement_of(case: _Case) -> Judgement:
    """A gate's share of the evidence."""
    gate = gate_of(case.name)
    # The matrices are small: on several threads their linear algebra is slower, many times so on a busy machine.
    with threadpool_limits(1):
        arrays = numbers(case.kept.arrays)
        if case.kept.unable:
            without = gate.judge({}, case.context)
            results = [replace(result, status="not_run", reason=case.kept.unable) for result in without.results]
            return replace(without, results=results)
        return gate.judge(arrays, case.context)


def with_rows(gate: Gate, kept: dict[str, Kept], source: Source) -> dict[str, Kept]:
    """What a gate kept, with the columns of all rows that it asks for."""
    columns = gate.columns(source.facts) if isinstance(gate, ReadsColumns) else []
    return kept | {ALL_ROWS: source.table(columns)} if columns else kept


def _appended(found: Mapping[int, dict[str, _Kept]], source: Source) -> dict[str, _Kept]:
    """What was kept of all shards, in their order."""
    parts = [found[position] for position in range(len(found))]
    kept = {name: _all([part[name] for part in parts], name) for name in parts[0]}
    if not _judged_positives(kept):
        raise ArcgateError(
            f"no pair is left to be judged{_aside(kept)}",
            where=source.path,
            todo="give stamps whose pixels are numbers, and differ",
        )
    return kept


def _aside(kept: Mapping[str, _Kept]) -> str:
    """Which rows of which class were set aside."""
    said = []
    for name, marks, what in zip(BEFORE, ("broken", "flat"), ("pixels that are no numbers", "no spread"), strict=True):
        arrays = cast("Mapping[str, NDArray[Any]]", kept[name].arrays if name in kept else {})
        if marks in arrays and arrays[marks].any():
            every = counted_by_role(arrays["role"], np.ones(len(arrays["role"]), dtype=bool))
            said.append(f"{roles_in_words(counted_by_role(arrays['role'], arrays[marks]), every)} have {what}")
    return f": {'; '.join(said)}" if said else ""


def _size(kept: _Kept) -> int:
    """Values that a gate kept."""
    return sum(value.value.size if isinstance(value, Total) else value.size for value in kept.arrays.values())


def _all(parts: Sequence[_Kept], name: str) -> _Kept:
    _check_alike([part.arrays for part in parts], name)
    return _Kept(kept_by([part.arrays for part in parts]), next((part.unable for part in parts if part.unable), ""))


def _check_alike(parts: Sequence[Mapping[str, Kept]], name: str) -> None:
    """Refuse rows that cannot be appended to each other."""
    shapes: dict[str, set[tuple[int, ...]]] = {}
    for part in parts:
        for key, value in part.items():
            if isinstance(value, np.ndarray):
                shapes.setdefault(key, set()).add(value.shape[1:])
    for key, found in shapes.items():
        if len(found) > 1:
            raise ArcgateError(
                f"{name} keeps rows of different shapes from different shards: {' and '.join(map(str, sorted(found)))}",
                where=f"what it keeps as {key}",
                todo="let the columns of its features depend on the imaging alone, not on the stamps",
            )


def kept_by(parts: Sequence[Mapping[str, Kept]]) -> dict[str, Kept]:
    """What several shards gave: rows one after the other, totals added. What is one array under several keys stays one."""
    known: dict[tuple[int, ...], Kept] = {}
    arrays: dict[str, Kept] = {}
    for key in dict.fromkeys(key for part in parts for key in part):
        values = [part[key] for part in parts if key in part]
        same = tuple(map(id, values))
        if same not in known:
            known[same] = _sum(values)
        arrays[key] = known[same]
    return arrays


def _sum(values: Sequence[Any]) -> Kept:
    if len(values) == 1:
        only: Kept = values[0]
        return only
    if isinstance(values[0], Total):
        return Total(np.sum([each.value for each in values], axis=0))
    if isinstance(values[0], pd.DataFrame):
        table: pd.DataFrame = pd.concat(values, ignore_index=True)
        return table
    appended: NDArray[Any] = np.concatenate(values)
    return appended


def _shown(done: Iterator[tuple[int, Done]], what: str, total: int) -> Iterator[tuple[int, Done]]:
    """The same, counted for whoever watches."""
    with step(what, total) as advance:
        for one in done:
            advance(1)
            yield one
