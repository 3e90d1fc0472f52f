"""The published diagnostics, as diagnostics: reported, beside the figures of the study that they come from."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Self

from arcgate.dataset.source import Facts
from arcgate.gates.arms import Arms
from arcgate.gates.collector import Collector
from arcgate.gates.exhibit import Exhibit
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
from arcgate.gates.result import GateResult
from arcgate.gates.subset import in_words, some
from arcgate.variant import Gates
from arcgate.views.view import Viewer

KINDS: tuple[type[Diagnostic], ...] = (
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


@dataclass
class PublishedDiagnostics:
    """All of them, on a part of the pairs, and the table that puts the published figures beside ours."""

    settings: Gates
    parts: list[Diagnostic]
    _results: list[GateResult] = field(default_factory=list)

    def add(self, arms: Arms) -> None:
        """Take one shard's numbers."""
        few = some(arms, self.settings)
        for part in self.parts:
            part.add(few)

    def merge(self, other: Self) -> None:
        """Take over what another copy gathered from a later shard."""
        for part, more in zip(self.parts, other.parts, strict=True):
            part.merge(more)

    def judge(self) -> list[GateResult]:
        """Every diagnostic."""
        results, words = [result for part in self.parts for result in part.judge()], in_words(self.settings)
        # Rows behind a result are counted; one without rows needs no data, or did not run.
        self._results = [replace(result, reason=result.reason + words) if result.n else result for result in results]
        return self._results

    def exhibits(self) -> list[Exhibit]:
        """The table first, then the figures."""
        return [
            published_figures(self._results, self.parts[0].facts.imaging),
            *[exhibit for part in self.parts for exhibit in part.exhibits()],
        ]


def published_diagnostics(viewer: Viewer, settings: Gates, facts: Facts) -> list[Collector]:
    """The published diagnostics, empty.

    Returns
    -------
    list of Collector
        One, which holds them all, since the table of published figures needs every result.
    """
    return [PublishedDiagnostics(settings, [kind(viewer, settings, facts) for kind in KINDS])]
