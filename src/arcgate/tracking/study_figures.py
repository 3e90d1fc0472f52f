"""The figures of a whole study, on its run."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final

from arcgate.ground.code_version import code_version
from arcgate.ground.hashing import digest_of
from arcgate.ground.locks import locked
from arcgate.tracking import names
from arcgate.tracking.record import log_artifacts, set_tags
from arcgate.tracking.results import short, study_table
from arcgate.tracking.runs import finish_study, study_run
from arcgate.tracking.store import Store

FOLDER: Final = "figures"


def log_study_figures(store: Store, study: str) -> None:
    """Draw parallel coordinates and own against common AUROC and keep them on the study's run, if the table has changed.

    To be called when a sweep or a single run has ended: drawing takes a second or two, too long to repeat after each variant.
    """
    table = study_table(store, study, full=False)
    shown = digest_of([short(table).to_csv(), code_version(("arcgate.figures.study",))])
    if store.client.get_run(study_run(store, study)).data.tags.get(names.DRAWN) == shown:
        finish_study(store, study)
        return
    # Matplotlib takes a second to import.
    from arcgate.figures.study import own_against_common, parallel_coordinates
    from arcgate.figures.style import save

    with locked(store.folder, f"table of {study}"), tempfile.TemporaryDirectory() as scratch:
        for name, draw in {"parallel_coordinates": parallel_coordinates, "own_against_common": own_against_common}.items():
            save(draw(table), Path(scratch) / f"{name}.png", f"study {study}")
        log_artifacts(store, study_run(store, study), scratch, FOLDER)
        set_tags(store, study_run(store, study), {names.DRAWN: shown})
        finish_study(store, study)
