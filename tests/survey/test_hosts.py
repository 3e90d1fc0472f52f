"""Galaxies that are cut out: once, whoever asks for them, however many processes work, and whatever ends them."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from packs_on_disk import write_pack

from arcgate.ground.engine import Local
from arcgate.ground.errors import ArcgateError
from arcgate.hosts_node import MockHosts
from arcgate.imaging import DECALS, Imaging
from arcgate.survey import hosts, places
from arcgate.survey.host_files import read_hosts, read_images, write_hosts
from arcgate.survey.hosts import Hosts, count_kept, cut_out, try_again
from arcgate.survey.mock.parents import MockParents, MockPlace
from arcgate.survey.parents import artifacts, open_parents
from arcgate.survey.places import ABSURD, DAMAGED, Cut, Place, Unusable


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five galaxies a place."""
    monkeypatch.setattr(places, "_AT_ONCE", 5)
    monkeypatch.setattr(places, "_FEWEST", 1)


@pytest.mark.usefixtures("few")
def test_places_and_their_order_change_nothing(mock_parents: MockParents, mock_galaxies: Hosts, tmp_path: Path) -> None:
    some = np.array([7, 2, 11, 3, 2])
    found = cut_out(mock_parents, some, data_dir=tmp_path, engine=Local(1))
    assert len(list(found.folder.glob("place-*.parquet"))) == 3
    assert np.array_equal(found.cutouts(some), mock_galaxies.cutouts(some))
    assert found.digest(some) == mock_galaxies.digest(some)
    assert found.digest(some) != mock_galaxies.digest(some[:3])
    measured, _ = found.of(some).read()
    assert measured.equals(mock_galaxies.of(some).read()[0])


@pytest.mark.long
@pytest.mark.usefixtures("few")
def test_two_processes_cut_out_what_one_does(mock_parents: MockParents, mock_galaxies: Hosts, tmp_path: Path) -> None:
    everything = np.arange(12)
    found = cut_out(mock_parents, everything, data_dir=tmp_path, engine=Local(2))
    assert found.digest(everything) == mock_galaxies.digest(everything)


