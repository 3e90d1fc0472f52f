from __future__ import annotations

from pathlib import Path

import pytest

from arcgate.tracking import names
from arcgate.tracking.record import log_params, set_tags
from arcgate.tracking.results import results
from arcgate.tracking.runs import finish, variant_run, want
from arcgate.tracking.store import Store


def _variant(store: Store, name: str, factor: str, seed: int, commit: str = "aaaaaaa") -> str:
    run = variant_run(store, "masks", name, "k")
    log_params(store, run, {"data.core_mask.name": factor, "data.seed": seed})
    set_tags(store, run, {names.COMMIT: commit})
    return run


@pytest.fixture
def whole(store: Store) -> Store:
    for factor in ("none", "hard_r5"):
        for seed in (0, 1):
            finish(store, _variant(store, f"{factor} seed={seed}", factor, seed), "finished")
    return store


def _notes(store: Store) -> list[str]:
    return list(results("masks", store.folder).attrs["notes"])


def test_a_whole_study_has_none(whole: Store) -> None:
    assert _notes(whole) == []


def test_what_is_not_finished_is_said_with_its_state(whole: Store) -> None:
    finish(whole, variant_run(whole, "masks", "none seed=1", "k"), "interrupted")
    assert _notes(whole) == ["1 of 4 variants is not finished: none seed=1 (interrupted); the same command goes on with them"]


def test_a_variant_whose_data_set_could_not_be_built_is_said(whole: Store) -> None:
    for name in ("none seed=0", "tanh"):
        want(whole, "masks", name)
    assert _notes(whole) == ["asked for and without a run, since no data set could be built or it is being built: tanh"]


def test_a_seed_that_others_have_is_missed(whole: Store) -> None:
    finish(whole, _variant(whole, "none seed=2", "none", 2), "finished")
    assert _notes(whole) == ["data.seed 2 is missing beside hard_r5 seed=0, hard_r5 seed=1"]


def test_two_versions_of_the_code_are_said(whole: Store) -> None:
    finish(whole, _variant(whole, "none seed=0", "none", 0, commit="bbbbbbb+changes"), "finished")
    assert _notes(whole) == [
        "2 versions of arcgate made these variants, so that rows may differ by code: "
        "bbbbbbb+changes made none seed=0; aaaaaaa made none seed=1, hard_r5 seed=0, hard_r5 seed=1"
    ]


def test_notes_stand_below_the_table(whole: Store, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    from arcgate.report import print_study

    want(whole, "masks", "tanh")
    print_study("masks", str(whole.folder), str(tmp_path))
    assert "note: asked for and without a run" in capsys.readouterr().out
