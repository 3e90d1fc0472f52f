"""Digests of specifications and of code, and the keys under which artifacts are kept."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

from arcgate.code_version import code_version

if TYPE_CHECKING:
    from arcgate.data_node import Data
    from arcgate.variant import Audit, Variant


def as_plain(spec: Any) -> Any:
    """Nested plain dictionaries and lists of a specification, ready for JSON."""
    return json.loads(json.dumps(dataclasses.asdict(spec)))


def digest_of(content: object) -> str:
    """SHA-256 (hexadecimal) of a JSON-serialisable object in canonical form."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


# The modules that compute each stage's result; with them count all that they import (`arcgate.code_version`).
PIXELS: Final = ("arcgate.injection.build",)
JUDGING: Final = ("arcgate.dataset.opening", "arcgate.gates.battery", "arcgate.gates.verdict.conclude")
LEARNING: Final = ("arcgate.learning.train",)
SCORING: Final = ("arcgate.evaluation.evaluate",)
FIGURES: Final = ("arcgate.tracking.artifacts",)


def spec_digest(data: Data, hosts_digest: str) -> str:
    """Cache key of a data set: its specification, the content of its hosts and the code that determines pixels.

    Parameters
    ----------
    data : Data
        Specification. The folder of a stamp pack is left out: its content counts, not its place.
    hosts_digest : str
        Digest of the host survey's content.
    """
    content = as_plain(data)
    content["hosts"].pop("path", None)
    return digest_of({"data": content, "hosts": hosts_digest, "code": code_version(PIXELS)})


def evidence_key(data_digest: str, judged: Variant | Audit) -> str:
    """Key of the gates' evidence: data digest, view, gate settings, and the code that judges."""
    return digest_of(
        {"data": data_digest, "view": as_plain(judged.view), "gates": as_plain(judged.gates), "code": code_version(JUDGING)}
    )


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
