"""Data sets by what is printed of them."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from cards import write_invented_card

import arcgate
from arcgate.dataset.card import CARD, read_card, receipts_of
from arcgate.dataset.finding import find_set
from arcgate.ground.errors import ArcgateError

UNPAIRED = {
    "seed": 1,
    "only_split": None,
    "controls": {"name": "unpaired", "pool": "free_hosts", "match_on": ["depth_r"]},
    "core_mask": {"name": "hard_r5", "kind": "hard", "radius_pix": 5.0, "width_pix": 0.0},
}


@pytest.fixture
def data_dir(make_set, tmp_path):
    """Three sets: of a variant, of another, and a common test set, which was finished last."""
    sets = tmp_path / "data/sets"
    sets.mkdir(parents=True)
    made = {"abcdef11": UNPAIRED, "abcdef22": {"seed": 2, "only_split": None}, "012345ff": {"seed": 3, "only_split": "test"}}
    for number, (name, data) in enumerate(made.items()):
        # Other numbers of pairs make other contents, and so other data digests.
        folder = make_set(name=f"data/sets/{name}{'0' * 56}", pairs_per_shard=2 + number)
        write_invented_card(folder, receipts_of(folder, read_card(folder)), data)
        os.utime(folder / CARD, (1e9 + number, 1e9 + number))
    return tmp_path / "data"


def digest_of(data_dir: Path, name: str) -> str:
    return str(read_card(next(data_dir.glob(f"sets/{name}*")))["data_digest"])


def test_by_folder_by_data_digest_and_as_the_latest(data_dir, monkeypatch):
    (one,) = data_dir.glob("sets/abcdef11*")
    digest = digest_of(data_dir, "abcdef11")
    for named in ("abcdef11", "abcdef1*", one.name, digest, digest[:6], digest[:12], f"{digest[:12]}*"):
        assert find_set(named, data_dir) == one
    monkeypatch.chdir(data_dir.parent)
    for named in ("data/sets/abcdef11*", "data/sets/abcdef11", f"data/sets/{digest[:7]}*", str(one)):
        assert find_set(named, "elsewhere").samefile(one)
    assert arcgate.open_dataset(digest[:8]).data_digest == digest
    assert arcgate.open_dataset(one).data_digest == digest
    assert find_set("latest", data_dir).name.startswith("abcdef22")


def test_a_path_that_is_there_wins(data_dir, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("abcdef11", "latest", "face"):
        (tmp_path / name).mkdir()
        assert find_set(name, data_dir) == Path(name)


def test_what_is_no_digest_is_left_to_whoever_opens_it(data_dir):
    for named in ("nowhere", "some/file.npz", "sets", "ABCDEF11", "nowhere/abcdef11"):
        assert find_set(named, data_dir) == Path(named)


def test_a_beginning_of_several_lists_them(data_dir):
    with pytest.raises(ArcgateError) as caught:
        find_set("abcdef", data_dir)
    message = str(caught.value)
    assert message.startswith("2 data sets have a digest that begins with abcdef; these are\n")
    assert f"{digest_of(data_dir, 'abcdef11')[:12]}  2001-09-09" in message
    assert "unpaired, mask hard_r5, 12 rows" in message
    assert "012345" not in message


def test_an_unknown_digest_lists_the_closest_first(data_dir):
    with pytest.raises(ArcgateError) as caught:
        find_set("abcdef1199", data_dir)
    lines = str(caught.value).splitlines()
    assert lines[0] == "no data set has a digest that begins with abcdef1199; there are"
    assert re.match(
        rf"  {digest_of(data_dir, 'abcdef11')[:12]}  2001-09-09 \d\d:\d\d  unpaired, mask hard_r5, 12 rows$", lines[1]
    )
    assert sum("rows" in line for line in lines) == 3
    assert "test split only" in str(caught.value)


def test_a_short_beginning_is_refused(data_dir):
    with pytest.raises(ArcgateError, match="abcde is too short: 6 characters"):
        find_set("abcde", data_dir)


def test_one_that_is_not_finished_is_found_so_that_its_opening_says_why(data_dir):
    unfinished = data_dir / "sets" / ("feed" * 16)
    unfinished.mkdir()
    assert find_set("feedfeed", data_dir) == unfinished
    with pytest.raises(ArcgateError, match=r"has no dataset\.json"):
        arcgate.open_dataset(find_set("feedfeed", data_dir))
    assert find_set("latest", data_dir).name.startswith("abcdef22")
    with pytest.raises(ArcgateError, match="feedfeedfeed  not finished, or of another version"):
        find_set("feedfeea", data_dir)


def test_where_there_are_none_it_says_so(tmp_path):
    with pytest.raises(ArcgateError, match="there are none yet"):
        find_set("latest", tmp_path)
    (tmp_path / "sets").mkdir()
    with pytest.raises(ArcgateError, match="no data set is finished here"):
        find_set("latest", tmp_path)
    with pytest.raises(ArcgateError, match="begins with abcdef11; there are none"):
        find_set("abcdef11", tmp_path)
