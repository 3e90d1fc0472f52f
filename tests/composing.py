"""Composed configurations, and where the real data lie."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from hydra import compose, initialize_config_module

from arcgate.config import audit_from_config, from_config, parents_from_config, typed_words
from arcgate.survey.catalogue.spec import ParentsSpec
from arcgate.variant import Audit, Variant

REAL = Path(__file__).resolve().parents[2] / "shared" / "real"
# A checkout of a user's has nothing beside it. Where the folder is there, data that are missing from it fail the tests.
needs_real = pytest.mark.skipif(not REAL.parent.is_dir(), reason=f"needs real data at {REAL}")

Compose = Callable[..., Variant]


@cache
def composed(*overrides: str) -> Variant:
    """The variant that these overrides compose; it is frozen, so that tests can share it."""
    with initialize_config_module(config_module="arcgate.conf", version_base="1.3"):
        return from_config(compose("config", overrides=list(overrides)))


@cache
def audited(*overrides: str) -> Audit:
    """The audit that these overrides compose, shared likewise."""
    with initialize_config_module(config_module="arcgate.conf", version_base="1.3"):
        return audit_from_config(compose("audit", overrides=list(overrides)))


@cache
def composed_parents(*overrides: str) -> ParentsSpec:
    """The specification of parents that these overrides compose, shared likewise."""
    with initialize_config_module(config_module="arcgate.conf", version_base="1.3"):
        return parents_from_config(compose("parents", overrides=list(overrides)), typed_words(overrides))
