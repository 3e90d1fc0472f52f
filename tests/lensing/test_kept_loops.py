"""Whether loops were compiled in this process or found from an earlier one: the same bits."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

MADE = """
import hashlib
import torch
from arcgate.imaging import DECALS
from arcgate.lensing.models import Lenses, Sersics
from arcgate.lensing.render import lensed_light

n = 24
number = torch.arange(n, dtype=torch.float64) / n
lens = Lenses.of(0.5 + 2.0 * number, 0.6 + 0.35 * number, 3.0 * number, 0.05 * number, -0.03 * number)
source = Sersics.of(0.1 + 0.4 * number, 1.0 + number, 0.5 + 0.4 * number, 2.0 * number, 0.2 * number, -0.3 + 0.5 * number)
light = lensed_light(lens, source, 31.2 + 0.5 * number, 31.7 - 0.4 * number, DECALS.frame)
print(hashlib.sha256(light.moments.numpy().tobytes()).hexdigest())
"""


@pytest.mark.long
def test_a_process_that_compiles_and_one_that_finds_make_the_same_bits(tmp_path: Path) -> None:
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "numba"), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", MADE]
    made = [subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout for _ in range(2)]
    assert made[0].strip()
    assert made[0] == made[1]
    assert list((tmp_path / "numba").rglob("*.nbc"))
