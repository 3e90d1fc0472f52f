"""Catalogues of parents and geometries of bricks that cannot serve: each is named, with what to do."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from brick_files import SmallBrick, legacy_hosts, write_parents, write_survey
from composing import composed

from arcgate.ground.errors import ArcgateError
from arcgate.imaging import DECALS
from arcgate.survey.legacy.parents import UNDECLARED, LegacyFiles, LegacyParents

Change = Callable[[Path, pd.DataFrame], None]


@pytest.fixture
def survey(tmp_path: Path) -> tuple[Path, pd.DataFrame]:
    """A brick of two galaxies."""
    return tmp_path, write_survey(tmp_path, [SmallBrick(places=[(150.2, 150.2), (250.2, 250.2)])])


def rewritten(**columns: object) -> Change:
    """With other values."""
    return lambda root, table: write_parents(root / "parents", table.assign(**columns))


WRONG: dict[str, tuple[Change, str]] = {
    "unfinished": (lambda root, _: (root / "parents" / "card.json").unlink(), r"no sound card.json, which is written last"),
    "column": (
        lambda root, table: write_parents(root / "parents", table.drop(columns="depth_z")),
        r"the catalogue of parents has no depth_z",
    ),
    "damaged": (lambda root, _: damaged(root / "parents" / "parents.parquet"), r"the catalogue of parents cannot be read"),
    "packed": (
        lambda root, _: packed(root / "parents" / "parents.parquet"),
        r"parquet is compressed \(gzip\) under a plain",
    ),
    "no rows": (lambda root, table: write_parents(root / "parents", table[:0]), r"the catalogue of parents holds no galaxy"),
    "no bytes": (lambda root, _: (root / "parents" / "parents.parquet").write_bytes(b""), r"parents.parquet is empty"),
    "twice": (rewritten(host_id="a"), r"a occurs twice among the parents"),
    "footprint": (rewritten(footprint="east"), r"footprint of row 0 is 'east', sought is south or north"),
    "nothing": (rewritten(ra=float("nan")), r"no parent can be used: of 2 rows 2 are a catalogue entry without position"),
    "no bricks": (lambda root, _: (root / "survey-bricks.fits.gz").unlink(), r"the geometry of bricks cannot be read"),
    "odd bricks": (lambda root, _: odd(root / "survey-bricks.fits.gz"), r"the geometry of bricks cannot be read"),
    "other bricks": (rewritten(brick="9999p000"), r"1 brick of the parents is not among the survey's, such as 9999p000"),
}


def damaged(path: Path) -> None:
    """Without its end."""
    path.write_bytes(path.read_bytes()[:-50])


def packed(path: Path) -> None:
    """Compressed, under the same name."""
    path.write_bytes(gzip.compress(path.read_bytes()))


def odd(path: Path) -> None:
    """No FITS file."""
    path.write_bytes(gzip.compress(b"BRICKNAME,RA,DEC", mtime=0))


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_serve_is_named(survey: tuple[Path, pd.DataFrame], name: str) -> None:
    change, words = WRONG[name]
    change(*survey)
    root, _ = survey
    with pytest.raises(ArcgateError, match=words) as caught:
        LegacyParents.open(LegacyFiles.open(legacy_hosts(root), DECALS), root)
    assert caught.value.todo


def test_rows_without_numbers_are_left_out_and_counted(survey: tuple[Path, pd.DataFrame]) -> None:
    root, table = survey
    table.loc[0, "host_mag_g"] = float("inf")
    write_parents(root / "parents", table)
    parents = LegacyParents.open(LegacyFiles.open(legacy_hosts(root), DECALS), root)
    assert parents.left_out == {UNDECLARED: 1}
    assert parents.catalogue["host_id"].tolist() == [table["host_id"][1]]


def test_a_parquet_file_alone_will_do(survey: tuple[Path, pd.DataFrame]) -> None:
    root, table = survey
    path = root / "mine.parquet"
    table.to_parquet(path)
    files = LegacyFiles.open(legacy_hosts(root, parents=str(path)), DECALS)
    assert len(files.table) == 2
    table.assign(ebv=0.5).to_parquet(path)
    assert LegacyFiles.open(legacy_hosts(root, parents=str(path)), DECALS).digest != files.digest


@pytest.mark.parametrize("hosts", [("hosts=mmu", "data.hosts.path=a"), ("hosts=cutouts", "data.hosts.path=a")])
def test_a_zero_point_of_other_files_is_refused(hosts: tuple[str, str]) -> None:
    data = composed(*hosts).data
    with pytest.raises(ValueError, match=r"a zero point of 30, but hosts=\w+ are read in nanomaggies: leave it at 22.5"):
        replace(data, imaging=replace(data.imaging, zero_point=30.0))
