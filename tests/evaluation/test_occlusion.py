"""Where in a stamp a network sees the arc."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from arcgate.dataset import Dataset
from arcgate.evaluation import occlusion as module
from arcgate.evaluation.network import Network
from arcgate.evaluation.occlusion import LEAST_SHARE, SQUARE_PIX, occlusion, occlusion_metrics, squares
from arcgate.imaging import DECALS
from arcgate.variant import View

# As the conftest lights positives: y from 20 to 24, x from 20 to 30.
ARC = (slice(20, 24), slice(20, 30))


def test_squares_are_those_that_hold_light_with_their_shares() -> None:
    arc = np.zeros(DECALS.shape, dtype=np.float32)
    arc[:, *ARC] = 1.0
    y, x, light = squares(arc)
    # First pixels are multiples of three: 18 and 21 cover rows 20 to 24, as do 16 to 23 of others.
    found = {(int(top), int(left)): share for top, left, share in zip(y, x, light, strict=True)}
    assert set(found) == {(top, left) for top in (18, 21) for left in (18, 21, 24, 27)}
    # Rows 20 to 22 and columns 21 to 25: fifteen of forty pixels.
    assert found[18, 21] == pytest.approx(15 / 40)
    arc[0, 50, 50] = 0.5 * LEAST_SHARE * arc.sum()
    assert len(squares(arc)[0]) == len(found)


def pairs_of(dataset: Dataset) -> pd.Series:
    return dataset.table(["pair_id"])["pair_id"]


def test_a_logit_that_is_the_light_drops_by_the_light_of_each_square(
    checkpoint: Path, make_set: Callable[..., Dataset], view: View, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = make_set(20, lit=3.0)
    # What the view makes of stamps is asinh of them over the noise: a sum over channels grows with light.
    monkeypatch.setattr(Network, "of_seen", lambda self, seen: np.sinh(seen.double().numpy()).sum(axis=(1, 2, 3)))
    table = occlusion(checkpoint, dataset, view, pairs_of(dataset), split="test", threads=1)
    assert table["pair_id"].nunique() == module.PAIRS
    assert (table.groupby("pair_id").size() == 8).all()
    for _, part in table.groupby("pair_id"):
        # Scale and centre are of the annulus, which squares on the arc change a little.
        np.testing.assert_allclose(part["drop"] / part["drop"].sum(), part["arc_light"] / part["arc_light"].sum(), atol=0.1)
    centre = table.loc[table["arc_light"].idxmax(), ["x_pix", "y_pix"]].tolist()
    assert ARC[1].start <= centre[0] < ARC[1].stop
    assert abs(centre[1] - 21.5) <= SQUARE_PIX / 2
    metrics = occlusion_metrics(table)
    assert metrics.values["occlusion_correlation"] > 0.8


def test_the_untrained_network_is_another_and_pairs_are_the_brightest(
    checkpoint: Path, make_set: Callable[..., Dataset], view: View, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAIRS", 3)
    dataset = make_set(6, lit=3.0)
    table = occlusion(checkpoint, dataset, view, pairs_of(dataset), split="test", threads=1)
    # All have one S/N: the first by number.
    assert sorted(table["pair_id"].unique()) == [0, 1, 2]
    some = pd.Series([2, 4])
    assert sorted(occlusion(checkpoint, dataset, view, some, split="test", threads=1)["pair_id"].unique()) == [2, 4]
    # A checkpoint of weights that were never trained is its own untrained network.
    np.testing.assert_allclose(table["drop"], table["drop_untrained"], atol=1e-6)
    assert table["drop"].abs().max() > 1e-3


def maps(drop: np.ndarray, light: np.ndarray) -> pd.DataFrame:
    """Six maps of the same squares."""
    parts = [
        pd.DataFrame({"pair_id": k, "host_id": f"g{k}", "arc_light": light, "drop": drop, "drop_untrained": drop[::-1]})
        for k in range(6)
    ]
    return pd.concat(parts, ignore_index=True)


def test_drops_that_follow_the_light_have_a_correlation_of_one_and_lie_in_the_arc() -> None:
    light = np.array([0.5, 0.3, 0.15, 0.04, 0.01])
    metrics = occlusion_metrics(maps(light * 7.0, light))
    assert metrics.values["occlusion_correlation"] == pytest.approx(1.0)
    assert metrics.values["occlusion_untrained_correlation"] == pytest.approx(-1.0)
    # The first three squares make 90 % of the light: 95 % of the drop of one, a fifth of the other.
    assert metrics.values["occlusion_in_arc"] == pytest.approx(0.95)
    assert metrics.values["occlusion_untrained_in_arc"] == pytest.approx(0.2)
    assert metrics.values["occlusion_in_arc/low"] == pytest.approx(0.95)


def test_without_arcs_or_drops_the_metrics_are_absent(checkpoint: Path, make_set: Callable[..., Dataset], view: View) -> None:
    # Positives whose S/N is stated and whose pixels are dark: no square holds light.
    table = occlusion(checkpoint, unlit := make_set(4), view, pairs_of(unlit), split="test", threads=1)
    assert not len(table)
    assert set(occlusion_metrics(table).absent.values()) == {module.NO_ARCS}
    flat = occlusion_metrics(maps(np.zeros(4), np.arange(4.0)))
    assert set(flat.absent.values()) == {"nothing changes the logit anywhere"}
