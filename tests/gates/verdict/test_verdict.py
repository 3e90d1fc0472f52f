"""The verdict on data sets of arcgate's own, sound and with a known defect."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from composing import composed
from judging import Knowing, judgement, kept_of
from scipy.stats import norm
from shipped_gates import owner_of
from shipped_models import MODELS

from arcgate.dataset.source import DatasetSource, Facts
from arcgate.gates.core import safe
from arcgate.gates.core.context import Context, context_of
from arcgate.gates.core.gate import Judgement
from arcgate.gates.core.result import Cause, GateResult, Judged, Requirement
from arcgate.gates.core.shard import Shard, shards_of
from arcgate.gates.verdict.bug_model import REFIT_PARAMETERS
from arcgate.gates.verdict.conclude import joined as joined_of
from arcgate.gates.verdict.identifiability import KINDS, identifiability
from arcgate.gates.verdict.naming import name_cause
from arcgate.gates.verdict.predictions import predicted_light
from arcgate.gates.verdict.refitted import GATE, LEAST_ROWS, OF_STAMPS
from arcgate.gates.verdict.rows import differences
from arcgate.imaging import DECALS
from arcgate.injection.arcs import declared_psfs, render_arcs
from arcgate.views.arrays import ArrayViewer

PAIRS = 24


def cause_of(dataset, *, hide: bool = False) -> Cause:
    """The refit's cause, on `PAIRS` pairs; `hide` leaves neither hosts nor stored arcs."""
    facts = DatasetSource(dataset).facts
    return refitted(dataset, replace(facts, paired=False, has_arc=False, has_null=False) if hide else facts).cause


def refitted(dataset, facts, pairs=PAIRS) -> Judgement:
    """What the refit makes of some pairs of a data set of which `facts` are known."""
    return judgement(GATE, shards_of_few(dataset, facts, pairs))


def shards_of_few(dataset, facts, pairs=PAIRS) -> list[Shard]:
    """Shards of some pairs, stored arcs only where `facts` know of them."""
    source, spec = Knowing(dataset, facts), composed(f"gates.max_pairs={pairs}", f"gates.verdict_pairs={pairs}")
    context = context_of(source, spec.view, spec.gates)
    batches = [part.read() for part in source.parts()]
    known = [batch if facts.has_arc else replace(batch, arc=None) for batch in batches]
    return [shard for batch in known for shard in shards_of(batch, context)]


def context_with(facts, pairs) -> Context:
    """The context of so many pairs of a data set of which `facts` are known."""
    spec = composed()
    numbers = np.arange(pairs)
    return Context(facts, ArrayViewer(spec.view, facts.imaging), spec.gates, numbers, numbers, numbers, numbers)


@pytest.mark.parametrize(
    ("override", "name"),
    [
        ("psf=moffat_converted", "physics"),
        ("psf=moffat_naive", "psfsize_as_moffat_fwhm"),
        ("psf=gaussian", "gaussian_for_moffat"),
    ],
)
def test_the_psf_of_a_paired_set_is_named(built, override, name):
    cause = cause_of(built(override))
    assert cause.name == name
    assert {each.name for each in cause.measured} >= {"flux", "psf_width", "shift_x", "pedestal", "noise"}


def test_masks_are_part_of_what_is_declared(built):
    assert cause_of(built("psf=moffat_converted", "core_mask=hard_r5")).name == "physics"


def test_a_mask_that_is_not_declared_leaves_light_unexplained(built):
    dataset = built("psf=moffat_converted", "core_mask=hard_r5")
    batch = next(dataset.batches(roles=["positive"]))
    chosen = slice(0, PAIRS)
    cause = name_cause(differences(batch.table[chosen].assign(core_mask_kind="none"), batch.arc[chosen], DECALS, MODELS))
    assert "unknown_bug" in cause.name


