"""The published diagnostics, as diagnostics: reported, beside the figures of the study that they come from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from arcgate.gates.core.context import Context
from arcgate.gates.core.gate import Arrays, Judgement, Kept, StatedGate
from arcgate.gates.core.shard import Shard
from arcgate.gates.core.words import Words
from arcgate.gates.published.alignment import Alignment
from arcgate.gates.published.annulus import AnnulusPedestal
from arcgate.gates.published.comparison import published_figures
from arcgate.gates.published.concentration import Concentration
from arcgate.gates.published.core_offset import CoreOffset
from arcgate.gates.published.core_regression import CoreRegression
from arcgate.gates.published.core_share import CoreShare
from arcgate.gates.published.deflection_units import DeflectionUnits
from arcgate.gates.published.gathering import Diagnostic
from arcgate.gates.published.localisation import Localisation
from arcgate.gates.published.profiles import Profiles
from arcgate.gates.published.psf_impulse import PsfImpulse
from arcgate.gates.published.resolution import Resolution

KINDS: Final[tuple[type[Diagnostic], ...]] = (
    CoreRegression,
    AnnulusPedestal,
    Concentration,
    CoreOffset,
    CoreShare,
    Profiles,
    PsfImpulse,
    Alignment,
    DeflectionUnits,
    Localisation,
    Resolution,
)
_TITLES: Final = {
    "core_published": "Core AUC as published",
    "core_published_refitted": "Core AUC as published, refitted in the stratum",
    "core_corrected": "Core AUC with whole galaxies held out",
}


@dataclass(frozen=True, kw_only=True)
class PublishedDiagnostics(StatedGate):
    """All of them, on a part of the pairs, and the table that puts the published figures beside ours."""

    def words(self, result: str) -> Words:
        """One of its figures."""
        spoken = result.replace("_", " ")
        return Words(self.section, _TITLES.get(result, f"{spoken[:1].upper()}{spoken[1:]}"))

    def extract(self, shard: Shard) -> dict[str, Kept]:
        """What each of them keeps of some of the pairs."""
        few = shard.diagnosed
        kept: dict[str, Kept] = {}
        for kind in KINDS:
            found = kind(shard.context).extract(few)
            kept |= {f"{kind.__name__}/{key}": value for key, value in found.items()}
        return kept

    def judge(self, arrays: Arrays, context: Context) -> Judgement:
        """Every diagnostic; the table first, then the figures."""
        parts = [kind(context, _of(kind, arrays)) for kind in KINDS]
        words = context.diagnosed_words
        # Rows behind a result are counted; one without rows needs no data, or did not run.
        results = [
            replace(result, reason=result.reason + words) if result.n else result for part in parts for result in part.judge()
        ]
        table = published_figures(results, context.facts.imaging)
        return Judgement(results, [table, *[exhibit for part in parts for exhibit in part.exhibits()]], [])


def _of(kind: type[Diagnostic], arrays: Arrays) -> Arrays:
    prefix = f"{kind.__name__}/"
    return {key.removeprefix(prefix): value for key, value in arrays.items() if key.startswith(prefix)}


GATE: Final = PublishedDiagnostics(
    name="published",
    section="published",
    title="Published diagnostics",
    compares="stamps with arcs against controls, as published",
)
