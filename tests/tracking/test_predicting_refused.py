"""`arcgate predict`: what it refuses, and in which words."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import torch
from composing import composed
from layouts import arrays_of, write_arrays

from arcgate.dataset.reader import Dataset
from arcgate.ground.errors import ArcgateError
from arcgate.ground.hashing import as_plain
from arcgate.imaging import DECALS, Imaging
from arcgate.learning.module import LensFinder
from arcgate.predicting import predict
from arcgate.prediction_spec import Prediction
from arcgate.tracking import names
from arcgate.tracking.record import log_params, set_tags
from arcgate.tracking.runs import variant_run
from arcgate.tracking.store import Store

VIEW = composed("view=annulus_robust").view
Predicts = Callable[..., Prediction]


def saved(kept: tuple[Store, str], folder: Path) -> Path:
    """A copy of the model in a folder of one's own."""
    store, uri = kept
    place = store.client.get_logged_model(uri.removeprefix("models:/")).artifact_location
    shutil.copytree(place.removeprefix("file://"), folder)
    return folder


def test_a_table_that_is_there_is_replaced_on_request_alone(asked: Predicts, tmp_path: Path) -> None:
    for out in (tmp_path / "scores.parquet", None):
        spec = asked(out=None if out is None else str(out))
        predict(spec)
        with pytest.raises(ArcgateError, match=r"a table is there already(.|\n)*overwrite=true"):
            predict(spec)
    (tmp_path / "scores.parquet").write_text("mine")
    predict(asked(overwrite=True))
    assert pq.read_metadata(tmp_path / "scores.parquet").num_rows > 200
    (kept,) = (tmp_path / "data/predictions").iterdir()
    assert len(kept.stem) == 12


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"out": "scores.csv"}, "'scores.csv' is called otherwise"),
        ({"model": "nowhere"}, "there is no folder nowhere"),
        ({"model": "models:/nothing@champion"}, "there is no model models:/nothing@champion"),
        ({"model": "models:/a study@loser"}, "there is no model models:/a study@loser"),
        ({"model": "runs:/0123/network"}, "there is no model runs:/0123/network"),
        ({"model": "."}, r"there is no model \.: "),
        ({"data": "nowhere"}, "nowhere"),
    ],
)
def test_what_is_not_there_is_said(
    asked: Predicts, changes: dict[str, str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ArcgateError, match=says):
        predict(asked(**changes))
    assert not list(tmp_path.iterdir())


def test_without_a_database_a_name_in_it_is_refused_and_none_is_made(asked: Predicts, tmp_path: Path) -> None:
    spec = asked()
    with pytest.raises(ArcgateError, match="there is no tracking database"):
        predict(replace(spec, runtime=replace(spec.runtime, mlruns_dir=str(tmp_path / "mlruns"))))
    assert not list(tmp_path.iterdir())


def test_a_run_says_why_it_keeps_no_network(asked: Predicts, store: Store) -> None:
    run = variant_run(store, "a study", "published", "k1")
    spec = asked(model=f"runs:/{run}/network")
    spec = replace(spec, runtime=replace(spec.runtime, mlruns_dir=str(store.folder)))
    with pytest.raises(ArcgateError, match="the run 'published' keeps no network: its training is not finished"):
        predict(spec)
    log_params(store, run, {"view.planes": ["stamp", "control"]})
    with pytest.raises(
        ArcgateError, match=r"its input \(stamp, control\) shows each stamp's true control, which no real image has"
    ):
        predict(spec)
    set_tags(store, run, {names.MODEL: "models:/m-gone"})
    with pytest.raises(ArcgateError, match="there is no model runs:/"):
        predict(spec)


def test_a_saved_model_with_a_control_in_its_input_is_refused(asked: Predicts, kept: tuple[Store, str], tmp_path: Path) -> None:
    model = saved(kept, tmp_path / "copy")
    view = replace(VIEW, planes=("stamp", "control"))
    settings = {"learning": as_plain(composed().learning), "view": as_plain(view), "imaging": as_plain(DECALS), "data_digest": ""}
    finder = LensFinder(settings, 1)
    (file,) = model.rglob("best.ckpt")
    torch.save({"state_dict": finder.state_dict(), "hyper_parameters": dict(finder.hparams)}, file)
    with pytest.raises(ArcgateError, match=r"its input \(stamp, control\) shows each stamp's true control"):
        predict(asked(model=str(model)))


@pytest.mark.parametrize(
    ("file", "content", "says"),
    [
        ("best.ckpt", b"PK half a checkpoint", "the checkpoint is damaged"),
        ("best.ckpt", None, "there is no checkpoint"),
        ("MLmodel", b"flavors: [", "the file MLmodel of .* cannot be read"),
        ("MLmodel", b"", "the file MLmodel of .* cannot be read"),
        ("MLmodel", b"flavors: {}", "the model .* cannot be read"),
        ("MLmodel", None, "there is no model"),
    ],
)
def test_a_model_that_cannot_be_read_is_said(
    asked: Predicts, kept: tuple[Store, str], tmp_path: Path, file: str, content: bytes | None, says: str
) -> None:
    model = saved(kept, tmp_path / "copy")
    (place,) = model.rglob(file)
    place.unlink()
    if content is not None:
        place.write_bytes(content)
    with pytest.raises(ArcgateError, match=says):
        predict(asked(model=str(model)))


@pytest.mark.parametrize(
    "other",
    [
        Imaging(("g", "r", "i"), "r", 64, 0.262),
        Imaging(("g", "r", "z"), "r", 64, 0.168),
    ],
)
def test_stamps_of_another_imaging_are_refused(
    asked: Predicts, built: Callable[..., Dataset], tmp_path: Path, other: Imaging
) -> None:
    data = write_arrays(arrays_of(built()), tmp_path / "set.npz")
    with pytest.raises(ArcgateError, match=r"the network was trained on stamps in g, r, z(.|\n)*those of the data set are in"):
        predict(asked(data=str(data), imaging=other))


def test_a_table_of_positions_is_refused(asked: Predicts, tmp_path: Path) -> None:
    rows = ["ra,dec,label,split", *(f"{150 + n / 10},{n / 10},{n % 2},train" for n in range(12))]
    (tmp_path / "positions.csv").write_text("\n".join(rows))
    with pytest.raises(ArcgateError, match="a table without stamps"):
        predict(asked(data=str(tmp_path / "positions.csv")))
