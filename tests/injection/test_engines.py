"""One data set, whoever makes it and however often they are killed: local workers, Spark in one process, a real cluster.

Needs what `make spark` installs, and Java 17.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from building import LIMIT_S, ending, finish, kill, made, mistaken, on_a_full_disk, outcome, process_of, start, wait_until, whole
from composing import composed
from standalone import Cluster

from arcgate.dataset.reader import Dataset
from arcgate.ground.errors import ArcgateError
from arcgate.injection.engines.spark import PYTHON, Spark
from arcgate.variant import SparkSettings, Variant

pytestmark = [pytest.mark.long, pytest.mark.timeout(6 * LIMIT_S)]

# Four places of galaxies and some thirty shards.
SIZES = ("data.hosts.n_hosts=1000", "data.n_pairs=240", "runtime.rows_per_shard=24")
ON_SPARK = ("runtime.engine=spark", "runtime.spark.master='local[2]'")
LOOPBACK = "+runtime.spark.conf={spark.driver.host: 127.0.0.1, spark.driver.bindAddress: 127.0.0.1}"
KILLS_LOCAL, KILLS_SPARK = 20, 5


def composed_in(folder: Path, *overrides: str) -> Variant:
    return composed(*SIZES, f"runtime.data_dir={folder}", *(overrides or ("runtime.workers=1",)))


def built(folder: Path, *overrides: str) -> Dataset:
    """A data set that is built undisturbed."""
    spec = composed_in(folder, *overrides)
    finish(start(spec.data, spec.runtime))
    return whole(folder)


@dataclass
class Reference:
    """What one process makes undisturbed, and how long that takes it."""

    digest: str
    files: int
    seconds: float


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Reference:
    folder = tmp_path_factory.mktemp("reference")
    # Compiled and imported once before the clock starts.
    built(folder / "first")
    began = time.monotonic()
    dataset = built(folder / "one")
    found = Reference(dataset.data_digest, len(made(folder / "one")), time.monotonic() - began)
    assert len(dataset.shards()) >= 20
    assert found.files >= len(dataset.shards()) + 4
    return found


def test_two_workers_make_what_one_makes(reference: Reference, tmp_path: Path) -> None:
    assert built(tmp_path, "runtime.workers=2").data_digest == reference.digest


def test_local_work_is_killed_at_twenty_moments_and_resumed(reference: Reference, tmp_path: Path) -> None:
    spec, rng, reached = composed_in(tmp_path), random.Random(14), []
    while len(reached) < KILLS_LOCAL:
        process = start(spec.data, spec.runtime)
        process.join(rng.uniform(0.0, 0.5 * reference.seconds))
        if kill(process):
            reached.append(len(made(tmp_path)))
        else:
            # It came to its end between two kills: the rest of them fall on another one.
            assert whole(tmp_path).data_digest == reference.digest
            shutil.rmtree(tmp_path)
    kept = {path: path.stat().st_mtime_ns for path in made(tmp_path)}
    finish(start(spec.data, spec.runtime))
    assert whole(tmp_path).data_digest == reference.digest
    assert {path: path.stat().st_mtime_ns for path in kept} == kept, "something finished was made again"
    # Moments before, among and after the places, and among the shards.
    assert len(set(reached)) >= 4, reached


@pytest.fixture(scope="module")
def spark_set(reference: Reference, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of what Spark makes in one process of Java."""
    folder = tmp_path_factory.mktemp("spark")
    assert built(folder, *ON_SPARK).data_digest == reference.digest
    return folder


def marked_anew(folder: Path, before: set[Path]) -> set[Path]:
    return set(folder.glob("*/*/.seen-by-all*")) - before


def test_a_driver_of_spark_is_killed_at_five_moments_and_resumed(reference: Reference, spark_set: Path, tmp_path: Path) -> None:
    assert len(made(spark_set)) == reference.files
    spec, rng, reached, seen = composed_in(tmp_path, *ON_SPARK), random.Random(5), [], set()
    while len(reached) < KILLS_SPARK:
        process = start(spec.data, spec.runtime)
        # Tasks are on their way once the folder is marked; what was marked before the last kill has another name.
        wait_until(partial(marked_anew, tmp_path, seen), process)
        seen |= marked_anew(tmp_path, seen)
        process.join(rng.uniform(0.0, 0.5 * reference.seconds))
        if kill(process):
            reached.append(len(made(tmp_path)))
        else:
            assert whole(tmp_path).data_digest == reference.digest
            shutil.rmtree(tmp_path)
    finish(start(spec.data, spec.runtime))
    assert whole(tmp_path).data_digest == reference.digest


