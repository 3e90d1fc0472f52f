"""Split integrity: galaxies, sky cells and pairs on two sides; columns that are not there."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import pytest
from measured_light import tables

from arcgate.dataset.references import NONE, References, write_references
from arcgate.dataset.source import Facts
from arcgate.gates.split_integrity import judge_splits
from arcgate.imaging import DECALS


@dataclass
class Table:
    """A source with nothing but a table."""

    rows: pd.DataFrame
    named: bool = True
    references: References = NONE

    @property
    def facts(self):
        columns = frozenset(self.rows.columns)
        return Facts(
            "arrays", False, False, False, False, columns, galaxies_named=self.named, imaging=DECALS, references=self.references
        )

    def table(self, columns):
        return self.rows[list(columns)]


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


def test_a_sound_table_passes():
    result = judge_splits(Table(rows()))
    assert (result.status, result.value, result.n, result.n_groups) == ("passed", 0.0, 6, 3)


@pytest.mark.parametrize(
    ("column", "values", "said"),
    [
        ("host_id", ["a", "a", "b", "b", "b", "c"], "1 galaxies"),
        ("healpix", pd.array([1, 1, 2, 2, 2, None], dtype="Int64"), "1 sky cells"),
        ("pair_id", [1, 1, 2, 2, 2, 3], "1 pairs"),
    ],
)
def test_what_lies_on_two_sides_fails(column, values, said):
    result = judge_splits(Table(rows(**{column: values})))
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
def test_what_rows_name_on_two_sides_fails(columns, said):
    result = judge_splits(Table(rows(**columns)))
    assert result.status == "failed"
    assert f"{said} occur in more than one split" in result.reason
    assert "galaxies" not in result.reason


def test_kernels_and_images_of_one_side_each_pass_and_are_told():
    apart = {"source_image": ["s1", None, "s2", None, "s3", None], "kernel_declared_g": ["k1"] * 4 + ["k2"] * 2}
    result = judge_splits(Table(rows(**apart)))
    assert result.status == "passed"
    assert result.reason.endswith("galaxies, sky cells, pairs, PSF kernels, source images")
    none = judge_splits(Table(rows(source_image=None, kernel_declared_g=None)))
    assert none.reason.endswith("galaxies, sky cells, pairs")


def test_two_places_of_one_model_and_two_images_of_one_galaxy_are_one(tmp_path):
    kernels, images = tables(DECALS, kernels=1, images=2)
    kernels["origin"] = ["model a", "model b", "model a"]
    images["origin"] = "galaxy"
    found = write_references(tmp_path, kernels, images)
    one, other, third = kernels["name"]
    apart = judge_splits(Table(rows(kernel_used_g=[one] * 4 + [other] * 2), references=found))
    assert apart.status == "passed"
    assert apart.reason.endswith("PSF kernels, PSF models")
    shared = judge_splits(Table(rows(kernel_used_g=[one] * 4 + [third] * 2), references=found))
    assert (shared.status, "1 PSF models occur in more than one split" in shared.reason) == ("failed", True)
    galaxy = judge_splits(Table(rows(source_image=[images["name"][0]] * 4 + [images["name"][1]] * 2), references=found))
    assert (galaxy.status, "1 source galaxies occur in more than one split" in galaxy.reason) == ("failed", True)


def test_columns_that_are_not_there_are_named():
    gone = judge_splits(Table(rows().drop(columns="split")))
    assert gone.status == "not_run"
    assert "split" in gone.reason
    assert judge_splits(Table(rows().drop(columns="host_id"))).status == "not_run"
    partly = judge_splits(Table(rows().drop(columns=["healpix", "pair_id"])))
    assert partly.status == "passed"
    assert "sky cells, pairs" in partly.reason


def test_one_split_is_not_run_and_a_table_without_repetition_is_blind():
    assert judge_splits(Table(rows(split="train"))).status == "not_run"
    single = rows(host_id=list("abcdef"), healpix=pd.array([None] * 6, dtype="Int64"), pair_id=range(6))
    assert judge_splits(Table(single)).status == "blind"


def test_without_a_name_for_galaxies_it_does_not_pass():
    result = judge_splits(Table(rows(), named=False))
    assert (result.status, result.value) == ("not_run", None)
    assert "no column names the galaxy" in result.reason
