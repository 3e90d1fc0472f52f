"""What making a catalogue of parents would read and take, without making it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from arcgate.ground.counting import count_of
from arcgate.survey.catalogue.card import is_made
from arcgate.survey.catalogue.inputs import look_at
from arcgate.survey.catalogue.making import is_finished, parents_folder, part_tasks
from arcgate.survey.catalogue.spec import ParentsSpec

# Of one process on a core of the 2020s whose disk keeps up; measured by benchmarks/parents.py. Only for the estimate.
BYTES_PER_SECOND: Final = 5e8


def plan_lines(spec: ParentsSpec) -> list[str]:
    """Files, rows, gigabytes and rough hours of a catalogue.

    Raises
    ------
    ArcgateError
        The sweeps or lists cannot be used.
    """
    inputs = look_at(spec)
    digest = inputs.digest(spec)
    folder = parents_folder(Path(spec.runtime.data_dir), digest)
    name = f"parents {digest[:12]}: {spec.selection.name}, extinction {spec.selection.extinction}"
    lines = [f"{name}, is there ({folder})" if is_made(folder) else f"{name}, would be made"]
    for footprint, version in sorted(spec.versions.items()):
        sweeps = [one.sweep for one in inputs.sweeps if one.footprint == footprint]
        rows, size = sum(one.sweep.rows for one in sweeps), sum(one.size_bytes for one in sweeps)
        lines.append(f"  {footprint} {version}: {count_of(len(sweeps), 'sweep')}, {count_of(rows, 'row')}, {size / 1e9:.3g} GB")
    lines += [f"  known lenses: {path}" for path in spec.known_lenses]
    if not is_made(folder):
        left = [task for task in part_tasks(spec, inputs) if not is_finished(task)]
        size = sum(task.sweep.size_bytes for task in left)
        hours = size / BYTES_PER_SECOND / spec.runtime.workers / 3600.0
        pace = f"roughly {hours:.2g} hours with {count_of(spec.runtime.workers, 'process')} where the disk keeps up"
        lines.append(f"  {count_of(len(left), 'sweep')} to read, {size / 1e9:.3g} GB: {pace}")
    return lines
