"""Data sets that cannot be judged, or not wholly: a clear message, or gates that are not run; never passed, never a crash."""

from __future__ import annotations

import numpy as np
import pytest
from composing import audited
from layouts import arrays_of, unpaired_rows, write_arrays, write_rows

from arcgate.foreign.opening import open_source
from arcgate.gates.core.battery import run_battery
from arcgate.gates.verdict.conclude import conclude
from arcgate.ground.errors import ArcgateError

# Equalities and counts, which one galaxy and constant pixels can satisfy.
COUNTED = {"null_equal", "deinjection", "split_integrity", "duplicates", "finite_pixels", "scalable_stamps", "stored_values"}


@pytest.fixture(scope="module")
def judge(built):
    """Judge a file with the quick settings; gives evidence and its gates by name and view."""

    def run(path, *overrides):
        spec = audited(f"data={path}", "gates=quick", *overrides)
        source = open_source(path)
        evidence = conclude("0" * 64, run_battery(source, spec.view, spec.gates))
        return evidence, [result for result in evidence.results if result.role == "gate"]

    return run


def noise(n, groups, seed=0):
    """Stamps of noise alone."""
    rng = np.random.default_rng(seed)
    stamps = rng.normal(0.0, 0.01, (n, 3, 64, 64)).astype(np.float32)
    return {"stamps": stamps, "labels": np.arange(n) % 2, "groups": groups}


def wrongly_judged(gates):
    """Rules that passed or failed where nothing can be judged, or do not say why they did neither."""
    rules = [gate for gate in gates if gate.name not in COUNTED]
    assert rules
    return [
        (gate.name, gate.view, gate.status) for gate in rules if gate.status in ("passed", "failed") or not gate.reason.strip()
    ]


def test_one_galaxy_only(judge, tmp_path):
    arrays = noise(12, np.zeros(12, dtype=int))
    # Stamps of one galaxy share their sky.
    path = write_arrays(arrays | {"stamps": arrays["stamps"][:1] + np.float32(0.1) * arrays["stamps"]}, tmp_path / "set.npz")
    evidence, gates = judge(path)
    assert wrongly_judged(gates) == []
    assert evidence.safe == "undetermined"


def test_constant_pixels(judge, tmp_path):
    n = 120
    arrays = {**noise(n, np.arange(n) // 2), "stamps": np.full((n, 3, 64, 64), 0.25, dtype=np.float32)}
    with pytest.raises(ArcgateError, match=r"no pair is left to be judged: 60 of 60 controls, 60 of 60 positives have no spread"):
        judge(write_arrays(arrays, tmp_path / "set.npz"))


def test_missing_arcs_leave_the_gates_that_need_them_not_run(built, judge, tmp_path):
    evidence, gates = judge(write_rows(unpaired_rows(built("controls=unpaired")), tmp_path / "set.parquet"))
    for name in ("residual_core", "mask_edge", "deinjection", "normaliser_masked"):
        found = [gate for gate in gates if gate.name == name]
        assert found
        assert all(gate.status == "not_run" and gate.reason for gate in found)
    assert evidence.safe != "passed"


def test_pairs_without_stored_arcs_are_judged_on_their_difference(built, judge, tmp_path):
    evidence, gates = judge(write_arrays(arrays_of(built()), tmp_path / "set.npz"))
    assert evidence.safe != "passed"
    assert {gate.status for gate in gates if gate.name == "residual_core"} == {"not_run"}
    # The pairs' differences are looked at, by the diagnostics that need no declared arcs.
    assert {result.status for result in evidence.results if result.name == "difference_core"} == {"reported"}


def test_one_class_only(built, judge, tmp_path):
    rows = unpaired_rows(built("controls=unpaired"))
    for kind in (0, 1):
        path = write_rows(rows[rows["is_control"] == kind], tmp_path / f"{kind}.parquet")
        with pytest.raises(ArcgateError, match="one class cannot be told from nothing"):
            judge(path)
