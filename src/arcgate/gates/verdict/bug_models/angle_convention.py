"""Position angles, shears or places of sources are read in another convention: axes, directions, signs."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pandas as pd

from arcgate.gates.verdict.bug_model import BugModel, Transformation
from arcgate.gates.verdict.bug_models import orientation
from arcgate.gates.verdict.conventions import ANGLES, AS_IS, PLACES, SHEARS, Convention, Images, read_as
from arcgate.gates.verdict.trial import LEAST_GAIN, Transform, Trial

_NAME: Final = "angle_convention"
# Steps of one column each.
_STEPS: Final = 4


def steps(convention: Convention) -> list[Convention]:
    """Conventions that differ in one column, or in angles that are commonly mistaken together."""
    single = [
        *[replace(convention, lens=name) for name in ANGLES],
        *[replace(convention, source=name) for name in ANGLES],
        *[replace(convention, shear=name) for name in SHEARS],
        *[replace(convention, place=name) for name in PLACES],
    ]
    shared = [name for name in ANGLES if name in SHEARS and name != AS_IS]
    both = [replace(convention, lens=name, source=name) for name in ANGLES if name != AS_IS]
    both += [replace(convention, lens=name, shear=name) for name in shared]
    both += [replace(convention, lens=name, source=name, shear=name) for name in shared]
    return [step for step in dict.fromkeys([*single, *both]) if step != convention]


def _read_otherwise(trial: Trial) -> Transform | None:
    """The best convention; where that turns everything together, it is an orientation, if that is looked for."""
    convention = _descended(trial)
    if convention == Convention():
        return None
    turned = convention in [each.convention for each in orientation.ORIENTATIONS]
    name = orientation.MODEL.name if turned and orientation.MODEL in trial.rows.models else _NAME

    def read(table: pd.DataFrame, arc: Images) -> Images:
        return read_as(trial.scene, table, arc, convention)

    return Transform(name, convention.in_words(), read)


def _descended(trial: Trial) -> Convention:
    """The convention that explains the rows tried best, one column after another."""
    few = trial.few
    best, score = Convention(), 0.0
    seen: dict[Convention, float] = {best: 0.0}
    for _ in range(_STEPS):
        for step in steps(best):
            if step not in seen:
                seen[step] = trial.gain(read_as(trial.scene, few.table, few.arc, step))
        ahead = max(seen, key=lambda each: seen[each])
        if seen[ahead] < score + LEAST_GAIN:
            break
        best, score = ahead, seen[ahead]
    return best


MODEL = BugModel(
    _NAME,
    title="another convention of angles or signs",
    advice="Check from which axis and in which direction position angles and shears count, and the signs of source offsets.",
    transformation=Transformation(_read_otherwise, of_columns=True),
    identifiability={_NAME: ("identifiable", "identifiable", "identifiable")},
)
