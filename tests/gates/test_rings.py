"""Summary features: against sums written out pixel by pixel, and against closed forms."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from arcgate.gates.features.compiled import border_roughness
from arcgate.gates.features.regions import Regions
from arcgate.gates.features.ring_features import edge_steps
from arcgate.gates.features.rings import Centred, Rings
from arcgate.imaging import DECALS

REGIONS = Regions(DECALS)


@pytest.fixture
def rows():
    rng = np.random.default_rng(5)
    x, y = 31.5 + rng.uniform(-1, 1, 4), 31.5 + rng.uniform(-1, 1, 4)
    return rng.normal(3.0, 1.0, size=(4, 3, 64, 64)).astype(np.float32), x, y


def features_of(image, x, y):
    return Centred(x, y, REGIONS).of_stamps(image)


def rings_about(x, y):
    return Rings(x, y, slice(0, 64), 32)


def test_rings_weight_each_pixel_by_the_overlap_of_its_span_in_radius(rows):
    image, x, y = rows
    found = rings_about(x, y).means(image, REGIONS.rings_pix)
    for row in range(len(image)):
        radius = np.hypot(np.arange(64)[None, :] - x[row], np.arange(64)[:, None] - y[row])
        for ring, (low, high) in enumerate(pairwise(REGIONS.rings_pix)):
            overlap = np.clip(np.minimum(radius + 0.5, high) - np.maximum(radius - 0.5, low), 0.0, 1.0)
            expected = (image[row] * overlap).sum(axis=(1, 2)) / overlap.sum()
            assert found[row, :, ring] == pytest.approx(expected, rel=2e-5)


def test_a_cut_gives_the_rings_that_the_whole_stamp_gives(rows):
    image, x, y = rows
    centred = Centred(x, y, REGIONS)
    whole, core = centred.of_stamps(image)[:, :, REGIONS.core_columns], centred.of_core(image)
    assert np.array_equal(whole, core)
    assert np.array_equal(centred.of_core(centred.core.cut(image)), core)


def test_no_ring_belongs_to_two_regions():
    annulus = range(REGIONS.n_rings)[REGIONS.annulus_columns]
    assert not set(REGIONS.core_columns) & set(annulus)
    assert not set(annulus) & set(REGIONS.border_columns)
    assert [REGIONS.rings_pix[column] for column in (annulus[0], annulus[-1] + 1)] == [8, 20]


def test_the_dipole_points_along_x_and_y_for_light_displaced_along_them():
    x = y = np.array([31.5])
    yy, xx = np.mgrid[:64, :64]
    for columns, displaced in (((0.3, 0.0), 0), ((0.0, 0.3), 1)):
        blob = np.exp(-0.5 * ((xx - 31.5 - columns[0]) ** 2 + (yy - 31.5 - columns[1]) ** 2) / 4.0)
        dipole = features_of(blob[None, None].astype(np.float32), x, y)[0, 0, REGIONS.dipole]
        assert dipole[displaced] > 0
        assert dipole[1 - displaced] == pytest.approx(0.0, abs=1e-6)


def test_the_frame_is_the_outermost_two_pixels():
    image = np.zeros((1, 1, 64, 64), dtype=np.float32)
    image[..., 2:-2, 2:-2] = 7.0
    x = np.array([31.5])
    assert features_of(image, x, x)[0, 0, REGIONS.frame] == 0.0
    image[..., 0, 0] = 1.0
    assert features_of(image, x, x)[0, 0, REGIONS.frame] == pytest.approx(1.0 / (64**2 - 60**2))


def test_the_noise_is_that_of_white_noise_and_no_gradient_adds_to_it():
    rng = np.random.default_rng(2)
    x = np.full(50, 31.5)
    noise = 0.3 * rng.standard_normal((50, 1, 64, 64)).astype(np.float32)
    slope = (np.arange(64)[:, None] + 2.0 * np.arange(64)[None, :]).astype(np.float32)
    flat, tilted = (features_of(image, x, x)[:, 0, REGIONS.noise] for image in (noise, noise + slope))
    assert flat.mean() == pytest.approx(np.log(0.3), abs=0.01)
    assert tilted == pytest.approx(flat, abs=1e-3)


def test_all_but_the_noise_is_linear(rows):
    image, x, y = rows
    other = np.random.default_rng(8).normal(size=image.shape).astype(np.float32)
    one, two, both = (features_of(part, x, y) for part in (image, other, image + 2.0 * other))
    assert both[:, :, : REGIONS.noise] == pytest.approx((one + 2.0 * two)[:, :, : REGIONS.noise], abs=2e-5)


def test_steps_are_zero_without_an_edge_and_lie_at_it(rows):
    _, x, y = rows
    radius = rings_about(x, y).radius_pix[:, None]
    steps = edge_steps(features_of(np.where(radius < 5, 0.0, 1.0).astype(np.float32), x, y), REGIONS)[:, 0]
    assert steps.shape == (4, 10)
    # Neighbouring rings from 2 px on: the third step is that between 4-5 and 5-6 px.
    assert (steps.argmax(axis=1) == 2).all()
    assert edge_steps(features_of(np.ones_like(radius), x, y), REGIONS) == pytest.approx(0.0, abs=1e-6)


def test_every_row_is_treated_by_itself(rows):
    image, x, y = rows
    together = features_of(image, x, y)
    for row in range(len(image)):
        alone = features_of(image[row : row + 1], x[row : row + 1], y[row : row + 1])
        assert np.array_equal(alone[0, :, : REGIONS.n_rings], together[row, :, : REGIONS.n_rings])


def test_roughness_is_that_of_second_differences_in_the_outermost_strips(rows):
    image, *_ = rows
    outer = np.ones((64, 64), dtype=bool)
    outer[8:-8, 8:-8] = False
    # Of each square of four pixels that lies within one strip: above, below, left, right.
    strips = [np.zeros((64, 64), dtype=bool) for _ in range(4)]
    strips[0][:8], strips[1][-8:], strips[2][8:-8, :8], strips[3][8:-8, -8:] = True, True, True, True
    second = image[:, :, 1:, 1:] - image[:, :, :-1, 1:] - image[:, :, 1:, :-1] + image[:, :, :-1, :-1]
    inside = sum((strip[1:, 1:] & strip[:-1, 1:] & strip[1:, :-1] & strip[:-1, :-1]) for strip in strips) > 0
    expected = np.abs(second.astype(np.float64))[:, :, inside].mean(axis=2)
    np.testing.assert_allclose(border_roughness(image, 8), expected, rtol=1e-5)


def test_a_centre_that_is_no_number_spoils_its_own_row_alone(rows):
    image, x, y = rows
    known = rings_about(x, y).sums(image)
    with np.errstate(invalid="ignore"):
        found = rings_about(np.where(np.arange(len(x)) == 1, np.nan, x), y).sums(image)
    np.testing.assert_array_equal(found[[0, 2, 3]], known[[0, 2, 3]])
    assert not found[1].any()
