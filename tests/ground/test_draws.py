"""Keyed random numbers: independent of order and number, uniform, unrelated between streams."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest

from arcgate.ground.draws import between, choice, normal, text_ids, uniform, words

OURS = settings(derandomize=True, deadline=None, max_examples=60)
IDS = np.arange(20_000, dtype=np.int64)
NAMES = ["theta_e", "source_x", "source_y", "lens_phi", "dmag"]


@OURS
@given(ids=st.lists(st.integers(-(2**62), 2**62), min_size=1, max_size=30), seed=st.integers(0, 2**31), order=st.randoms())
def test_a_draw_depends_on_neither_order_nor_number(ids: list[int], seed: int, order: object) -> None:
    drawn = uniform(seed, "theta_e", np.array(ids, dtype=np.int64))
    alone = [uniform(seed, "theta_e", np.array([one], dtype=np.int64))[0] for one in ids]
    assert drawn.tolist() == alone
    assert np.all((drawn > 0.0) & (drawn < 1.0))
    backwards = uniform(seed, "theta_e", np.array(ids[::-1], dtype=np.int64))
    assert backwards[::-1].tolist() == drawn.tolist()


def test_a_longer_set_begins_with_the_shorter_one() -> None:
    assert np.array_equal(uniform(3, "reff", IDS)[:100], uniform(3, "reff", IDS[:100]))


@pytest.mark.parametrize("seed", [0, 1, 12345])
@pytest.mark.parametrize("name", NAMES)
def test_deviates_are_uniform(seed: int, name: str) -> None:
    assert kstest(uniform(seed, name, IDS), "uniform").pvalue > 1e-3


def test_words_of_neighbouring_keys_look_independent() -> None:
    found = np.concatenate([words(seed, f"epoch {epoch}", IDS[:200]) for seed in (-1, 1) for epoch in range(5)])
    assert len(np.unique(found)) == len(found)
    bits = (found[:, None] >> np.arange(64, dtype=np.uint64)) & np.uint64(1)
    np.testing.assert_allclose(bits.mean(axis=0), 0.5, atol=5 * 0.5 / np.sqrt(len(found)))


def test_streams_seeds_and_neighbours_are_unrelated() -> None:
    columns = [uniform(seed, name, IDS) for seed in (0, 1) for name in NAMES]
    columns.append(np.roll(columns[0], 1))
    correlation = np.corrcoef(columns) - np.eye(len(columns))
    # 55 pairs of 20,000 deviates: four standard deviations.
    assert np.abs(correlation).max() < 4.0 / np.sqrt(len(IDS))


def test_host_names_and_pair_numbers_give_uniform_deviates_too() -> None:
    assert kstest(uniform(0, "host_order", text_ids([f"pack-{i:04d}" for i in range(5000)])), "uniform").pvalue > 1e-3
    assert len(np.unique(text_ids([f"galaxy {i}" for i in range(5000)]))) == 5000
    assert text_ids(["galaxy é"]).tolist() == text_ids(["galaxy é"]).tolist()


def test_normal_choice_and_between() -> None:
    assert kstest(normal(5, "source_gr", IDS), "norm").pvalue > 1e-3
    drawn = choice(5, "dmag", IDS, (0.5, 1.0, 3.0))
    values, counts = np.unique(drawn, return_counts=True)
    assert values.tolist() == [0.5, 1.0, 3.0]
    assert counts / len(IDS) == pytest.approx(1.0 / 3.0, abs=0.015)
    spread = between(5, "source_x", IDS, -0.4, 0.4)
    assert np.all((spread > -0.4) & (spread < 0.4))
    assert kstest((spread + 0.4) / 0.8, "uniform").pvalue > 1e-3
