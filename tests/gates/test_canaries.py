"""Planted leaks: features of a leak against features of stamps in which it really lies."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from arcgate.gates.arms import Stamps, arms_of, chosen_pairs
from arcgate.gates.extraction import NORMALISER, Extraction
from arcgate.gates.gate_list import gates_for
from arcgate.gates.regions import Regions
from arcgate.gates.result import NETWORK, RAW
from scipy.ndimage import gaussian_filter

from arcgate.dataset.source import DatasetSource
from arcgate.gates import canaries
from arcgate.imaging import DECALS
from arcgate.views.view import Viewer

REGIONS = Regions(DECALS)
CORE_PEDESTAL, ANNULUS_PEDESTAL = canaries.core_pedestal(REGIONS), canaries.annulus_pedestal(REGIONS)


@pytest.fixture(scope="module", params=["annulus_robust", "stamp_robust"])
def shard(request, small, built):
    """Arms of one shard, the viewer, and what is extracted."""
    spec = small("psf=moffat_converted", f"view={request.param}", "controls=unpaired", "data.n_pairs=90")
    source = DatasetSource(built("psf=moffat_converted", "view=annulus_robust", "controls=unpaired", "data.n_pairs=90"))
    arms = arms_of(source.parts()[0].read(), chosen_pairs(source, 90, 0), source.facts, 0)
    return arms, Viewer(spec.view, DECALS), dict(Extraction(Viewer(spec.view, DECALS))(arms))


def looked_at(arms, viewer, image):
    """Features of the twin with other pixels, as an arm of its own."""
    stamps = Stamps(image.astype(np.float32), image.astype(np.float32), arms.twin.table, DECALS)
    return dict(Extraction(viewer)._seen(stamps))


def sky(arms):
    return arms.twin.sky


def radius(arms):
    x, y = arms.twin.x[:, None, None], arms.twin.y[:, None, None]
    return np.hypot(np.arange(64)[None, None, :] - x, np.arange(64)[None, :, None] - y)[:, None]


def test_every_canary_of_every_gate_has_its_leak(shard):
    _, viewer, found = shard
    for paired in (True, False):
        for gate in gates_for(viewer.view.normalisation, paired, REGIONS):
            for canary in gate.canaries:
                assert (gate.kind, canary.leak) in found
                if gate.kind != NORMALISER:
                    assert np.abs(gate.select(found[gate.kind, canary.leak], REGIONS)).max() > 0


@pytest.mark.parametrize("size", [0.05, 0.3])
def test_pedestals_are_those_of_planted_stamps(shard, size):
    arms, viewer, found = shard
    inside = radius(arms) < 5
    planted = looked_at(arms, viewer, arms.twin.image + size * sky(arms) * inside)
    core = slice(0, REGIONS.rings_pix.index(7))
    expected = CORE_PEDESTAL.planted(found[RAW, "twin"], found[RAW, "regions"], size)
    assert planted[RAW][:, :, core] == pytest.approx(expected[:, :, core], abs=2e-4)
    viewed = CORE_PEDESTAL.planted(found[NETWORK, "twin"], found[NETWORK, "regions"], size)
    change = np.abs((planted[NETWORK] - found[NETWORK, "twin"])[:, :, core])
    # First order in the leak, and the statistics of a whole stamp move a little.
    assert np.abs((planted[NETWORK] - viewed)[:, :, core]).max() < 0.1 * change.max()


def test_a_constant_offset_is_exact_for_means_and_for_the_normaliser(shard):
    arms, viewer, found = shard
    planted = looked_at(arms, viewer, arms.twin.image + 0.5 * sky(arms))
    columns = [*range(REGIONS.n_rings), REGIONS.frame]
    raw = canaries.OFFSET.planted(found[RAW, "twin"], found[RAW, "offset"], 0.5)
    assert planted[RAW][:, :, columns] == pytest.approx(raw[:, :, columns], abs=2e-4)
    normaliser = canaries.OFFSET.planted(found[NORMALISER, "twin"], found[NORMALISER, "offset"], 0.5)
    assert planted[NORMALISER] == pytest.approx(normaliser, abs=1e-4)


@pytest.mark.parametrize("size", [0.02, 0.5])
def test_extra_noise_grows_noise_and_scale_as_it_does_in_stamps(shard, size):
    arms, viewer, found = shard
    noise = np.random.default_rng(3).standard_normal(arms.twin.image.shape)
    planted = looked_at(arms, viewer, arms.twin.image + np.sqrt(size) * sky(arms) * noise)
    for kind in (RAW, NORMALISER):
        column = REGIONS.noise if kind == RAW else 1
        expected = canaries.EXTRA_NOISE.planted(found[kind, "twin"], found[kind, "noise"], size)
        grown = (planted[kind] - found[kind, "twin"])[:, :, column].mean()
        # Another draw of noise on a few dozen rows: chance is a larger part of a smaller effect.
        assert grown == pytest.approx((expected - found[kind, "twin"])[:, :, column].mean(), rel=0.08 if size > 0.1 else 0.3)
        assert grown > 0.4 * np.log1p(size)


def test_a_shift_is_that_of_a_displaced_gaussian():
    yy, xx = np.mgrid[:64, :64]

    def galaxy(x):
        return np.exp(-0.5 * ((xx - x) ** 2 + (yy - 31.5) ** 2) / 2.1**2).astype(np.float32)[None, None]

    expected = (galaxy(31.55) - galaxy(31.45))[..., 2:-2] / 0.1
    found = canaries.shifted(galaxy(31.5))
    assert np.abs(found - expected).max() < 0.02 * np.abs(expected).max()


def test_a_wider_psf_is_that_of_a_wider_gaussian():
    point = np.zeros((64, 64))
    point[32, 32] = 1.0
    sigma, wider = 2.1, 1.03
    narrow, wide = (gaussian_filter(point, width)[None, None].astype(np.float32) for width in (sigma, wider * sigma))
    found = canaries.ARC_PSF.amplitude(0.03) * canaries.blurred(narrow, np.full((1, 1), sigma, dtype=np.float32))
    expected = (wide - narrow)[..., 1:-1, 1:-1]
    assert np.abs(found - expected).max() < 0.1 * np.abs(expected).max()


def test_a_step_follows_the_declared_mask(shard):
    arms = shard[0]
    table = arms.twin.table.assign(core_mask_kind="none", core_mask_radius_pix=0.0)
    table.loc[0, ["core_mask_kind", "core_mask_radius_pix"]] = ["hard", 10.0]
    step = canaries.step(radius(arms)[:, 0], table, REGIONS)
    for row, edge in ((0, 10.0), (1, 5.0)):
        assert np.array_equal(step[row, 0] == -1.0, radius(arms)[row, 0] < edge)


def test_arc_leaks_belong_to_the_pair(shard):
    arms, viewer, found = shard
    turned = np.arange(len(arms.twin.table))[::-1]
    other = replace(arms, twin=arms.twin.take(turned))
    again = dict(Extraction(viewer)(other))
    assert again[RAW, "arc_psf"] == pytest.approx(found[RAW, "arc_psf"][turned], abs=1e-6)
    assert again[RAW, "noise"] == pytest.approx(found[RAW, "noise"][turned], abs=1e-4)


def test_the_size_that_must_be_heard_is_at_most_the_largest_that_is_planted(small):
    settings = small().gates
    assert ANNULUS_PEDESTAL.least(settings) == canaries.EXTRA_NOISE.least(settings) == 0.1
    assert canaries.annulus_pedestal_seen(REGIONS).least(settings) == 0.06
    assert ANNULUS_PEDESTAL.least(replace(settings, leak_sizes_sky_sigma=(0.01, 0.05))) == 0.05
    assert CORE_PEDESTAL.least(settings) == settings.leak_sizes_sky_sigma[-1]
