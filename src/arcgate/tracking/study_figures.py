"""The figures of a whole study, on its run."""

from __future__ import annotations

import tempfile
from pathlib import Path

from arcgate.figures.study import own_against_common, parallel_coordinates
from arcgate.figures.style import save
from arcgate.ground.locks import locked
from arcgate.tracking.record import log_artifacts
from arcgate.tracking.results import study_table
from arcgate.tracking.runs import finish_study, study_run
from arcgate.tracking.store import Store

FOLDER = "figures"


def log_study_figures(store: Store, study: str) -> None:
    """Draw parallel coordinates and own against common AUROC, anew, and keep them on the study's run.

    To be called when a sweep or a single run has ended: drawing takes a second or two, too long to repeat after each variant.
    """
    table = study_table(store, study, full=False)
    with locked(store.folder, f"table of {study}"), tempfile.TemporaryDirectory() as scratch:
        for name, draw in {"parallel_coordinates": parallel_coordinates, "own_against_common": own_against_common}.items():
            save(draw(table), Path(scratch) / f"{name}.png", f"study {study}")
        log_artifacts(store, study_run(store, study), scratch, FOLDER)
        finish_study(store, study)
