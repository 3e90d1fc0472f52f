"""Planted leaks: features of a leak against features of stamps in which it really lies."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from closeness import last_bits
from judging import shards_in
from made_shards import changed
from scipy.ndimage import gaussian_filter

from arcgate.gates.core.auc_gate import AucGate
from arcgate.gates.core.comparisons import WITHOUT_ARC
from arcgate.gates.core.listing import gates_of
from arcgate.gates.core.planted_leak import SKY, PlantedLeak
from arcgate.gates.core.result import NETWORK, RAW
from arcgate.gates.features import ring_leaks
from arcgate.gates.features.regions import Regions
from arcgate.gates.features.ring_features import RingColumns, everything, ring_features
from arcgate.imaging import DECALS, Imaging

REGIONS = Regions(DECALS)
NORMALISER = "normaliser"


@pytest.fixture(scope="module", params=["annulus_robust", "stamp_robust"])
def shard(request, small, built):
    """One shard as a view shows it."""
    overrides = ("psf=moffat_converted", "controls=unpaired", "data.n_pairs=90")
    return shards_in(built(*overrides, "view=annulus_robust"), small(*overrides, f"view={request.param}"))[0]


def null_subject(shard):
    return WITHOUT_ARC.of(shard).null_subject


def bare(shard, kind):
    """Features of the null pair's subject."""
    return ring_features(shard, null_subject(shard), kind)


def looked_at(shard, image, kind):
    """The same with other pixels, as stamps of their own."""
    return ring_features(shard, changed(null_subject(shard), image), kind)


def kept(shard, leak, kind, compared=None):
    """What is kept to plant a leak in all features of a kind."""
    columns = RingColumns(kind, everything)
    return leak.extract(shard, compared or WITHOUT_ARC.of(shard), columns, shard.context.settings)


def planted(shard, leak, kind, size):
    """The same features with a leak planted in them."""
    return leak.planted(kept(shard, leak, kind), bare(shard, kind), size)


def radius(stamps):
    x, y = stamps.x[:, None, None], stamps.y[:, None, None]
    return np.hypot(np.arange(64)[None, None, :] - x, np.arange(64)[None, :, None] - y)[:, None]


def test_every_leak_of_every_gate_is_seen_in_what_the_gate_looks_at(shard):
    settings, looked = shard.context.settings, set()
    for gate in gates_of(settings.listed):
        for look in gate.looks_at(settings) if isinstance(gate, AucGate) else ():
            looked.add((look.name or gate.name, look.view))
            compared = (look.comparison or gate.comparison).of(shard)
            features = look.features(shard, compared.null_subject)
            for leak in look.leaks:
                sizes = leak.sizes_for(settings)
                assert list(sizes) == sorted(set(sizes))
                found = leak.planted(leak.extract(shard, compared, look.features, settings), features, sizes[-1])
                assert found.shape == features.shape
                assert np.abs(found - features).max() > 0
    # Two looks at core, annulus, border and null rows, one at the mask's edge and at either normaliser, and the cells.
    assert len(looked) == 2 * 4 + 3 + len(settings.cells)


@pytest.mark.parametrize("size", [0.05, 0.3])
def test_pedestals_are_those_of_planted_stamps(shard, size):
    stamps, leak = null_subject(shard), ring_leaks.CORE_PEDESTAL
    image = stamps.image + size * stamps.sky * (radius(stamps) < 5)
    core = slice(0, REGIONS.rings_pix.index(7))
    assert looked_at(shard, image, RAW)[:, :, core] == pytest.approx(planted(shard, leak, RAW, size)[:, :, core], abs=2e-4)
    seen = looked_at(shard, image, NETWORK)
    change = np.abs((seen - bare(shard, NETWORK))[:, :, core])
    # First order in the leak, and the statistics of a whole stamp move a little.
    assert np.abs((seen - planted(shard, leak, NETWORK, size))[:, :, core]).max() < 0.1 * change.max()


def test_a_constant_offset_is_exact_for_means_and_for_the_normaliser(shard):
    stamps, leak = null_subject(shard), ring_leaks.OFFSET
    image = stamps.image + 0.5 * stamps.sky
    columns = [*range(REGIONS.n_rings), REGIONS.frame]
    raw = planted(shard, leak, RAW, 0.5)
    assert looked_at(shard, image, RAW)[:, :, columns] == pytest.approx(raw[:, :, columns], abs=2e-4)
    assert looked_at(shard, image, NORMALISER) == pytest.approx(planted(shard, leak, NORMALISER, 0.5), abs=1e-4)


