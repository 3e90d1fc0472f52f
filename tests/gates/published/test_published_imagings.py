"""The published diagnostics on stamps of other surveys: other bands, odd sizes, finer pixels."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from arcgate.gates.published.comparison import NOT_ASKED, REPRODUCED, published_figures
from arcgate.gates.published.deflection_units import DeflectionUnits
from arcgate.gates.published.profiles import ring_edges_pix
from arcgate.gates.published.psf_impulse import impulse_offsets
from arcgate.gates.published.shifts import centroid, gradient_shift, phase_correlation, shifted
from arcgate.imaging import DECALS, Imaging
from arcgate.injection.core_mask import radius_from
from arcgate.lensing.psf import Psf

HSC = Imaging(("g", "r", "i"), "i", 101, 0.168)
VIS = Imaging(("vis",), "vis", 200, 0.1)
UGRIZY = Imaging(("u", "g", "r", "i", "z", "y"), "i", 64, 0.2)
TINY = replace(DECALS, size_pix=16)
IMAGINGS = {"hsc": HSC, "vis": VIS, "ugrizy": UGRIZY}


@pytest.mark.parametrize("kind", IMAGINGS)
def test_all_diagnostics_answer_in_the_bands_and_pixels_of_the_stamps(helpers, kind):
    imaging = IMAGINGS[kind]
    found = helpers.published(helpers.fabricated(n=20, pedestal=1e-3, has_arc=True, imaging=imaging))
    results = {(result.name, result.stratum): result for result in found.results}
    exhibits = {exhibit.name: exhibit for exhibit in found.exhibits}
    json.dumps([exhibit.content for exhibit in exhibits.values()], allow_nan=False)
    for band in imaging.bands:
        found = results[f"annulus_pedestal_{band}", "overall"]
        assert found.value == pytest.approx(1e-3, rel=0.02)
        assert f"r >= {20 / 64 * imaging.size_pix:.3g} px" in found.reason
    core = results["mean_core_difference", "overall"]
    assert core.value > 0
    assert (
        f"{imaging.reference_band} band, nanomaggies per pixel at r < {1.31 / imaging.pixel_scale_arcsec:.3g} px" in core.reason
    )
    assert results["phase_correlation_x", "overall"].value == 0
    assert results["pair_gradient_x", "overall"].value == pytest.approx(0.0, abs=0.01)
    assert results["host_centroid_x", "overall"].value == pytest.approx(0.0, abs=0.01)
    rows = {row[0]: row for row in exhibits["published_figures"].content["rows"]}
    # What is stated in pixels of the published stamps is none of these; what needs no stamps is the same.
    assert rows["mean difference, r < 5 px"][5] == NOT_ASKED
    assert "64 x 64 px at 0.262 arcsec" in rows["mean difference, r < 5 px"][6]
    assert [row[5] for row in rows.values()].count(REPRODUCED) == 1
    assert "published" not in {line["label"] for line in exhibits["core_share"].content["series"]}


def test_the_published_stamps_are_compared_and_drawn_beside():
    assert all(row[6] != "" or row[5] == REPRODUCED for row in published_figures([], DECALS).content["rows"])


@pytest.mark.parametrize("imaging", [HSC, VIS, replace(DECALS, size_pix=65)])
def test_a_point_stays_where_it_is_on_stamps_of_any_size(imaging):
    psfs = tuple(Psf("moffat", 5.0 * imaging.pixel_scale_arcsec, 3.0) for _ in imaging.bands)
    assert np.abs(impulse_offsets([psfs], imaging)).max() < 0.01


@pytest.mark.parametrize("size", [16, 64, 65, 101])
def test_shifts_are_measured_on_even_and_odd_stamps(helpers, size):
    x, y = np.full((2, 3), (size - 1) / 2) + np.array([[0.2, -0.4, 0.1], [0.0, 0.3, -0.2]])
    image = helpers.moffat(x, y, size)
    scale = 0.262 * 64 / max(size, 64)
    assert centroid(image, x - 0.3, y + 0.2, scale) == pytest.approx(np.tile([0.3, -0.2], (3, 1)), abs=0.02)
    moved = helpers.moffat(x + 0.05, y - 0.1, size)
    assert gradient_shift(moved, image, x, y, scale) == pytest.approx(np.tile([0.05, -0.1], (3, 1)), rel=0.05)
    assert phase_correlation(np.roll(image, (3, -2), axis=(1, 2)), image) == pytest.approx(np.tile([-2.0, 3.0], (3, 1)))
    assert shifted(image, 3.0) == pytest.approx(np.roll(image, 3, axis=2), abs=1e-12)
    assert shifted(shifted(image, 0.3), -0.3) == pytest.approx(image, abs=2e-3 * image.max())


def test_rings_end_at_the_same_part_of_a_stamp():
    assert ring_edges_pix(DECALS)[-3:] == (23, 26, 30)
    assert ring_edges_pix(VIS)[-1] == 94
    assert len(ring_edges_pix(VIS)) == len(ring_edges_pix(DECALS))
    edges = ring_edges_pix(TINY)
    assert list(edges) == sorted(set(edges))


def test_deflections_are_in_arcsec_of_the_imaging(helpers):
    imaging = HSC
    rng = np.random.default_rng(0)
    rng.uniform(49.0, 51.0, (2, 80))
    rng.uniform(1, 50, 80)
    theta_e = rng.choice([0.5, 0.75, 1.0, 1.5, 2.0, 2.5], 80)

    def rings(x, y):
        image = np.exp(-0.5 * (radius_from(x, y, imaging.size_pix) - theta_e[:, None, None] / imaging.pixel_scale_arcsec) ** 2)
        return image / image.sum(axis=(1, 2))[:, None, None]

    found = helpers.judged(DeflectionUnits, helpers.fabricated(light=rings, imaging=imaging))
    assert found["deflection_units", "overall"].value == pytest.approx(1.0, abs=0.06)
