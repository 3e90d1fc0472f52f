"""Figures say whose they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from arcgate.figures.drawings import drawings_of
from arcgate.gates.core.result import Evidence
from arcgate.tracking import artifacts


def test_each_figure_of_an_audit_names_the_data_set_and_what_it_shows(
    evidence: Evidence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    captions: dict[str, str] = {}
    monkeypatch.setattr(artifacts, "save", lambda _, path, caption: captions.update({path.name: caption}))
    artifacts.evidence_figures("mine, data 0123456789ab", evidence, drawings_of(evidence), tmp_path)
    titles = {f"{exhibit.name}.png": exhibit.title for exhibit in evidence.exhibits}
    assert captions == {
        "gates.png": "mine, data 0123456789ab",
        "profile.png": f"mine, data 0123456789ab: {titles['profile.png']}",
        "refit_chart.png": "mine, data 0123456789ab: Refit of the injection, in units of the margins",
    }
