"""A galaxy that cannot be used takes its pair along, in both classes alike, and a spare takes the pair's place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arcgate.data_node import Data
from arcgate.ground.engine import Local
from arcgate.ground.errors import ArcgateError
from arcgate.injection import build
from arcgate.injection.manifest import build_manifest
from arcgate.survey.splits import split_of

Spec = Callable[..., Data]


def pairs(manifest: pd.DataFrame) -> pd.DataFrame:
    """Catalogue rows of each pair's galaxies."""
    return manifest[manifest["role"] != "null"].pivot(index="pair_id", columns="role", values="catalogue_row")


@pytest.mark.parametrize("kind", ["paired", "unpaired", "any_other_host"])
@pytest.mark.parametrize("role", ["positive", "control"])
@pytest.mark.parametrize("per_host", [1, 2])
def test_a_lost_galaxy_takes_its_pair_along_and_leaves_the_others(
    kind: str, role: str, per_host: int, spec: Spec, catalogue: pd.DataFrame
) -> None:
    data = spec(controls=kind, injections_per_host=per_host)
    before = pairs(build_manifest(data, catalogue))
    lost = before[role].iloc[[3, 17]].tolist()
    manifest = build_manifest(data, catalogue, lost)
    after = pairs(manifest)
    assert len(after) == data.n_pairs
    assert not after.isin(lost).any(axis=None)
    spoiled = before.isin(lost).any(axis=1)
    assert spoiled.sum() >= 2
    kept = before.index[~spoiled]
    assert after.loc[kept].equals(before.loc[kept])
    spares = after.drop(kept)
    assert len(spares) == spoiled.sum()
    assert (spares.index >= data.n_pairs).all()
    if kind == "paired":
        assert (after["positive"] == after["control"]).all()
    else:
        assert (after["positive"] != after["control"]).all()
    if kind == "any_other_host":
        assert after["control"].value_counts().max() <= before["control"].value_counts().max() + 1
    if kind == "unpaired":
        assert not set(after["positive"]) & set(after["control"])
        assert after["control"].value_counts().max() <= per_host
    # All else about the pairs that are left is what it was, arcs included.
    whole = build_manifest(data, catalogue).set_index("sample_id")
    same = manifest[manifest["pair_id"].isin(kept) & (manifest["role"] != "null")].set_index("sample_id")
    assert same.equals(whole.loc[same.index])
    assert manifest["sample_id"].is_unique


@settings(max_examples=25, deadline=None)
@given(chosen=st.sets(st.integers(0, 299), max_size=60))
def test_as_many_pairs_as_asked_for_of_usable_galaxies_of_one_split(
    chosen: set[int], spec: Spec, catalogue: pd.DataFrame
) -> None:
    manifest = build_manifest(spec(controls="unpaired"), catalogue, chosen)
    assert len(pairs(manifest)) == 40
    assert not set(manifest["catalogue_row"]) & chosen
    assert (manifest.groupby("pair_id")["split"].nunique() == 1).all()


def test_galaxies_that_nobody_asked_for_change_nothing(spec: Spec, catalogue: pd.DataFrame) -> None:
    whole = build_manifest(spec(), catalogue)
    others = np.setdiff1d(np.arange(300), whole["catalogue_row"])
    assert build_manifest(spec(), catalogue, others.tolist()).equals(whole)


def test_too_few_good_galaxies_are_counted_by_reason(spec: Spec, make_catalogue: Callable[..., pd.DataFrame]) -> None:
    small = make_catalogue(42)
    used = build_manifest(spec(), small)["catalogue_row"].unique()
    left_out = {"a cosmic ray": 3, "no light": 1}
    with pytest.raises(
        ArcgateError,
        match=r"(?s)4 pairs were lost .* make 2 in .* \(3 left out for a cosmic ray; 1 left out for no light\).*take more hosts",
    ):
        build_manifest(spec(), small, used[:4].tolist(), left_out)


