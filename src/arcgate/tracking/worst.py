"""The gate that failed worst, for lists in which there is room for one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from arcgate.gates.core.result import GateResult

# The null value of an AUC lies in the middle of its range; that of a share of rows at one end.
_HALF: Final = 0.5


@dataclass(frozen=True)
class Worst:
    """A failed gate, `<name>/<view>`, and how far its value lies from its null value: 0 at it, 1 as far as can be."""

    gate: str
    distance: float


def worst_gate(results: Sequence[GateResult]) -> Worst | None:
    """Of the gates that failed, the one whose value lies furthest from its null value; or None."""
    failed = [Worst(f"{result.name}/{result.view}", _distance(result)) for result in results if _fails(result)]
    return max(failed, key=lambda worst: worst.distance, default=None)


def _fails(result: GateResult) -> bool:
    return result.role == "gate" and result.status == "failed"


def _distance(result: GateResult) -> float:
    if result.value is None or result.null is None:
        return 0.0
    return abs(result.value - result.null) / max(result.null, 1.0 - result.null)
