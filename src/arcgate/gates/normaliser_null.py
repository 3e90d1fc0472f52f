"""Do hosts and controls differ in what the view divides them by, before any arc is added?"""

from __future__ import annotations

from typing import Final

from arcgate.gates.core.auc_gate import AucGate, Look
from arcgate.gates.core.comparisons import HOSTS
from arcgate.gates.core.design_leaks import SELECTION
from arcgate.gates.core.result import NETWORK
from arcgate.gates.features.ring_features import RingColumns, everything
from arcgate.gates.features.ring_leaks import EXTRA_NOISE, OFFSET

GATE: Final = AucGate(
    name="normaliser_null",
    comparison=HOSTS,
    looks=(
        Look(
            NETWORK, RingColumns("normaliser", everything), (OFFSET, EXTRA_NOISE),
            "the statistics that the view divides by tell the classes apart",
        ),
    ),
    section="normaliser",
    title="Normalisation of the galaxies",
    asks="Do hosts and controls differ in what they are divided by?",
    advice=SELECTION.advice,
    requires="stamps without their arcs are told from controls by nothing",
    cause=SELECTION,
    applies=lambda facts, view: view.normalises,
)  # fmt: skip
