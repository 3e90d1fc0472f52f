"""One data digest, whatever the batches, shards and workers."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from astropy.io import fits

from arcgate.data_node import Data
from arcgate.dataset.card import stored_data_digest
from arcgate.dataset.receipts import Receipt, receipt_path
from arcgate.dataset.shards import read_shard
from arcgate.ground.engine import Local
from arcgate.ground.errors import ArcgateError
from arcgate.hosts_node import PackHosts
from arcgate.imaging import DECALS
from arcgate.injection.engines.run import run_tasks
from arcgate.injection.manifest import build_manifest
from arcgate.injection.shard import ShardTask, plan_shards, run_shard
from arcgate.survey.hosts import Hosts, cut_out
from arcgate.survey.pack import PackParents
from arcgate.survey.parents import open_parents

Built = Callable[..., str]


@pytest.fixture(scope="module")
def manifest(spec: Callable[..., Data], catalogue: pd.DataFrame) -> pd.DataFrame:
    return build_manifest(spec(psf="moffat_converted", n_pairs=25, null_rows=4), catalogue)


@pytest.fixture(scope="module")
def build(manifest: pd.DataFrame, hosts: Hosts, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Builds the shards and returns their data digest."""

    def make(rows_per_shard: int, batch_rows: int, rows: pd.DataFrame = manifest) -> str:
        folder = tmp_path_factory.mktemp("set")
        tasks = plan_shards(rows, hosts, folder, rows_per_shard, batch_rows)
        receipts = run_tasks(tasks, Local())
        return stored_data_digest([folder / receipt.file for receipt in receipts])

    return make


@pytest.fixture(scope="module")
def reference(build: Built) -> str:
    return build(500, 200)


@pytest.mark.parametrize(("rows_per_shard", "batch_rows"), [(500, 1), (50, 3), (500, 7), (50, 50)])
def test_batches_and_shards_do_not_change_the_data(rows_per_shard: int, batch_rows: int, build: Built, reference: str) -> None:
    assert build(rows_per_shard, batch_rows) == reference


def test_the_digest_sees_a_single_changed_value(build: Built, manifest: pd.DataFrame, reference: str) -> None:
    changed = manifest.copy()
    first = changed.index[changed["role"] == "positive"][0]
    changed.loc[first, "lens_phi_rad"] = np.nextafter(changed.loc[first, "lens_phi_rad"], 10.0)
    assert build(500, 200, changed) != reference


def test_shards_hold_whole_pairs_of_one_split_and_no_more_rows_than_asked(
    manifest: pd.DataFrame, hosts: Hosts, tmp_path: Path
) -> None:
    tasks = plan_shards(manifest, hosts, tmp_path, 12, 5)
    assert sorted(pd.concat([task.rows for task in tasks])["sample_id"]) == sorted(manifest["sample_id"])
    assert max(len(task.rows) for task in tasks) <= 12
    for task in tasks:
        assert task.rows["split"].nunique() == 1
        assert task.path.name.startswith(task.rows["split"].iloc[0])
    pairs = [set(task.rows["pair_id"]) for task in tasks]
    assert sum(map(len, pairs)) == len(set().union(*pairs))
    ordered = pd.concat([task.rows for task in tasks if task.path.name.startswith("train")])["pair_id"]
    assert not ordered.is_monotonic_increasing


def test_a_finished_shard_is_not_made_again_and_a_deleted_one_comes_back_the_same(
    manifest: pd.DataFrame, hosts: Hosts, tmp_path: Path
) -> None:
    task = plan_shards(manifest, hosts, tmp_path, 12, 5)[0]
    first = run_shard(task)
    made = task.path.stat().st_mtime_ns
    assert run_shard(task) == first
    assert task.path.stat().st_mtime_ns == made
    task.path.unlink()
    assert run_shard(task) == first


