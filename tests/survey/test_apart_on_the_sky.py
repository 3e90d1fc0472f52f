"""Galaxies whose stamps overlap across splits leave, both of them, and are counted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from astropy import units
from astropy.coordinates import SkyCoord
from brick_files import SmallBrick, legacy_hosts, write_survey
from hypothesis import given, settings
from hypothesis import strategies as st

from arcgate.ground.engine import Local
from arcgate.imaging import DECALS
from arcgate.survey.apart import apart
from arcgate.survey.hosts import cut_out
from arcgate.survey.legacy.parents import LegacyFiles, LegacyParents
from arcgate.survey.splits import crossing_neighbours, overlapping, split_of

SPLITS = np.array(["train", "val", "test"])


@given(seed=st.integers(0, 10_000), dec=st.sampled_from([0.0, 60.0, -89.99]))
@settings(max_examples=25, deadline=None)
def test_both_sides_of_every_crossing_pair_and_nobody_else(seed: int, dec: float) -> None:
    random = np.random.default_rng(seed)
    # Over the line where right ascension begins again.
    ra = random.uniform(-0.02, 0.02, 40) / np.cos(np.radians(dec)) % 360.0
    decs, split = random.uniform(-0.005, 0.005, 40) + dec, random.choice(SPLITS, 40)
    places = SkyCoord(ra * units.deg, decs * units.deg)
    near = places[:, None].separation(places[None]).arcsec <= 25.0
    expected = (near & (split[:, None] != split[None])).any(axis=1)
    assert np.array_equal(crossing_neighbours(ra, decs, split), expected)


def test_twenty_five_arcsec_is_the_border() -> None:
    split = np.array(["train", "test"])
    for distance, near in ((24.9, True), (25.1, False)):
        assert crossing_neighbours(np.array([10.0, 10.0]), np.array([0.0, distance / 3600.0]), split).tolist() == [near] * 2
    assert not crossing_neighbours(np.array([10.0, 10.0]), np.zeros(2), np.array(["train", "train"])).any()
    assert not crossing_neighbours(np.full(2, np.nan), np.full(2, np.nan), split).any()
    assert not crossing_neighbours(np.empty(0), np.empty(0), split[:0]).any()


@pytest.mark.long
def test_a_million_galaxies_take_seconds() -> None:
    random = np.random.default_rng(1)
    ra, dec = random.uniform(0.0, 360.0, 1_000_000), np.degrees(np.arcsin(random.uniform(-0.9, 0.5, 1_000_000)))
    # Of 1e6 over 70 % of the sky 65 lie within 25 arcsec of a given one's place with probability 0.016; two thirds cross.
    crossing = crossing_neighbours(ra, dec, random.choice(SPLITS, 1_000_000))
    area = 4.0 * np.pi * 0.7 * np.degrees(3600.0) ** 2
    assert crossing.mean() == pytest.approx(2.0 / 3.0 * 1e6 * np.pi * 25.0**2 / area, rel=0.1)


def test_parents_come_without_them(tmp_path: Path) -> None:
    """Two galaxies 21 arcsec from each other, one of which is said to lie in a cell of another split; a third farther away."""
    brick = SmallBrick(places=[(60.2, 200.2), (60.2 + 21.0 / 0.262, 200.2), (300.2, 200.2)])
    write_survey(tmp_path, [brick])
    parents = LegacyParents.open(LegacyFiles.open(legacy_hosts(tmp_path), DECALS), tmp_path)
    assert apart(parents) is parents
    table = parents.catalogue.copy()
    cells = table.loc[[0] * 100].assign(healpix=np.arange(100))
    table.loc[1, "healpix"] = int(np.argmax(split_of(cells) != split_of(table)[0]))
    some = apart(replace(parents, catalogue=table))
    assert some.catalogue["host_id"].tolist() == [table["host_id"][2]]
    assert some.left_out == {overlapping(25.0): 2}
    assert some.describe() == f"{parents.describe()}; 2 left out for a galaxy of another split within 25 arcsec"
    # The third lies 49 arcsec from the second: within the diagonal of stamps of 160 pixels, and not in the second's split.
    large = replace(parents, files=replace(parents.files, imaging=replace(DECALS, size_pix=160)), catalogue=table)
    assert apart(large).left_out == {overlapping(59.3): 3}
    hosts = cut_out(some, np.array([0]), data_dir=tmp_path, engine=Local())
    assert hosts.table["host_id"].tolist() == some.catalogue["host_id"].tolist()
    assert hosts.of(np.array([0])).read()[0]["host_x_pix"][0] == pytest.approx(300.2 - 269.0, abs=1e-6)
    assert some.places.tolist() == [0]
