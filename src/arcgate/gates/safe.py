"""The first answer, *safe?*, from the gates' statuses; and which failures chance does not account for. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from scipy.stats import norm

from arcgate.gates.auc_judging import NULL_AUC
from arcgate.gates.result import GateResult, Safe

# Family-wise probability that chance alone makes any gate of a sound data set count as failed (Holm 1979).
ALARM: Final = 0.01


def is_safe(results: Sequence[GateResult], level: float) -> Safe:
    """The answer to *safe?* from gates with intervals of this coverage.

    Returns
    -------
    {'passed', 'failed', 'undetermined'}
        'failed' if a gate failed and chance does not account for it (`beyond_chance`), unless its AUC lies below one half
        (`below_half`); 'passed' if every gate passed; else 'undetermined'.
    """
    gates = [result for result in results if result.role == "gate"]
    if not all(below_half(gate) for gate in beyond_chance(gates, level)):
        return "failed"
    return "passed" if gates and all(gate.status == "passed" for gate in gates) else "undetermined"


def beyond_chance(gates: Sequence[GateResult], level: float) -> list[GateResult]:
    """Failed gates that chance does not account for, of gates with intervals of this coverage.

    An AUC gate of a sound set whose interval does not fit into the margin fails in one of twenty sets, so that of many such gates
    some will. Counted are failed equalities, which chance cannot break, and those AUCs that Holm's procedure over all AUC gates
    (two-sided, against one half, `ALARM` family-wise) lets stand.
    """
    failed = [gate for gate in gates if gate.status == "failed"]
    counted = [gate for gate in failed if not gate.margin or gate.low == gate.high]
    judged = [gate for gate in gates if gate.margin and gate.low != gate.high and gate.value is not None]
    standing = []
    ranked = sorted(((_p_value(gate, level), place) for place, gate in enumerate(judged)), key=lambda pair: pair[0])
    for rank, (probability, place) in enumerate(ranked):
        if probability > ALARM / (len(judged) - rank):
            break
        if judged[place].status == "failed":
            standing.append(judged[place])
    return [gate for gate in failed if gate in counted or gate in standing]


def below_half(gate: GateResult) -> bool:
    """Whether a gate reads an AUC below one half, which is no leak.

    No network can use a rule that is wrong on other galaxies, and matched controls do that by themselves, since what positives
    and controls of one half differ by, those of the other half differ by with the opposite sign.
    """
    return gate.null == NULL_AUC and gate.value is not None and gate.value < NULL_AUC


def _p_value(gate: GateResult, level: float) -> float:
    """Two-sided, of an AUC of one half, from the interval."""
    assert gate.value is not None  # judged
    assert gate.low is not None
    assert gate.high is not None
    error = (gate.high - gate.low) / (2.0 * norm.ppf(0.5 + level / 2.0))
    return float(2.0 * norm.sf(abs(gate.value - NULL_AUC) / error))
