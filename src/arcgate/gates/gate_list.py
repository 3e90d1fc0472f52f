"""The gates on features: what each looks at, in which arm, and which leaks it must hear."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from arcgate.dataset.source import Facts
from arcgate.gates import canaries
from arcgate.gates.canaries import Canary
from arcgate.gates.extraction import NORMALISER
from arcgate.gates.features import Floats, ring_steps
from arcgate.gates.regions import Regions
from arcgate.gates.result import NETWORK, RAW

Arm = Literal["null", "residual", "unmasked", "masked"]


def _core(features: Floats, regions: Regions) -> Floats:
    return features[:, :, regions.core_columns]


def _annulus(features: Floats, regions: Regions) -> Floats:
    return features[:, :, regions.annulus_columns]


def _border(features: Floats, regions: Regions) -> Floats:
    return features[:, :, regions.border_columns]


def _annulus_steps(features: Floats, regions: Regions) -> Floats:
    """From the last ring before the annulus to the first one after it."""
    columns = regions.annulus_columns
    return np.diff(features[:, :, columns.start - 1 : columns.stop + 1], axis=2)


def _border_steps(features: Floats, regions: Regions) -> Floats:
    rings = features[:, :, regions.annulus_columns.stop : regions.n_rings]
    return np.concatenate([np.diff(rings, axis=2), features[:, :, [regions.frame]] - rings[:, :, -1:]], axis=2)


def _all(features: Floats, regions: Regions) -> Floats:
    return features


@dataclass(frozen=True)
class AucGate:
    """One gate.

    Attributes
    ----------
    name, view : str
        As in `GateResult`.
    arm : str
        The arm held against the controls.
    kind : str
        Kind of features, as in `extraction`.
    select : callable
        Takes from them, and the regions of the stamps, what the rule may look at.
    canaries : tuple of Canary
        The gate must hear every one; the first is the one whose smallest size it states.
    failing : str
        What it means when the gate fails.
    """

    name: str
    view: str
    arm: Arm
    kind: str
    select: Callable[[Floats, Regions], Floats]
    canaries: tuple[Canary, ...]
    failing: str


_OF_THE_NORMALISER: Final = (canaries.OFFSET, canaries.EXTRA_NOISE)
_UNEXPLAINED: Final = "holds light, or lacks light, that the declared PSF and arc do not explain"
_AFTER: Final = "after normalisation, without its declared arc, still differs from a control's"
_CHOSEN: Final = "galaxies chosen as hosts and as controls differ before any arc is added"
_CARRIES: Final = "the statistics that the view divides by tell the classes apart"
_THROUGH: Final = (
    "the normalised core tells the classes apart although the arc is gone from it: the view's statistics hold arc light"
)


def gates_for(normalisation: str, paired: bool, regions: Regions) -> list[AucGate]:
    """The gates that apply to a view and a kind of control; `regions` are in the names of their canaries.

    The null of paired sets is judged by equality (`arcgate.gates.identity`), which is stricter; `raw` divides by
    constants, which carry nothing, so that the normaliser gates do not apply to it. What a normaliser that holds arc light does
    is judged where a network would see it: in the normalised core, from which the arc itself is gone. Beyond the core, the
    network view is judged by its steps from ring to ring: the level of a normalised stamp is the normaliser's.
    """
    core, psf, frame = (canaries.core_pedestal(regions), canaries.SHIFT), canaries.ARC_PSF, canaries.frame_pedestal(regions)
    border = (canaries.OFFSET, frame, canaries.EXTRA_NOISE)
    annulus, seen = ((pedestal(regions),) for pedestal in (canaries.annulus_pedestal, canaries.annulus_pedestal_seen))
    gates = [
        AucGate("residual_core", RAW, "residual", RAW, _core, (*core, psf), f"the core {_UNEXPLAINED}"),
        AucGate("residual_core", NETWORK, "residual", NETWORK, _core, (*core, psf), f"the core, {_AFTER}"),
        AucGate("residual_annulus", RAW, "residual", RAW, _annulus, annulus, f"the annulus {_UNEXPLAINED}"),
        AucGate("residual_annulus", NETWORK, "residual", NETWORK, _annulus_steps, seen, f"the annulus, {_AFTER}"),
        AucGate("residual_border", RAW, "residual", RAW, _border, border, f"the border {_UNEXPLAINED}, or other noise"),
        AucGate("residual_border", NETWORK, "residual", NETWORK, _border_steps, (frame,), f"the border, {_AFTER}"),
        AucGate("mask_edge", RAW, "unmasked", RAW, ring_steps, (canaries.CORE_STEP,), "the mask leaves an edge at its radius"),
    ]
    if not paired:
        heard = (*core, canaries.HOST_PSF)
        gates += [
            AucGate("null", RAW, "null", RAW, _core, heard, _CHOSEN),
            AucGate("null", NETWORK, "null", NETWORK, _core, heard, _CHOSEN),
        ]
    if normalisation != "raw":
        carries = _OF_THE_NORMALISER
        gates += [
            AucGate("normaliser_null", NETWORK, "null", NORMALISER, _all, carries, _CARRIES),
            AucGate("normaliser_masked", NETWORK, "masked", NETWORK, _core, (canaries.CENTRE, canaries.SCALE), _THROUGH),
        ]
    return gates


def missing(gate: AucGate, facts: Facts) -> str | None:
    """Why a data set cannot feed a gate, and what would let it; None if it can."""
    if gate.arm == "null":
        return None if facts.has_null else "there are no null rows (the injection with flux 0): build the set with data.null_rows"
    if gate.arm == "masked" and not (facts.declared or facts.has_arc or facts.paired):
        return (
            "arcs are neither stored nor declared, and controls are other galaxies, so that arcs cannot be taken away: store them"
        )
    if gate.arm == "unmasked" and not (facts.has_arc or facts.paired):
        return "neither arcs nor their galaxies are stored, so that what a mask took away cannot be seen: store the arcs"
    if gate.arm != "masked" and not facts.declared:
        return "lens, source and PSF of the rows are not declared, so that their arcs cannot be predicted: give their columns"
    return None
