"""Settings of the gates: the three profiles, and what is refused."""

from __future__ import annotations

import pytest
from composing import composed
from made_shards import PAIRED, VIEW, made_context, made_stamps

from arcgate.gates.core.listing import gate_of
from arcgate.gates.core.required import required_of, unmet
from arcgate.ground.errors import ArcgateError
from arcgate.variant import LARGEST_SKY_SIGMA, MAX_CELLS

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


def test_cells_that_are_left_out_are_not_run_and_a_pass_needs_them():
    settings, control = composed("gates.cells=[]").gates, made_stamps(6, seed=1)
    context, gate = made_context(settings, [control]), gate_of("two_sample")
    [result] = gate.judge({}, context).results
    assert (result.status, result.left_out_by) == ("not_run", "gates.cells")
    [requirement] = required_of([gate], PAIRED, VIEW, settings)
    assert list(unmet([requirement], [result])[requirement].values()) == ["not_run"]


def test_no_profile_plants_more_than_a_setting_may():
    assert (
        max(composed(f"gates={name}").gates.leak_sizes_sky_sigma[-1] for name in ("quick", "default", "full"))
        == LARGEST_SKY_SIGMA
    )


@pytest.mark.parametrize(
    ("override", "says"),
    [
        (f"gates.cells=[{CELL},{CELL}]", "cells are listed twice: core/pca/ridge"),
        ("gates.cells=[{region: rim, summary: pca, probe: ridge}]", "gates.cells.0.region"),
        ("gates.cells=[{region: core, summary: pca, probe: forest}]", "gates.cells.0.probe"),
        (f"gates.cells=[{','.join([CELL] * 13)}]", "at most 12"),
        ("gates.leak_sizes_sky_sigma=[0.1,0.05]", "must ascend"),
        ("gates.leak_sizes_sky_sigma=[0.2,0.5]", "0.1 sky sigma or smaller"),
        ("gates.leak_sizes_sky_sigma=[0.1,1000000]", "no planted leak may be larger than 0.5 sky sigma"),
        ("gates.margin=0.3", "gates.margin"),
        ("gates.level=0.1", "gates.level"),
        ("gates.leak_sizes_sky_sigma=[]", "gates.leak_sizes_sky_sigma"),
        ("gates.reference_rows=-1", "gates.reference_rows"),
        ("gates.verdict_pairs=0", "gates.verdict_pairs"),
        ("gates.listed=[residual_core,tails,residual_core]", "listed twice: arcgate.gates.residual_core"),
        ("gates.own_gates=[arcgate.gates.tails]", "listed twice: arcgate.gates.tails"),
        ("gates.listed=[]", "gates.listed"),
        ("gates.own_gates=my.gate", r"gates.own_gates: Input should be a list: \[my.gate\]"),
        ("gates.own_gates=null", r"gates.own_gates: Input should be a list: \[\]"),
        ("gates.listed=[residual-core]", "gates.listed.0"),
    ],
)
def test_settings_that_do_not_do_are_named(override, says):
    with pytest.raises(ArcgateError, match=says):
        composed(override)