@pytest.mark.parametrize("kind", ["paired", "any_other_host"])
def test_a_small_pack_whose_galaxies_all_serve_loses_no_more_than_it_must(
    kind: str, spec: Spec, make_catalogue: Callable[..., pd.DataFrame]
) -> None:
    small = make_catalogue(46, positions=False)
    data = spec(controls=kind, n_pairs=80, injections_per_host=2)
    before = pairs(build_manifest(data, small))
    assert before["positive"].nunique() == 40
    for lost in range(46):
        after = pairs(build_manifest(data, small, [lost]))
        assert len(after) == 80
        assert not after.isin([lost]).any(axis=None)
        assert after["positive"].value_counts().max() <= 2
        assert after["control"].value_counts().max() <= before["control"].value_counts().max() + 1


def test_where_a_split_has_no_free_control_spares_are_of_another(spec: Spec, make_catalogue: Callable[..., pd.DataFrame]) -> None:
    """All galaxies of the test split serve; what is lost there is replaced elsewhere."""
    small = make_catalogue(300)
    split = split_of(small)
    chosen = np.r_[
        np.flatnonzero(split == "train")[:60], np.flatnonzero(split == "val")[:10], np.flatnonzero(split == "test")[:12]
    ]
    few = small.iloc[chosen].reset_index(drop=True)
    for n_pairs in range(20, 41):
        try:
            before = build_manifest(spec(controls="unpaired", n_pairs=n_pairs, null_rows=1), few)
        except ArcgateError:
            continue
        of_test = before[before["split"] == "test"]
        if of_test["catalogue_row"].nunique() == 12:
            break
    else:
        pytest.fail("no number of pairs takes all galaxies of the test split")
    lost = int(of_test["catalogue_row"].iloc[0])
    after = build_manifest(spec(controls="unpaired", n_pairs=n_pairs, null_rows=1), few, [lost])
    assert len(pairs(after)) == n_pairs
    spare = after[after["pair_id"] >= n_pairs]
    assert set(spare["split"]) <= {"train", "val"}


@pytest.mark.parametrize("kind", ["paired", "unpaired"])
def test_spares_are_cut_out_until_all_can_be_used(
    kind: str, spec: Spec, catalogue: pd.DataFrame, make_parents: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = spec(controls=kind)
    first = pairs(build_manifest(data, catalogue))
    lost = {int(first["positive"].iloc[5]), int(first["control"].iloc[8])}
    spares = pairs(build_manifest(data, catalogue, lost)).drop(first.index, errors="ignore")
    # The first spare cannot be used either.
    bad = frozenset(lost | {int(spares["positive"].iloc[0])})
    manifest, hosts, selection = build.chosen(data, make_parents(catalogue, unusable=bad), tmp_path, Local())
    assert manifest.equals(build_manifest(data, catalogue, bad))
    assert set(hosts.unusable) == bad
    assert hosts.left_out == {"a cosmic ray": 3}
    # A galaxy that serves as both is lost as both; three of forty-odd are no difference.
    assert selection["left_out"] == {"a cosmic ray": {"host": 3, "control": 3} if kind == "paired" else {"host": 2, "control": 1}}
    assert selection["left_out_p"] > 0.5
    assert selection["cut_out"]["host"] == 43
    assert "note: 3 galaxies are left out for a cosmic ray (galaxy-" in capsys.readouterr().out
    measured, _ = hosts.of(manifest["catalogue_row"].to_numpy(np.int64)).read()
    assert measured.notna().all(axis=None)
    # Asked anew, where all is cut out already: the same.
    assert build.chosen(data, make_parents(catalogue, unusable=bad), tmp_path, Local())[0].equals(manifest)


def test_what_was_no_use_to_another_data_set_alone_does_not_count(
    spec: Spec, catalogue: pd.DataFrame, make_parents: Any, tmp_path: Path
) -> None:
    few, many = spec(n_pairs=20, null_rows=1), spec(n_pairs=40, null_rows=1)
    later = np.setdiff1d(build_manifest(many, catalogue)["catalogue_row"], build_manifest(few, catalogue)["catalogue_row"])
    parents = make_parents(catalogue, unusable=frozenset(later[:3].tolist()))
    before = build.chosen(few, parents, tmp_path, Local())[0]
    build.chosen(many, parents, tmp_path, Local())
    after, hosts, _ = build.chosen(few, parents, tmp_path, Local())
    assert after.equals(before)
    assert not hosts.left_out
