"""Tables and arrays of noise in which every galaxy is in train and in test."""

from __future__ import annotations

import numpy as np
import pandas as pd
from composing import composed
from layouts import blob, hwc

from arcgate.foreign.opening import open_source
from arcgate.gates.core.context import context_of
from arcgate.gates.core.gate import ALL_ROWS
from arcgate.gates.split_integrity import GATE

N = 8
BIG = 39_627_700_000_000_000
GALAXY = np.tile(np.arange(N), 2)
# Every galaxy is in train and in test.
LEAKING = np.where((np.repeat([0, 1], N) + GALAXY) % 2 == 1, "test", "train")


def pixels():
    """Galaxies that are noise, and the same with a square of light."""
    galaxy = np.random.default_rng(0).normal(size=(N, 3, 64, 64)).astype(np.float32)
    arced = galaxy.copy()
    arced[:, :, 28:36, 28:36] += 5
    return arced, galaxy


def leaking_rows():
    """Positives, then their galaxies as controls, without a name."""
    cells = [blob(hwc(stamp)) for stamp in np.concatenate(pixels())]
    return pd.DataFrame({"stamp_npz": cells, "is_control": np.repeat([0, 1], N), "split": LEAKING})


def arrays(**more):
    stamps = np.concatenate(pixels())
    return {"stamps": stamps, "labels": np.repeat([1, 0], N), "groups": GALAXY, **more}


def place(row):
    return f"a.parquet, row {row}"


def found(path):
    """Galaxies, whether pairs share theirs, and the status of the gate on splits."""
    source, spec = open_source(path), composed()
    columns = GATE.columns(source.facts)
    rows = {ALL_ROWS: source.table(columns)} if columns else {}
    (result,) = GATE.judge(rows, context_of(source, spec.view, spec.gates)).results
    return source.table(["host_id"])["host_id"].nunique(), source.facts.paired, result.status
