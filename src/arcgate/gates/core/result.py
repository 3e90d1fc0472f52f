"""What a gate says, and the evidence of a battery on disk."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from arcgate.gates.core.exhibit import Exhibit
from arcgate.gates.core.words import CauseWords, DesignLeak, Words
from arcgate.ground.atomic import write_json
from arcgate.ground.errors import ArcgateError

Role = Literal["gate", "diagnostic"]
Status = Literal["passed", "failed", "undetermined", "insensitive", "not_run", "not_applicable", "reported"]
# What was looked at: pixels as stored, or as the view hands them to the network.
RAW = "raw"
NETWORK = "network"
Safe = Literal["passed", "failed", "undetermined"]
NO_PIXELS = "no pixels were given"
"""Reason of gates that look at pixels, where a table has none."""
NOT_ATTACKED = "gates=full runs it: no network was trained against this set"
"""Reason of attacks that no list has, which no pass needs."""
_LEFT_OUT = " leaves it out"


def left_out_by(setting: str) -> str:
    """Reason of a gate that a setting leaves out, though a pass needs it."""
    return f"{setting}{_LEFT_OUT}"


@dataclass(frozen=True, kw_only=True)
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
    null : float or None
        The value in a sound data set: 0.5 of an AUC, 0 of a share; None for diagnostics that have none.
    margin : float or None
        Declared beforehand: a gate passes when the whole interval lies within `margin` of the null value.
    detected_sensitivity : float or None
        Smallest planted leak that would be detected in about 9 of 10 data sets like this one; the reason names it.
    required_sensitivity : float or None
        The size of that leak at which it must be detected, or the gate is insensitive.
    sensitivity_unit : str
        Of both; empty where there is none.
    n, n_groups : int
        Rows and galaxies judged.
    status : str
        passed, failed, undetermined, insensitive (it did not detect a planted leak), not_run, not_applicable (the network's input
        does not show such leaks) or reported.
    reason : str
        In words.
    """

    name: str
    view: str
    stratum: str = "overall"
    role: Role = "gate"
    value: float | None = None
    low: float | None = None
    high: float | None = None
    null: float | None = None
    margin: float | None = None
    detected_sensitivity: float | None = None
    required_sensitivity: float | None = None
    sensitivity_unit: str = ""
    n: int = 0
    n_groups: int = 0
    status: Status
    reason: str

    @property
    def key(self) -> str:
        """`<name>/<view>/<stratum>`, as in the tracking database."""
        return f"{self.name}/{self.view}/{self.stratum}"

    @property
    def left_out_by(self) -> str:
        """The setting that leaves it out; empty where it ran, or the data set cannot feed it."""
        return self.reason.removesuffix(_LEFT_OUT) if self.status == "not_run" and self.reason.endswith(_LEFT_OUT) else ""


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

    Attributes
    ----------
    level : float
        Coverage of the intervals.
    required : tuple of Requirement
        What *passed* needs of this data set.
    words : dict of str to Words
        What each result is called, by its name.
    leaks : dict of str to DesignLeak
        What the failure of a result names, by its name, where it names anything.
    bounding : tuple of str
        Names of the results that bound light beyond the declared arcs.
    bugs : dict of str to CauseWords
        What the bugs that were looked for are called, by their names.
    attack_s : float
        Time that attacks took beside the other gates, seconds; no part of what was found.
    """

    results: tuple[GateResult, ...]
    exhibits: tuple[Exhibit, ...]
    cause: Cause
    level: float
    required: tuple[Requirement, ...]
    words: dict[str, Words]
    leaks: dict[str, DesignLeak]
    bounding: tuple[str, ...]
    bugs: dict[str, CauseWords]
    attack_s: float = field(default=0.0, compare=False)


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
        What *passed* needs of this data set.
    words : dict of str to Words
        What each result is called, by its name.
    causes : dict of str to CauseWords
        What the design leaks and bugs of the cause are called, by their names.
    """

    key: str
    safe: Safe
    cause: Cause
    results: tuple[GateResult, ...]
    exhibits: tuple[Exhibit, ...] = ()
    required: tuple[Requirement, ...] = ()
    words: dict[str, Words] = field(default_factory=dict)
    causes: dict[str, CauseWords] = field(default_factory=dict)

    @property
    def pixels_given(self) -> bool:
        """Whether stamps were there to be judged, and not columns alone."""
        return all(result.reason != NO_PIXELS for result in self.results)


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
        words = {name: Words(**item) for name, item in content.pop("words").items()}
        causes = {name: CauseWords(**item) for name, item in content.pop("causes").items()}
        cause = content.pop("cause")
        measured = tuple(RefitParameter(**item) for item in cause.pop("measured"))
        answer = Cause(**cause, measured=measured)
        known = {"results": results, "exhibits": exhibits, "required": required, "words": words, "causes": causes}
        return Evidence(**(content | known), cause=answer)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ArcgateError(f"evidence cannot be read: {error}", where=path, todo="delete it and run again") from error
