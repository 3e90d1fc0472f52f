"""A dry run refuses what the run would refuse, in the same words, and writes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from brick_files import SmallBrick, write_parents, write_survey
from composing import composed
from numpy.typing import NDArray
from packs_on_disk import write_pack

from arcgate.ground.errors import ArcgateError
from arcgate.injection.build import build_dataset
from arcgate.plan import print_data_plan
from arcgate.planned import Planned
from arcgate.survey.foreseen import foreseen
from arcgate.survey.parents import open_parents
from arcgate.variant import Variant

MOCK = ("data.hosts.n_hosts=60", "data.n_pairs=20", "controls=unpaired")
REFUSED = {
    "matched on": (("data.controls.match_on=[psfsize,nonsense]",), "cannot match controls on nonsense: not there"),
    "chosen by": (("+data.entry.hosts.nonsense=[1,2]",), "are chosen by nonsense, which the catalogue does not have"),
    "too few": (("data.n_pairs=61",), "61 pairs with 1 injections a host need 61 hosts, but there are 60"),
    "chosen by a range": (("+data.entry.hosts.depth_r=[50,60]",), "need 20 hosts, but there are 0"),
}


def variant(folder: Path, *overrides: str) -> Variant:
    return composed(*overrides, f"runtime.data_dir={folder}", "runtime.workers=1")


def planned(spec: Variant) -> str:
    """What the dry run refuses, in words."""
    with pytest.raises(ArcgateError) as caught:
        print_data_plan(spec, Planned())
    return str(caught.value)


def built(spec: Variant) -> str:
    with pytest.raises(ArcgateError) as caught:
        build_dataset(spec.data, spec.runtime)
    return str(caught.value)


@pytest.mark.parametrize("what", [name for name in REFUSED if name != "chosen by a range"])
def test_a_dry_run_of_a_mock_survey_says_what_the_run_would(tmp_path: Path, what: str) -> None:
    overrides, words = REFUSED[what]
    spec = variant(tmp_path / "data", *MOCK, *overrides)
    said = planned(spec)
    assert words in said
    assert not (tmp_path / "data").exists()
    assert built(spec) == said
    # The catalogue is drawn now, and known as a whole.
    assert foreseen(spec.data.hosts, spec.data.imaging, tmp_path / "data").whole
    assert planned(spec) == said


def test_of_a_catalogue_that_is_there_galaxies_are_counted(tmp_path: Path) -> None:
    overrides, words = REFUSED["chosen by a range"]
    spec = variant(tmp_path, *MOCK, *overrides)
    open_parents(spec.data.hosts, spec.data.imaging, data_dir=tmp_path, workers=1)
    said = planned(spec)
    assert words in said
    assert built(spec) == said


@pytest.fixture
def survey(tmp_path: Path) -> Path:
    """Two bricks of two galaxies."""
    places = [(150.2, 150.2), (250.2, 250.2)]
    bricks = [SmallBrick(places=places), SmallBrick(name="0600m300", ra=60.0, places=places)]
    write_survey(tmp_path, bricks)
    return tmp_path


def of_bricks(root: Path, *overrides: str) -> Variant:
    places = (f"data.hosts.parents={root / 'parents'}", f"data.hosts.survey={root}")
    return variant(root / "data", "hosts=legacy", *places, "data.n_pairs=2", *overrides)


def test_a_dry_run_of_bricks_says_what_the_run_would(survey: Path) -> None:
    for overrides, words in (
        (("controls=unpaired", "data.controls.match_on=[shape_r]"), "cannot match controls on shape_r"),
        (("+data.entry.hosts.shape_r=[1,2]",), "chosen by shape_r"),
        (("data.n_pairs=5",), "5 pairs with 1 injections a host need 5 hosts, but there are 4"),
        ((), "falls into split"),
    ):
        spec = of_bricks(survey, *overrides)
        said = planned(spec)
        assert words in said
        assert built(spec) == said


def test_bricks_that_are_not_there_are_noted_and_listed_by_the_run_alone(
    survey: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    next(survey.rglob("*0600m300-image-r*")).unlink()
    spec = of_bricks(survey, "data.only_split=train", "data.n_pairs=1")
    known = foreseen(spec.data.hosts, spec.data.imaging, survey / "data")
    [note] = known.notes
    assert note.startswith("files are missing in 1 of 2 bricks, which the plan counts: ")
    assert note.endswith("A run stops and lists what to fetch")
    assert known.whole
    print_data_plan(spec, Planned())
    assert not (survey / "data").exists()
    without = of_bricks(survey, "data.hosts.missing_bricks=leave_out")
    other = foreseen(without.data.hosts, without.data.imaging, survey / "data")
    assert other.notes[0].endswith("A run does without their galaxies")
    assert not other.whole


def test_of_stamps_that_nobody_looked_at_columns_are_known(tmp_path: Path, pack_cubes: dict[str, NDArray[Any]]) -> None:
    (tmp_path / "pack").mkdir()
    write_pack(tmp_path / "pack", pack_cubes)
    pack = ("hosts=pack", f"data.hosts.path={tmp_path / 'pack'}", "data.hosts.pixel_scale_arcsec=0.262", "data.n_pairs=2")
    spec = variant(tmp_path / "data", *pack, "+data.entry.hosts.nobs=[1,2]")
    known = foreseen(spec.data.hosts, spec.data.imaging, tmp_path / "data")
    assert (known.count, known.whole, len(known.catalogue)) == (3, False, 0)
    assert "chosen by nobs, which the catalogue does not have" in planned(spec)
    assert "need 4 hosts, but there are 3" in planned(variant(tmp_path / "data", *pack, "data.n_pairs=4"))
    assert not (tmp_path / "data").exists()


def test_an_empty_catalogue_is_told_by_a_dry_run(survey: Path) -> None:
    table = SmallBrick(places=[(150.2, 150.2)]).rows()
    write_parents(survey / "parents", table[:0])
    assert "the catalogue of parents holds no galaxy" in planned(of_bricks(survey))
