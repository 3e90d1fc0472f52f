"""Controls that are matched, at random, or within calipers: against a search through all galaxies, and what never happens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from arcgate.data_node import Data
from arcgate.ground.errors import ArcgateError
from arcgate.imaging import DECALS
from arcgate.injection.candidates import Candidates
from arcgate.injection.controls import UNMATCHED, control_hosts
from arcgate.injection.entry import ADMITTED, Admission
from arcgate.injection.matching import Pool, Space, space_of, with_colours
from arcgate.injection.pairs import choose_pairs
from arcgate.selection_node import Controls, columns_of
from arcgate.survey.splits import split_of

Spec = Callable[..., Data]
ALL_BANDS = Controls("unpaired", "free_hosts", ("psfsize", "depth"))
WITH_COLOUR = replace(ALL_BANDS, match_on=("psfsize", "depth", "host_mag_r", "colour_gr"))


def chosen(data: Data, catalogue: pd.DataFrame, unusable: tuple[int, ...] = ()) -> Any:
    candidates, lost = Candidates(data, catalogue), np.zeros(len(catalogue), dtype=bool)
    lost[list(unusable)] = True
    return choose_pairs(candidates, Admission(candidates), lost, {})


def searched(space: Space, split: np.ndarray, hosts: np.ndarray) -> list[int]:
    """The nearest free galaxy of the split within the calipers, pair by pair, by looking at all of them."""
    free, found = np.ones(len(split), dtype=bool), []
    free[hosts] = False
    for host in hosts:
        apart = space.points - space.points[host]
        may = free & (split == split[host]) & (np.abs(apart) <= space.within).all(axis=1)
        distance = np.where(may, np.square(apart).sum(axis=1), np.inf)
        best = int(np.argmin(distance))
        found.append(best if may.any() else UNMATCHED)
        free[best] &= not may.any()
    return found


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    columns=st.integers(1, 4),
    widths=st.lists(st.sampled_from([0.05, 0.3, 1.0, np.inf]), min_size=4, max_size=4),
)
def test_each_control_is_the_nearest_free_galaxy_of_its_split_within_the_calipers(
    seed: int, columns: int, widths: list[float]
) -> None:
    rng = np.random.default_rng(seed)
    # More than are looked at first, so that calipers send the search to all that lie within them.
    space = Space(rng.normal(size=(1500, columns)), np.array(widths[:columns]))
    split = rng.choice(["train", "test"], size=1500, p=[0.8, 0.2])
    hosts = rng.permutation(1500)[:60]
    if not space.limited:
        hosts = hosts[: min(60, int((split == "test").sum()) // 3)]
    controls = control_hosts(ALL_BANDS, space, split, hosts, 1)
    assert controls.tolist() == searched(space, split, hosts)


def test_a_column_in_units_of_its_spread_and_a_caliper_in_its_own(catalogue: pd.DataFrame) -> None:
    catalogue = catalogue.assign(host_mag_g=catalogue["host_mag_g"] + 0.1 * np.sin(np.arange(len(catalogue))))
    space = space_of(replace(WITH_COLOUR, calipers={"colour_gr": 0.1, "psfsize": 0.02}), 0, catalogue, DECALS)
    columns, _ = WITH_COLOUR.in_bands(DECALS.bands)
    assert columns == (*(f"{stem}_{band}" for stem in ("psfsize", "depth") for band in "grz"), "host_mag_r", "colour_gr")
    table = with_colours(catalogue, DECALS)[list(columns)]
    assert np.allclose(space.points.std(axis=0), 1.0)
    assert np.allclose(space.within * table.std(ddof=0), [0.02] * 3 + [np.inf] * 4 + [0.1])
    assert np.allclose(with_colours(catalogue, DECALS)["colour_rz"], catalogue["host_mag_r"] - catalogue["host_mag_z"])


def test_names_stand_for_all_bands_and_neighbouring_colours() -> None:
    found = columns_of(("colour", "depth_r", "depth"), ("g", "r", "z"))
    assert found == ("colour_gr", "colour_rz", "depth_r", "depth_g", "depth_z")


def test_a_column_that_does_not_vary_but_for_rounding_does_not_match(catalogue: pd.DataFrame) -> None:
    """Colours of galaxies that are alike differ in their last bits, which must not count as much as seeing does."""
    rounding = 1e-15 * np.sin(np.arange(len(catalogue)))
    space = space_of(ALL_BANDS, 0, catalogue.assign(depth_g=24.0 + rounding), DECALS)
    assert np.ptp(space.points[:, 3]) < 1e-9


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 1000),
    chosen_lost=st.sets(st.integers(0, 299), max_size=40),
    match_on=st.sampled_from([(), ("psfsize_r",), ("psfsize", "depth", "host_mag")]),
    caliper=st.sampled_from([None, 0.05, 0.3]),
    per_host=st.sampled_from([1, 2]),
    least=st.sampled_from([0.0, 1.0]),
    drops=st.sampled_from(["pair", "positive"]),
)
def test_no_galaxy_is_in_both_classes_or_serves_twice_and_pairs_stay_in_a_split(
    seed: int,
    chosen_lost: set[int],
    match_on: tuple[str, ...],
    caliper: float | None,
    per_host: int,
    least: float,
    drops: Any,
    spec: Spec,
    catalogue: pd.DataFrame,
) -> None:
    calipers = {} if caliper is None or not match_on else {"psfsize_r": caliper}
    controls = Controls("unpaired", "free_hosts", match_on, calipers)
    entry = replace(spec().entry, least_theta_e_arcsec=least, drops=drops)
    data = spec(seed=seed, controls=controls, injections_per_host=per_host, entry=entry)
    candidates, lost = Candidates(data, catalogue), np.isin(np.arange(len(catalogue)), list(chosen_lost))
    try:
        pairs = choose_pairs(candidates, Admission(candidates), lost, {})
    except ArcgateError as error:
        # Of so few hosts none may fall into a split, which is refused.
        assume("falls into split" not in error.what)
        raise
    assert len(pairs.pair_id) == len(np.unique(pairs.pair_id)) == data.n_pairs
    assert not set(pairs.host.tolist()) & set(pairs.control.tolist())
    assert not chosen_lost & {*pairs.host.tolist(), *pairs.control.tolist()}
    assert np.bincount(pairs.host).max() <= per_host
    assert np.bincount(pairs.control).max() <= per_host
    split = split_of(catalogue)
    assert (split[pairs.host] == split[pairs.control]).all()
    assert (Admission(candidates).broken(pairs.pair_id, pairs.host) == ADMITTED).all()
    if calipers and drops == "pair":
        apart = catalogue["psfsize_r"].to_numpy()[pairs.host] - catalogue["psfsize_r"].to_numpy()[pairs.control]
        assert np.abs(apart).max() <= caliper + 1e-9


def test_without_a_column_controls_are_any_galaxies(spec: Spec, make_catalogue: Any) -> None:
    many = make_catalogue(900)
    pairs = chosen(spec(controls=Controls("unmatched", "free_hosts", ()), n_pairs=200), many)
    apart = many["psfsize_r"].to_numpy()[pairs.host] - many["psfsize_r"].to_numpy()[pairs.control]
    assert np.std(apart) == pytest.approx(np.sqrt(2) * many["psfsize_r"].std(), rel=0.15)
    # Neither neighbours in the catalogue nor in the order of the hosts.
    assert abs(np.corrcoef(pairs.host, pairs.control)[0, 1]) < 0.2
    assert pairs.unmatched == 0


def test_a_positive_without_a_control_within_calipers_leaves_and_is_counted(spec: Spec, catalogue: pd.DataFrame) -> None:
    # Nothing in the catalogue is as blurred as every seventh host.
    blurred = catalogue.copy()
    hosts = chosen(spec(controls="unpaired"), catalogue).host
    odd = hosts[::7]
    blurred.loc[odd, "psfsize_r"] = 3.0 + 0.5 * np.arange(len(odd))
    loose = replace(ALL_BANDS, match_on=("psfsize_r", "depth_r"))
    free = chosen(spec(controls=loose), blurred)
    assert set(odd.tolist()) <= set(free.host.tolist())
    assert free.unmatched == 0
    strict = chosen(spec(controls=replace(loose, calipers={"psfsize_r": 0.2})), blurred)
    assert strict.unmatched == len(odd)
    assert not set(odd.tolist()) & set(strict.host.tolist())
    assert len(strict.host) == 40
    assert (strict.pair_id >= 40).sum() == len(odd)
    with pytest.raises(ArcgateError, match="lost to controls that lie outside the calipers, and the others make"):
        chosen(spec(controls=replace(loose, calipers={"psfsize_r": 1e-7})), blurred)


def test_a_pool_gives_each_galaxy_as_often_as_it_may_serve() -> None:
    pool = Pool(Space(np.arange(6.0)[:, None], np.array([np.inf])), np.array([1, 3, 4]), np.array([1, 2, 1]))
    assert [pool.take(3) for _ in range(3)] == [4, 1, None]
    assert [pool.take(0, np.array([2.9])) for _ in range(3)] == [3, 3, None]
    pool = Pool(Space(np.arange(6.0)[:, None], np.array([1.0])), np.array([1, 3, 4]), np.array([1, 2, 1]))
    pool.withdraw(3)
    pool.withdraw(2)
    assert [pool.take(2), pool.take(2)] == [1, None]
    nobody = np.array([], dtype=np.int64)
    assert Pool(Space(np.ones((2, 1)), np.array([1.0])), nobody, nobody).take(0) is None
