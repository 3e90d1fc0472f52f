"""Digests of specifications and of code, and the keys under which artifacts are kept."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

from arcgate.data_node import Data
from arcgate.variant import Audit, Variant


def as_plain(spec: Any) -> Any:
    """Nested plain dictionaries and lists of a specification, ready for JSON."""
    return json.loads(json.dumps(dataclasses.asdict(spec)))


def digest_of(content: object) -> str:
    """SHA-256 (hexadecimal) of a JSON-serialisable object in canonical form."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def code_version(packages: tuple[str, ...]) -> str:
    """SHA-256 over the source files of some of arcgate's packages, so that changed code never meets a stale cache."""
    root = Path(__file__).parent
    digest = hashlib.sha256()
    for package in sorted(packages):
        source = root / package
        for file in sorted(source.rglob("*")) if source.is_dir() else [source]:
            if file.suffix in (".py", ".json"):
                digest.update(file.relative_to(root).as_posix().encode())
                digest.update(file.read_bytes())
    return digest.hexdigest()


PIXEL_CODE = ("survey", "lensing", "injection", "dataset/schema.py", "dataset/digests.py", "dataset/missing.py")
_READING_CODE = ("dataset/schema.py", "dataset/reader.py", "dataset/shard_reading.py", "views")
_OPENING_CODE = tuple(
    f"dataset/{name}.py" for name in ("source", "opening", "foreign", "pairing", "measuring", "older_layouts", "arrays")
)
JUDGING_CODE = ("gates", "lensing", "injection", "dataset/missing.py", *_OPENING_CODE, *_READING_CODE)
LEARNING_CODE = ("learning", *_READING_CODE)
FIGURE_CODE = ("figures", "tracking/artifacts.py")
SCORING_CODE = ("evaluation", "learning", "gates/statistics.py", *_READING_CODE)


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
    return digest_of({"data": content, "hosts": hosts_digest, "code": code_version(PIXEL_CODE)})


def evidence_key(data_digest: str, judged: Variant | Audit) -> str:
    """Key of the gates' evidence: data digest, view, gate settings, and the code that judges."""
    return digest_of(
        {"data": data_digest, "view": as_plain(judged.view), "gates": as_plain(judged.gates), "code": code_version(JUDGING_CODE)}
    )


def training_key(data_digest: str, variant: Variant) -> str:
    """Key of a training: data digest, view, learning, study, and the code that trains."""
    return digest_of(
        {
            "data": data_digest,
            "view": as_plain(variant.view),
            "learning": as_plain(variant.learning),
            "study": variant.study,
            "code": code_version(LEARNING_CODE),
        }
    )


def scoring_key(training: str, common_digest: str, variant: Variant) -> str:
    """Key of an evaluation: the training, the common test set, the settings and the code that scores."""
    settings = as_plain(variant.evaluation)
    settings.pop("common")
    return digest_of({"training": training, "common": common_digest, "evaluation": settings, "code": code_version(SCORING_CODE)})
