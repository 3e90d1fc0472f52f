"""The keys under which evidence, trainings and scores are kept; that of a data set is in `injection/spec_digest.py`."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

from arcgate.ground.code_version import code_version
from arcgate.ground.hashing import as_plain, digest_of
from arcgate.ground.listed import full_name, modules_of, package_files, source_file
from arcgate.learning_node import OBJECTIVE_SETTING, OBJECTIVES
from arcgate.variant import GATES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from arcgate.grounds import GroundName
    from arcgate.variant import Audit, Gates, Variant


# The modules that compute each stage's result; with them count all that they import (`arcgate.ground.code_version`).
JUDGING: Final = (
    "arcgate.foreign.opening",
    "arcgate.gates.core.battery",
    "arcgate.gates.verdict.refitted",
    "arcgate.gates.verdict.conclude",
    "arcgate.sampled",
)
LEARNING: Final = ("arcgate.learning.train",)
SCORING: Final = ("arcgate.evaluation.evaluate",)
FIGURES: Final = ("arcgate.tracking.artifacts",)


def evidence_key(data_digest: str, judged: Variant | Audit) -> str:
    """Key of the gates' evidence: data digest, view, settings, and the code that judges, listed gates and bug models included.

    Modules of other packages count by the bytes of all modules and data files of their package.

    Raises
    ------
    ArcgateError
        A module that is listed is not there.
    """
    settings = judged.gates
    files = {name: source_file(name, setting) for setting, names in settings.modules.items() for name in names}
    others = {file for name, found in files.items() if not _is_ours(name) for file in package_files(name, found)}
    return digest_of(
        {
            "data": data_digest,
            "view": as_plain(judged.view),
            "gates": as_plain(settings),
            "code": code_version(judging_modules(settings)),
            "files": sorted((file.name, _digest(file)) for file in others),
            "sampling": as_plain(judged.sampling),
            "known lenses": [_digest(file) for file in map(Path, settings.known_lenses) if file.is_file()],
        }
    )


def judging_modules(settings: Gates) -> tuple[str, ...]:
    """The modules of arcgate that judge: also gates that are not listed, since a pass needs them all the same."""
    listed = dict.fromkeys((*modules_of(GATES), *settings.gate_modules, *settings.bug_model_modules))
    return (*JUDGING, *filter(_is_ours, listed))


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _is_ours(module: str) -> bool:
    return module.startswith("arcgate.")


def training_key(data_digest: str, variant: Variant) -> str:
    """Key of a training: data digest, view, learning, and the code that trains; every study finds the same training.

    An objective of another package counts as a gate does, and a file of weights by its bytes; callbacks by what is typed alone.
    """
    objective = full_name(variant.learning.objective.module, OBJECTIVES)
    file = source_file(objective, OBJECTIVE_SETTING)
    ours = (objective,) if _is_ours(objective) else ()
    weights = Path(variant.learning.weights or "")
    return digest_of(
        {
            "data": data_digest,
            "view": as_plain(variant.view),
            "learning": as_plain(variant.learning),
            "code": code_version((*LEARNING, *ours)),
            "files": [] if ours else sorted((each.name, _digest(each)) for each in package_files(objective, file)),
            "weights": _digest(weights) if weights.is_file() else None,
        }
    )


def scoring_key(training: str, grounds: Mapping[GroundName, str], absent: Mapping[GroundName, str], variant: Variant) -> str:
    """Key of an evaluation: the training, the shared test sets, the settings and the code that scores.

    Parameters
    ----------
    training : str
        Key of the training.
    grounds : mapping of str to str
        Data digest of each shared test set, by name.
    absent : mapping of str to str
        Why others are not available.
    variant : Variant
    """
    settings = {name: value for name, value in as_plain(variant.evaluation).items() if name not in ("common", "realistic")}
    sets = {"sets": dict(grounds), "absent": dict(absent)}
    return digest_of({"training": training, **sets, "evaluation": settings, "code": code_version(SCORING)})
