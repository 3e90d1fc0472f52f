"""Settings of the gates: the three profiles, and what is refused."""

from __future__ import annotations

import pytest
from composing import composed

from arcgate.ground.errors import ArcgateError
from arcgate.variant import MAX_CELLS

CELL = "{region: core, summary: pca, probe: ridge}"


def test_profiles_grow_from_quick_to_full():
    quick, default, full = (composed(f"gates={name}").gates for name in ("quick", "default", "full"))
    for name in ("max_pairs", "verdict_pairs", "reference_rows"):
        sizes = [getattr(profile, name) for profile in (quick, default, full)]
        assert sizes == sorted(set(sizes))
    assert full.max_pairs == 20_000
    assert full.margin < default.margin
    assert {cell.probe for cell in quick.cells} == {"ridge"}
    assert 0 < len(quick.cells) < len(default.cells) <= MAX_CELLS


def test_the_battery_of_cells_may_be_left_out():
    assert composed("gates.cells=[]").gates.cells == ()


@pytest.mark.parametrize(
    ("override", "says"),
    [
        (f"gates.cells=[{CELL},{CELL}]", "cells are listed twice: core/pca/ridge"),
        ("gates.cells=[{region: rim, summary: pca, probe: ridge}]", "gates.cells.0.region"),
        ("gates.cells=[{region: core, summary: pca, probe: forest}]", "gates.cells.0.probe"),
        (f"gates.cells=[{','.join([CELL] * 13)}]", "at most 12"),
        ("gates.leak_sizes_sky_sigma=[0.1,0.05]", "must ascend"),
        ("gates.leak_sizes_sky_sigma=[0.2,0.5]", "0.1 sky sigma or smaller"),
        ("gates.leak_sizes_sky_sigma=[]", "gates.leak_sizes_sky_sigma"),
        ("gates.reference_rows=-1", "gates.reference_rows"),
        ("gates.verdict_pairs=0", "gates.verdict_pairs"),
        ("gates.listed=[residual_core,tails,residual_core]", "listed twice: arcgate.gates.residual_core"),
        ("gates.own_gates=[arcgate.gates.tails]", "listed twice: arcgate.gates.tails"),
        ("gates.listed=[]", "gates.listed"),
        ("gates.listed=[residual-core]", "gates.listed.0"),
    ],
)
def test_settings_that_do_not_do_are_named(override, says):
    with pytest.raises(ArcgateError, match=says):
        composed(override)
