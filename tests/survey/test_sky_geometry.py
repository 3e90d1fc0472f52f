"""Bricks and their projection against genuine rows, astropy and the sphere itself; which bricks a mock survey takes."""

from __future__ import annotations

import numpy as np
import pytest
from astropy import units
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.wcs import WCS
from astropy_healpix import lonlat_to_healpix
from composing import REAL, needs_real
from hypothesis import given
from hypothesis import strategies as st
from small_survey import small_settings

from arcgate.ground.errors import ArcgateError
from arcgate.survey.legacy.brick_scheme import columns_of_rows
from arcgate.survey.legacy.layout import BRICK_PIX
from arcgate.survey.mock.sky.choosing import chosen_bricks, pointings, separation_deg
from arcgate.survey.mock.sky.geometry import Brick, around, brick_at, brick_holding, whole_sky
from arcgate.survey.mock.sky.wcs import MIDDLE_PIX, BrickWcs

# The whole sky takes a fifth of a second: made once.
SKY = whole_sky()
# Of the sky: near the equator, at its seam, far north and far south.
PLACES = ((112.6, 22.2), (0.01, -64.0), (359.99, 31.0), (200.0, 60.0), (95.95, 80.5))


def astropy_wcs(brick: Brick) -> WCS:
    return WCS(fits.Header([fits.Card(*card) for card in BrickWcs.of(brick).cards()]))


@needs_real
def test_a_genuine_brick_is_as_computed():
    row = fits.getdata(REAL / "coadd_brick" / "survey-bricks.fits.gz")[0]
    assert list(SKY) == list(row.array.names)
    place = int(row["BRICKID"]) - 1
    found = brick_holding(float(row["RA"]), float(row["DEC"]))
    assert (found.name, found.number, found.row, found.column) == tuple(
        row[name] for name in ("BRICKNAME", "BRICKID", "BRICKROW", "BRICKCOL")
    )
    for name in ("BRICKID", "BRICKQ", "BRICKROW", "BRICKCOL"):
        assert SKY[name][place] == row[name]
        assert SKY[name].dtype == row.array.dtype[name].newbyteorder("=")
    for name in ("RA", "DEC", "RA1", "RA2", "DEC1", "DEC2"):
        # The survey's own arithmetic differs in the last digits.
        assert abs(SKY[name][place] - row[name]) < 1e-12
        assert abs(getattr(found, name.lower()) - row[name]) < 1e-12


def test_bricks_cover_the_sphere_once():
    area = np.deg2rad(SKY["RA2"] - SKY["RA1"]) * (np.sin(np.deg2rad(SKY["DEC2"])) - np.sin(np.deg2rad(SKY["DEC1"])))
    # The survey's data model states 662,174 bricks.
    assert len(area) == 662_174
    assert abs(area.sum() - 4.0 * np.pi) < 1e-9
    assert len(set(SKY["BRICKNAME"].tolist())) == len(area)
    columns = columns_of_rows()[1:-1]
    assert (columns % 2 == 0).all()
    # No brick is wider than 0.25 degrees, and with two bricks fewer in its row it would be.
    dec = -90.0 + 0.25 * np.arange(1, 720)
    width = np.cos(np.deg2rad(np.abs(dec) - 0.125)) * 360.0
    assert (width / columns <= 0.25 + 1e-12).all()
    many = columns > 4
    assert (width[many] / (columns[many] - 2) > 0.25).all()


@given(st.floats(0.0, 359.9999), st.floats(-89.0, 89.0))
def test_every_place_lies_in_the_brick_that_is_found(ra, dec):
    brick = brick_holding(ra, dec)
    # A place on a side may go to either brick, by a last bit: moved inwards by less than anything measures, it lies in this one.
    inwards = (brick.ra + (1 - 1e-12) * (ra - brick.ra), brick.dec + (1 - 1e-12) * (dec - brick.dec))
    assert brick.holds(*map(np.array, inwards)).all()
    assert SKY["BRICKNAME"][brick.number - 1].decode() == brick.name
    assert (SKY["RA"][brick.number - 1], SKY["DEC"][brick.number - 1]) == (brick.ra, brick.dec)


@pytest.mark.parametrize(("ra", "dec"), PLACES)
def test_bricks_around_are_those_that_come_near(ra, dec):
    brick = brick_holding(ra, dec)
    found = {other.number for other in around(brick, 0.05)}
    # Points on the brick's sides and on those of all others near it, compared one by one.
    near = np.flatnonzero(separation_deg(brick.ra, brick.dec, SKY["RA"], SKY["DEC"]) < 0.6)
    share = np.linspace(0.0, 1.0, 41)

    def sides(row):
        ra1, ra2, dec1, dec2 = (SKY[name][row] for name in ("RA1", "RA2", "DEC1", "DEC2"))
        along_ra, along_dec = ra1 + share * (ra2 - ra1), dec1 + share * (dec2 - dec1)
        ends = np.concatenate([along_ra, along_ra, np.full(41, ra1), np.full(41, ra2)])
        return ends, np.concatenate([np.full(41, dec1), np.full(41, dec2), along_dec, along_dec])

    own_ra, own_dec = sides(brick.number - 1)
    for row in near:
        if row == brick.number - 1:
            continue
        other_ra, other_dec = sides(row)
        gap = min(separation_deg(a, d, other_ra, other_dec).min() for a, d in zip(own_ra, own_dec, strict=True))
        if gap < 0.05:
            assert row + 1 in found, f"{row + 1} comes within {gap} degrees"


