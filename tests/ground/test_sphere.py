"""Neighbours on the sphere, against astropy's separations."""

from __future__ import annotations

import numpy as np
from astropy import units
from astropy.coordinates import SkyCoord

from arcgate.ground.sphere import nearest_arcsec, pairs_within, unit_vectors


def positions(n, seed):
    """On a cap of a degree about the pole, across the seam and elsewhere."""
    rng = np.random.default_rng(seed)
    dec = np.concatenate([90.0 - rng.uniform(0, 0.3, n), rng.uniform(-0.3, 0.3, n)])
    ra = np.concatenate([rng.uniform(0, 360, n), rng.uniform(-0.3, 0.3, n) % 360.0])
    return ra, dec


def test_the_nearest_is_astropys():
    one, other = positions(300, 1), positions(200, 2)
    distance, row = nearest_arcsec(unit_vectors(*one), unit_vectors(*other), 120.0)
    first, second = (SkyCoord(*each, unit="deg") for each in (one, other))
    expected, apart, _ = first.match_to_catalog_sky(second)
    near = apart < 120.0 * units.arcsec
    assert 20 < near.sum() < len(near)
    np.testing.assert_array_equal(np.isfinite(distance), near)
    np.testing.assert_array_equal(row[near], expected[near])
    assert (row[~near] == 400).all()
    # Chords of 1e-4 are known to parts in 1e12 of the sphere.
    np.testing.assert_allclose(distance[near], apart[near].arcsec, atol=1e-6)


def test_pairs_are_astropys():
    ra, dec = positions(300, 3)
    pairs = pairs_within(unit_vectors(ra, dec), 60.0)
    coordinates = SkyCoord(ra, dec, unit="deg")
    apart = coordinates[:, None].separation(coordinates[None, :]).arcsec
    expected = {(i, j) for i, j in np.argwhere(apart <= 60.0) if i < j}
    assert {tuple(sorted(pair)) for pair in pairs.tolist()} == expected
    assert len(expected) > 20


def test_nothing_is_near_to_nothing():
    points = unit_vectors(np.array([1.0]), np.array([2.0]))
    distance, row = nearest_arcsec(points, points[:0], 10.0)
    assert np.isinf(distance).all()
    assert row.tolist() == [0]
