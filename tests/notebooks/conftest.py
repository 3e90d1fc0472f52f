"""A small study named as the pilot is, in a folder of its own, made by arcgate itself."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
# In a file, since settings that are typed become part of the variants' names.
EXPERIMENT = """
# @package _global_
defaults:
  - override /learning: pilot
  - override /gates: quick

study: pilot
data: {n_pairs: 120, hosts: {n_hosts: 400}}
evaluation: {common: {n_pairs: 30}}
learning: {epochs: 1}
runtime: {workers: 1, threads: 1}
hydra: {mode: MULTIRUN, sweeper: {params: {variant: "published,mask_r5,recommended"}}}
"""
SECONDS = 1200


@pytest.fixture(scope="session")
def small_pilot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as a checkout is after `make pilot`: data, mlruns and the notebooks."""
    folder = tmp_path_factory.mktemp("pilot")
    experiments = folder / "settings" / "experiment"
    experiments.mkdir(parents=True)
    (experiments / "small.yaml").write_text(EXPERIMENT)
    command = [sys.executable, "-m", "arcgate.cli", "run", "--config-dir", "settings", "experiment=small"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
    shutil.copytree(NOTEBOOKS, folder / "notebooks")
    return folder
