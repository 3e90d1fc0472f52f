"""Split integrity: galaxies, sky cells and pairs on two sides; columns that are not there."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest
from made_shards import made_context, made_stamps
from measured_light import tables

from arcgate.dataset.references import NONE, write_references
from arcgate.dataset.source import Facts
from arcgate.gates.core.gate import ALL_ROWS
from arcgate.gates.split_integrity import GATE
from arcgate.imaging import DECALS


@pytest.fixture(scope="module")
def judge_splits(small):
    """What the gate makes of a table, of which it is given the columns that it asks for."""
    context = made_context(small().gates, [made_stamps(1, 0)])

    def judge(table, named=True, references=NONE):
        facts = Facts(
            "arrays",
            False,
            False,
            False,
            False,
            frozenset(table.columns),
            galaxies_named=named,
            imaging=DECALS,
            references=references,
        )
        asked = GATE.columns(facts)
        arrays = {ALL_ROWS: table[asked]} if asked else {}
        [result] = GATE.judge(arrays, replace(context, facts=facts)).results
        return result

    return judge


def rows(**changes):
    table = pd.DataFrame(
        {
            "host_id": ["a", "a", "b", "b", "c", "c"],
            "healpix": pd.array([1, 1, 2, 2, None, None], dtype="Int64"),
            "pair_id": [1, 1, 2, 2, 3, 3],
            "split": ["train", "train", "train", "train", "test", "test"],
        }
    )
    return table.assign(**changes)


def test_a_sound_table_passes(judge_splits):
    result = judge_splits(rows())
    assert (result.status, result.value, result.n, result.n_groups) == ("passed", 0.0, 6, 3)


@pytest.mark.parametrize(
    ("column", "values", "said"),
    [
        ("host_id", ["a", "a", "b", "b", "b", "c"], "1 galaxies"),
        ("healpix", pd.array([1, 1, 2, 2, 2, None], dtype="Int64"), "1 sky cells"),
        ("pair_id", [1, 1, 2, 2, 2, 3], "1 pairs"),
    ],
)
def test_what_lies_on_two_sides_fails(judge_splits, column, values, said):
    result = judge_splits(rows(**{column: values}))
    assert result.status == "failed"
    assert said in result.reason


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"source_image": ["s1", None, "s2", None, "s2", None]}, "1 source images"),
        ({"kernel_used_g": ["k1", None, "k2", None, "k1", None]}, "1 PSF kernels"),
        # In another band, and declared here where it is used there: the same kernel nevertheless.
        ({"kernel_declared_g": ["k1"] * 4 + ["k2"] * 2, "kernel_used_z": ["k3", None, "k3", None, "k1", None]}, "1 PSF kernels"),
    ],
)
def test_what_rows_name_on_two_sides_fails(judge_splits, columns, said):
    result = judge_splits(rows(**columns))
    assert result.status == "failed"
    # Nothing else crosses.
    assert result.reason.startswith(f"{said} occur in more than one split")


def test_kernels_and_images_of_one_side_each_pass_and_are_told(judge_splits):
    apart = {"source_image": ["s1", None, "s2", None, "s3", None], "kernel_declared_g": ["k1"] * 4 + ["k2"] * 2}
    result = judge_splits(rows(**apart))
    assert result.status == "passed"
    assert " of galaxies, sky cells, pairs, PSF kernels, source images; detected with a row moved" in result.reason
    none = judge_splits(rows(source_image=None, kernel_declared_g=None))
    assert " of galaxies, sky cells, pairs; detected with a row moved" in none.reason


def test_two_places_of_one_model_and_two_images_of_one_galaxy_are_one(judge_splits, tmp_path):
    kernels, images = tables(DECALS, kernels=1, images=2)
    kernels["origin"] = ["model a", "model b", "model a"]
    images["origin"] = "galaxy"
    found = write_references(tmp_path, kernels, images)
    one, other, third = kernels["name"]
    apart = judge_splits(rows(kernel_used_g=[one] * 4 + [other] * 2), references=found)
    assert apart.status == "passed"
    assert " PSF kernels, PSF models; detected with a row moved" in apart.reason
    shared = judge_splits(rows(kernel_used_g=[one] * 4 + [third] * 2), references=found)
    assert (shared.status, "1 PSF models occur in more than one split" in shared.reason) == ("failed", True)
    galaxy = judge_splits(rows(source_image=[images["name"][0]] * 4 + [images["name"][1]] * 2), references=found)
    assert (galaxy.status, "1 source galaxies occur in more than one split" in galaxy.reason) == ("failed", True)


def test_columns_that_are_not_there_are_named(judge_splits):
    gone = judge_splits(rows().drop(columns="split"))
    assert gone.status == "not_run"
    assert "split" in gone.reason
    assert judge_splits(rows().drop(columns="host_id")).status == "not_run"
    partly = judge_splits(rows().drop(columns=["healpix", "pair_id"]))
    assert partly.status == "passed"
    assert "sky cells, pairs" in partly.reason


def test_one_split_is_not_run_and_a_table_without_repetition_leaves_it_insensitive(judge_splits):
    assert judge_splits(rows(split="train")).status == "not_run"
    single = rows(host_id=list("abcdef"), healpix=pd.array([None] * 6, dtype="Int64"), pair_id=range(6))
    assert judge_splits(single).status == "insensitive"


def test_without_a_name_for_galaxies_it_does_not_pass(judge_splits):
    result = judge_splits(rows(), named=False)
    assert (result.status, result.value) == ("not_run", None)
    assert "no column names the galaxy" in result.reason