def test_two_rows_in_another_unit_are_no_physics(built):
    batch = next(built("psf=moffat_converted").batches(roles=["positive"]))
    table, arc = batch.table[:PAIRS], batch.arc[:PAIRS].copy()
    arc[5:7] *= np.float32(0.1)
    assert name_cause(differences(table, arc, DECALS, MODELS)).name == "flux_unit"
    # Two rows with one another's arcs: nothing explains them, and their galaxies are given.
    arc[5:7] = batch.arc[[6, 5]]
    cause = name_cause(differences(table, arc, DECALS, MODELS))
    assert "unknown_bug" in cause.name
    assert f"galaxies {table['host_id'].iloc[5]}, {table['host_id'].iloc[6]}" in cause.sentence


def test_stored_arcs_alone_show_nothing_of_what_happens_to_stamps(built):
    dataset = built("psf=moffat_converted")
    facts = replace(DatasetSource(dataset).facts, paired=False, has_null=False)
    found = refitted(dataset, facts)
    cause = found.cause
    assert cause.name == "physics"
    assert not {each.name for each in cause.measured} & set(OF_STAMPS)
    assert "not run" in cause.sentence
    assert "arc stored (this data set)" in found.exhibits[0].content["columns"]


def test_few_rows_are_counted_and_never_a_crash(built):
    dataset = built("controls=unpaired", "psf=moffat_converted")
    facts = DatasetSource(dataset).facts
    hidden = replace(facts, has_arc=False, has_null=False)
    for kind in (facts, hidden, replace(facts, has_null=False)):
        assert "0 rows can be refitted" in GATE.judge({}, context_with(kind, 5)).cause.sentence
        few = refitted(dataset, kind, LEAST_ROWS - 3).cause.sentence
        assert f"{LEAST_ROWS - 3} rows can be refitted, {LEAST_ROWS} are needed" in few
    shards = shards_of_few(dataset, hidden, LEAST_ROWS)
    kept = kept_of(GATE, shards)
    kept |= {name: kept[name][:-1] for name in ("controls", "control light")}
    assert f"{LEAST_ROWS - 1} rows can be refitted" in GATE.judge(kept, shards[0].context).cause.sentence


def test_a_bug_is_named_without_arcs_and_hosts(built):
    dataset = built("controls=unpaired", "data.n_pairs=90", "psf=moffat_naive")
    assert cause_of(dataset, hide=True).name == "psfsize_as_moffat_fwhm"


def test_a_sound_set_without_arcs_and_hosts_raises_no_alarm(built):
    dataset = built("controls=unpaired", "data.n_pairs=90", "psf=moffat_converted")
    cause = cause_of(dataset, hide=True)
    # Ninety galaxies bound a pedestal beside the light of other galaxies loosely, and nothing else.
    assert cause.name == "undetermined"
    assert "more galaxies are needed to bound core_pedestal" in cause.sentence
    assert {each.name for each in cause.measured if not each.inside} == {"core_pedestal"}


def test_slopes_are_derivatives_of_the_renderers_stamps(built):
    table = built("psf=moffat_converted").table(roles=["positive"]).iloc[:4].reset_index(drop=True)
    predicted = predicted_light(table, DECALS, ())
    step = 0.05
    for name, column in (("shift_x", "host_x_pix"), ("shift_y", "host_y_pix")):
        ahead, behind = (
            render_arcs(table.assign(**{column: table[column] + sign * step}), declared_psfs(table, DECALS), DECALS)[0]
            for sign in (1, -1)
        )
        slope = (ahead - behind) / (2.0 * step)
        difference = np.abs(predicted.slopes[:, REFIT_PARAMETERS.index(name)] - slope).max(axis=(2, 3))
        assert (difference < 0.01 * np.abs(slope).max(axis=(2, 3))).all()
    slope = (scaled(table, 1.002) - scaled(table, 1.0 / 1.002)) / (2.0 * np.log(1.002))
    difference = np.abs(predicted.slopes[:, REFIT_PARAMETERS.index("magnification")] - slope).max(axis=(2, 3))
    assert (difference < 0.02 * np.abs(slope).max(axis=(2, 3))).all()


