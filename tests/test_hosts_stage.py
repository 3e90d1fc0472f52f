"""kill -9 while galaxies are cut out, two jobs at once from a cold start, and any number of workers: one data set."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from test_resume import LIMIT_S, finish, kill_when, start

from arcgate.dataset.reader import open_dataset

# Two places of galaxies.
SIZES = ("data.hosts.n_hosts=300", "data.n_pairs=200", "controls=unpaired", "data.controls.pool=any_other_host")


def simulate(folder: Path, *overrides: str) -> subprocess.Popen[str]:
    return start(folder, "simulate", sizes=(*SIZES, *overrides))


def only(folder: Path, pattern: str) -> Path:
    (found,) = folder.glob(pattern)
    return found


def simulated(folder: Path, *overrides: str) -> Path:
    """The folder of the data set that a command builds."""
    folder.mkdir()
    finish(simulate(folder, *overrides), folder, (0,))
    return only(folder, "data/sets/*/dataset.json").parent


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """Built by one process, in small shards, undisturbed."""
    return simulated(tmp_path_factory.mktemp("reference") / "one", "runtime.workers=1", "runtime.rows_per_shard=50")


@pytest.mark.long
@pytest.mark.timeout(4 * LIMIT_S)
def test_killed_while_galaxies_are_cut_out(reference, tmp_path):
    process = simulate(tmp_path)
    kill_when(process, lambda: list(tmp_path.glob("data/hosts/*/place-*.parquet")))
    assert not list(tmp_path.glob("data/sets/*/*.parquet"))
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.glob("data/hosts/*/*.parquet")}
    assert len(kept) == 2, "the catalogue and one place of two"
    finish(simulate(tmp_path), tmp_path, (0,))
    assert {path: path.stat().st_mtime_ns for path in kept} == kept, "something finished was made again"
    assert open_dataset(only(tmp_path, "data/sets/*/dataset.json").parent).data_digest == open_dataset(reference).data_digest


@pytest.mark.long
@pytest.mark.timeout(4 * LIMIT_S)
def test_two_jobs_at_once_from_a_cold_start(reference, tmp_path):
    logs = [tmp_path / name for name in ("one", "two")]
    for folder in logs:
        folder.mkdir()
    both = [simulate(folder, f"runtime.data_dir={tmp_path / 'data'}") for folder in logs]
    for process, folder in zip(both, logs, strict=True):
        finish(process, folder, (0,))
    assert len(list(tmp_path.glob("data/hosts/*/place-*.parquet"))) == 2
    built = only(tmp_path, "data/sets/*/dataset.json").parent
    assert open_dataset(built).data_digest == open_dataset(reference).data_digest


@pytest.mark.long
@pytest.mark.timeout(4 * LIMIT_S)
def test_two_workers_and_large_shards_make_the_same_data(reference, tmp_path):
    built = simulated(tmp_path / "other", "runtime.workers=2", "runtime.rows_per_shard=500")
    cards = [json.loads((folder / "dataset.json").read_text()) for folder in (reference, built)]
    assert len(cards[0]["shards"]) > len(cards[1]["shards"])
    assert len({card["data_digest"] for card in cards}) == len({card["hosts_digest"] for card in cards}) == 1
