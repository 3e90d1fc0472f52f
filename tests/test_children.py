"""Programs that run as children end with the process that started them, and so do their own children."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from arcgate.children import run_to_the_end

# A server as MLflow's: it has a worker of its own, listens on a port of this machine, and ends when it is told to; or does not.
SERVER = """
import os, signal, socket, subprocess, sys, time
if {stubborn}:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
worker = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
listening = socket.create_server(("127.0.0.1", 0))
print(os.getpid(), worker.pid, listening.getsockname()[1], flush=True)
time.sleep(600)
"""
PARENT = """
import os, sys
import arcgate.children as children
children._PATIENCE = 0.5
sys.exit(children.run_to_the_end([sys.executable, "-c", {server!r}], os.environ))
"""


def alive(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    # A process that has ended and that nobody has asked after is still listed.
    with open(f"/proc/{number}/stat") as status:
        return status.read().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.parametrize(
    ("number", "code", "stubborn"),
    [(signal.SIGTERM, 143, False), (signal.SIGINT, 0, False), (signal.SIGHUP, 129, False), (signal.SIGTERM, 143, True)],
)
def test_a_server_and_its_workers_end_with_the_process_that_started_them(number, code, stubborn):
    command = PARENT.format(server=SERVER.format(stubborn=stubborn))
    with subprocess.Popen([sys.executable, "-c", command], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        server, worker, port = map(int, parent.stdout.readline().split())
        assert port
        assert alive(server)
        assert alive(worker)
        parent.send_signal(number)
        assert parent.wait(30) == code
    deadline = time.monotonic() + 10
    while (alive(server) or alive(worker)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not alive(server)
    assert not alive(worker)


def test_the_status_of_a_program_that_ends_by_itself_is_handed_on():
    before = signal.getsignal(signal.SIGTERM)
    assert run_to_the_end([sys.executable, "-c", "raise SystemExit(7)"], os.environ) == 7
    assert signal.getsignal(signal.SIGTERM) is before
