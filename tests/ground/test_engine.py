"""Processes of this machine as an engine."""

from __future__ import annotations

import operator
import os
from pathlib import Path

import pytest

from arcgate.ground.engine import Engine, Local


@pytest.mark.parametrize("workers", [1, 2])
def test_each_item_comes_back_once_with_its_place(workers: int, tmp_path: Path) -> None:
    engine: Engine = Local(workers)
    assert sorted(engine.completed(abs, [-3, 5, -7], tmp_path)) == [(0, 3), (1, 5), (2, 7)]
    assert list(engine.completed(abs, [], tmp_path)) == []


def test_little_work_is_done_by_this_process(tmp_path: Path) -> None:
    engine = Local(2)
    assert engine.spreads(2)
    assert not engine.spreads(1)
    assert not engine.for_little().spreads(2)
    assert dict(engine.for_little().completed(operator.call, [os.getpid] * 2, tmp_path)) == {0: os.getpid(), 1: os.getpid()}
