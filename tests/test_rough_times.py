"""Dry runs of a variant foresee the time of what it asks for."""

from __future__ import annotations

from pathlib import Path

import pytest
from composing import composed

from arcgate.plan import print_plan
from arcgate.planned import SECONDS_TO_ATTACK, Planned


def foreseen_s(folder: Path, *overrides: str) -> float:
    planned = Planned()
    print_plan(composed("learning=pilot", "gates=quick", f"runtime.data_dir={folder}", "runtime.threads=1", *overrides), planned)
    return planned.seconds


def test_an_attack_takes_its_time(tmp_path: Path) -> None:
    more = foreseen_s(tmp_path, "gates.attacks=[attack]") - foreseen_s(tmp_path)
    assert more == pytest.approx(SECONDS_TO_ATTACK)


def test_a_training_takes_as_long_as_its_steps(tmp_path: Path) -> None:
    def at(*overrides: str) -> float:
        return foreseen_s(tmp_path, *overrides)

    assert at("learning.epochs=6") > at("learning.epochs=1")
    assert at("learning.epochs=6", "learning.steps=40") == at("learning.epochs=1", "learning.steps=40")
    twice = at("learning.steps=40", "learning.trainer.accumulate=2") - at("learning.steps=40")
    assert twice == pytest.approx(at("learning.steps=80") - at("learning.steps=40"))
