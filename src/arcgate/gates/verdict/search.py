"""The search for explanations: transformations first, then known bugs, one after another in what the ones before leave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from arcgate.gates.core.result import RefitParameter
from arcgate.gates.verdict.believing import GAIN, believable, believable_turn, plain_below_margin, without_light
from arcgate.gates.verdict.bug_model import UNKNOWN
from arcgate.gates.verdict.explaining import Explained, explain, without
from arcgate.gates.verdict.geometry import Transformed, transformed
from arcgate.gates.verdict.refit import LEVEL, Estimate, estimates
from arcgate.gates.verdict.rows import RefitRows
from arcgate.ground.statistics import holm

# Family-wise probability of an alarm on sound data: of all quantities together (Holm 1979).
ALARM: Final = 0.002
_MOST_DEFECTS: Final = 3
# Share of a large defect's score that first-order predictions may leave.
_OF_A_STEP: Final = 0.1
# A row's light is unexplained where, beyond twice what noise brings, it differs from every prediction by more than this share of
# the arc's power: a tenth of its amplitude; and by this share of the power that first-order predictions took away.
_UNEXPLAINED: Final = 0.01
_OF_NOISE: Final = 2.0
# Nothing else is looked for where an explanation leaves this share of the odd rows' light.
_SETTLED: Final = 0.05
# A row is explained where more than half of its light is.
_HALF: Final = 0.5


def alarms_of(rows: RefitRows, found: Sequence[Estimate] | None = None) -> list[RefitParameter]:
    """Quantities that leave their margin and whose deviation is no accident, by Holm's procedure over all of them."""
    found = estimates(rows) if found is None else found
    measured = [estimate.parameter(LEVEL, rows.hosts_hide) for estimate in found]
    p_values = np.array([estimate.p_value for estimate in found])
    rejected = holm(p_values, ALARM)
    order = [int(place) for place in np.argsort(p_values, kind="stable") if rejected[place]]
    return [measured[place] for place in order if abs(measured[place].value) > measured[place].margin]


def findings_of(rows: RefitRows, alarms: Sequence[RefitParameter]) -> tuple[list[Explained], RefitRows]:
    """The best explanation, others of what it leaves, and the rows after all of them.

    Parameters
    ----------
    rows : RefitRows
    alarms : sequence of RefitParameter
        Of these rows: `alarms_of`.
    """
    best = _best(rows, alarms)
    turned = _turned(rows, best, alarms)
    if turned is not None:
        return [turned.explained], _beyond(rows, turned)
    findings: list[Explained] = []
    left = rows
    while best is not None and best.score >= _worth(findings):
        bug = best.explanation.bug
        if findings and bug == UNKNOWN:
            break
        left = without(left, best)
        if bug not in [finding.explanation.bug for finding in findings]:
            findings.append(best)
        # Where most arcs are missing, what is left is no arc that units, PSFs or shifts could explain.
        if len(findings) == _MOST_DEFECTS or (best.explanation.nothing_left and best.share > _HALF):
            break
        best = _best(left, alarms_of(left))
    return findings, left


def odd_rows(rows: RefitRows, left: RefitRows, exact: bool) -> NDArray[np.bool_]:
    """Rows whose light no explanation accounts for, (n,); none where hosts hide it.

    Parameters
    ----------
    rows, left : RefitRows
        Before and after the explanations found are taken away.
    exact : bool
        Whether these hold at any size; else a share of what they took away is expected to be left.
    """
    if rows.hosts_hide:
        return np.zeros(len(rows.groups), dtype=bool)
    at = left.place("flux")
    power = left.product[:, :, at, at].sum(axis=1)
    taken = 0.0 if exact else _OF_A_STEP * (rows.squared - left.squared).sum(axis=1).clip(min=0.0)
    odd: NDArray[np.bool_] = left.squared.sum(axis=1) > _OF_NOISE * rows.expected.sum(axis=1) + _UNEXPLAINED * power + taken
    return odd


def mostly_left(rows: RefitRows, left: RefitRows) -> tuple[int, int]:
    """Of how many odd rows the explanations leave most of the light, and how many odd rows there are."""
    odd = odd_rows(rows, rows, exact=True)
    before, after = ((each.squared - rows.expected).sum(axis=1)[odd] for each in (rows, left))
    return int((after > _HALF * before).sum()), int(odd.sum())


def _best(rows: RefitRows, alarms: Sequence[RefitParameter]) -> Explained | None:
    """The explanation of the highest score among those that are believable on their own."""
    ranked = sorted((without_light(rows, explain(rows, each)) for each in rows.explanations), key=lambda fit: -fit.score)
    alarming = {alarm.name for alarm in alarms}
    if plain := plain_below_margin(rows, ranked):
        return plain
    return next((fit for fit in ranked if believable(rows, fit, alarming)), None)


def _turned(rows: RefitRows, best: Explained | None, alarms: Sequence[RefitParameter]) -> Transformed | None:
    """The best transformation, if it explains more than the best of the others."""
    odd = odd_rows(rows, rows, exact=True)
    arcs_are_off = any(alarm.name != "noise" for alarm in alarms)
    if rows.scene is None or not (arcs_are_off or best is not None or odd.any()):
        return None
    if best is not None and odd.any():
        share = without(rows, best).squared[odd].sum(axis=1) / rows.squared[odd].sum(axis=1)
        if float(np.median(share)) < _SETTLED:
            return None
    where = odd if odd.any() else np.ones(len(odd), dtype=bool)
    found = [each for each in transformed(rows, where) if believable_turn(rows, each, where)]
    first = max(found, key=lambda each: each.explained.score, default=None)
    if first is None or (best is not None and best.score + GAIN > first.explained.score):
        return None
    return first


def _beyond(rows: RefitRows, found: Transformed) -> RefitRows:
    """The rows after a transformation: nothing else is looked for in those that it holds in."""
    touched = found.explained.touched
    left = (rows.squared - 2.0 * found.found + found.product).clip(min=0.0)
    return replace(
        rows,
        squared=np.where(touched[:, None], left, rows.squared),
        found=np.where(touched[:, None, None], 0.0, rows.found),
        noise=np.where(touched[:, None], found.noise, rows.noise),
    )


def _worth(findings: Sequence[Explained]) -> float:
    """Score that a further explanation must have: what first-order predictions leave of a large defect is none of its own."""
    return max([_OF_A_STEP * finding.score for finding in findings if not finding.explanation.exact], default=0.0)
