"""Halves and intervals by brick where its rows share conditions: 300 rows of one brick are one measurement of its depth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from made_shards import PAIRED, made_context, made_stamps

from arcgate.gates.core.auc_statistic import fires
from arcgate.gates.core.clusters import LEAST, clustered, shares_conditions, sky_cells
from arcgate.gates.core.held_out_auc import Sample, TooFewGalaxiesError, held_out_auc
from arcgate.gates.metadata import GATE

UNPAIRED = replace(PAIRED, paired=False, positions=True, layout="arrays")
BRICKS, HOSTS = 60, 300


def survey(seed, bricks=BRICKS, hosts=HOSTS):
    """Both classes from bricks of their own, drawn at random: nothing but chance tells their bricks apart."""
    rng = np.random.default_rng(seed)
    brick = np.repeat(np.arange(bricks), hosts)
    table = pd.DataFrame({"brick": [f"b{number}" for number in brick]})
    for name in ("psfsize_r", "depth_r"):
        table[name] = rng.standard_normal(bricks)[brick] + 0.05 * rng.standard_normal(len(brick))
    table["host_mag_r"] = rng.normal(19.0, 1.0, len(brick))
    positive = rng.permutation(bricks)[: bricks // 2]
    return table, np.isin(brick, positive)


def classes(table, positive):
    row = np.arange(len(table))
    return table[positive], table[~positive], row[positive], row[~positive]


@pytest.fixture(scope="module")
def context(small):
    return made_context(small().gates, [made_stamps(1, 0)], facts=UNPAIRED)


def test_galaxies_alarm_where_bricks_do_not(context):
    """At 300 hosts a brick an interval by galaxy is 17 times too narrow: half of all sound sets would fail."""
    alarms = {"galaxies": 0, "bricks": 0}
    sets = 12
    for seed in range(sets):
        table, positive = survey(seed)
        one, zero, of_one, of_zero = classes(table, positive)
        by = clustered(one, zero, of_one, of_zero, context)
        assert by.context.groups == "bricks"
        features = [each[["psfsize_r", "depth_r"]].to_numpy() for each in (one, zero)]
        grouped = {"bricks": (by.one, by.zero, by.context)}
        ids, galaxies = context.by(range(len(table)), "galaxies", 40)
        grouped["galaxies"] = ids[positive], ids[~positive], galaxies
        for name, (first, second, known) in grouped.items():
            samples = [Sample(x, ids, ids) for x, ids in zip(features, (first, second), strict=True)]
            alarms[name] += fires(held_out_auc(*samples, "ridge", known), known.settings.margin)
    # One-sided intervals of 90 % leave 5 %: more than 3 of 12 happens twice in 1,000 times.
    assert alarms["bricks"] <= 3
    # Half of them read above one half.
    assert alarms["galaxies"] >= alarms["bricks"] + 3


def judged(context, table, positive):
    one, zero, of_one, of_zero = classes(table, positive)
    group, galaxies = context.by(range(len(table)), "galaxies", 40)
    arrays = {"positive": one, "control": zero, "positive/galaxy": group[of_one], "control/galaxy": group[of_zero]}
    arrays |= {"positive/pair": of_one, "control/pair": of_zero}
    return {result.name: result for result in GATE.judge(arrays, galaxies).results}


def test_the_gate_clusters_by_brick_and_says_so(context):
    table, positive = survey(3, hosts=40)
    by_brick = judged(context, table, positive)["metadata_ridge"]
    assert "halves and intervals by bricks, of which there are 60" in by_brick.reason
    assert by_brick.status != "failed"
    without = judged(context, table.drop(columns="brick"), positive)["metadata_ridge"]
    assert (without.status, "bricks" in without.reason.split(";")[1]) == ("failed", False)


def test_positives_from_deeper_bricks_fail(context):
    table, _ = survey(4, bricks=160, hosts=20)
    depth = table.groupby("brick")["depth_r"].transform("mean")
    noise = np.random.default_rng(5).standard_normal(160)[pd.factorize(table["brick"])[0]]
    result = judged(context, table, (depth + 0.5 * noise > 0).to_numpy())
    assert {each.status for each in result.values()} == {"failed"}
    assert "by itself depth_r tells most" in result["metadata_ridge"].reason


def test_few_bricks_are_undetermined_in_words(context):
    table, positive = survey(1, bricks=2 * (LEAST - 4), hosts=50)
    results = judged(context, table, positive)
    assert {result.status for result in results.values()} == {"undetermined"}
    assert "bricks of a class in one half, 10 are needed" in results["metadata_ridge"].reason
    one, zero, *galaxies = classes(table, positive)
    by = clustered(one, zero, *galaxies, context)
    samples = [Sample(each[["depth_r"]].to_numpy(), ids, ids) for each, ids in ((one, by.one), (zero, by.zero))]
    with pytest.raises(TooFewGalaxiesError, match="bricks of a class"):
        held_out_auc(*samples, "ridge", by.context)


def test_pairs_and_bricks_that_share_nothing_stay_with_galaxies(context):
    table, positive = survey(1, bricks=30, hosts=10)
    found = classes(table, positive)
    assert clustered(*found, replace(context, facts=PAIRED)).remark == ""
    alike = table.assign(**{name: np.random.default_rng(2).standard_normal(len(table)) for name in ("psfsize_r", "depth_r")})
    assert clustered(*classes(alike, positive), context).remark == ""
    assert shares_conditions(table, table["brick"].tolist(), np.arange(len(table)))
    # Rows of one galaxy share everything, which says nothing of its brick.
    assert not shares_conditions(table, table["brick"].tolist(), pd.factorize(table["brick"])[0])


def test_rows_without_a_brick_are_one_each(context):
    table, positive = survey(1, bricks=60, hosts=5)
    gaps = table.assign(brick=table["brick"].where(np.arange(len(table)) % 10 > 0))
    by = clustered(*classes(gaps, positive), context)
    assert len(by.context.galaxies) == 60 + 30


def test_cells_are_those_of_bricks_centres():
    """No brick lies in two, and a position far from every edge lies in its own."""
    rng = np.random.default_rng(1)
    table = pd.DataFrame({"ra": rng.uniform(150, 152, 4000), "dec": rng.uniform(2, 4, 4000)})
    from arcgate.survey.legacy.brick_scheme import brick_names

    cells = pd.Series(sky_cells(table)).groupby(brick_names(table["ra"].to_numpy(), table["dec"].to_numpy())).nunique()
    assert len(cells) > 60
    assert (cells == 1).all()
