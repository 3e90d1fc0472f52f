"""Which bricks a plan takes, and what that costs: against closed forms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from brick_files import SmallBrick, legacy_hosts, write_survey
from composing import composed
from hypothesis import given, settings
from hypothesis import strategies as st

from arcgate.imaging import DECALS
from arcgate.plan import print_data_plan
from arcgate.planned import Planned
from arcgate.survey.legacy.brick_files import BrickFiles
from arcgate.survey.legacy.catalogue import ParentsFile
from arcgate.survey.legacy.layout import SurveyFolder
from arcgate.survey.legacy.parents import LegacyCatalogue
from arcgate.survey.legacy.plan import brick_order, bricks_of, chosen, strata
from arcgate.survey.legacy.plan_cost import BYTES_AN_IMAGE, cost_of, effective_size, intraclass


def sky(bricks: int = 200, per_brick: int = 9, seed: int = 1) -> pd.DataFrame:
    """Parents whose brick decides on half of the variance of depth, and on all of the seeing."""
    random = np.random.default_rng(seed)
    brick = np.repeat(np.arange(bricks), per_brick)
    table = pd.DataFrame({"host_id": [f"ls-{number}" for number in range(len(brick))]})
    table["brick"], table["footprint"] = [f"{number:04d}p000" for number in brick], "south"
    table["depth_r"] = 24.0 + 0.2 * random.normal(size=bricks)[brick] + 0.2 * random.normal(size=len(brick))
    table["psfsize_r"] = 1.2 + 0.1 * random.normal(size=bricks)[brick]
    return table


def test_whole_bricks_are_taken_whole_and_no_more_than_are_needed() -> None:
    table = sky()
    taken = chosen(table, "whole_bricks", 500, 1, "r")
    counts = table["brick"].iloc[taken].value_counts()
    assert (counts == 9).all()
    assert len(taken) == 504
    assert np.all(np.diff(taken) > 0)
    spread = chosen(table, "spread", 500, 1, "r")
    # 500 of 1,800 galaxies miss a brick of nine with probability 0.053 each.
    assert len(spread) == 500
    assert table["brick"].iloc[spread].nunique() == pytest.approx(200 * (1 - (1 - 500 / 1800) ** 9), abs=10)


@given(n=st.integers(1, 1800), more=st.integers(0, 600), plan=st.sampled_from(["whole_bricks", "spread"]))
@settings(max_examples=25, deadline=None)
def test_a_larger_plan_contains_the_smaller(n: int, more: int, plan: str) -> None:
    table = sky()
    few, many = (chosen(table, "spread" if plan == "spread" else "whole_bricks", size, 3, "r") for size in (n, n + more))
    assert set(few) <= set(many)
    assert len(few) >= n


def test_the_order_of_the_catalogue_and_what_else_is_in_it_change_no_draw() -> None:
    table = sky()
    mixed = table.sample(frac=1.0, random_state=5)
    for plan in ("whole_bricks", "spread"):
        names = [set(one["host_id"].iloc[chosen(one, plan, 300, 7, "r")]) for one in (table, mixed)]
        assert names[0] == names[1]
    assert set(chosen(table, "spread", 300, 8, "r")) != set(chosen(table, "spread", 300, 7, "r"))
    assert chosen(table, "whole_bricks", None, 7, "r").tolist() == list(range(1800))


def test_bricks_come_in_proportion_to_their_strata() -> None:
    table = sky(900)
    places, names = bricks_of(table)
    stratum = strata(table, places, "r")
    assert len(set(stratum)) == 9
    counts = np.bincount(places)
    order = brick_order(names, counts, stratum, 1)
    assert sorted(order) == list(range(900))
    whole = np.bincount(stratum) / 900
    for share in (0.1, 0.3, 0.7):
        part = np.bincount(stratum[order[: int(900 * share)]], minlength=9) / int(900 * share)
        # One brick more or less in each of nine strata.
        assert np.abs(part - whole).max() <= 1.5 / (900 * share)


def test_bricks_of_one_name_in_both_footprints_are_two() -> None:
    table = pd.DataFrame({"footprint": ["north", "south", "south"], "brick": ["0001p300", "0001p300", "0002p300"]})
    places, names = bricks_of(table)
    assert places.tolist() == [0, 1, 2]
    assert names == [("north", "0001p300"), ("south", "0001p300"), ("south", "0002p300")]


def test_intraclass_correlation_is_the_share_of_variance_between_groups() -> None:
    table = sky(4000, 5)
    places, _ = bricks_of(table)
    assert intraclass(table["depth_r"].to_numpy(), places) == pytest.approx(0.5, abs=0.03)
    assert intraclass(table["psfsize_r"].to_numpy(), places) == pytest.approx(1.0, abs=1e-9)
    noise = np.random.default_rng(2).normal(size=len(table))
    assert intraclass(noise, places) == pytest.approx(0.0, abs=0.03)
    # By hand: groups (0, 2) and (4, 6): B = 16, W = 2, m0 = 2: 14 / 18.
    assert intraclass(np.array([0.0, 2.0, 4.0, 6.0]), np.array([0, 0, 1, 1])) == pytest.approx(14 / 18)
    assert intraclass(np.arange(3.0), np.array([0, 1, 2])) == 0.0
    assert intraclass(np.full(6, 1.3), np.array([0, 0, 1, 1, 2, 2])) == 0.0


def test_effective_size_between_all_and_one_a_brick() -> None:
    counts = np.full(100, 9)
    assert effective_size(counts, 0.0) == 900.0
    assert effective_size(counts, 1.0) == 100.0
    assert effective_size(counts, 0.5) == pytest.approx(900 / 5)
    # Unequal bricks: a galaxy's own brick has (1 + 81) / 10 on average.
    assert effective_size(np.array([1, 9]), 1.0) == pytest.approx(10 / 8.2)


def test_what_a_plan_costs(tmp_path: Path) -> None:
    table = sky(20, 5)
    places, names = bricks_of(table)
    files = [BrickFiles(SurveyFolder(tmp_path, footprint), brick, ("g", "r", "z"), True) for footprint, brick in names]
    cells = places // 4
    found = cost_of(table, np.arange(10), places, cells, files, ("depth_r", "psfsize_r"))
    assert (found.bricks, found.bricks_of, found.galaxies, found.cells, found.cells_of) == (2, 20, 10, 1, 5)
    assert found.bytes == 2 * 6 * BYTES_AN_IMAGE
    assert (found.quantity, found.effective) == ("psfsize_r", pytest.approx(2.0))
    assert "worth 2 independent galaxies in psfsize_r" in found.told()
    # 2 bricks of 7 images, 10 stamps of each kind: 14 openings, 70 slices, 10 measurements.
    assert found.hours * 3600 == pytest.approx(14 * 0.01 + 70 * 0.0045 + 10 * 0.006)
    assert "10 galaxies in 2 of 20 bricks, 0.144 GB" in found.told()


def test_one_brick_alone_does_not_tell_what_its_galaxies_are_worth() -> None:
    table = pd.DataFrame({"depth_r": np.linspace(23.0, 24.0, 10), "psfsize_r": np.full(10, 1.1)})
    one = np.zeros(10, dtype=np.int64)
    files = [BrickFiles(SurveyFolder(Path("nowhere"), "south"), "0001p000", ("r",), True)]
    said = cost_of(table, np.arange(10), one, one, files, ("depth_r", "psfsize_r")).told()
    assert "10 galaxies in 1 of 1 brick, " in said
    assert "1 of 1 cell of the sky; one brick alone does not tell how much its galaxies share" in said
    assert "independent" not in said


def test_sizes_are_those_of_the_files_where_they_are_there(tmp_path: Path) -> None:
    bricks = [SmallBrick(places=[(200.2, 200.2)]), SmallBrick("0503m300", ra=50.3, places=[(100.2, 100.2), (200.2, 200.2)])]
    write_survey(tmp_path, bricks)
    costs = LegacyCatalogue.read(legacy_hosts(tmp_path, n_hosts=1, plan="spread"), DECALS).costs()
    assert list(costs) == ["spread", "whole_bricks"]
    assert costs["spread"].galaxies == 1
    everything = LegacyCatalogue.read(legacy_hosts(tmp_path), DECALS).costs()["whole_bricks"]
    assert everything.bytes == sum(path.stat().st_size for path in tmp_path.rglob("*.fits.fz"))


def test_a_dry_run_reads_the_catalogue_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    write_survey(tmp_path, [SmallBrick(places=[(200.2, 200.2)])])
    places = [f"{name}={path}" for name, path in (("parents", tmp_path / "parents"), ("survey", tmp_path))]
    read, readings = ParentsFile.read, []
    monkeypatch.setattr(ParentsFile, "read", lambda *args: readings.append(args) or read(*args))
    few = ("data.n_pairs=1", "data.only_split=train", f"runtime.data_dir={tmp_path}")
    spec = composed("hosts=legacy", *(f"data.hosts.{place}" for place in places), *few)
    print_data_plan(spec, Planned())
    assert "1 galaxy in 1 brick" in capsys.readouterr().out
    assert len(readings) == 1
