"""Gates on positions: each finds its planted leak, is silent on a sound set, and says nothing where there are no positions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from made_shards import PAIRED, made_context, made_stamps

from arcgate.gates import both_labels, bricks, known_lenses, overlaps, two_surveys
from arcgate.gates.core.gate import ALL_ROWS
from arcgate.gates.core.required import required_of
from arcgate.gates.core.safe import is_safe
from arcgate.ground.sphere import unit_vectors
from arcgate.survey.legacy.brick_scheme import brick_names

GATES = (overlaps.GATE, bricks.GATE, two_surveys.GATE, known_lenses.GATE, both_labels.GATE)
N = 400
ARCSEC = 1 / 3600


def sky(**changes):
    """Galaxies a degree from each other, split by the brick's column; one row a galaxy, labels in turn."""
    row = np.arange(N)
    table = pd.DataFrame(
        {
            "host_id": [f"g{i}" for i in row],
            "role": np.where(row % 2 == 0, "positive", "control"),
            "split": np.where(row // 20 % 5 == 0, "test", "train"),
            "ra": 100.0 + row // 20,
            "dec": 10.0 + row % 20,
            "brick": [f"b{i // 4}" for i in row],
            "footprint": np.where(row % 20 > 10, "north", "south"),
        }
    )
    return table.assign(**changes)


def with_row(table, like, **changes):
    """With one row more, like another."""
    more = table.iloc[[like]].assign(host_id="planted", **changes)
    return pd.concat([table, more], ignore_index=True)


@pytest.fixture
def judge(small):
    """What a gate makes of a table."""
    context = made_context(small().gates, [made_stamps(1, 0)])

    def made(gate, table, lenses=None, settings=(), **facts):
        several = "split" in table and table["split"].nunique() > 1
        known = {"paired": False, "positions": True, "layout": "arrays", "several_splits": several} | facts
        told = replace(PAIRED, columns=frozenset(table.columns), **known)
        lenses = np.zeros((0, 2)) if lenses is None else np.array(lenses)
        here = replace(context, facts=told, lenses=lenses, settings=replace(context.settings, **dict(settings)))
        asked = gate.columns(told)
        return gate.judge({ALL_ROWS: table[asked]} if asked else {}, here)

    return made


def test_a_sound_sky_passes_every_gate_and_detects_what_is_planted(judge):
    for gate in GATES:
        found = judge(gate, sky(), lenses=[(10.0, -50.0)], settings={"whole_bricks": True})
        [result] = found.results
        assert (gate.name, result.status, result.role) == (gate.name, "passed", "gate"), result.reason
        assert found.curves
        assert all(curve.sensitive for curve in found.curves)


@pytest.mark.parametrize("gate", GATES, ids=lambda gate: gate.name)
def test_without_positions_or_with_those_of_a_mock_nothing_is_said(judge, gate):
    assert judge(gate, sky().drop(columns=["ra", "dec"]), positions=False).results == []
    crowded = sky(ra=100.0, dec=10.0)
    assert judge(gate, crowded, lenses=[(100.0, 10.0)], hosts="mock").results == []


def test_a_galaxy_beside_one_of_another_split_fails(judge):
    # A row of the training set, one arcsecond's half from the first, which is in the test set.
    table = with_row(sky(), 0, split="train", dec=10.0 + 0.5 * ARCSEC)
    [result] = judge(overlaps.GATE, table).results
    assert result.status == "failed"
    assert "2 of 401 rows (0.5 %) lie within 25 arcsec of a row of another split, 2 of them within 1 arcsec" in result.reason
    assert "g0 at 100.00000 +10.00000 (test) and planted at 100.00000 +10.00014 (train), 0.50 arcsec apart" in result.reason


@pytest.mark.parametrize(("arcsec", "status"), [(24.0, "failed"), (26.0, "passed")])
def test_stamps_that_overlap_fail_where_they_are_many(judge, arcsec, status):
    [result] = judge(overlaps.GATE, with_row(sky(), 0, split="train", dec=10.0 + arcsec * ARCSEC)).results
    assert result.status == status, result.reason


def test_larger_stamps_overlap_farther_apart(judge):
    table = with_row(sky(), 0, split="train", dec=10.0 + 50.0 * ARCSEC)
    assert judge(overlaps.GATE, table).results[0].status == "passed"
    [result] = judge(overlaps.GATE, table, imaging=replace(PAIRED.imaging, size_pix=160, pixel_scale_arcsec=0.262)).results
    assert result.status == "failed"
    assert "lie within 59.2838 arcsec of a row of another split" in result.reason


def test_a_few_of_many_may_overlap_but_none_may_be_the_same_galaxy(judge):
    rows = 3000
    table = pd.DataFrame({"host_id": np.arange(rows).astype(str), "role": "positive", "ra": np.arange(rows) * 0.1, "dec": 0.0})
    table["split"] = np.where(np.arange(rows) < 500, "test", "train")
    beside = with_row(table, 0, split="train", dec=20.0 * ARCSEC)
    assert judge(overlaps.GATE, beside).results[0].status == "passed"
    assert "2 of 3001 rows" in judge(overlaps.GATE, beside).results[0].reason
    same = with_row(table, 0, split="train", dec=0.9 * ARCSEC)
    assert judge(overlaps.GATE, same).results[0].status == "failed"


def test_neighbours_are_found_across_the_seam_and_at_the_pole(judge):
    seam = sky(ra=np.where(np.arange(N) == 0, 359.9999, sky()["ra"]), dec=np.where(np.arange(N) == 0, 0.0, sky()["dec"]))
    assert judge(overlaps.GATE, with_row(seam, 0, split="train", ra=0.0001)).results[0].status == "failed"
    pole = sky(ra=np.where(np.arange(N) == 0, 10.0, sky()["ra"]), dec=np.where(np.arange(N) == 0, 89.9999, sky()["dec"]))
    assert judge(overlaps.GATE, with_row(pole, 0, split="train", ra=190.0)).results[0].status == "failed"


def test_one_split_only_is_not_run(judge):
    [result] = judge(overlaps.GATE, sky(split="train")).results
    assert (result.status, result.reason) == ("not_run", "no two splits are recorded")


@pytest.mark.parametrize("gate", [overlaps.GATE, bricks.GATE], ids=lambda gate: gate.name)
def test_where_one_split_alone_has_positions_splits_are_not_compared(judge, gate):
    placed = sky().drop(columns="brick")
    for column in ("ra", "dec"):
        placed[column] = placed[column].where(placed["split"] == "train")
    [result] = judge(gate, placed, settings={"whole_bricks": True}).results
    what = "positions" if gate is overlaps.GATE else "bricks"
    assert (result.status, result.role) == ("not_run", "gate")
    assert result.reason == f"rows of one split alone have {what}"


@pytest.mark.parametrize("gate", [overlaps.GATE, bricks.GATE, two_surveys.GATE], ids=lambda gate: gate.name)
def test_a_split_without_positions_is_named_and_not_passed(judge, gate):
    split = sky()["split"].where(np.arange(N) % 7 != 0, "val")
    table = sky(split=split, brick=sky()["brick"].where(split != "val"))
    table["dec"] = table["dec"].where(split != "val")
    [result] = judge(gate, table, settings={"whole_bricks": True}).results
    what = "brick" if gate is bricks.GATE else "position"
    assert result.status == "not_run"
    assert result.reason.startswith(f"no row of the split val has a {what}; ")
    # What crosses among the others fails all the same.
    leak = with_row(table, 1, split="train", footprint="north", dec=11.0 + 0.5 * ARCSEC)
    assert judge(gate, leak, settings={"whole_bricks": True}).results[0].status == "failed"


@pytest.mark.parametrize(
    ("gate", "role"), [(known_lenses.GATE, "control"), (both_labels.GATE, "control"), (both_labels.GATE, "positive")]
)
def test_a_class_without_positions_is_named_and_not_passed(judge, gate, role):
    lenses = [(100.0, 11.0)]
    [result] = judge(gate, sky(ra=sky()["ra"].where(sky()["role"] != role)), lenses=lenses).results
    assert (result.status, result.reason) == ("not_run", f"no {role} has a position")


def test_one_class_of_two_surveys_without_positions_is_named_where_classes_count(judge):
    table = sky(ra=sky()["ra"].where(sky()["role"] != "control"))
    [result] = judge(two_surveys.GATE, table).results
    assert (result.status, result.reason.split(";")[0]) == ("not_run", "no control has a position")
    assert judge(two_surveys.GATE, table, paired=True).results[0].status == "passed"


def test_a_brick_in_two_splits_fails_where_galaxies_were_cut_from_bricks(judge):
    split = sky()["split"].where(np.arange(N) != 1, "val")
    [legacy] = judge(bricks.GATE, sky(split=split), hosts="legacy").results
    assert (legacy.status, legacy.role) == ("failed", "gate")
    assert "1 of 100 bricks with several rows lie in more than one split (bricks as recorded): b0" in legacy.reason
    [other] = judge(bricks.GATE, sky(split=split)).results
    assert (other.status, other.role, other.value) == ("reported", "diagnostic", 0.01)


def test_bricks_of_one_row_each_are_not_compared(judge):
    table = sky(brick=[f"b{i}" for i in range(N)])
    [result] = judge(bricks.GATE, table, settings={"whole_bricks": True}).results
    assert (result.status, result.role, result.reason) == ("not_run", "gate", "no brick holds two rows")
    [result] = judge(bricks.GATE, table).results
    assert (result.status, result.role) == ("not_run", "diagnostic")


def test_bricks_that_are_not_recorded_are_those_of_the_survey(judge):
    table = with_row(sky().drop(columns="brick"), 0, split="train", dec=10.01)
    [result] = judge(bricks.GATE, table, settings={"whole_bricks": True}).results
    assert result.status == "failed"
    assert "by position): 1000p100" in result.reason


def test_bricks_that_some_rows_record_are_those_of_the_survey_for_the_others(judge):
    names = brick_names(sky()["ra"].to_numpy(), sky()["dec"].to_numpy())
    known = pd.Series(names, dtype=object).where(np.arange(N) < 2, None)
    row = int(np.flatnonzero((sky()["split"] == "test") & (np.arange(N) >= 2))[0])
    table = with_row(sky(brick=known), row, split="train", brick=None, dec=float(sky()["dec"][row]) + 0.01)
    [result] = judge(bricks.GATE, table, settings={"whole_bricks": True}).results
    assert result.status == "failed"
    assert result.n == N + 1
    assert f"bricks as recorded of 2 rows, by position of {N - 1}" in result.reason
    # One of a recorded name stays without a position.
    lost = with_row(table, 0, ra=np.nan, split="train")
    assert judge(bricks.GATE, lost, settings={"whole_bricks": True}).results[0].n == N + 2


def test_a_brick_of_two_names_is_seen_to_cross(judge):
    """Rows of train record a number; those of test record none, and would have the survey's name."""
    beside = sky().assign(dec=sky()["dec"] + 0.01, split="test", host_id="beside")
    table = pd.concat([sky(split="train"), beside], ignore_index=True)
    number = pd.Series(np.tile(np.arange(N), 2) + 300_000).astype("Int64").where(table["split"] == "train")
    [result] = judge(bricks.GATE, table.assign(brick=number), settings={"whole_bricks": True}).results
    assert (result.status, result.value) == ("failed", 1.0)
    assert f"by position; other names are recorded, of {N} rows alone)" in result.reason
    lost = with_row(table.assign(brick=number), 0, dec=np.nan)
    [result] = judge(bricks.GATE, lost, settings={"whole_bricks": True}).results
    assert (result.status, result.n) == ("failed", 2 * N)
    assert "left out: 1 row with a recorded brick and no position)" in result.reason
    # Names that all rows record are nobody's business but the table's own.
    every = table.assign(brick=np.tile(np.arange(N), 2) + N * (table["split"] == "test"))
    assert judge(bricks.GATE, with_row(every, 0), settings={"whole_bricks": True}).results[0].status == "passed"


def test_a_galaxy_of_two_surveys_in_two_splits_or_classes_fails(judge):
    other = {"footprint": "north", "dec": 10.0 + 0.3 * ARCSEC}
    [split] = judge(two_surveys.GATE, with_row(sky(), 0, split="train", **other)).results
    assert split.status == "failed"
    assert split.reason.startswith("1 pair of rows of different surveys lies within 1 arcsec, in different splits or classes: ")
    assert (
        "g0 at 100.00000 +10.00000 (south, test, positive) and planted at 100.00000 +10.00008 (north, train, positive)"
        in split.reason
    )
    [label] = judge(two_surveys.GATE, with_row(sky(), 0, role="control", **other)).results
    assert label.status == "failed"
    [neither] = judge(two_surveys.GATE, with_row(sky(), 0, **other)).results
    assert (neither.status, "1 such pair in one split and class" in neither.reason) == ("passed", True)
    # Twice in one survey is what `overlaps` looks at.
    assert judge(two_surveys.GATE, with_row(sky(), 0, split="train")).results[0].status == "passed"
    assert judge(two_surveys.GATE, sky(footprint="south")).results == []


def test_two_releases_are_two_surveys(judge):
    table = with_row(sky(footprint="south", release="9010"), 0, split="train", release="10000")
    [result] = judge(two_surveys.GATE, table).results
    assert (result.status, "(south 9010, test, positive)" in result.reason) == ("failed", True)


@pytest.mark.parametrize(("arcsec", "status"), [(4.9, "failed"), (5.1, "passed")])
def test_a_known_lens_among_the_negatives_fails(judge, arcsec, status):
    # Row 1 is a control at 100, 11; row 0 is a positive, which may be known.
    lenses = [(100.0, 11.0 + arcsec * ARCSEC), (100.0, 10.0)]
    [result] = judge(known_lenses.GATE, sky(), lenses=lenses).results
    assert result.status == status, result.reason
    if status == "failed":
        assert (
            "1 of 200 controls lie within 5 arcsec of one of 2 known lenses: g1 at 100.00000 +11.00000 (control)" in result.reason
        )


def test_without_a_list_nothing_is_lost(judge):
    [result] = judge(known_lenses.GATE, sky()).results
    assert (result.status, result.role) == ("not_run", "gate")
    assert "gates.known_lenses" in result.reason
    assert not known_lenses.GATE.requires


def test_positives_among_the_negatives_fail_but_not_hosts_that_serve_as_controls(judge):
    table = with_row(sky(), 0, role="control", dec=10.0 + 0.8 * ARCSEC)
    [result] = judge(both_labels.GATE, table).results
    assert result.status == "failed"
    assert "planted at 100.00000 +10.00022 (control, test) and g0 at 100.00000 +10.00000 (positive, test)" in result.reason
    [own] = judge(both_labels.GATE, table, layout="arcgate").results
    assert (own.status, own.role) == ("reported", "diagnostic")
    assert judge(both_labels.GATE, table, paired=True).results == []


def test_what_a_pass_needs_grows_only_where_positions_and_splits_are_there(small):
    spec, several = small(), replace(PAIRED, several_splits=True)
    stated = {gate.requires for gate in (overlaps.GATE, bricks.GATE)}

    def needed(facts):
        return {requirement.what for requirement in required_of(GATES, facts, spec.view, spec.gates)} & stated

    assert needed(several) == needed(replace(several, positions=True, hosts="mock")) == set()
    assert needed(replace(several, positions=True, hosts="pack")) == {overlaps.GATE.requires}
    assert needed(replace(several, positions=True, hosts="legacy")) == stated
    assert needed(replace(several, positions=True, hosts="legacy", several_splits=False)) == set()


@pytest.mark.parametrize("gate", GATES, ids=lambda gate: gate.name)
def test_a_failure_makes_a_set_fail(judge, gate):
    leaks = {
        "overlaps": with_row(sky(), 0, split="train"),
        "bricks": sky(split=sky()["split"].where(np.arange(N) != 1, "val")),
        "two_surveys": with_row(sky(), 0, split="train", footprint="north"),
        "known_lenses": sky(),
        "both_labels": with_row(sky(), 0, role="control"),
    }
    results = judge(gate, leaks[gate.name], lenses=[(100.0, 11.0)], hosts="legacy").results
    assert is_safe(results, 0.9, (), alarm=False) == "failed"


def test_the_planted_positions_lie_where_they_should():
    from arcgate.gates.core.sky_rows import moved_north

    points = unit_vectors(np.array([10.0, 200.0, 0.0]), np.array([-20.0, 89.9999, 90.0]))
    moved = moved_north(points, 5.0)
    apart = np.degrees(np.arccos(np.clip((points * moved).sum(axis=1), -1, 1))) * 3600
    np.testing.assert_allclose(apart, 5.0, atol=0.05)
