"""Standardised mean differences: closed forms, the bootstrap, and what pairs and shared galaxies do to intervals."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arcgate.imaging import DECALS
from arcgate.injection.balance import balance, compared, resolvability, standardised

RNG = np.random.default_rng(14)


def apart(first: np.ndarray, second: np.ndarray) -> tuple[tuple[np.ndarray, np.ndarray]]:
    """Every row by itself."""
    return ((np.arange(len(first)), len(first) + np.arange(len(second))),)


def test_the_difference_is_austins_and_its_interval_that_of_hedges_and_olkin() -> None:
    first, second = RNG.normal(0.3, 1.0, 4000), RNG.normal(0.0, 1.0, 3000)
    found = standardised(first, second, apart(first, second))
    assert found is not None
    pooled = np.sqrt((first.var(ddof=1) + second.var(ddof=1)) / 2.0)
    assert found.value == pytest.approx((first.mean() - second.mean()) / pooled)
    # Of normal values in groups of about one size (Hedges & Olkin 1985, chapter 5).
    error = np.sqrt(1 / 4000 + 1 / 3000 + found.value**2 / (2 * 7000))
    assert (found.high - found.low) / 2 == pytest.approx(1.6449 * error, rel=0.03)


def test_pairs_that_are_alike_narrow_the_interval_and_the_bootstrap_agrees() -> None:
    host = RNG.normal(0.0, 1.0, 1500)
    control = host + 0.05 + RNG.normal(0.0, 0.3, 1500)
    pairs = ((np.arange(1500), np.arange(1500)),)
    together, alone = standardised(host, control, pairs), standardised(host, control, apart(host, control))
    assert together is not None
    assert alone is not None
    drawn = RNG.integers(0, 1500, (400, 1500))
    of_samples = [standardised(host[rows], control[rows], apart(host, control)) for rows in drawn]
    spread = np.std([one.value for one in of_samples if one is not None])
    assert (together.high - together.low) / 2 == pytest.approx(1.6449 * spread, rel=0.12)
    assert alone.high - alone.low > 3 * (together.high - together.low)


def test_a_control_that_serves_many_pairs_widens_the_interval() -> None:
    host, few = RNG.normal(0.0, 1.0, 1000), RNG.normal(0.0, 1.0, 20)
    which = np.repeat(np.arange(20), 50)
    once = standardised(host, few[which], ((np.arange(1000), np.arange(1000)),))
    both = standardised(host, few[which], ((np.arange(1000), np.arange(1000)), (np.arange(1000), 1000 + which)))
    assert once is not None
    assert both is not None
    assert both.high - both.low > 3 * (once.high - once.low)


@given(st.integers(2, 50))
def test_the_same_rows_do_not_differ_and_that_is_certain(count: int) -> None:
    values = np.arange(count, dtype=np.float64)
    found = standardised(values, values, ((np.arange(count), np.arange(count)),))
    assert found is not None
    assert (found.value, found.low, found.high) == (0.0, 0.0, 0.0)


def test_what_cannot_be_compared_is_none_and_unknown_rows_do_not_count() -> None:
    nothing, one = np.full(5, np.nan), np.array([1.0, np.nan])
    assert standardised(nothing, np.arange(5.0), apart(nothing, nothing)) is None
    assert standardised(one, np.arange(2.0), apart(one, one)) is None
    assert standardised(np.full(5, 0.1 + 0.2), np.full(5, 0.3), apart(nothing, nothing)) is None
    some = np.array([0.0, 1.0, 2.0, np.nan])
    known = some[:3]
    assert standardised(some, some + 1, apart(some, some)) == standardised(known, known + 1, apart(known, known))


def test_the_table_has_every_quantity_before_and_after(make_catalogue: Callable[..., pd.DataFrame]) -> None:
    catalogue = make_catalogue(300).assign(dec=np.linspace(-20.0, 20.0, 300))
    order = np.argsort(catalogue["host_mag_r"].to_numpy())
    bright, faint = order[:100], order[100:200]
    rows = {row["column"]: row for row in balance(catalogue, DECALS, np.arange(300), bright, faint)}
    assert tuple(rows) == compared(DECALS)
    assert {"host_mag_r", "colour_gr", "colour_rz", "host_reff_arcsec", "psfsize_z", "depth_g", "ebv", "dec"} <= set(rows)
    assert float(rows["host_mag_r"]["before"]) < -1.0  # type: ignore[arg-type]
    assert float(rows["host_mag_r"]["after"]) < -2.0  # type: ignore[arg-type]
    assert float(rows["depth_g"]["after_low"]) < 0.0 < float(rows["depth_g"]["after_high"])  # type: ignore[arg-type]
    # Sizes are not in this catalogue, and dust does not vary.
    assert rows["host_reff_arcsec"]["before"] is None
    assert rows["ebv"]["after"] is None
    alike = {row["column"]: row for row in balance(catalogue, DECALS, np.arange(300), bright, bright)}
    assert alike["dec"]["after"] == alike["dec"]["after_low"] == alike["dec"]["after_high"] == 0.0


def test_shares_by_resolvability() -> None:
    assert resolvability(np.array([0.1, 0.49, 0.5, 0.99, 1.0, 4.0, 5.0, 6.0])) == [0.25, 0.25, 0.5]
    assert resolvability(np.array([])) == [0.0, 0.0, 0.0]
