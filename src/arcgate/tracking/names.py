"""Names under which a study's numbers and labels are kept in MLflow.

MLflow 3.17 allows letters, digits, `_`, `-`, `.`, `:`, space and `/` in the names of metrics, parameters and tags, at most
250 characters, and refuses names that are not normal paths (`a//b`, `a/`). `:` is refused on Windows and therefore here.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
from typing import Final

from arcgate.dataset.schema import SCHEMA_VERSION
from arcgate.gates.core.result import Role, Safe
from arcgate.ground.errors import ArcgateError

STUDY: Final = "arcgate.study"
KEY: Final = "arcgate.key"
KIND: Final = "arcgate.kind"
SCHEMA: Final = "arcgate.schema"
"""Versions of the data sets' schema and of the names on runs: results under different ones are never in one table."""
LAYOUT: Final = f"{SCHEMA_VERSION}.2"
"""What this version writes there; the second number is raised when a metric, a tag or a status gets another name or meaning."""
VARIANT: Final = "arcgate.variant"
OPENED: Final = "arcgate.opened_ms"
DATA_DIGEST: Final = "arcgate.data_digest"
OUTCOME: Final = "arcgate.outcome"
"""running, finished, failed or interrupted: MLflow's own status is "failed" where a finished variant failed its gates, too."""
WANTED: Final = "arcgate.wanted"
"""On a study's experiment, `arcgate.wanted.<mark>`: a variant that was asked for, whether or not it came to have a run."""
DRAWN: Final = "arcgate.drawn"
"""On a study's run: digest of the table that its figures show."""
MADE_BY: Final = "arcgate.made_by"
"""A variant's whole name, with every setting that was typed."""
COMMIT: Final = "arcgate.commit"
CHANGED: Final = "arcgate.changed_since_commit"
COMMAND: Final = "arcgate.command"
MODEL: Final = "arcgate.model"
"""URI of a run's network, which `mlflow.pyfunc.load_model` takes."""
FORCED: Final = "arcgate.forced"
"""Why `arcgate train` would have refused what `force=true` made it train."""
SAFE: Final = "arcgate.safe"
SECTIONS: Final = "arcgate.gate_sections"
"""Section of the report of each result, by its name, as JSON."""
CAUSE: Final = "arcgate.cause"
CAUSE_SENTENCE: Final = "arcgate.cause_sentence"
WORST_GATE: Final = "worst_gate"
"""The gate that failed and lies furthest from its null value, `<name>/<view>`."""
NOTE: Final = "mlflow.note.content"
"""Description of a run or an experiment, in Markdown; MLflow's pages show it."""

KIND_STUDY: Final = "study"
KIND_VARIANT: Final = "variant"

SAFE_NUMBER: Final = "safe"
"""Metric: 1 passed, 0 failed, 0.5 undetermined, so that runs can be sorted and filtered by it."""
SAFE_NUMBERS: Final[dict[Safe, float]] = {"passed": 1.0, "failed": 0.0, "undetermined": 0.5}
GATES_FAILED: Final = "gates_failed"
WORST_DISTANCE: Final = "worst_distance"
"""How far the worst gate lies from its null value: 0 at it, 1 where the classes are told apart by it altogether."""

LOW: Final = "low"
HIGH: Final = "high"
STATUS: Final = "status"
DETECTED: Final = "detected_sensitivity"
REQUIRED: Final = "required_sensitivity"
JUDGED_PREFIXES: Final = ("gate/", "diagnostic/")
"""What carries a status: gates decide, diagnostics never do."""
RESULT_PREFIXES: Final = (
    "gate/",
    "diagnostic/",
    "verdict/",
    "test/",
    "common/",
    "common_leaked/",
    "realistic/",
    "realistic_leaked/",
)
"""Order of the results in a table; other test grounds, whose metrics carry their names, follow."""

NAME_LENGTH: Final = 250
# Limits of MLflow 3.17 for what is kept under these names, in characters. It cuts off longer parameters and tags without a word,
# so that two that differ at their ends look alike; it refuses longer names of data sets, and its database may those of runs.
RUN_NAME_LENGTH: Final = 250
DATASET_NAME_LENGTH: Final = 500
PARAM_LENGTH: Final = 6000
TAG_LENGTH: Final = 8000
_MARK: Final = 12
_ALLOWED: Final = re.compile(r"[A-Za-z0-9_./ -]+")


def result(role: Role, name: str, view: str, stratum: str) -> str:
    """Metric of a value, and tag of its status: `<role>/<name>/<view>/<stratum>`, the role being gate or diagnostic.

    The role is part of the name, so that whoever reads a run knows what decides, whatever the status.

    Raises
    ------
    ArcgateError
        If MLflow would refuse the name.
    """
    return checked(f"{role}/{name}/{view}/{stratum}")


def verdict(quantity: str, band: str) -> str:
    """Metric of a quantity of the refit: `verdict/<quantity>/<band>`.

    Raises
    ------
    ArcgateError
        If MLflow would refuse the name.
    """
    return checked(f"verdict/{quantity}/{band}")


def checked(name: str) -> str:
    """Return the name of a metric, parameter or tag if MLflow accepts it.

    Raises
    ------
    ArcgateError
        Naming the characters that are not allowed.
    """
    if len(name) > NAME_LENGTH:
        raise ArcgateError(f"a name of {len(name)} characters; MLflow allows {NAME_LENGTH}", where=name)
    if _ALLOWED.fullmatch(name) is None:
        bad = sorted(set(_ALLOWED.sub("", name)))
        raise ArcgateError(
            f"MLflow does not allow the characters {bad} in a name" if bad else "MLflow does not allow an empty name",
            where=repr(name),
            todo="use letters, digits, underscore, dash, period, space and slash; write '<' as 'lt' and '>=' as 'ge'",
        )
    if posixpath.normpath(name) != name or name.startswith(("/", "..")) or name == ".":
        raise ArcgateError("MLflow refuses a name that is not a normal relative path", where=repr(name))
    return name


def fitting(text: str, length: int) -> str:
    """Return a text that MLflow can hold: itself, or its beginning and a mark that tells it from others that begin alike.

    Examples
    --------
    >>> fitting("recommended", 250)
    'recommended'
    """
    if len(text) <= length:
        return text
    mark = hashlib.sha256(text.encode()).hexdigest()[:_MARK]
    return f"{text[: length - _MARK - 4]}... {mark}"