@pytest.mark.parametrize("overrides", [("runtime.workers=1",), ON_SPARK])
def test_a_damaged_shard_is_found_and_rebuilt_alone(
    overrides: tuple[str, ...], reference: Reference, spark_set: Path, tmp_path: Path
) -> None:
    shutil.copytree(spark_set, tmp_path / "data")
    dataset = whole(tmp_path / "data")
    short, spoiled, *others = [dataset.path / receipt.file for receipt in dataset.receipts]
    before = {path: path.read_bytes() for path in (short, spoiled)}
    times = {path: path.stat().st_mtime_ns for path in others}
    content = bytearray(before[spoiled])
    content[len(content) // 2] ^= 1
    spoiled.write_bytes(content)
    with pytest.raises(ArcgateError, match=rf"(?s)checksum.*where: {spoiled}.*to do: delete"):
        dataset.verify()
    # As the message says; the other was cut short, which is found without a word.
    spoiled.unlink()
    short.write_bytes(before[short][:1000])
    assert built(tmp_path / "data", *overrides).data_digest == reference.digest
    assert {path: path.read_bytes() for path in before} == before
    assert {path: path.stat().st_mtime_ns for path in others} == times, "a sound shard was made again"


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    folder = tmp_path / "cluster"
    folder.mkdir()
    cluster = Cluster(folder)
    try:
        yield cluster
    finally:
        cluster.stop()


def test_a_cluster_makes_the_same_though_one_of_two_workers_is_killed(
    reference: Reference, cluster: Cluster, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    there = ("runtime.engine=spark", f"runtime.spark.master='{cluster.address}'", "runtime.spark.memory=512m", LOOPBACK)
    told = outcome(refused, composed_in(data, *there, "runtime.spark.patience_s=4"), folder=tmp_path)
    assert re.match(r"the cluster has worked on nothing for \d s: it has no worker", told)
    assert made(data) == []
    cluster.add_worker()
    cluster.add_worker()
    spec = composed_in(data, *there)
    process = start(spec.data, spec.runtime)
    wait_until(lambda: made(data) and all(cluster.executors(number) for number in range(2)), process)
    cluster.kill_worker(0)
    reached = len(made(data))
    assert reached < reference.files - 20
    finish(process)
    assert whole(data).data_digest == reference.digest
    assert cluster.workers[1].poll() is None


def refused(spec: Variant) -> str:
    """What one is told."""
    from arcgate.injection.build import build_dataset

    with pytest.raises(ArcgateError) as told:
        build_dataset(spec.data, spec.runtime)
    return str(told.value)


def test_what_goes_wrong_in_spark_is_said_in_words(tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", bare], check=True)
    told = outcome(mishaps, str(tmp_path), str(bare / "bin" / "python"), folder=tmp_path)
    assert len(told["processes"]) <= 2
    assert "driver" not in told["processes"]
    assert told["full"].startswith("could not write: No space left on device")
    assert f"where: {tmp_path / 'shard'}" in told["full"]
    assert "ZeroDivisionError" in told["mistaken"]
    assert told["ending"].startswith("a worker process ended before its work did")
    assert told["bare"].startswith("a worker of the cluster has no arcgate")
    assert f"PYSPARK_PYTHON; {bare / 'bin' / 'python'}" in told["bare"]
    assert told["nowhere"].startswith("a worker of the cluster does not find its Python")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bare", "outcome.json"]


def mishaps(folder: str, bare: str) -> dict[str, object]:
    """One session after the other in one process, as far as Java is concerned."""
    os.environ["PYTHONPATH"] = str(Path(__file__).parents[1])
    settings, here = SparkSettings("local[2]", "512m", 60.0, {}), Path(folder)

    def told(work: Callable[..., object], items: list[object]) -> str:
        with Spark(settings) as engine, pytest.raises(Exception) as error:  # whatever one is told
            list(engine.completed(work, items, here))
        return str(error.value)

    with Spark(settings) as engine:
        numbers = {number for _, number in engine.completed(process_of, [0] * 8, here)}
    found: dict[str, object] = {
        "processes": ["driver" if number == os.getpid() else str(number) for number in numbers],
        "full": told(on_a_full_disk, [here / "shard"]),
        "mistaken": told(mistaken, [0]),
        "ending": told(ending, [0]),
    }
    os.environ[PYTHON] = bare
    found["bare"] = told(process_of, [0])
    os.environ[PYTHON] = f"{folder}/nowhere/python"
    return found | {"nowhere": told(process_of, [0])}
