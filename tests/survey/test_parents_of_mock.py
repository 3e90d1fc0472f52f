"""The parents of a mock survey on disk are the galaxies that were painted as parents, and what is meant to deceive is counted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from composing import composed_parents
from small_survey import small_survey

from arcgate.survey.catalogue.card import read_card
from arcgate.survey.catalogue.making import make_parents


@pytest.fixture(scope="module")
def survey(work: Path) -> Path:
    """One brick, the same that other tests look at."""
    small_survey(work / "mock-sky")
    return work / "mock-sky"


def test_parents_are_the_galaxies_that_were_painted_so(survey: Path, tmp_path: Path) -> None:
    words = (f"root={survey}", f"runtime.data_dir={tmp_path}", "runtime.workers=1")
    folder = make_parents(composed_parents(*words))
    found = pq.read_table(folder / "parents.parquet").to_pandas().set_index("host_id")
    truth = pd.read_parquet(survey / "truth" / "objects.parquet").set_index("host_id")
    painted = truth.loc[found.index]
    assert set(painted["kind"]) == {"parent"}
    assert 6 <= len(found) <= (truth["kind"] == "parent").sum() == 9
    for name in ("ra", "dec"):
        np.testing.assert_allclose(found[name], painted[name], atol=1e-9)
    for band in "grz":
        np.testing.assert_allclose(found[f"flux_{band}"], painted[f"flux_{band}"], rtol=1e-6)
        np.testing.assert_allclose(found[f"psfsize_{band}"], painted[f"psfsize_{band}"], rtol=1e-6)
    # Without a position, a duplicate, without fluxes, under a mask: each is there, and each is counted.
    left = [step["left"] for step in read_card(folder)["cut_flow"]]
    assert left[0] > left[1] == left[2] > left[3] > left[4] > left[5]


def test_its_known_lenses_are_taken_away(survey: Path, tmp_path: Path) -> None:
    words = (f"root={survey}", f"runtime.data_dir={tmp_path}", "runtime.workers=1")
    whole = read_card(make_parents(composed_parents(*words)))
    card = read_card(make_parents(composed_parents(*words, f"known_lenses=['{survey / 'known_lenses.csv'}']")))
    (lenses,) = card["known_lenses"]
    assert lenses["removed"] == whole["rows"] - card["rows"] == 1
