"""Arcs faded in, and light that is no arc."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from composing import composed

from arcgate.dataset import Dataset
from arcgate.dataset.schema import CERTIFYING_ROLES, JUDGED_ROLES
from arcgate.evaluation.counterfactuals import (
    ASKED,
    FADED,
    SNR_STEPS,
    counterfactual_logits,
    counterfactual_metrics,
    fade_in,
    half_found,
    of_roles,
)
from arcgate.evaluation.network import Network
from arcgate.ground.errors import ArcgateError
from arcgate.ground.hashing import as_plain
from arcgate.imaging import DECALS
from arcgate.learning.module import LensFinder
from arcgate.variant import View
from arcgate.views.arrays import stamps_of

MakeSet = Callable[..., Dataset]
# As the conftest has it of every row with an arc.
OWN_SNR = 2.0
STAMP = View(("stamp",), "annulus_robust", 0.625, "asinh", {"g": 0.01, "r": 0.01, "z": 0.01})


def random_weights(view: View, path: Path) -> Path:
    """A checkpoint of a network that was never trained."""
    torch.manual_seed(5)
    learning = replace(composed("learning=pilot").learning, epochs=1, batch_size=8, lr=1e-3, seed=3)
    settings = {"learning": as_plain(learning), "view": as_plain(view), "imaging": as_plain(DECALS), "data_digest": ""}
    finder = LensFinder(settings, 1)
    torch.save({"state_dict": finder.state_dict(), "hyper_parameters": dict(finder.hparams)}, path)
    return path


@pytest.mark.parametrize("planes", [("stamp",), ("stamp", "control"), ("residual",)])
def test_at_its_own_snr_an_arc_is_its_stamp_and_at_none_its_galaxy(
    planes: tuple[str, ...], make_set: MakeSet, tmp_path: Path
) -> None:
    view = replace(STAMP, planes=planes)
    checkpoint, roles = random_weights(view, tmp_path / "w.ckpt"), (*JUDGED_ROLES, *CERTIFYING_ROLES)
    lit = make_set(8, roles=roles, lit=3.0)
    asked = counterfactual_logits(checkpoint, lit, view, split="test", threads=1)
    assert asked["role"].value_counts().to_dict() == {FADED: 8 * len(SNR_STEPS)} | dict.fromkeys(ASKED, 8)
    faded = asked[asked["role"] == FADED].pivot(index="pair_id", columns="snr", values="logit")
    network = Network.load(checkpoint, view)
    for batch in lit.batches(roles=["positive", "ring"]):
        assert batch.arc is not None
        centres = (batch.table[name].to_numpy(np.float64) for name in ("host_x_pix", "host_y_pix"))
        sky, galaxy = batch.table[[f"sky_sigma_{band}" for band in "grz"]].to_numpy(np.float32), batch.image - batch.arc
        x, y = centres
        arcs, none = (network.logits(stamps_of(image, x, y, sky, galaxy)) for image in (batch.image, galaxy))
        rows, pairs = (batch.table["role"] == "positive").to_numpy(), batch.table["pair_id"].to_numpy()
        # To the last bits of float32 pixels.
        np.testing.assert_allclose(faded.loc[pairs[rows], OWN_SNR], arcs[rows], atol=1e-5)
        np.testing.assert_allclose(faded.loc[pairs[rows], 0.0], none[rows], atol=1e-5)
        for role, mine in (("arc", rows), ("ring", ~rows)):
            logit = asked[asked["role"] == role].set_index("pair_id")["logit"]
            np.testing.assert_allclose(logit[pairs[mine]], arcs[mine], atol=1e-5)
    # An arc of twice the S/N is another image; the test could not fail on weights that see nothing.
    assert np.abs(faded[5.0] - faded[0.0]).min() > 1e-4


def test_pairs_that_have_no_view_are_left_out_and_a_split_without_rows_is_named(
    checkpoint: Path, make_set: MakeSet, view: View
) -> None:
    dataset = make_set(8, flat=(9, 16), lit=1.0)
    asked = counterfactual_logits(checkpoint, dataset, view, split="test", threads=1)
    assert set(asked["pair_id"]) == set(range(8)) - {3, 5}
    with pytest.raises(ArcgateError, match="'val' has no rows"):
        counterfactual_logits(checkpoint, dataset, view, split="val", threads=1)


def table(logit: np.ndarray, role: str = FADED) -> pd.DataFrame:
    """Logits (pairs, steps) as `counterfactual_logits` lays them out, two pairs a galaxy."""
    pairs = np.arange(len(logit))
    parts = [
        pd.DataFrame({"pair_id": pairs, "host_id": pairs // 2, "source_image": None, "role": role, "snr": snr, "logit": column})
        for snr, column in zip(SNR_STEPS, logit.T, strict=False)
    ]
    return pd.concat(parts, ignore_index=True)


def test_half_are_found_where_a_network_with_known_limits_finds_them() -> None:
    # Pair k is found from S/N k on: of pairs 0.5, 1.5, ... 39.5 half are found at 20.
    limits = np.arange(40) + 0.5
    logits = table(np.asarray(SNR_STEPS)[None, :] - limits[:, None])
    metrics = counterfactual_metrics(logits, 0.0)
    assert metrics.values["half_found_snr"] == pytest.approx(20.0)
    low, high = metrics.values["half_found_snr/low"], metrics.values["half_found_snr/high"]
    # A uniform distribution of 20 galaxies of neighbours: sigma of its median about 40 * 0.5 / sqrt(20) = 4.5.
    assert 10.0 < low < 17.0
    assert 23.0 < high < 30.0
    lines = fade_in(logits, 0.0)
    assert lines["snr"].tolist() == list(SNR_STEPS)
    assert lines.loc[lines["snr"] == 10.0, ["n", "n_found", "found"]].to_numpy().tolist() == [[40, 10, 0.25]]
    assert ((lines["low"] <= lines["found"]) & (lines["found"] <= lines["high"])).all()


@pytest.mark.parametrize(
    ("logit", "reason"), [(1.0, "100% are found without any arc"), (-1.0, "at S/N 200 0% are found, at no step half")]
)
def test_a_network_that_finds_all_or_nothing_has_no_such_snr(logit: float, reason: str) -> None:
    metrics = counterfactual_metrics(table(np.full((6, len(SNR_STEPS)), logit)), 0.0)
    assert metrics.absent["half_found_snr"] == reason
    assert not any(name.startswith("half") for name in metrics.values)


def test_shares_of_roles_with_intervals_and_what_is_missing_with_its_reason() -> None:
    ring, unlensed = table(np.r_[np.ones(15), -np.ones(5)][:, None], "ring"), table(-np.ones((20, 1)), "unlensed")
    logits = pd.concat([ring, unlensed], ignore_index=True)
    metrics = counterfactual_metrics(logits, 0.0)
    assert (metrics.values["found_ring"], metrics.values["found_unlensed"]) == (0.75, 0.0)
    # Ten galaxies: none of ten has 1 - 0.05 ** (1 / 10) as its upper limit.
    assert metrics.values["found_unlensed/high"] == pytest.approx(1.0 - 0.05**0.1)
    assert metrics.values["found_ring/low"] < 0.75 < metrics.values["found_ring/high"]
    assert "no shuffled rows" in metrics.absent["found_shuffled"]
    assert of_roles(logits, 0.0)[["role", "n_found"]].to_numpy().tolist() == [["unlensed", 0], ["ring", 15]]


def test_without_a_threshold_all_are_absent() -> None:
    metrics = counterfactual_metrics(table(np.ones((4, 1)), "ring"), None)
    assert metrics.values == {}
    assert metrics.absent.keys() == {"half_found_snr", "found_arc", "found_unlensed", "found_ring", "found_shuffled"}


def test_half_found_takes_the_first_step_and_weights() -> None:
    # The first is found from S/N 3 on, the second never: half by the first alone from 3 on, and never by the second.
    found = np.zeros((2, len(SNR_STEPS)))
    found[0, 3:] = 1.0
    values = half_found(found, np.array([[1.0, 1.0], [3.0, 1.0], [0.0, 1.0], [0.0, 0.0]]))
    assert values[:2] == pytest.approx([3.0, 2.0 + 0.5 / 0.75])
    assert np.isnan(values[2:]).all()
