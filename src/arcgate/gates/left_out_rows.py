"""Gate on rows that have no stamp: whether one class lacks more of them than the other. Pure."""

from __future__ import annotations

from arcgate.dataset.source import Facts
from arcgate.foreign.left_out import CHANCE
from arcgate.gates.result import GateResult, Status

NAME = "left_out_rows"


def judge_left_out(facts: Facts) -> list[GateResult]:
    """Compare the classes by the rows that were left out when the set was opened.

    Returns
    -------
    list of GateResult
        Value: the exact two-sided probability that chance makes the classes differ as much; below `CHANCE` it fails, since what
        decides whether a stamp is there then tells the class. Empty where no row was left out.
    """
    p = facts.left_out_p
    if p is None:
        return []
    status: Status = "failed" if p < CHANCE else "passed"
    words = "more than chance explains" if status == "failed" else "no more than chance explains"
    reason = f"rows have no stamp and are left out; the classes differ in their share {words} (p = {p:.2g}, exact, two-sided)"
    result = GateResult(
        NAME, "table", "overall", "gate", p, None, None, CHANCE, None, 0, 0, status, reason, null=1.0, leak_unit=""
    )  # fmt: skip
    return [result]
