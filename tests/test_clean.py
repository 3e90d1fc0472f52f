"""What no study names is listed, and removed when asked; the rest stays."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from arcgate import clean
from arcgate.dataset.card import CARD
from arcgate.ground.errors import ArcgateError
from arcgate.ground.locks import locked
from arcgate.tracking import names
from arcgate.tracking.runs import variant_run
from arcgate.tracking.store import open_store

NAMED, UNNAMED, TEST_SET = "a" * 64, "b" * 64, "c" * 64


def folder(place: Path, content: dict[str, object]) -> Path:
    """A folder with files, all written in 2001."""
    for name, what in content.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(json.dumps(what))
        os.utime(place / name, (1e9, 1e9))
    return place


@pytest.fixture
def study(tmp_path):
    """A finished variant with all that it left, and beside each thing another that nobody names."""
    store = open_store(tmp_path / "mlruns")
    run_id = variant_run(store, "study", "variant", "key")
    store.client.set_tag(run_id, names.DATA_DIGEST, NAMED)
    store.client.set_tag(run_id, f"{names.DATA_DIGEST}.evaluation", TEST_SET)
    data = tmp_path / "data"
    for name, digest in (("of-study", NAMED), ("of-test", TEST_SET), ("of-nobody", UNNAMED)):
        card = {"data_digest": digest, "parents_digest": f"galaxies-{name}", "images_digest": f"images-{name}"}
        folder(data / "sets" / name, {CARD: card, "train-00000.parquet": "x" * 5000})
        folder(data / "hosts" / f"galaxies-{name}", {"place-00000-0.parquet": "x" * 300})
        folder(data / "hosts" / f"images-{name}", {"sources.parquet": "x" * 200})
    folder(data / "sets" / "unfinished", {"train-00000.parquet": "x"})
    folder(data / "surveys" / "whole", {"hosts-0000000-0000011/g.fits": "x" * 300})
    record = {"run_id": run_id, "files": ["gates/evidence.json", "network/best.ckpt"]}
    folder(data / "runs" / "figures", {"finished-0123456789ab.json": record})
    folder(data / "runs" / "of-deleted", {"finished-0123456789ab.json": record | {"run_id": "0" * 32, "files": ["forgotten/x"]}})
    for name in ("gates", "network", "forgotten"):
        folder(data / "runs" / name, {"file": "x"})
    folder(data / "audits" / "key", {"evidence.json": {}})
    folder(data / "audits" / "untracked", {"evidence.json": {}})
    folder(data / "studies" / "study", {"table.csv": ""})
    return data, tmp_path / "mlruns"


UNNAMED_FOLDERS = {
    "sets/of-nobody": "on no run",
    "sets/unfinished": "was never finished",
    "hosts/galaxies-of-nobody": "of no data set that is kept",
    "hosts/images-of-nobody": "of no data set that is kept",
    "surveys/whole": "of an earlier version",
    "runs/of-deleted": "of no finished variant",
    "runs/forgotten": "of no finished variant",
    "audits/untracked": "on no run",
}


def there(data: Path) -> set[str]:
    return {str(path.relative_to(data)) for path in data.glob("*/*")}


def test_what_no_run_names_is_listed_with_the_reason_largest_first(study):
    data, mlruns = study
    found = clean.unnamed(data, mlruns, min_age_days=1.0)
    assert {str(one.folder.relative_to(data)): one.why for one in found} == UNNAMED_FOLDERS
    assert found[0].folder.name == "of-nobody"
    assert found[0].size_bytes > 5000
    assert [one.size_bytes for one in found] == sorted((one.size_bytes for one in found), reverse=True)


def test_listing_removes_nothing_and_removing_removes_just_that(study, capsys):
    data, mlruns = study
    before = there(data)
    clean.clean(data, mlruns, min_age_days=1.0, remove=False)
    out = capsys.readouterr().out
    assert there(data) == before
    assert "sets/of-nobody" in out
    assert "remove=true" in out
    clean.clean(data, mlruns, min_age_days=1.0, remove=True)
    assert there(data) == before - set(UNNAMED_FOLDERS)
    assert "removed: 8 folders" in capsys.readouterr().out
    clean.clean(data, mlruns, min_age_days=1.0, remove=True)
    assert "nothing" in capsys.readouterr().out


def test_what_was_just_written_or_is_held_stays(study, capsys):
    data, mlruns = study
    os.utime(data / "runs" / "forgotten" / "file")
    with locked(data / "sets" / "unfinished"):
        clean.clean(data, mlruns, min_age_days=1.0, remove=True)
    assert {"runs/forgotten", "sets/unfinished"} <= there(data)
    assert "sets/of-nobody" not in there(data)
    assert "1 that are in use" in capsys.readouterr().out


def test_catalogues_of_parents_stay_and_it_says_so(study, capsys):
    data, mlruns = study
    clean.clean(data, mlruns, min_age_days=1.0, remove=False)
    assert "arcgate parents" not in capsys.readouterr().out
    folder(data / "parents" / ("d" * 64), {"card.json": {}, "parents.parquet": "x"})
    folder(data / "parents" / "parts", {"0.parquet": "x"})
    clean.clean(data, mlruns, min_age_days=1.0, remove=True)
    out = " ".join(capsys.readouterr().out.split())
    assert "1 catalogue of `arcgate parents` and what single sweeps yielded, 0.00 GB: never removed here" in out
    assert {f"parents/{'d' * 64}", "parents/parts"} <= there(data)


def test_an_interrupted_removal_is_taken_up(study):
    data, mlruns = study
    (data / "sets" / "of-nobody").rename(data / "sets" / ".removed-of-nobody")
    (one,) = [
        one
        for one in clean.unnamed(data, mlruns, min_age_days=1.0)
        if one.folder.name.endswith("-of-nobody") and one.folder.parent.name == "sets"
    ]
    assert one.why == "removing it was interrupted"
    clean.clean(data, mlruns, min_age_days=1.0, remove=True)
    assert not list((data / "sets").glob("*of-nobody*"))


def test_without_a_tracking_database_nothing_is_called_unnamed(study, tmp_path):
    with pytest.raises(ArcgateError, match="no tracking database"):
        clean.unnamed(study[0], tmp_path / "elsewhere", min_age_days=1.0)