@pytest.mark.parametrize("size", [0.02, 0.5])
def test_extra_noise_grows_noise_and_scale_as_it_does_in_stamps(shard, size):
    stamps = null_subject(shard)
    noise = np.random.default_rng(3).standard_normal(stamps.image.shape)
    image = stamps.image + np.sqrt(size) * stamps.sky * noise
    for kind in (RAW, NORMALISER):
        column = REGIONS.noise if kind == RAW else 1
        expected = planted(shard, ring_leaks.EXTRA_NOISE, kind, size)
        grown = (looked_at(shard, image, kind) - bare(shard, kind))[:, :, column].mean()
        # Another draw of noise on a few dozen rows: chance is a larger part of a smaller effect.
        assert grown == pytest.approx((expected - bare(shard, kind))[:, :, column].mean(), rel=0.08 if size > 0.1 else 0.3)
        assert grown > 0.4 * np.log1p(size)


def test_a_leak_that_is_planted_in_stamps_is_measured_anew_at_each_size(shard):
    """It gives what the response to a leak gives where features are linear in it."""
    leak = PlantedLeak("constant offset", SKY, (0.1, 0.5), plant=lambda stamps, size: stamps.with_light(size * stamps.sky))
    found = kept(shard, leak, RAW)
    assert set(found) == {"0.1", "0.5"}
    columns = [*range(REGIONS.n_rings), REGIONS.frame]
    brightest = np.abs(null_subject(shard).in_sky).max()
    for size in leak.sizes:
        measured = leak.planted(found, bare(shard, RAW), size)[:, :, columns]
        by_response = planted(shard, ring_leaks.OFFSET, RAW, size)[:, :, columns]
        assert np.abs(measured - by_response).max() < last_bits(np.float32, REGIONS.imaging.size_pix**2, brightest)
        assert np.abs(measured - bare(shard, RAW)[:, :, columns] - size).max() < 0.01


def test_a_shift_is_that_of_a_displaced_gaussian():
    yy, xx = np.mgrid[:64, :64]

    def galaxy(x):
        return np.exp(-0.5 * ((xx - x) ** 2 + (yy - 31.5) ** 2) / 2.1**2).astype(np.float32)[None, None]

    expected = (galaxy(31.55) - galaxy(31.45))[..., 2:-2] / 0.1
    found = ring_leaks.shifted(galaxy(31.5))
    assert np.abs(found - expected).max() < 0.02 * np.abs(expected).max()


def test_a_wider_psf_is_that_of_a_wider_gaussian():
    point = np.zeros((64, 64))
    point[32, 32] = 1.0
    sigma, wider = 2.1, 1.03
    narrow, wide = (gaussian_filter(point, width)[None, None].astype(np.float32) for width in (sigma, wider * sigma))
    found = ring_leaks.ARC_PSF.amplitude(0.03) * ring_leaks.blurred(narrow, np.full((1, 1), sigma, dtype=np.float32))
    expected = (wide - narrow)[..., 1:-1, 1:-1]
    assert np.abs(found - expected).max() < 0.1 * np.abs(expected).max()


def test_a_step_follows_the_declared_mask(shard):
    stamps = null_subject(shard)
    table = stamps.table.assign(core_mask_kind="none", core_mask_radius_pix=0.0)
    table.loc[0, ["core_mask_kind", "core_mask_radius_pix"]] = ["hard", 10.0]
    step = ring_leaks.step(radius(stamps)[:, 0], table, REGIONS)
    for row, edge in ((0, 10.0), (1, 5.0)):
        assert np.array_equal(step[row, 0] == -1.0, radius(stamps)[row, 0] < edge)


def test_arc_leaks_belong_to_the_pair(shard):
    compared = WITHOUT_ARC.of(shard)
    turned = np.arange(len(compared.null_subject))[::-1]
    other = replace(compared, null_subject=compared.null_subject.take(turned))
    for leak, close in ((ring_leaks.ARC_PSF, 1e-6), (ring_leaks.EXTRA_NOISE, 1e-4)):
        one, again = (kept(shard, leak, RAW, each)["response"] for each in (compared, other))
        assert again == pytest.approx(one[turned], abs=close)


def test_the_size_that_must_be_detected_is_at_most_the_largest_that_is_planted(small):
    settings, annulus = small().gates, ring_leaks.ANNULUS_PEDESTAL
    assert annulus.required_for(settings) == ring_leaks.EXTRA_NOISE.required_for(settings) == 0.1
    assert ring_leaks.ANNULUS_PEDESTAL_SEEN.required_for(settings) == 0.06
    assert annulus.required_for(replace(settings, leak_sizes_sky_sigma=(0.01, 0.05))) == 0.05
    assert ring_leaks.CORE_PEDESTAL.required_for(settings) == settings.leak_sizes_sky_sigma[-1]


def test_leaks_are_named_by_the_regions_of_the_stamps():
    wide = Regions(Imaging(("vis",), "vis", 200, 0.1))
    assert ring_leaks.CORE_PEDESTAL.named(REGIONS) == "pedestal at r < 5 px of"
    assert ring_leaks.CORE_PEDESTAL.named(wide) == "pedestal at r < 13.1 px of"
    assert ring_leaks.ANNULUS_PEDESTAL.named(REGIONS) == "pedestal at 8 to 19 px of"
