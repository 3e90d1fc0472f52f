"""The first answer, *safe?*, from the statuses of gates; which failures are beyond chance; which answers may stand together."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final, Literal

import numpy as np
from scipy.stats import norm

from arcgate.gates.core.auc_statistic import NULL_AUC
from arcgate.gates.core.required import unmet
from arcgate.gates.core.result import Cause, GateResult, Requirement, Safe
from arcgate.ground.statistics import holm

# Family-wise probability that chance alone makes any gate of a sound data set count as failed (Holm 1979).
ALARM: Final = 0.01

Kind = Literal["physics", "undetermined", "design", "bug"]
# Answers that may stand side by side. A set in which something was found is never safe; what failed beyond chance always has a
# cause, if only an unknown bug; and a design leak is known by nothing but such a failure.
ALLOWED: Final[dict[Safe, tuple[Kind, ...]]] = {
    "passed": ("physics", "undetermined"),
    "undetermined": ("physics", "undetermined", "bug"),
    "failed": ("design", "bug"),
}


def is_safe(results: Sequence[GateResult], level: float, required: Sequence[Requirement], alarm: bool) -> Safe:
    """The answer to *safe?* from gates with intervals of this coverage.

    Parameters
    ----------
    results : sequence of GateResult
    level : float
    required : sequence of Requirement
        What *passed* needs of this data set: `required.required_of`.
    alarm : bool
        Whether the refit found light that is not the declared arc.

    Returns
    -------
    {'passed', 'failed', 'undetermined'}
        'failed' if a gate failed and chance does not account for it (`beyond_chance`), unless its AUC lies below one half
        (`below_half`). 'passed' if the refit raised no alarm, every requirement is met and no gate beside the list failed; else
        'undetermined'. A gate beside the list that cannot tell (the reference on arcs that photon noise hides) decides nothing.
    """
    gates = [result for result in results if result.role == "gate"]
    if not all(below_half(gate) for gate in beyond_chance(gates, level)):
        return "failed"
    open_ = not gates or any(gate.status == "failed" for gate in gates)
    return "passed" if required and not open_ and not alarm and not unmet(required, results) else "undetermined"


def beyond_chance(gates: Sequence[GateResult], level: float) -> list[GateResult]:
    """Failed gates that chance does not account for, of gates with intervals of this coverage.

    An AUC gate of a sound set whose interval does not fit into the margin fails in one of twenty sets, so that of many such gates
    some will. Counted are those AUCs that Holm's procedure over all AUC gates (two-sided, against one half, `ALARM` family-wise)
    lets stand, and every gate of another kind (its null is a share of rows of 0): equalities, which chance cannot break, and
    counts, which have their own allowance for it.
    """
    failed = [gate for gate in gates if gate.status == "failed"]
    judged = [gate for gate in gates if gate.null == NULL_AUC and gate.value is not None]
    rejected = holm(np.array([_p_value(gate, level) for gate in judged]), ALARM)
    standing = [gate for gate, stands in zip(judged, rejected, strict=True) if stands]
    return [gate for gate in failed if gate.null != NULL_AUC or gate in standing]


def below_half(gate: GateResult) -> bool:
    """Whether a gate reads an AUC below one half, which is no leak.

    No network can use a rule that is wrong on other galaxies, and matched controls do that by themselves, since what positives
    and controls of one half differ by, those of the other half differ by with the opposite sign.
    """
    return gate.null == NULL_AUC and gate.value is not None and gate.value < NULL_AUC


def kinds_of(cause: Cause, design: Collection[str]) -> set[Kind]:
    """What a cause's names are; `design` are those of design leaks."""
    kinds: set[Kind] = set()
    for name in cause.name.split(" + "):
        if name == "physics" or name == "undetermined":
            kinds.add("physics" if name == "physics" else "undetermined")
        else:
            kinds.add("design" if name in design else "bug")
    return kinds | {"bug"} if cause.alarm else kinds


def check_allowed(safe: Safe, cause: Cause, design: Collection[str]) -> None:
    """Refuse two answers that contradict each other; `design` are the names of design leaks.

    Raises
    ------
    RuntimeError
        The pair is not in `ALLOWED`: a fault of arcgate, not of the data.
    """
    if not kinds_of(cause, design) <= set(ALLOWED[safe]):
        raise RuntimeError(
            f"the answers contradict each other: safe? {safe}, cause? {cause.name} (alarm of the refit: {cause.alarm})"
        )


def _p_value(gate: GateResult, level: float) -> float:
    """Two-sided, of an AUC of one half, from the interval; of one without width 0, unless it reads one half."""
    assert gate.value is not None  # judged
    assert gate.low is not None
    assert gate.high is not None
    if gate.low == gate.high:
        return float(gate.value == NULL_AUC)
    error = (gate.high - gate.low) / (2.0 * norm.ppf(0.5 + level / 2.0))
    return float(2.0 * norm.sf(abs(gate.value - NULL_AUC) / error))
