"""kill -9 while galaxies are cut out, two jobs at once from a cold start, and any number of workers: one data set."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from composing import REAL, needs_real
from test_resume import LIMIT_S, finish, kill_when, start

from arcgate.dataset.reader import open_dataset
from arcgate.dataset.references import IMAGES_FILE, KERNELS_FILE

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


@needs_real
@pytest.mark.long
@pytest.mark.timeout(4 * LIMIT_S)
def test_kernels_and_source_images_are_the_same_for_any_workers_and_shards(tmp_path):
    real = ("hosts=pack", f"data.hosts.path={REAL / 'des_lrg_hosts'}", "data.controls.pool=any_other_host", "data.n_pairs=120")
    real += ("data.injections_per_host=5", "+kernels=psfex", f"data.hosts.kernels.path={REAL / 'psfex'}", "psf=measured")
    real += ("source=cosmos", f"data.source.path={REAL / 'cosmos_sources'}", "noise=poisson")
    made = []
    for workers, rows in ((1, 50), (2, 500)):
        folder = tmp_path / str(workers)
        folder.mkdir()
        sizes = (f"runtime.workers={workers}", f"runtime.rows_per_shard={rows}", *real)
        finish(start(folder, "simulate", sizes=sizes), folder, (0,))
        made.append(open_dataset(only(folder, "data/sets/*/dataset.json").parent))
    assert len(made[0].shards()) > len(made[1].shards())
    assert made[0].data_digest == made[1].data_digest
    assert made[0].card["images_digest"] is not None
    assert (made[0].path.parents[1] / "hosts" / made[0].card["images_digest"] / "sources.parquet").is_file()
    for name in (KERNELS_FILE, IMAGES_FILE):
        assert (made[0].path / name).read_bytes() == (made[1].path / name).read_bytes()
        assert pq.read_metadata(made[0].path / name).num_rows > 10
