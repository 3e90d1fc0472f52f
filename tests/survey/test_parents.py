"""The parents catalogue from small sweeps: what is selected, what is counted, what is refused."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
from sweep_files import spec_of, sweep_rows, write_survey

from arcgate.survey.catalogue.card import read_card
from arcgate.survey.catalogue.making import make_parents


def test_every_galaxy_that_passes_is_there_once(tmp_path: Path) -> None:
    root = write_survey(tmp_path / "dr10", {"150p020-155p025": sweep_rows(50)})
    folder = make_parents(spec_of(root))
    assert read_card(folder)["rows"] == pq.read_table(folder / "parents.parquet").num_rows == 50
