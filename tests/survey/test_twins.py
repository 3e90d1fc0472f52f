"""One galaxy in the southern and in the northern survey: which row stays."""

from __future__ import annotations

import numpy as np
import pyarrow.parquet as pq
from astropy.coordinates import SkyCoord
from hypothesis import assume, given
from hypothesis import strategies as st
from sweep_files import spec_of, sweep_rows, write_survey

from arcgate.survey.catalogue.card import read_card
from arcgate.survey.catalogue.making import make_parents
from arcgate.survey.catalogue.twins import southern_stays, twins

BOTH = ("versions.south=9.0", "+versions.north=9.0", "selection.cuts.declination.below=90")


def test_the_rule_follows_the_galactic_plane_of_astropy():
    rng = np.random.default_rng(0)
    ra, dec = rng.uniform(0, 360, 5000), np.degrees(np.arcsin(rng.uniform(-1, 1, 5000)))
    south_cap = SkyCoord(ra, dec, unit="deg").galactic.b.deg < 0
    np.testing.assert_array_equal(southern_stays(ra, dec), (dec < 32.375) | south_cap)
    assert (south_cap & (dec >= 32.375)).sum() > 200


def test_pairs_within_the_radius_lose_one_row_each():
    ra = np.array([150.0, 150.0, 10.0, 150.0, 359.99999])
    dec = np.array([32.0, 33.0, 33.0, 34.0, 30.0])
    offset = np.array([0.9, 0.9, 0.9, 1.1, 0.9]) / 3600.0
    north = (ra + np.array([0, 0, 0, 0, 0.00002]), dec + offset)
    gone_south, gone_north = twins((ra, dec), north, 1.0)
    # South of the border; north of it; in the southern cap; too far apart; across right ascension 0.
    assert gone_north.tolist() == [True, False, True, False, True]
    assert gone_south.tolist() == [False, True, False, False, False]


@given(st.lists(st.tuples(st.floats(0, 3), st.floats(0, 3), st.booleans()), min_size=2, max_size=12))
def test_no_pair_is_left_and_nothing_goes_without_a_twin(points):
    """Points within some arcsec of one place, well inside the southern survey's part."""
    ra, dec = (np.array([point[axis] for point in points]) / 3600.0 for axis in (0, 1))
    is_south = np.array([point[2] for point in points])
    south, north = ((150.0 + ra[which], dec[which]) for which in (is_south, ~is_south))
    gone_south, gone_north = twins(south, north, 1.0)
    assert not gone_south.any()
    apart = SkyCoord(*north, unit="deg")[:, None].separation(SkyCoord(*south, unit="deg")[None, :]).arcsec
    assume((np.abs(apart - 1.0) > 1e-6).all())
    np.testing.assert_array_equal(gone_north, (apart < 1.0).any(axis=1))


def both_surveys(tmp_path, dec):
    """Six galaxies of which both surveys list the first four, in two sweeps each."""
    south, north = sweep_rows(5, release=9010), sweep_rows(5, release=9011)
    for rows in (south, north):
        rows["DEC"], rows["BRICKNAME"] = dec, b"1500p325"
    north["DEC"][:4] += 0.3 / 3600.0
    north["RA"][4] += 0.2
    # The same galaxy may lie in another brick of the other survey, at its edge.
    north["BRICKNAME"][3] = b"1502p325"
    root = tmp_path / f"dr9-{dec}"
    write_survey(root, {"140p030-150p035": south[:2], "150p030-160p035": south[2:]}, "south", "9.0")
    return write_survey(root, {"140p030-150p035": north[2:], "150p030-160p035": north[:2]}, "north", "9.0")


def test_both_surveys_in_one_catalogue(tmp_path):
    for dec, kept in ((32.3, "south"), (32.4, "north")):
        folder = make_parents(spec_of(both_surveys(tmp_path, dec), *BOTH))
        table, card = pq.read_table(folder / "parents.parquet").to_pandas(), read_card(folder)
        assert len(table) == 6
        assert (table["footprint"] == kept).sum() == 5
        assert set(table["release"][table["footprint"] == "north"]) == {9011}
        assert [step["left"] for step in card["cut_flow"]][-3:] == [10, 6, 6]
        assert card["cut_flow"][-2]["cut"] == "one row of a galaxy that both surveys list"
        assert "southern row stays" in card["twins"]["rule"]
        order = list(zip(table["footprint"], table["brick"], table["objid"], strict=True))
        assert order == sorted(order)
    apart = read_card(make_parents(spec_of(both_surveys(tmp_path, 32.3), *BOTH, "twin_radius_arcsec=0.1")))
    assert apart["rows"] == 10


def test_rows_without_a_position_have_no_twin(tmp_path):
    south, north = sweep_rows(4), sweep_rows(4)
    for rows in (south, north):
        rows["RA"], rows["DEC"], rows["BRICKNAME"] = [150.1, 150.2, np.nan, 150.4], [32.3, 32.3, 32.3, np.nan], b"1500p325"
    root = tmp_path / "dr9"
    write_survey(root, {"140p030-150p035": south}, "south", "9.0")
    write_survey(root, {"140p030-150p035": north}, "north", "9.0")
    card = read_card(make_parents(spec_of(root, *BOTH, "~selection.cuts.position", "~selection.cuts.declination")))
    assert card["rows"] == 6
