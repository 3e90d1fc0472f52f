"""The bug models that arcgate's own settings list."""

from __future__ import annotations

from composing import composed

from arcgate.gates.verdict.listed import bug_models

NAMES = composed().gates.bug_models
MODELS = bug_models(NAMES)
