from __future__ import annotations

from collections.abc import Callable

import pytest

from arcgate.dataset.reader import Dataset
from arcgate.gates.core.result import Evidence
from arcgate.ground.errors import ArcgateError
from arcgate.judging import judge, verdict

FEW = ("gates=quick", "gates.listed=[finite_pixels,null_equal]", "runtime.workers=1")


def test_the_gates_are_asked_as_the_command_asks_them(built: Callable[..., Dataset]) -> None:
    evidence = judge(built().path, *FEW)
    ran = {result.name: result.status for result in evidence.results if result.status != "not_run" and result.role == "gate"}
    assert (ran["finite_pixels"], ran["null_equal"]) == ("passed", "passed")
    # What a pass needs and the list leaves out is missed.
    assert evidence.safe == "undetermined"
    assert judge(built().path, *FEW, "view=stamp_robust").key != evidence.key


def test_settings_that_are_not_known_are_refused(built: Callable[..., Dataset]) -> None:
    with pytest.raises(ArcgateError, match="marginn"):
        judge(built().path, "gates.marginn=0.1")
    with pytest.raises(ArcgateError, match=r"(?s)gates.margin.*got -1"):
        judge(built().path, "gates.margin=-1")


def test_what_cannot_be_read_is_refused(tmp_path) -> None:
    with pytest.raises(ArcgateError, match="nowhere"):
        judge(tmp_path / "nowhere.npz", "gates=quick")


def test_the_verdict_has_both_answers_and_what_to_do_in_lines_that_fit(evidence: Evidence) -> None:
    lines = verdict(evidence).splitlines()
    assert lines[0].startswith("safe? No. A network could tell the classes apart")
    assert any(line.startswith("cause? ") for line in lines)
    assert any(line.startswith("- ") and "trust" in line for line in lines)
    assert max(map(len, lines)) <= 100
