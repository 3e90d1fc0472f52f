"""Work spread over processes: each result comes with the place of its item, and rounds share the processes."""

from __future__ import annotations

import operator
import os
import re
import sys
import time

import pytest
from joblib import Parallel, delayed
from joblib.externals.loky import get_reusable_executor

from arcgate.edge import ERROR, code_of_job
from arcgate.ground import workers as spread
from arcgate.ground.errors import ArcgateError
from arcgate.ground.workers import Workers, completed
from arcgate.injection.build import build_dataset


def test_results_carry_the_place_of_their_item(tmp_path):
    for workers in (1, 2):
        assert sorted(completed(abs, [-3, 5, -7], workers, tmp_path)) == [(0, 3), (1, 5), (2, 7)]


def test_rounds_share_their_processes_which_end_with_the_block(tmp_path):
    with Workers(2, tmp_path) as crew:
        rounds = [{number for _, number in crew.completed(operator.call, [os.getpid] * 4)} for _ in range(3)]
        assert os.getpid() not in set.union(*rounds)
        assert len(set.union(*rounds)) <= 2
    for number in set.union(*rounds):
        with pytest.raises(ProcessLookupError):
            os.kill(number, 0)


def test_a_process_that_takes_part_shares_every_round_and_no_item_is_done_twice(tmp_path):
    with Workers(2, tmp_path, takes_part=True) as crew:
        for _ in range(2):
            # Long enough for the other process to start meanwhile.
            done = list(crew.completed(slowly, [0.25] * 16))
            assert sorted(position for position, _ in done) == list(range(16))
            processes = {process for _, process in done}
        assert len(processes) == 2
        assert os.getpid() in processes


def slowly(seconds):
    """Which process it is, after a while."""
    time.sleep(seconds)
    return os.getpid()


@pytest.mark.long
def test_a_round_ends_when_a_process_or_this_one_cannot_go_on(tmp_path):
    with pytest.raises(ArcgateError, match="a worker process ended"), Workers(2, tmp_path, takes_part=True) as crew:
        list(crew.completed(ended_elsewhere, [os.getpid()] * 200))
    with pytest.raises(ZeroDivisionError), Workers(2, tmp_path, takes_part=True) as crew:
        list(crew.completed(inverse, [1] * 5 + [0] * 20))


def test_what_ends_a_worker_by_itself_comes_back_with_its_line_and_nothing_hangs(tmp_path, capsys):
    def work():
        with Workers(2, tmp_path, takes_part=True) as crew:
            return len(list(crew.completed(leaving, [os.getpid()] * 200)))

    assert code_of_job(work, tmp_path) == ERROR
    assert re.search(r"sys\.exit\(0\) was called(.|\n)*mend \S*test_workers\.py:\d+", capsys.readouterr().err)


def leaving(parent):
    """End any process but the one that asks, as a module may that knows no better."""
    time.sleep(0.1)
    if os.getpid() != parent:
        sys.exit(0)


def ended_elsewhere(parent):
    """End any process but the one that asks."""
    time.sleep(0.1)
    if os.getpid() != parent:
        os._exit(1)


def inverse(number):
    """One over it."""
    return 1 / number


def test_one_worker_is_this_process(tmp_path):
    with Workers(1, tmp_path) as crew:
        assert dict(crew.completed(operator.call, [os.getpid] * 2)) == {0: os.getpid(), 1: os.getpid()}


def test_a_worker_that_ends_is_an_error_in_words_and_what_work_raises_passes_through(tmp_path):
    with pytest.raises(ArcgateError, match="a worker process ended"):
        list(completed(os._exit, [1, 1], 2, tmp_path))
    with pytest.raises(TypeError, match="bad operand"):
        list(completed(abs, [-1, "x"], 2, tmp_path))


def rounds_inside(folder):
    """Work by two processes, inside a process that joblib started."""
    return sorted(completed(abs, [-3, 5, -7], 2, folder))


@pytest.mark.long
def test_workers_start_inside_a_job_that_joblib_started(tmp_path):
    # Such a process calls its start method loky, which those that it spawns in its turn do not know.
    try:
        found = Parallel(n_jobs=2, backend="loky")(delayed(rounds_inside)(tmp_path) for _ in range(2))
    finally:
        get_reusable_executor().shutdown(wait=True)
    assert found == [[(0, 3), (1, 5), (2, 7)]] * 2


def test_a_small_data_set_starts_no_processes(small, monkeypatch):
    spec = small("runtime.workers=4", "data.seed=31", "data.n_pairs=60")
    monkeypatch.setattr(spread, "ProcessPoolExecutor", None)
    assert build_dataset(spec.data, spec.runtime).status == "built"
