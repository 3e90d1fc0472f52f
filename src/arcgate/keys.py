"""The keys under which evidence, trainings and scores are kept; that of a data set is in `injection/spec_digest.py`."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from arcgate.ground.code_version import code_version
from arcgate.ground.hashing import as_plain, digest_of
from arcgate.ground.listed import full_name, source_file
from arcgate.variant import BUG_MODELS, GATES

if TYPE_CHECKING:
    from arcgate.variant import Audit, Gates, Variant


# The modules that compute each stage's result; with them count all that they import (`arcgate.ground.code_version`).
JUDGING: Final = (
    "arcgate.foreign.opening",
    "arcgate.gates.core.battery",
    "arcgate.gates.verdict.refitted",
    "arcgate.gates.verdict.conclude",
)
LEARNING: Final = ("arcgate.learning.train",)
SCORING: Final = ("arcgate.evaluation.evaluate",)
FIGURES: Final = ("arcgate.tracking.artifacts",)


def evidence_key(data_digest: str, judged: Variant | Audit) -> str:
    """Key of the gates' evidence: data digest, view, settings, and the code that judges, listed gates and bug models included.

    Modules of other packages count by the text of their file.

    Raises
    ------
    ArcgateError
        A module that is listed is not there.
    """
    modules = listed_modules(judged.gates)
    files = [source_file(name, GATES, "gates") for name in modules if not _is_ours(name)]
    return digest_of(
        {
            "data": data_digest,
            "view": as_plain(judged.view),
            "gates": as_plain(judged.gates),
            "code": code_version((*JUDGING, *filter(_is_ours, modules))),
            "files": [hashlib.sha256(file.read_bytes()).hexdigest() for file in files],
        }
    )


def listed_modules(settings: Gates) -> tuple[str, ...]:
    """Whole names of the modules that the settings list: gates and bug models."""
    gates = [full_name(name, GATES) for name in settings.listed]
    return (*gates, *[full_name(name, BUG_MODELS) for name in settings.bug_models])


def _is_ours(module: str) -> bool:
    return module.startswith("arcgate.")


def training_key(data_digest: str, variant: Variant) -> str:
    """Key of a training: data digest, view, learning, and the code that trains; every study finds the same training."""
    return digest_of(
        {
            "data": data_digest,
            "view": as_plain(variant.view),
            "learning": as_plain(variant.learning),
            "code": code_version(LEARNING),
        }
    )


def scoring_key(training: str, common_digest: str, variant: Variant) -> str:
    """Key of an evaluation: the training, the common test set, the settings and the code that scores."""
    settings = as_plain(variant.evaluation)
    settings.pop("common")
    return digest_of({"training": training, "common": common_digest, "evaluation": settings, "code": code_version(SCORING)})
