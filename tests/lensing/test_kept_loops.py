"""Whether loops were compiled in this process or found from an earlier one: the same bits."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

MAKES = Path(__file__).parents[1] / "compiled_before.py"


@pytest.mark.long
def test_a_process_that_compiles_and_one_that_finds_make_the_same_bits(tmp_path: Path) -> None:
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "numba"), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(MAKES)]
    made = [subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout for _ in range(2)]
    assert made[0].strip()
    assert made[0] == made[1]
    assert list((tmp_path / "numba").rglob("*.nbc"))
