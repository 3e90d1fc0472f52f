"""From the sweeps of a survey to a catalogue of parents: files side by side, each kept as it is finished."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from arcgate.ground.atomic import remove_leftovers
from arcgate.ground.code_version import code_version
from arcgate.ground.counting import count_of
from arcgate.ground.errors import ArcgateError
from arcgate.ground.locks import locked
from arcgate.ground.progress import say, step
from arcgate.ground.workers import completed
from arcgate.survey.catalogue.card import CARD, is_made, write_card
from arcgate.survey.catalogue.columns import PARENTS
from arcgate.survey.catalogue.flow import Counts
from arcgate.survey.catalogue.inputs import CATALOGUE, Inputs, look_at
from arcgate.survey.catalogue.merging import Part, merge
from arcgate.survey.catalogue.part import PartTask, Receipt, make_part, receipt_of
from arcgate.survey.catalogue.spec import ParentsSpec


def make_parents(spec: ParentsSpec) -> Path:
    """Make the catalogue of a specification, unless it is there.

    What a sweep yields is kept in `<data_dir>/parents/parts/`: a run that was killed goes on from there, and of sweeps that are
    added later those alone are read. The catalogue does not depend on the order of files or on the number of processes.

    Parameters
    ----------
    spec : ParentsSpec

    Returns
    -------
    Path
        Folder `<data_dir>/parents/<digest>` with `parents.parquet` and `card.json`, which is written last.

    Raises
    ------
    ArcgateError
        There are no sweeps, some cannot be used, a list of known lenses cannot be read, nothing is left, or the disk refuses.
    """
    inputs = look_at(spec)
    digest = inputs.digest(spec)
    folder = parents_folder(Path(spec.runtime.data_dir), digest)
    if is_made(folder):
        return folder
    with locked(folder):
        if not is_made(folder):
            (folder / CARD).unlink(missing_ok=True)
            remove_leftovers(folder)
            parts = _made(spec, inputs)
            _refuse_nothing(spec, parts)
            with step("writing the catalogue"):
                merged = merge(parts, spec.bands, spec.twin_radius_arcsec, folder / PARENTS)
            write_card(folder, digest, code_version(CATALOGUE), spec, inputs, parts, merged)
    return folder


def parents_folder(data_dir: Path, digest: str) -> Path:
    """Where a catalogue lies."""
    return data_dir / "parents" / digest


def part_tasks(spec: ParentsSpec, inputs: Inputs) -> list[PartTask]:
    """One task a sweep, the largest first, so that no process works on a large one while others have none left."""
    folder = Path(spec.runtime.data_dir) / "parents" / "parts"
    keys = [inputs.part_key(one) for one in inputs.sweeps]
    tasks = [
        PartTask(one.sweep, one.footprint, spec.wanted, folder / f"{key}.parquet")
        for one, key in zip(inputs.sweeps, keys, strict=True)
    ]
    return sorted(tasks, key=lambda task: (-task.sweep.sweep.rows, task.path))


def is_finished(task: PartTask) -> bool:
    """Whether the part of a task was made before."""
    return receipt_of(task.path) is not None


def _made(spec: ParentsSpec, inputs: Inputs) -> list[Part]:
    tasks = part_tasks(spec, inputs)
    folder = tasks[0].path.parent
    found: dict[int, Receipt | ArcgateError] = {}
    # Two catalogues may want parts of the same sweeps: one reads, the other waits and finds what is there.
    with locked(folder):
        remove_leftovers(folder)
        kept = sum(map(is_finished, tasks))
        if kept:
            say(f"{kept:,} of {count_of(len(tasks), 'sweep')} read before")
        with step("reading sweeps", len(tasks)) as advance:
            for number, result in completed(_attempted, tasks, spec.runtime.workers, folder):
                found[number] = result
                advance(1)
    failed = [found[number] for number in range(len(tasks)) if isinstance(found[number], ArcgateError)]
    if failed:
        raise _together(failed, len(tasks))
    receipts = [found[number] for number in range(len(tasks))]
    return [
        Part(task.path, task.footprint, receipt)
        for task, receipt in zip(tasks, receipts, strict=True)
        if isinstance(receipt, Receipt)
    ]


def _attempted(task: PartTask) -> Receipt | ArcgateError:
    """A part, or what is wrong with it: raised once the others are made."""
    try:
        return make_part(task)
    except ArcgateError as error:
        return error


def _together(failed: Sequence[Receipt | ArcgateError], count: int) -> ArcgateError:
    first = next(one for one in failed if isinstance(one, ArcgateError))
    if len(failed) == 1:
        return first
    return ArcgateError(
        f"{len(failed)} of {count_of(count, 'sweep')} could not be read; the others are kept. The first: {first.what}",
        where=first.where,
        todo=first.todo,
    )


def _refuse_nothing(spec: ParentsSpec, parts: Sequence[Part]) -> None:
    """Raise where no object is left, naming the cut that took the last ones."""
    counts = sum((part.receipt.counts for part in parts), start=Counts.none(spec.selection))
    read = sum(part.receipt.rows_read for part in parts)
    last = [sum(column) for column in zip(*(part.receipt.lenses for part in parts), strict=True)]
    words = [f"the cut {name} ({cut.in_words()})" for name, cut in spec.selection.cuts.items()]
    words += [f"the list of known lenses {path}" for path in spec.known_lenses]
    left = [*counts.chosen, *last]
    if left[-1]:
        return
    number = left.index(0)
    before = read if number == 0 else left[number - 1]
    if not before:
        raise ArcgateError(
            f"no object was read: of {count_of(len(parts), 'sweep')} none holds a row",
            where=spec.root,
            todo="take other sweeps, or download them again",
        )
    raise ArcgateError(
        f"no object of {read:,} is left: {words[number]} took the last {before:,}",
        where=spec.root,
        todo="widen that cut (selection.cuts.<name>.<number>=...), or take other sweeps",
    )
