"""Audits in the tracking database: one run a data set, view and settings, in the experiment `audits`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from matplotlib.figure import Figure

from arcgate.figures.style import caption_of
from arcgate.gates.core.result import Evidence
from arcgate.ground.locks import locked
from arcgate.tracking import record, runs
from arcgate.tracking.artifacts import evidence_figures
from arcgate.tracking.store import Store

STUDY: Final = "audits"


def log_audit(
    store: Store,
    name: str,
    digest: str,
    evidence: Evidence,
    params: Mapping[str, object],
    files: Sequence[Path],
    drawings: Mapping[str, Figure],
    folder: Path,
    selection: Mapping[str, Any] | None = None,
) -> str:
    """Make or reopen the run of an audit and put everything on it.

    Parameters
    ----------
    store : Store
        From `open_store`.
    name, digest : str
        Name of the data set, which becomes the run's, and its whole data digest.
    evidence : Evidence
        Its key is the run's identity.
    params : mapping
        View, settings and facts; nested.
    files : sequence of Path
        The report.
    drawings : mapping of str to Figure
        Of the evidence, from `drawings_of`.
    folder : Path
        Where they are written before they go to the run.
    selection : mapping, optional
        How the set was chosen, from its card.

    Returns
    -------
    str
        Run identifier.
    """
    run_id = runs.variant_run(store, STUDY, name, evidence.key)
    outcome: runs.Outcome = "failed"
    try:
        evidence_figures(caption_of(name, digest), evidence, drawings, folder)
        # Two audits of one data set at once: MLflow's writes find and insert in two steps.
        with locked(store.folder, f"run {run_id}"):
            record.log_params(store, run_id, record.flatten(params))
            record.log_evidence(store, run_id, evidence, selection)
            record.log_dataset(store, run_id, name, digest, context="audit")
            for file in files:
                record.log_artifacts(store, run_id, file)
            record.log_artifacts(store, run_id, folder, "figures")
        outcome = "finished"
    finally:
        runs.finish(store, run_id, outcome, evidence.safe)
        runs.finish_study(store, STUDY)
    return run_id