def scaled(table, factor):
    """Arcs of a renderer that takes lengths on the sky for `factor` times as many pixels."""
    lengths = [
        "theta_e_arcsec",
        "source_reff_arcsec",
        "source_x_arcsec",
        "source_y_arcsec",
        "psfsize_g",
        "psfsize_r",
        "psfsize_z",
    ]
    changed = table.assign(**{name: table[name] * factor for name in lengths})
    return render_arcs(changed, declared_psfs(changed, DECALS), DECALS)[0].astype(np.float64)


def test_undeclared_arcs_leave_the_cause_open():
    facts = Facts("arrays", paired=True, has_arc=False, has_null=False, declared=False, columns=frozenset(), imaging=DECALS)
    cause = GATE.judge({}, context_with(facts, 5)).cause
    assert cause.name == "undetermined"
    assert "not declared" in cause.sentence


def test_the_table_marks_the_kind_of_data():
    facts = Facts("arcgate", paired=True, has_arc=True, has_null=True, declared=True, columns=frozenset(), imaging=DECALS)
    exhibit = identifiability(facts, MODELS)
    assert exhibit.content["columns"][2] == "paired without arc (this data set)"
    assert len(exhibit.content["rows"]) == 16
    assert all(len(row) == 1 + len(KINDS) for row in exhibit.content["rows"])


def result(name: str, view: str, status: str, half: float = 0.02) -> GateResult:
    value = 0.6 if status == "failed" else 0.5
    return GateResult(
        name=name,
        view=view,
        value=value,
        low=value - half,
        high=value + half,
        null=0.5,
        margin=0.05,
        detected_sensitivity=0.1,
        required_sensitivity=0.1,
        sensitivity_unit="px",
        n=10,
        n_groups=10,
        status=status,
        reason="because",
    )


PHYSICS = Cause("physics", "fine")
LEVEL = 0.9


def joined(results: list[GateResult], light: Cause, level: float) -> Cause:
    """The cause by what arcgate's own gates say that their results name and bound."""
    stated = {each.name: owner for each in results if (owner := owner_of(each.name)) is not None}
    leaks = {name: gate.cause for name, gate in stated.items() if gate.cause is not None}
    bounding = tuple(name for name, gate in stated.items() if gate.bounds_light)
    return joined_of(Judged(tuple(results), (), light, level, (), {}, leaks, bounding, {}))


def is_safe(results, level):
    """*safe?* where a pass needs every gate that there is."""
    return safe.is_safe(results, level, [Requirement("all", tuple(f"{gate.name}/{gate.view}" for gate in results))], alarm=False)


@pytest.mark.parametrize(
    ("failed", "light", "name"),
    [
        ([], PHYSICS, "physics"),
        ([("mask_edge", "raw")], PHYSICS, "mask_edge"),
        ([("normaliser_masked", "network"), ("residual_core", "network")], PHYSICS, "normalisation"),
        ([("split_integrity", "table"), ("residual_core", "network")], PHYSICS, "unknown_bug + split"),
        ([("null", "raw")], PHYSICS, "selection"),
        ([("normaliser_null", "network")], PHYSICS, "selection"),
        ([("null_equal", "raw")], PHYSICS, "unknown_bug"),
        ([("split_integrity", "table")], PHYSICS, "split"),
        ([("residual_core", "raw")], PHYSICS, "unknown_bug"),
        ([("residual_core", "raw")], Cause("pedestal", "light"), "pedestal"),
        ([("mask_edge", "raw")], Cause("pedestal", "light"), "pedestal + mask_edge"),
        ([("normaliser_masked", "network")], Cause("flux_unit", "light"), "flux_unit + normalisation"),
        ([], Cause("undetermined", "too few"), "undetermined"),
    ],
)
def test_gates_and_refit_make_one_cause(failed, light, name):
    results = [result(*which, "failed") for which in failed] + [result("residual_border", "raw", "passed")]
    assert joined(results, light, LEVEL).name == name


