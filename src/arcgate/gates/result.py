"""What a gate says, and the evidence of a battery on disk."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from arcgate.dataset.atomic import write_json
from arcgate.errors import ArcgateError

Role = Literal["gate", "diagnostic"]
Status = Literal["passed", "failed", "undetermined", "blind", "not_run", "reported"]
# What was looked at: pixels as stored, or as the view hands them to the network.
RAW = "raw"
NETWORK = "network"
Safe = Literal["passed", "failed", "undetermined"]


@dataclass(frozen=True)
class GateResult:
    """One number that a gate or diagnostic produced, and its standing.

    Attributes
    ----------
    name, view, stratum : str
        What was judged; `view` is raw (pixels as stored) or network (as the view hands them over), or table.
    role : {'gate', 'diagnostic'}
        Diagnostics are reported and never decide.
    value, low, high : float or None
        An AUC with its interval, or a share of rows.
    margin : float or None
        Declared beforehand: a gate passes when the whole interval lies within `margin` of the null value.
    smallest_leak : float or None
        Smallest planted leak that fired, in units of the sky's standard deviation per pixel.
    n, n_groups : int
        Rows and galaxies judged.
    status : str
        passed, failed, undetermined, blind (its canary did not sing), not_run or reported.
    reason : str
        In words.
    """

    name: str
    view: str
    stratum: str
    role: Role
    value: float | None
    low: float | None
    high: float | None
    margin: float | None
    smallest_leak: float | None
    n: int
    n_groups: int
    status: Status
    reason: str

    @property
    def key(self) -> str:
        """`<name>/<view>/<stratum>`, as in the tracking database."""
        return f"{self.name}/{self.view}/{self.stratum}"


@dataclass(frozen=True)
class Evidence:
    """The results of a battery and its two answers.

    Attributes
    ----------
    safe : {'passed', 'failed', 'undetermined'}
        Whether a network trained on the data set could cheat: failed if any gate failed, passed if all passed.
    cause : str
        What failed, in words; empty when nothing did.
    """

    key: str
    safe: Safe
    cause: str
    results: tuple[GateResult, ...]


def conclude(key: str, results: list[GateResult]) -> Evidence:
    """The two answers that follow from the gates' statuses."""
    gates = [result for result in results if result.role == "gate"]
    failed = [result for result in gates if result.status == "failed"]
    open_ = [result for result in gates if result.status not in ("passed", "failed")]
    safe: Safe = "failed" if failed else "undetermined" if open_ or not gates else "passed"
    cause = "; ".join(f"{result.name}/{result.view}: {result.reason}" for result in failed)
    return Evidence(key=key, safe=safe, cause=cause, results=tuple(results))


def write_evidence(evidence: Evidence, path: Path) -> None:
    """Write evidence.json, in one step."""
    write_json(path, asdict(evidence))


def read_evidence(path: Path) -> Evidence:
    """Read evidence.json.

    Raises
    ------
    ArcgateError
        The file is not evidence as this version writes it.
    """
    try:
        content = json.loads(path.read_text())
        results = tuple(GateResult(**item) for item in content.pop("results"))
        return Evidence(**content, results=results)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ArcgateError(f"evidence cannot be read: {error}", where=path, todo="delete it and run again") from error
