"""Bricks by position: names of genuine sweeps, edges, poles."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from astropy.io import fits
from composing import REAL, needs_real
from hypothesis import given
from hypothesis import strategies as st

from arcgate.survey.legacy.brick_scheme import BRICK_DEG, brick_centres, brick_names, columns_of_rows


@needs_real
def test_names_are_those_of_genuine_sweeps():
    files = sorted((REAL / "sweep_format").glob("sweep-*.fits"))
    assert files
    for file in files:
        rows = fits.getdata(file, 1)
        stored = [str(name).strip() for name in rows["BRICKNAME"]]
        assert brick_names(rows["RA"].astype(float), rows["DEC"].astype(float)) == stored


def test_names_of_known_bricks():
    """From the paths of the survey's files."""
    assert brick_names(np.array([112.6, 330.1]), np.array([22.2, -0.2])) == ["1126p222", "3301m002"]


def test_the_poles_and_the_seam():
    assert columns_of_rows()[[0, 360, 720]].tolist() == [1, 1440, 1]
    assert brick_names(np.array([12.0, 359.9999, 0.0]), np.array([90.0, 0.0, 0.0])) == ["1800p900", "3598p000", "0001p000"]


@given(ra=st.floats(-360, 720), dec=st.floats(-89.8, 89.8))
def test_a_brick_holds_its_positions(ra, dec):
    east, north = (float(each[0]) for each in brick_centres(np.array([ra]), np.array([dec])))
    assert abs(dec - north) <= BRICK_DEG / 2 + 1e-9
    columns = int(columns_of_rows()[round((north + 90) / BRICK_DEG)])
    assert abs((ra - east + 180) % 360 - 180) <= 180 / columns + 1e-9
    # No wider than a brick is high.
    assert 360 / columns * np.cos(np.radians(abs(north) - BRICK_DEG / 2)) <= BRICK_DEG + 1e-9


@given(row=st.integers(1, 719), share=st.floats(0, 1, exclude_max=True))
def test_names_are_the_centres_tenths_of_a_degree_cut_off(row, share):
    columns = int(columns_of_rows()[row])
    ra, dec = Fraction(360 * (2 * int(share * columns) + 1), 2 * columns), Fraction(row - 360, 4)
    east, north = (10 * abs(each) // 1 for each in (ra, dec))
    assert brick_names(np.array([float(ra)]), np.array([float(dec)])) == [f"{east:04d}{'m' if dec < 0 else 'p'}{north:03d}"]


@pytest.mark.parametrize("dec", [-89.0, -30.1, 0.0, 41.3])
def test_rows_have_an_even_number_of_bricks(dec):
    assert int(columns_of_rows()[round((dec + 90) / BRICK_DEG)]) % 2 == 0
