"""A standalone Spark cluster on the loopback, of processes that end with the test."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path

_LIMIT_S = 60.0


def _home() -> Path:
    found = find_spec("pyspark")
    assert found is not None, "pyspark is not installed: `make spark`"
    assert found.origin is not None
    return Path(found.origin).parent


class Cluster:
    """A master, and workers of one core each, with their logs and scratch in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.workers: list[subprocess.Popen[bytes]] = []
        self._master = self._started("master.Master", "master")
        self.address = self._said("master", r"Starting Spark master at (spark://127\.0\.0\.1:\d+)")

    def add_worker(self) -> None:
        """Start one more worker and wait until the master knows it."""
        name = f"worker-{len(self.workers)}"
        options = ("--cores", "1", "--memory", "2g", "--work-dir", str(self.folder / name))
        self.workers.append(self._started("worker.Worker", name, *options, self.address))
        self._said(name, r"(Successfully registered) with master")

    def executors(self, number: int) -> list[Path]:
        """Folders of the executors that a worker has started."""
        return list((self.folder / f"worker-{number}").glob("app-*/*"))

    def kill_worker(self, number: int) -> None:
        """kill -9 of a worker and its executors."""
        os.killpg(self.workers[number].pid, signal.SIGKILL)
        self.workers[number].wait()

    def stop(self) -> None:
        """End what is still there."""
        for process in (*self.workers, self._master):
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def _started(self, kind: str, name: str, *options: str) -> subprocess.Popen[bytes]:
        command = [_home() / "bin" / "spark-class", f"org.apache.spark.deploy.{kind}"]
        # Port 0: any that is free.
        places = ("--host", "127.0.0.1", "--port", "0", "--webui-port", "0")
        environment = os.environ | {"SPARK_LOCAL_IP": "127.0.0.1", "SPARK_LOCAL_DIRS": str(self.folder)}
        with (self.folder / f"{name}.log").open("w") as log:
            return subprocess.Popen(
                [*command, *places, *options], stdout=log, stderr=subprocess.STDOUT, start_new_session=True, env=environment
            )

    def _said(self, name: str, pattern: str) -> str:
        end = time.monotonic() + _LIMIT_S
        while (found := re.search(pattern, (self.folder / f"{name}.log").read_text())) is None:
            assert time.monotonic() < end, (self.folder / f"{name}.log").read_text()
            time.sleep(0.1)
        return found.group(1)
