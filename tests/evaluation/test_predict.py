"""Predictions of a network for a data set."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from arcgate.dataset import Dataset
from arcgate.evaluation.predict import predict
from arcgate.ground.errors import ArcgateError
from arcgate.ground.hashing import as_plain
from arcgate.imaging import DECALS
from arcgate.learning.checkpoints import load_checkpoint
from arcgate.learning.module import load_finder
from arcgate.variant import View
from arcgate.views.arrays import ArrayViewer


def test_rows_carry_their_own_logit_and_their_pairs_lens(checkpoint: Path, make_set: Callable[..., Dataset], view: View) -> None:
    dataset = make_set()
    table = predict(checkpoint, dataset, view, split="test", threads=1)
    assert len(table) == 40
    assert table["sample_id"].is_monotonic_increasing
    assert set(table["role"]) == {"positive", "control"}
    by_pair = table.groupby("pair_id")
    assert (by_pair["label"].sum() == 1).all()
    for column in ("theta_e_arcsec", "arc_snr"):
        assert (by_pair[column].nunique(dropna=False) == 1).all()
    assert table.loc[table["pair_id"] == 3, "theta_e_arcsec"].tolist() == [1.25, 1.25]
    batch = next(dataset.batches(split="test"))
    with torch.inference_mode():
        images = ArrayViewer(view, DECALS)(
            batch.image[:1], batch.table["host_x_pix"].to_numpy()[:1], batch.table["host_y_pix"].to_numpy()[:1]
        )
        logit = float(load_finder(load_checkpoint(checkpoint))(torch.from_numpy(images))[0])
    own = table.loc[table["sample_id"] == batch.table["sample_id"].iloc[0], "logit"]
    assert own.tolist() == pytest.approx([logit], abs=1e-5)


def test_the_core_mask_changes_logits(checkpoint: Path, make_set: Callable[..., Dataset], view: View) -> None:
    dataset = make_set()
    tables = [predict(checkpoint, dataset, view, split="test", threads=1, mask_radius_pix=radius) for radius in (None, 5.0)]
    assert (tables[0]["sample_id"] == tables[1]["sample_id"]).all()
    assert np.abs(tables[0]["logit"] - tables[1]["logit"]).min() > 0


def test_pairs_that_the_view_cannot_scale_are_not_scored_and_counted(
    checkpoint: Path, make_set: Callable[..., Dataset], view: View, capsys: pytest.CaptureFixture[str]
) -> None:
    # The positive of pair 3 and the control of pair 5.
    table = predict(checkpoint, make_set(flat=(9, 16)), view, split="test", threads=1)
    assert set(table["pair_id"]) == set(range(20)) - {3, 5}
    assert "the pairs of 1 control, 1 positive rows without a spread" in capsys.readouterr().out


def test_another_view_is_refused(checkpoint: Path, make_set: Callable[..., Dataset], view: View) -> None:
    with pytest.raises(ArcgateError, match="another view"):
        predict(checkpoint, make_set(), dataclasses.replace(view, stretch="none"), split="test", threads=1)


def test_a_missing_class_or_split_is_named(checkpoint: Path, make_set: Callable[..., Dataset], view: View) -> None:
    with pytest.raises(ArcgateError, match="lacks controls"):
        predict(checkpoint, make_set(roles=("positive",)), view, split="test", threads=1)
    with pytest.raises(ArcgateError, match="'val' has no rows"):
        predict(checkpoint, make_set(), view, split="val", threads=1)


def test_a_network_of_bad_weights_is_named(checkpoint: Path, make_set: Callable[..., Dataset], view: View) -> None:
    content = load_checkpoint(checkpoint)
    content["state_dict"]["network.fc.bias"].fill_(torch.nan)
    torch.save(content, checkpoint)
    with pytest.raises(ArcgateError, match="logit for sample_id 0 is not finite"):
        predict(checkpoint, make_set(), view, split="test", threads=1)


def test_a_network_of_other_imaging_is_refused(checkpoint: Path, make_set: Callable[..., Dataset], view: View) -> None:
    content = load_checkpoint(checkpoint)
    content["hyper_parameters"]["settings"]["imaging"] = as_plain(dataclasses.replace(DECALS, pixel_scale_arcsec=0.2))
    torch.save(content, checkpoint)
    with pytest.raises(ArcgateError, match=r"trained on stamps in .*of 0\.2 arcsec, and is to be scored on .*of 0\.262 arcsec"):
        predict(checkpoint, make_set(), view, split="test", threads=1)