@pytest.mark.parametrize(("ra", "dec"), PLACES)
def test_the_projection_is_astropys(ra, dec):
    brick = brick_holding(ra, dec)
    wcs, other = BrickWcs.of(brick), astropy_wcs(brick)
    x, y = np.random.default_rng(1).uniform(-300.0, BRICK_PIX + 300.0, (2, 500))
    found, sought = np.stack(wcs.sky(x, y), axis=1), other.all_pix2world(np.stack([x, y], axis=1), 0)
    assert np.abs((found - sought + 180.0) % 360.0 - 180.0).max() < 1e-11
    assert np.abs(np.stack(wcs.pixels(*found.T)) - [x, y]).max() < 1e-8
    assert np.allclose(np.stack(wcs.pixels(np.array([brick.ra]), np.array([brick.dec]))), MIDDLE_PIX)


@pytest.mark.parametrize(("ra", "dec"), PLACES)
def test_north_and_east_on_the_image_are_astropys(ra, dec):
    brick = brick_holding(ra, dec)
    x, y = np.array([300.0, 1800.0, 3300.0]), np.array([3300.0, 1800.0, 600.0])
    at = SkyCoord(*BrickWcs.of(brick).sky(x, y), unit="deg")
    north = BrickWcs.of(brick).north_rad(at.ra.deg, at.dec.deg)
    for position_angle in (0.0, 35.0, 90.0):
        moved = at.directional_offset_by(position_angle * units.deg, 0.5 * units.arcsec)
        x_moved, y_moved = astropy_wcs(brick).all_world2pix(moved.ra.deg, moved.dec.deg, 0)
        angle = np.arctan2(y_moved - y, x_moved - x)
        assert np.abs(np.angle(np.exp(1j * (angle - north - np.deg2rad(position_angle))))).max() < 1e-5
    # In the middle of a brick north is up and east is left.
    assert abs(north[1] - np.pi / 2) < 1e-5


def test_neighbouring_images_overlap_as_the_surveys_do():
    brick = brick_holding(112.6, 22.2)
    above = next(other for other in around(brick, 0.01) if other.row == brick.row + 1)
    _, y = BrickWcs.of(brick).pixels(np.array([brick.ra]), np.array([above.dec1]))
    # From the common side to the end of the image: (3600 pixels - 0.25 degrees) / 2 = 82 pixels.
    assert abs(BRICK_PIX - 0.5 - float(y[0]) - (3600 - 900 / 0.262) / 2.0) < 1.0


def test_scattered_bricks_have_cells_of_their_own_and_a_larger_survey_begins_with_the_same():
    bricks = chosen_bricks(small_settings(layout="scattered", n_bricks=67, known_lenses=0))
    cells = lonlat_to_healpix([one.ra for one in bricks] * units.deg, [one.dec for one in bricks] * units.deg, 64, order="nested")
    assert len(set(cells.tolist())) == 67
    assert all(-65.2 < one.dec < 32.0 for one in bricks)
    assert chosen_bricks(small_settings(layout="scattered", n_bricks=20)) == bricks[:20]
    assert chosen_bricks(small_settings(layout="scattered", n_bricks=20, seed=2)) != bricks[:20]


def test_blocks_are_adjacent_bricks_and_the_north_has_the_first_of_them():
    seen = pointings(small_settings(layout="blocks", n_bricks=10, block_bricks=4, north_bricks=3))
    bricks = [one.brick for one in seen if one.footprint == "south"]
    assert [one.brick for one in seen if one.footprint == "north"] == bricks[:3]
    assert len({one.number for one in bricks}) == 10
    for begin in (0, 4, 8):
        block = bricks[begin : begin + 4]
        touching = {other.number for one in block for other in around(one, 0.01)}
        assert all(one.number in touching for one in block)
    # Where both surveys look, and parents are taken.
    assert all(28.0 < one.dec < 32.0 for one in bricks[:3])


def test_more_places_than_the_sky_has_are_refused():
    with pytest.raises(ArcgateError, match="places on the sky, 2 degrees or more apart, were sought and"):
        chosen_bricks(small_settings(layout="scattered", n_bricks=4000))


def test_columns_go_on_around_the_sky():
    brick = brick_holding(0.01, 10.0)
    assert brick.column == 0
    assert brick_at(brick.row, -1) == brick_at(brick.row, int(columns_of_rows()[brick.row]) - 1)
    assert any(other.ra > 359.0 for other in around(brick, 0.01))