@pytest.mark.usefixtures("few")
def test_nothing_is_cut_out_twice(mock_parents: MockParents, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []

    def counted(self: MockPlace) -> list[Cut | Unusable]:
        made.extend(self.indices)
        return cut(self)

    cut = MockPlace.cut
    monkeypatch.setattr(MockPlace, "cut", counted)
    first = cut_out(mock_parents, np.array([1, 2]), data_dir=tmp_path, engine=Local(1))
    second = cut_out(mock_parents, np.array([2, 4, 9]), data_dir=tmp_path, engine=Local(1))
    assert made == [1, 2, 4, 9]
    assert first.table.index.tolist() == [1, 2]
    assert second.table.index.tolist() == [2, 4, 9]
    cut_out(mock_parents, np.array([9, 1]), data_dir=tmp_path, engine=Local(1))
    assert len(made) == 4


@pytest.mark.parametrize(("reason", "found_again"), [(DAMAGED, True), (ABSURD, True), ("a stamp over the edge", False)])
def test_what_a_repair_can_bring_back_is_tried_again(
    mock_parents: MockParents,
    mock_galaxies: Hosts,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    reason: str,
    found_again: bool,
) -> None:
    made: list[int] = []

    def second_is_lost(self: MockPlace) -> list[Cut | Unusable]:
        return [Unusable(reason, "7") if index == 2 else one for index, one in zip(self.indices, cut(self), strict=True)]

    def counted(self: MockPlace) -> list[Cut | Unusable]:
        made.extend(self.indices)
        return cut(self)

    cut, some = MockPlace.cut, np.array([1, 2, 4])
    try_again(mock_parents, data_dir=tmp_path, engine=Local(1))
    monkeypatch.setattr(MockPlace, "cut", second_is_lost)
    lost = cut_out(mock_parents, some, data_dir=tmp_path, engine=Local(1))
    monkeypatch.setattr(MockPlace, "cut", counted)
    # While a data set is made, what is left out stays so.
    assert cut_out(mock_parents, some, data_dir=tmp_path, engine=Local(1)).unusable.tolist() == [2]
    try_again(mock_parents, data_dir=tmp_path, engine=Local(1))
    found = cut_out(mock_parents, some, data_dir=tmp_path, engine=Local(1))
    assert made == ([2] if found_again else [])
    assert found.unusable.tolist() == ([] if found_again else [2])
    assert count_kept(found.folder) == 3
    usable = np.array([1, 4])
    assert np.array_equal(lost.cutouts(usable), found.cutouts(usable))
    if found_again:
        assert np.array_equal(found.cutouts(some), mock_galaxies.cutouts(some))


@pytest.mark.usefixtures("few")
def test_an_interrupted_stage_goes_on_where_it_stopped(
    mock_parents: MockParents, mock_galaxies: Hosts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[tuple[int, ...]] = []

    def dies(self: MockPlace) -> list[Cut | Unusable]:
        made.append(self.indices)
        if len(made) == 2:
            raise KeyboardInterrupt
        return cut(self)

    cut, everything = MockPlace.cut, np.arange(12)
    monkeypatch.setattr(MockPlace, "cut", dies)
    with pytest.raises(KeyboardInterrupt):
        cut_out(mock_parents, everything, data_dir=tmp_path, engine=Local(1))
    folder = artifacts(tmp_path, mock_parents.digest)
    (folder / ".place-00001-0.parquet.1.tmp").write_bytes(b"what a kill leaves")
    found = cut_out(mock_parents, everything, data_dir=tmp_path, engine=Local(1))
    assert [len(indices) for indices in made] == [5, 5, 5, 2]
    assert found.digest(everything) == mock_galaxies.digest(everything)
    assert not list(folder.glob(".*.tmp"))


def test_galaxies_that_another_process_made_while_this_one_waited_are_read(
    mock_parents: MockParents, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class OtherProcessFirst:
        """A lock that is granted when the other process has finished."""

        def __init__(self, folder: Path) -> None:
            monkeypatch.undo()
            cut_out(mock_parents, np.array([0]), data_dir=tmp_path, engine=Local(1))
            monkeypatch.setattr(hosts, "write_hosts", None)

        def __enter__(self) -> None:
            pass

        def __exit__(self, *error: object) -> None:
            pass

    monkeypatch.setattr(hosts, "locked", OtherProcessFirst)
    assert len(cut_out(mock_parents, np.array([0]), data_dir=tmp_path, engine=Local(1)).table) == 1


class _Ends:
    """A place whose worker ends."""

    def cut(self) -> list[Cut | Unusable]:
        os._exit(1)


@pytest.mark.long
@pytest.mark.usefixtures("few")
def test_a_dead_worker_is_an_error_with_advice(
    mock_parents: MockParents, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ends(self: MockParents, rows: NDArray[np.int64]) -> Place:
        return _Ends()

    monkeypatch.setattr(MockParents, "place", ends)
    with pytest.raises(ArcgateError, match=r"a worker process ended(.|\n)*finished parts are kept"):
        cut_out(mock_parents, np.arange(12), data_dir=tmp_path, engine=Local(2))


def test_a_half_written_file_is_named_with_what_to_do(mock_parents: MockParents, tmp_path: Path) -> None:
    found = cut_out(mock_parents, np.array([0, 1]), data_dir=tmp_path, engine=Local(1))
    (path,) = found.folder.glob("place-*.parquet")
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(ArcgateError, match=rf"cannot be read(.|\n)*{path.name}(.|\n)*delete the file and run again"):
        cut_out(mock_parents, np.array([0]), data_dir=tmp_path, engine=Local(1))
    path.unlink()
    assert cut_out(mock_parents, np.array([0]), data_dir=tmp_path, engine=Local(1)).table.index.tolist() == [0]


def test_a_changed_pixel_is_found_when_it_is_read(mock_parents: MockParents, tmp_path: Path) -> None:
    found = cut_out(mock_parents, np.array([0, 1]), data_dir=tmp_path, engine=Local(1))
    (path,) = found.folder.glob("place-*.parquet")
    content, pixels = bytearray(path.read_bytes()), found.cutouts(np.array([1]))
    content[bytes(content).index(pixels.tobytes()) + 5000] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(ArcgateError, match=r"cannot be read(.|\n)*delete the file"):
        found.cutouts(np.array([1]))


def test_usable_and_unusable_galaxies_lie_in_one_file(tmp_path: Path) -> None:
    small = Imaging(("g",), "g", 16, 0.2)
    measured: dict[str, object] = {
        "host_x_pix": 3.25,
        "host_y_pix": 3.75,
        "sky_sigma_g": 0.1,
        "gain_g": 7000.0,
        "ivar_g": 100.0,
        "provenance": "drawn",
    }
    images = np.random.default_rng(0).normal(size=(9, *small.shape)).astype(np.float32)
    made: list[Cut | Unusable] = [Cut(image, measured) for image in images]
    made[4] = Unusable("a cosmic ray", "at pixel 3")
    path = tmp_path / "place.parquet"
    write_hosts(path, [f"galaxy {number}" for number in range(9)], made, small)
    table = read_hosts(path, small)
    assert table["reason"].notna().tolist() == [number == 4 for number in range(9)]
    assert table["found"][4] == "at pixel 3"
    assert table["host_x_pix"].isna().tolist() == [number == 4 for number in range(9)]
    assert table["row_digest"].is_unique
    rows = np.array([8, 0, 5, 8])
    assert np.array_equal(read_images(path, rows, small), images[rows])
    with pytest.raises(ArcgateError, match="galaxies of another imaging"):
        read_hosts(path, replace(small, pixel_scale_arcsec=0.21))


@pytest.mark.parametrize(
    ("image", "says"),
    [
        (
            np.zeros((3, 64, 63), dtype=np.float32),
            r"the image of galaxy 0 is float32 \(3, 64, 63\), sought is float32 \(3, 64, 64\)",
        ),
        (np.zeros((3, 64, 64)), "the image of galaxy 0 is float64"),
        (np.full((3, 64, 64), np.nan, dtype=np.float32), "the image of galaxy 0 is not finite"),
    ],
)
def test_an_image_that_does_not_fit_is_refused(tmp_path: Path, image: NDArray[np.float32], says: str) -> None:
    with pytest.raises(ArcgateError, match=says):
        write_hosts(tmp_path / "place.parquet", ["galaxy 0"], [Cut(image, {})], DECALS)
    assert not list(tmp_path.iterdir())


def test_a_pack_is_measured_once(
    tmp_path: Path, pack_cubes: dict[str, NDArray[np.float32]], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "pack"
    folder.mkdir()
    spec = write_pack(folder, pack_cubes)
    first = open_parents(spec, DECALS, data_dir=tmp_path, workers=1)
    pixels = cut_out(first, np.arange(3), data_dir=tmp_path, engine=Local(1)).cutouts(np.arange(3))
    monkeypatch.setattr("arcgate.survey.pack.measure_galaxy", None)
    again = open_parents(spec, DECALS, data_dir=tmp_path, workers=1)
    assert again.catalogue.equals(first.catalogue)
    assert np.array_equal(cut_out(again, np.arange(3), data_dir=tmp_path, engine=Local(1)).cutouts(np.arange(3)), pixels)
    # Of galaxies that were measured, other cutouts take no second look either.
    with pytest.raises(TypeError, match="not callable"):
        open_parents(spec, DECALS, data_dir=tmp_path / "elsewhere", workers=1)


def test_mock_places_follow_the_size_of_stamps(mock_hosts: MockHosts) -> None:
    small, large = Imaging(("g",), "g", 32, 0.2), Imaging(("vis",), "vis", 200, 0.1)
    assert np.bincount(places.numbered_places(600, DECALS)).tolist() == [250, 250, 100]
    assert np.bincount(places.numbered_places(100, large)).tolist() == [76, 24]
    assert places.numbered_places(1000, small)[-1] == 0
