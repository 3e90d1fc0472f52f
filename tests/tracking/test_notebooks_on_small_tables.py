"""What notebooks take from `arcgate.results` is there: their cells run on a database that was made by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import nbformat
import pytest

from arcgate.gates.core.result import Evidence, GateResult
from arcgate.tracking.record import log_evidence, log_metrics, log_params
from arcgate.tracking.runs import finish, variant_run
from arcgate.tracking.store import Store

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"


@pytest.fixture
def pilot(store: Store, evidence: Evidence, make_gate: Callable[..., GateResult], monkeypatch: pytest.MonkeyPatch) -> Store:
    """Three variants, one of which was never judged, where a notebook looks for them."""
    judged = replace(evidence, results=(*evidence.results, make_gate("residual_core"), make_gate("residual_annulus", "network")))
    for name, score in (("published", 0.7), ("recommended", 0.9)):
        run = variant_run(store, "pilot", name, "k")
        log_params(store, run, {"data.psf.name": name, "view.normalisation": "raw", "learning.seed": 0})
        log_evidence(store, run, judged)
        for ground in ("test", "common"):
            scores = {"auroc": score, "auroc/low": score - 0.05, "auroc/high": score + 0.05, "recall_at_fpr": score / 2}
            log_metrics(store, run, {f"{ground}/{key}": value for key, value in scores.items()})
        finish(store, run, "finished", "failed")
    variant_run(store, "pilot", "just begun", "k")
    monkeypatch.chdir(store.folder.parent)
    monkeypatch.setattr(plt, "show", lambda: plt.close("all"))
    return store


def run_cells(name: str, before: str) -> dict[str, object]:
    """Run the cells of a notebook as far as the one that holds `before`; give what they have defined."""
    notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    sources = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    known: dict[str, object] = {}
    ran = 0
    with mpl.rc_context():
        for source in sources:
            if before and before in source:
                break
            lines = [line for line in source.splitlines() if not line.startswith("%")]
            exec("\n".join(lines), known)  # our own notebook
            ran += 1
    assert ran > 5
    return known


def test_the_tables_of_notebook_1_are_there(pilot: Store, capsys: pytest.CaptureFixture[str]) -> None:
    known = run_cells("01_reading_a_study", before="study.dataset(")
    assert "1 of 3 variants is not finished: just begun (running)" in capsys.readouterr().out
    assert list(known["judged"].index) == ["published", "recommended"]  # type: ignore[attr-defined]


def test_notebook_3_compares_what_has_a_score(pilot: Store) -> None:
    known = run_cells("03_comparing_ablations", before="")
    assert list(known["together"].index) == ["published", "recommended"]  # type: ignore[attr-defined]
    assert known["shown_differences"](known["together"]).loc["recommended", "published"] == "higher"  # type: ignore[operator]
