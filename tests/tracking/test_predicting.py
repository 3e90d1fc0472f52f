"""`arcgate predict`: the table of scores of a data set by a network that was kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from composing import composed
from layouts import arrays_of, paired_rows, pairs_of, write_arrays, write_rows
from scipy.special import expit

from arcgate import predicting
from arcgate.dataset.reader import Dataset
from arcgate.imaging import DECALS
from arcgate.predicting import predict, print_predict_plan
from arcgate.prediction_spec import Prediction
from arcgate.tracking.model import log_network
from arcgate.tracking.runs import variant_run
from arcgate.tracking.store import Store

VIEW = composed("view=annulus_robust").view
Predicts = Callable[..., Prediction]


def test_every_row_is_scored_as_the_network_scores_it(
    asked: Predicts,
    built: Callable[..., Dataset],
    logits: pd.Series,
    middle: float,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    made = predict(asked())
    table = pd.read_parquet(tmp_path / "scores.parquet")
    pd.testing.assert_frame_equal(table, made)
    assert [*table] == [*predicting._OWN, "logit", "probability", "above_threshold"]
    assert list(table["sample_id"]) == list(logits.index)
    np.testing.assert_allclose(table["logit"], logits, atol=1e-5)
    np.testing.assert_allclose(table["probability"], expit(table["logit"]))
    assert (table["above_threshold"] == (table["logit"] > middle)).all()
    known = built().table(["sample_id", "host_id", "role", "label"]).sort_values("sample_id", ignore_index=True)
    for name in ("host_id", "role", "label"):
        pd.testing.assert_series_equal(table[name], known[name])
    assert set(table["role"]) == {"positive", "control", "null"}
    assert table.attrs["safe"] == "failed"
    assert table.attrs["data_digest"] == built().data_digest
    out = capsys.readouterr().out
    above = int(table["above_threshold"].sum())
    of = [int((table["above_threshold"] & (table["label"] == label)).sum()) for label in (1, 0)]
    assert "model      sound; its training set: safe? failed: it may go by something else than arcs\n" in out
    assert f"threshold  logit {middle:.3f} (probability {expit(middle):.3f}), which 10 % of the negatives" in out
    assert f"rows       {len(table)} rows of " in out
    assert f"above it   {above} of {len(table)} rows: {of[0]} of 100 positives, {of[1]} of 100 negatives\n" in out
    assert out.endswith(f"table      {tmp_path / 'scores.parquet'}\n")


def test_the_length_of_batches_changes_nothing(asked: Predicts, logits: pd.Series, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predicting, "AT_ONCE", 7)
    np.testing.assert_allclose(predict(asked(out=None))["logit"], logits, atol=1e-5)


def test_models_are_named_by_study_run_and_folder(asked: Predicts, kept: tuple[Store, str], tmp_path: Path) -> None:
    store, uri = kept
    run = store.client.get_model_version_by_alias("a study", "champion").run_id
    folder = store.client.get_logged_model(uri.removeprefix("models:/")).artifact_location.removeprefix("file://")
    tables = [
        predict(asked(model=model, out=str(tmp_path / f"{number}.parquet")))
        for number, model in enumerate([uri, "models:/a study@champion", f"runs:/{run}/network", folder])
    ]
    assert all(table["logit"].equals(tables[0]["logit"]) for table in tables[1:])


def test_stamps_of_another_maker_are_named_by_their_rows(
    asked: Predicts, built: Callable[..., Dataset], logits: pd.Series, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = paired_rows(built())
    table = predict(asked(data=str(write_rows(rows, tmp_path / "set.parquet"))))
    assert [*table][:5] == ["row", "before_injection", "host_id", "label", "split"]
    assert list(table["row"]) == list(np.repeat(np.arange(len(rows)), 2))
    assert list(table["before_injection"]) == [False, True] * len(rows)
    assert list(table["label"]) == [1, 0] * len(rows)
    # Centres are measured, and those of the set are declared.
    ids = pairs_of(built()).table["sample_id"]
    assert np.corrcoef(table["logit"], logits.loc[ids])[0, 1] > 0.99
    assert "  the galaxies' centres are not recorded" in capsys.readouterr().out


def test_rows_without_a_partner_and_stamps_without_a_view_are_in_the_table(
    asked: Predicts, built: Callable[..., Dataset], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arrays = arrays_of(built())
    stamps, labels = arrays["stamps"].copy(), arrays["labels"]
    positives = np.flatnonzero(labels == 1)
    flat, hole, last = positives[[0, 1, -1]]
    stamps[flat], stamps[hole, 0, 5, 5] = 0.25, np.nan
    # Without the first control one positive has no partner in the order of the rows: the last one.
    kept = np.delete(np.arange(len(labels)), np.flatnonzero(labels == 0)[0])
    few = {"stamps": stamps[kept], "labels": labels[kept], "groups": np.arange(len(kept)).astype(str)}
    table = predict(asked(data=str(write_arrays(few, tmp_path / "set.npz")))).set_index("row")
    assert list(table.index) == list(range(len(kept)))
    assert list(table["label"]) == list(labels[kept])
    without = {int(np.flatnonzero(kept == row)[0]) for row in (flat, hole)}
    assert set(table.index[table["logit"].isna()]) == without
    assert set(table.index[table["above_threshold"].isna()]) == without
    assert np.isfinite(table.loc[np.flatnonzero(kept == last)[0], "logit"])
    out = capsys.readouterr().out
    assert "1 positives and 0 controls have no partner" in out
    assert "199 rows of set.npz" in out
    assert "2 of them have no score: pixels that are not finite, or no spread" in " ".join(out.split())


def test_without_a_threshold_none_is_said(
    asked: Predicts, network_checkpoint: Path, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    run = variant_run(store, "a study", "sound", "k1")
    uri = log_network(store, run, network_checkpoint, DECALS, VIEW, {"variant": "sound", "threshold_logit": None}, {})
    spec = asked(model=uri)
    table = predict(replace(spec, runtime=replace(spec.runtime, mlruns_dir=str(store.folder))))
    assert table["above_threshold"].isna().all()
    out = capsys.readouterr().out
    assert "threshold  none is known" in out
    assert "above it" not in out
    assert "safe? not stated" in out


def test_a_dry_run_says_what_would_be_scored_and_writes_nothing(
    asked: Predicts, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    print_predict_plan(asked(out=None))
    out = capsys.readouterr().out
    assert "would be scored" in out
    assert str(tmp_path / "data/predictions") in out
    assert not list(tmp_path.iterdir())
