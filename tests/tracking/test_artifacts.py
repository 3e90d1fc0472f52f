"""Figures say whose they are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from arcgate.dataset.reader import Dataset
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


def test_each_figure_of_a_variant_bears_its_name_and_states_the_false_positive_rate_of_its_scores(
    built: Callable[..., Dataset], evidence: Evidence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset, scores = built(), tmp_path / "scores"
    scores.mkdir()
    (scores / "scores.json").write_text('{"fpr": 0.2, "metrics": {"common/half_found_snr": 12.34}}')
    table = pd.DataFrame({"label": [0, 1] * 20, "logit": range(40), "leaked": False})
    pd.concat([table.assign(set=name) for name in artifacts.SETS]).to_parquet(scores / "predictions.parquet")
    row = {"by": "arc_snr", "bin_low": 0.0, "bin_high": 5.0, "n": 20, "completeness": 0.5, "low": 0.4, "high": 0.6}
    pd.DataFrame([row]).to_csv(scores / "completeness_own_arc_snr.csv")
    bins = {"bin_low": 0.5, "bin_high": 0.6, "n": 40, "predicted": 0.55, "found": 0.5, "low": 0.4, "high": 0.6}
    pd.DataFrame([bins]).to_csv(scores / "reliability_own.csv")
    for name, key in (("fade_in", {"snr": 0.0}), ("roles", {"role": "ring"})):
        pd.DataFrame([key | {"n": 20, "n_found": 10, "found": 0.5, "low": 0.4, "high": 0.6}]).to_csv(
            scores / f"counterfactuals_common_{name}.csv"
        )
    squares = {"pair_id": [0], "x_pix": [30.0], "y_pix": [20.0], "arc_light": [1.0], "drop": [2.0], "drop_untrained": [0.1]}
    pd.DataFrame(squares).to_parquet(scores / "occlusion_common.parquet")
    drawn: dict[str, tuple[str, str]] = {}

    def keep(figure: Figure, path: Path, caption: str) -> None:
        words = [artist.get_text() for artist in figure.findobj(Text) if isinstance(artist, Text)]
        drawn[path.name] = (caption, "\n".join(words))

    monkeypatch.setattr(artifacts, "save", keep)
    artifacts.figures_of("mask_r5", dataset, evidence, scores, tmp_path / "figures")
    captions = {caption for caption, _ in drawn.values()}
    scored = {"completeness.png", "counterfactuals.png", "roc.png"}
    assert (
        set(drawn)
        == {"balance.png", "contact_sheet.png", "core_difference.png", "gates.png", "occlusion.png", "reliability.png"} | scored
    )
    assert captions == {f"mask_r5, data {dataset.data_digest[:12]}"}
    assert all("false-positive rate of 20 %" in drawn[name][1] for name in scored)
    assert "own test set" in drawn["reliability.png"][1]
    assert "half found at S/N 12.3" in drawn["counterfactuals.png"][1]
    assert "red: z, green: r, blue: g" in drawn["contact_sheet.png"][1]
