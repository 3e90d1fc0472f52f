from __future__ import annotations

from pathlib import Path

from arcgate.figures.drawings import drawings_of
from arcgate.gates.core.result import Evidence
from arcgate.tracking import names
from arcgate.tracking.audits import log_audit
from arcgate.tracking.store import Store


def test_an_audit_is_one_run_with_its_evidence_report_and_figures(store: Store, evidence: Evidence, tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    report.write_text("<!DOCTYPE html>")
    drawings, params = drawings_of(evidence), {"view": {"normalisation": "raw"}}
    runs = {log_audit(store, "pilot", "d" * 64, evidence, params, [report], drawings, tmp_path / "figures") for _ in range(2)}
    (run_id,) = runs
    run = store.client.get_run(run_id)
    assert (run.data.tags[names.OUTCOME], run.data.tags[names.SAFE]) == ("finished", "failed")
    assert run.data.params["view.normalisation"] == "raw"
    assert {entry.path for entry in store.client.list_artifacts(run_id)} == {"evidence.json", "figures", "report.html"}
    assert {entry.path for entry in store.client.list_artifacts(run_id, "figures")} == {"figures/gates", "figures/gates.png"}
    drawn = {entry.path for entry in store.client.list_artifacts(run_id, "figures/gates")}
    # Tables are in the report, not among the drawings.
    assert drawn == {"figures/gates/profile.png", "figures/gates/refit_chart.png"}
