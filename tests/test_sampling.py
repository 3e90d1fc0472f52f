"""Sampling policies: pairs stay whole, draws do not depend on what else is there, and gates see what a network gets."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from composing import composed
from hypothesis import given
from hypothesis import strategies as st

from arcgate.ground.errors import ArcgateError
from arcgate.learning_node import EVERYTHING, Curriculum
from arcgate.sampling import admitted, in_words, row_weights, thinned

N = 400
PAIR = np.repeat(np.arange(N), 2)
LABEL = np.tile([1, 0], N)


def positives(seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {"pair_id": np.arange(N), "arc_snr_injected": rng.uniform(0, 40, N), "theta_e_arcsec": rng.uniform(0, 2, N)}
    )


def weights(**changes: object) -> np.ndarray:
    return row_weights(PAIR, LABEL, positives(), replace(EVERYTHING, **changes))


def test_everything_takes_part_by_default() -> None:
    assert EVERYTHING.whole
    assert (weights() == 1).all()


@given(st.floats(0, 40), st.floats(0, 2), st.floats(0, 1))
def test_a_floor_treats_a_control_as_its_positive(snr: float, theta_e: float, below: float) -> None:
    found = weights(least={"arc_snr_injected": snr, "theta_e_arcsec": theta_e}, weight_below=below)
    table = positives()
    faint = (table["arc_snr_injected"] < snr) | (table["theta_e_arcsec"] < theta_e)
    np.testing.assert_array_equal(found[LABEL == 1], np.where(faint, below, 1.0))
    np.testing.assert_array_equal(found[LABEL == 0], found[LABEL == 1])


def test_a_floor_on_positives_leaves_controls() -> None:
    found = weights(least={"arc_snr_injected": 20.0}, positives_only=True)
    assert (found[LABEL == 0] == 1).all()
    assert 0.4 < found[LABEL == 1].mean() < 0.6


def test_an_arc_that_is_not_known_is_below_no_floor() -> None:
    table = positives()
    table.loc[3, "arc_snr_injected"] = np.nan
    found = row_weights(PAIR, LABEL, table, replace(EVERYTHING, least={"arc_snr_injected": 50.0}))
    assert np.flatnonzero(found).tolist() == [6, 7]


def test_negatives_per_positive_at_equal_positives() -> None:
    one, five = (weights(positives=0.2, negatives_per_positive=ratio) > 0 for ratio in (1.0, 5.0))
    np.testing.assert_array_equal(one[LABEL == 1], five[LABEL == 1])
    np.testing.assert_array_equal(one[LABEL == 0], one[LABEL == 1])
    assert five[LABEL == 0].all()
    assert 0.15 < one[LABEL == 1].mean() < 0.25
    with pytest.raises(ValueError, match=r"are more than there are controls: let positives be at most 0\.2"):
        replace(EVERYTHING, positives=0.3, negatives_per_positive=5.0)


def test_draws_follow_from_the_pair_alone() -> None:
    whole = weights(positives=0.5)
    some = np.isin(PAIR, np.arange(0, N, 3))
    part = row_weights(PAIR[some], LABEL[some], positives(), replace(EVERYTHING, positives=0.5))
    np.testing.assert_array_equal(part, whole[some])


def test_gates_judge_as_many_of_weighted_rows_as_their_weights_say() -> None:
    weight = weights(least={"arc_snr_injected": 20.0}, weight_below=0.25)
    kept = thinned(PAIR, weight)
    assert kept[weight == 1].all()
    assert abs(kept[weight == 0.25].mean() - 0.25) < 0.08
    np.testing.assert_array_equal(kept[LABEL == 1], kept[LABEL == 0])


@given(st.floats(0, 1), st.floats(0.05, 1), st.floats(0.05, 1))
def test_a_curriculum_admits_the_easiest_pairs_and_more_of_them_as_it_goes(progress: float, begin: float, until: float) -> None:
    curriculum = Curriculum("arc_snr_injected", begin, until)
    now, later = (admitted(PAIR, positives(), curriculum, at) for at in (progress, min(progress + 0.1, 1.0)))
    assert (now[LABEL == 1] == now[LABEL == 0]).all()
    assert (later | ~now).all()
    snr = positives()["arc_snr_injected"].to_numpy()
    out = ~now[LABEL == 1]
    if out.any():
        assert snr[out].max() <= snr[~out].min()
        assert (~out).mean() >= begin
    assert progress < until or now.all()


def test_policies_in_words() -> None:
    assert in_words(EVERYTHING) == "every row, with the same weight"
    said = {
        name: in_words(composed(f"learning/sampling={name}").learning.sampling) for name in ("visible_arcs", "five_negatives")
    }
    assert said["visible_arcs"] == "pairs with arc_snr_injected below 5 left out"
    assert said["five_negatives"] == "positives of 0.2 of the pairs, 5 negatives for each"


def test_a_floor_of_an_unknown_property_is_refused() -> None:
    with pytest.raises(ArcgateError, match=r"learning\.sampling\.least"):
        composed("+learning.sampling.least={brightness: 1.0}")
    assert composed("learning=pilot").learning.sampling == EVERYTHING