def test_a_shard_read_back_obeys_the_identity(manifest: pd.DataFrame, hosts: Hosts, tmp_path: Path) -> None:
    task = next(task for task in plan_shards(manifest, hosts, tmp_path, 20, 7) if "null" in set(task.rows["role"]))
    run_shard(task)
    batch = read_shard(task.path, ["pair_id", "role"])
    assert batch.arc is not None
    place = batch.table.assign(place=np.arange(len(batch.table))).pivot(index="pair_id", columns="role", values="place")
    positive, control = place["positive"].to_numpy(np.int64), place["control"].to_numpy(np.int64)
    assert np.array_equal(batch.image[control] + batch.arc[positive], batch.image[positive])
    null = place.dropna(subset="null")
    assert np.array_equal(batch.image[null["null"].to_numpy(np.int64)], batch.image[null["control"].to_numpy(np.int64)])


@dataclass
class Noted:
    """An engine that notes the tasks which it is given."""

    given: list[str] = field(default_factory=list)

    def completed(self, work: Callable[[Any], Any], items: Sequence[Any], where: Path) -> Iterator[tuple[int, Any]]:
        self.given += [item.path.name for item in items]
        assert all(item.path.parent == where for item in items)
        return Local().completed(work, items, where)

    def spreads(self, count: int) -> bool:
        return False

    def for_little(self) -> Noted:
        return self


def test_an_engine_is_given_only_what_is_not_finished(manifest: pd.DataFrame, hosts: Hosts, tmp_path: Path) -> None:
    tasks = plan_shards(manifest, hosts, tmp_path, 12, 5)
    names = [task.path.name for task in tasks]
    first, again, mended = Noted(), Noted(), Noted()
    receipts = run_tasks(tasks, first)
    assert first.given == names
    assert run_tasks(tasks, again) == receipts
    assert again.given == []
    tasks[2].path.write_bytes(tasks[2].path.read_bytes()[:-1])
    receipt_path(tasks[4].path).unlink()
    assert run_tasks(tasks, mended) == receipts
    assert mended.given == [names[2], names[4]]


def test_an_engine_is_given_only_places_that_are_not_cut_out(tmp_path: Path) -> None:
    parents, found = _pack(tmp_path, 24)
    first, again = Noted(), Noted()
    rows, elsewhere = np.arange(24), tmp_path / "elsewhere"
    cut = cut_out(parents, rows, data_dir=elsewhere, engine=first)
    assert cut.digest(rows) == found.digest(rows)
    assert first.given == [path.name for path in cut.folder.glob("place-*.parquet")]
    assert len(first.given) == 1
    cut_out(parents, rows, data_dir=elsewhere, engine=again)
    assert again.given == []


def _pack(folder: Path, count: int) -> tuple[PackParents, Hosts]:
    rng = np.random.default_rng(2)
    y, x = np.mgrid[:64, :64] - 31.5
    for band, flux in (("g", 1.0), ("r", 4.0), ("z", 9.0)):
        light = flux * np.exp(-0.5 * (x**2 + y**2) / 9.0) / (2.0 * np.pi * 9.0)
        fits.PrimaryHDU((light + rng.normal(0.0, 1e-3, (count, 64, 64))).astype(np.float32)).writeto(folder / f"{band}.fits")
    declared = {
        "psfsize_arcsec": {"g": 1.4, "r": 1.05, "z": 0.95},
        "psf_beta": {"g": 3.0, "r": 3.0, "z": 3.0},
        "gain": {"g": 7e3, "r": 7e3, "z": 7e3},
    }
    parents = open_parents(PackHosts("pack", str(folder), 1.0, 0.262, **declared), DECALS, data_dir=folder, workers=1)
    assert isinstance(parents, PackParents)
    return parents, cut_out(parents, np.arange(count), data_dir=folder, engine=Local(1))


