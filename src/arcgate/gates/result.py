"""What a gate says, and the evidence of a battery on disk."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from arcgate.gates.exhibit import Exhibit
from arcgate.ground.atomic import write_json
from arcgate.ground.errors import ArcgateError

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
        Smallest planted leak that would be caught in about 9 of 10 data sets like this one; the reason names it.
    n, n_groups : int
        Rows and galaxies judged.
    status : str
        passed, failed, undetermined, blind (its canary did not sing), not_run or reported.
    reason : str
        In words.
    null : float or None
        The value in a sound data set: 0.5 of an AUC, 0 of a share; None for diagnostics that have none.
    leak_unit : str
        Unit of `smallest_leak`; empty where there is none.
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
    null: float | None = field(kw_only=True)
    leak_unit: str = field(kw_only=True)

    @property
    def key(self) -> str:
        """`<name>/<view>/<stratum>`, as in the tracking database."""
        return f"{self.name}/{self.view}/{self.stratum}"


@dataclass(frozen=True)
class RefitParameter:
    """One quantity of the injection, fitted anew to the light that was found.

    Attributes
    ----------
    name : str
        flux, psf_width, wings, shift_x, shift_y, pedestal, rotation, einstein_radius, noise, ...
    band : str
        g, r, z, or all.
    value, low, high : float
        Estimate and interval; `unit` says of what.
    null : float
        Its value in a sound data set.
    margin : float
        Declared beforehand: within `null` +- `margin` it does no harm.
    unit : str
        ratio, px, rad, sky sigma ...
    """

    name: str
    band: str
    value: float
    low: float
    high: float
    null: float
    margin: float
    unit: str

    @property
    def inside(self) -> bool:
        """Whether the whole interval lies within the margin."""
        return self.null - self.margin < self.low and self.high < self.null + self.margin

    @property
    def alarming(self) -> bool:
        """Whether the interval excludes the null value and the estimate leaves the margin."""
        return (self.low > self.null or self.high < self.null) and abs(self.value - self.null) > self.margin


@dataclass(frozen=True)
class Cause:
    """The answer to *cause?*.

    Attributes
    ----------
    name : str
        physics, unknown_bug, undetermined, or names of design leaks and bugs joined by ` + `.
    sentence : str
        In words.
    measured : tuple of RefitParameter
        The refit, where it could be made.
    alarm : bool
        Whether the refit by itself found light that is not the declared arc: a bug, named or not. *safe?* is then never passed.
    rows_refitted, rows_judged : int
        Rows whose light was refitted, and rows that the gates judged.
    """

    name: str
    sentence: str
    measured: tuple[RefitParameter, ...] = ()
    alarm: bool = False
    rows_refitted: int = 0
    rows_judged: int = 0


@dataclass(frozen=True)
class Requirement:
    """One thing that *passed* needs: `what` it is in words, and the `gates` (name and view, `core/raw`) that must have passed."""

    what: str
    gates: tuple[str, ...]


@dataclass(frozen=True)
class Judged:
    """What a battery found: gates first, diagnostics after them, the figures of the report, and the refit's cause.

    `level` is the coverage of the intervals, `required` what *passed* needs on this data set.
    """

    results: tuple[GateResult, ...]
    exhibits: tuple[Exhibit, ...]
    cause: Cause
    level: float
    required: tuple[Requirement, ...]


@dataclass(frozen=True)
class Evidence:
    """The results of a battery and its two answers.

    Attributes
    ----------
    safe : {'passed', 'failed', 'undetermined'}
        Whether a network trained on the data set could cheat: `gates.safe.is_safe`.
    cause : Cause
        Physics, a design leak, a bug with its name, or undetermined.
    exhibits : tuple of Exhibit
        Figures and tables of the report.
    required : tuple of Requirement
        What *passed* needs on this data set.
    """

    key: str
    safe: Safe
    cause: Cause
    results: tuple[GateResult, ...]
    exhibits: tuple[Exhibit, ...] = ()
    required: tuple[Requirement, ...] = ()


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
        exhibits = tuple(Exhibit(**item) for item in content.pop("exhibits"))
        required = tuple(Requirement(item["what"], tuple(item["gates"])) for item in content.pop("required"))
        cause = content.pop("cause")
        measured = tuple(RefitParameter(**item) for item in cause.pop("measured"))
        answer = Cause(**cause, measured=measured)
        return Evidence(**content, cause=answer, results=results, exhibits=exhibits, required=required)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ArcgateError(f"evidence cannot be read: {error}", where=path, todo="delete it and run again") from error