def test_a_normaliser_that_could_fail_by_chance_still_explains_what_only_the_network_sees():
    sound = [result(f"residual_{number}", "raw", "passed") for number in range(20)]
    narrow, seen = result("normaliser_masked", "network", "failed", half=0.06), result("residual_core", "network", "failed")
    assert joined([*sound, narrow, seen], PHYSICS, LEVEL).name == "normalisation"
    assert joined([*sound, narrow, replace(seen, view="raw")], PHYSICS, LEVEL).name == "unknown_bug"
    assert joined([*sound, seen], PHYSICS, LEVEL).name == "unknown_bug"
    assert joined([*sound, narrow, result("mask_edge", "raw", "failed")], PHYSICS, LEVEL).name == "mask_edge"


def test_one_gate_among_many_that_fails_by_chance_decides_nothing():
    sound = [result(f"residual_{number}", "raw", "passed") for number in range(20)]
    narrow = result("metadata_trees", "table", "failed", half=0.06)
    assert joined([*sound, narrow], PHYSICS, LEVEL).name == "physics"
    assert "metadata_trees failed, which chance alone can do" in joined([*sound, narrow], PHYSICS, LEVEL).sentence
    # The same estimate and error, stated at another level.
    wider = replace(narrow, low=0.6 - 0.06 * norm.ppf(0.995) / norm.ppf(0.95), high=0.6 + 0.06 * norm.ppf(0.995) / norm.ppf(0.95))
    for alone_or_not in ([*sound, wider], [wider]):
        assert is_safe(alone_or_not, 0.99) == is_safe([*alone_or_not[:-1], narrow], LEVEL)
    assert is_safe([*sound, narrow], LEVEL) == "undetermined"
    assert is_safe([narrow], LEVEL) == "failed"
    assert is_safe([*sound, result("metadata_trees", "table", "failed", half=0.02)], LEVEL) == "failed"
    # What is no AUC is no matter of chance among AUCs.
    assert is_safe([*sound, replace(narrow, null=0.0)], LEVEL) == "failed"
    assert is_safe(sound, LEVEL) == "passed"
    assert is_safe([], LEVEL) == "undetermined"
    assert joined([*sound, result("metadata_trees", "table", "failed", half=0.02)], PHYSICS, LEVEL).name == "selection"


def test_a_value_below_one_half_names_no_leak():
    below = replace(result("metadata_ridge", "table", "failed"), value=0.37, low=0.35, high=0.39)
    sound = [result("residual_core", "raw", "passed")]
    cause = joined([*sound, below], PHYSICS, LEVEL)
    assert cause.name == "undetermined"
    assert "metadata_ridge (0.370) lies below 0.5" in cause.sentence
    assert is_safe([*sound, below], LEVEL) == "undetermined"
    assert joined([*sound, below], Cause("pedestal", "light"), LEVEL).name == "pedestal"
    # A share of the peak is no AUC: small values fail too.
    share = replace(below, name="reference", value=0.02, low=0.02, high=0.02, null=0.0)
    assert joined([*sound, share], PHYSICS, LEVEL).name == "unknown_bug"


@pytest.mark.parametrize("status", ["insensitive", "not_run", "undetermined"])
def test_physics_needs_residuals_that_were_judged(status):
    cause = joined([result("residual_core", "raw", status), result("residual_border", "raw", "passed")], PHYSICS, LEVEL)
    assert cause.name == "undetermined"
    assert f"residual_core ({status})" in cause.sentence


def test_the_published_fix_fails_for_its_edge_in_one_sentence():
    sentence = joined([result("mask_edge", "raw", "failed")], PHYSICS, LEVEL).sentence
    assert "mask" in sentence
    assert "edge" in sentence
