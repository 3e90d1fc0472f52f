"""Digests of specifications in a canonical form."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from typing import Any


def as_plain(spec: Any) -> Any:
    """Nested plain dictionaries and lists of a specification, ready for JSON."""
    return json.loads(json.dumps(dataclasses.asdict(spec)))


def digest_of(content: object) -> str:
    """SHA-256 (hexadecimal) of a JSON-serialisable object in canonical form."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
