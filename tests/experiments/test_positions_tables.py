"""A small part of experiments/20-positions: each kind of leak is named in a table without pixels, and clean ones alarm nobody."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from arcgate.judging import judge

sys.path.append(str(Path(__file__).parents[2] / "experiments" / "20-positions"))
import judging_tables
import tables

ROWS = 2500


@pytest.mark.parametrize(("number", "planted"), [*enumerate(tables.PLANTED)])
def test_a_planted_leak_is_named(tmp_path, number, planted):
    table = tables.drawn(100 + number, planted, rows=ROWS)
    assert judging_tables.is_named(table, judging_tables.judged(table, tmp_path, number))


@pytest.mark.parametrize("number", [2000, 2001])
def test_a_clean_table_alarms_nobody_and_pixels_are_missed(tmp_path, number):
    evidence = judging_tables.judged(tables.drawn(number, "clean", rows=ROWS), tmp_path, number)
    assert evidence.safe == "undetermined"
    assert not evidence.pixels_given
    assert not [result.key for result in evidence.results if result.status == "failed"]
    gates = {result.name: result for result in evidence.results if result.role == "gate"}
    assert gates["overlaps"].status == gates["known_lenses"].status == gates["both_labels"].status == "passed"
    assert (gates["residual_core"].status, gates["residual_core"].reason) == ("not_run", "no pixels were given")


def test_a_split_like_a_published_one_is_taken_apart(tmp_path):
    """Rows of most bricks in several splits, galaxies of both surveys, positives and known lenses among the negatives."""
    rng = np.random.default_rng(66971)
    sky = tables._galaxies(rng, 66_000, distant=False)
    label = (rng.uniform(size=len(sky)) < 0.3).astype(int)
    rows = sky.assign(label=label, split=rng.choice(["train", "val", "test"], len(sky), p=[0.8, 0.1, 0.1]))
    table = tables.Table(rows, tables._lenses(rng, rows), "galaxy")
    lens = table.rows.index[table.rows["label"] == 1]
    twice = tables._offset(rng, table.rows.loc[lens[:75]], 0.05, 0.4)
    twice = twice.assign(
        footprint=np.where(twice["footprint"] == "north", "south", "north"), split=tables._other_split(twice["split"])
    )
    table = tables._with(table, twice)
    table = replace(
        table, rows=tables._with(table, tables._offset(rng, table.rows.loc[lens[100:109]], 0, 0.5).assign(label=0)).rows
    )
    negative = table.rows[table.rows["label"] == 0].iloc[:100]
    listed = tables._offset(rng, negative, 0.0, 4.5)[["ra", "dec"]]
    lenses = pd.concat([table.lenses, listed], ignore_index=True)
    path, known = tables.write(replace(table, lenses=lenses), tmp_path, 0)
    names = "overlaps,bricks,two_surveys,known_lenses,both_labels"
    evidence = judge(path, f"gates.listed=[{names}]", f"gates.known_lenses=[{known}]")
    found = {result.name: result for result in evidence.results if result.status != "not_run"}
    assert evidence.safe == "failed"
    assert set(evidence.cause.name.split(" + ")) == {"split", "two_surveys", "labels"}
    assert "75 pairs of rows of different surveys" in found["two_surveys"].reason
    assert "9 of " in found["both_labels"].reason
    assert int(found["known_lenses"].reason.split()[0]) >= 100
    assert found["overlaps"].status == "failed"
    # Two rows of a brick lie in different splits in one of three cases, more of them nearly always.
    assert (found["bricks"].role, found["bricks"].value > 0.5) == ("diagnostic", True)