def test_two_workers_make_the_data_that_one_makes(tmp_path: Path, spec: Callable[..., Data]) -> None:
    parents, hosts = _pack(tmp_path, 24)
    rows = build_manifest(spec(n_pairs=24, null_rows=2), parents.catalogue)
    digests = []
    for workers, rows_per_shard in ((1, 500), (2, 9)):
        folder = tmp_path / f"workers-{workers}"
        folder.mkdir()
        tasks = plan_shards(rows, hosts, folder, rows_per_shard, 7)
        receipts = run_tasks(tasks, Local(workers))
        assert [receipt.file for receipt in receipts] == [task.path.name for task in tasks]
        digests.append(stored_data_digest([folder / receipt.file for receipt in receipts]))
    assert digests[0] == digests[1]


def test_a_task_carries_rows_and_references(tmp_path: Path, spec: Callable[..., Data]) -> None:
    parents, hosts = _pack(tmp_path, 24)
    rows = build_manifest(spec(n_pairs=24, null_rows=2), parents.catalogue)
    tasks = plan_shards(rows, hosts, tmp_path, 9, 7)
    for task in tasks:
        assert len(task.hosts) == len(task.rows)
        assert len(pickle.dumps(task)) < len(pickle.dumps(task.rows)) + 20 * len(task.rows) + 5_000


def _broken(task: ShardTask) -> Receipt:
    if task.path.name in ("train-00001.parquet", "train-00002.parquet"):
        raise ArcgateError("the disk is full", where=task.path, todo="make room")
    if task.path.name.startswith("val"):
        raise ValueError("a mistake of ours")
    return run_shard(task)


def test_a_shard_that_fails_does_not_stop_the_others(
    manifest: pd.DataFrame, hosts: Hosts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = [task for task in plan_shards(manifest, hosts, tmp_path, 12, 5) if not task.path.name.startswith("val")]
    monkeypatch.setattr("arcgate.injection.engines.run.run_shard", _broken)
    todo = "make room; the same command then makes those that are missing"
    with pytest.raises(ArcgateError, match=rf"(?s)^2 of {len(tasks)} shards.*the disk is full.*train-00001.*{todo}"):
        run_tasks(tasks, Local())
    assert {path.name for path in tmp_path.glob("*.parquet")} == {
        task.path.name for task in tasks if task.path.name not in ("train-00001.parquet", "train-00002.parquet")
    }
    with pytest.raises(ArcgateError, match=r"^the disk is full"):
        run_tasks([task for task in tasks if task.path.name == "train-00001.parquet"], Local())
    monkeypatch.undo()
    made = {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("*.parquet")}
    assert len(run_tasks(tasks, Local())) == len(tasks)
    assert all((tmp_path / name).stat().st_mtime_ns == when for name, when in made.items())


def test_an_unforeseen_failure_is_not_waited_with(
    manifest: pd.DataFrame, hosts: Hosts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = [task for task in plan_shards(manifest, hosts, tmp_path, 12, 5) if task.path.name.startswith("val")]
    monkeypatch.setattr("arcgate.injection.engines.run.run_shard", _broken)
    with pytest.raises(ValueError, match="a mistake of ours"):
        run_tasks(tasks, Local())


@pytest.mark.long
def test_a_worker_says_which_shard_fails_and_goes_on(
    tmp_path: Path, spec: Callable[..., Data], capsys: pytest.CaptureFixture[str]
) -> None:
    parents, hosts = _pack(tmp_path, 24)
    folder = tmp_path / "set"
    folder.mkdir()
    tasks = plan_shards(build_manifest(spec(n_pairs=24, null_rows=2), parents.catalogue), hosts, folder, 9, 7)
    spoiled = tasks[1].rows.assign(lens_q=np.where(tasks[1].rows["role"] == "control", np.nan, 7.0))
    with pytest.raises(ArcgateError, match=r"(?s)^lens_q must lie in .*sample_id"):
        run_tasks([replace(task, rows=spoiled) if task is tasks[1] else task for task in tasks], Local(2))
    assert "a shard cannot be made, the others go on: lens_q" in capsys.readouterr().out
    assert {path.name for path in folder.glob("*.parquet")} == {task.path.name for task in tasks} - {tasks[1].path.name}
