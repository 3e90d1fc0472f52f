"""The battery on stamps of other surveys: other bands, odd sizes, finer pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from closeness import last_bits
from judging import results_of
from made_shards import made_stamps

from arcgate.dataset.shard_reading import StampBatch
from arcgate.dataset.source import Facts
from arcgate.gates.core.battery import run_battery
from arcgate.gates.core.context import context_of
from arcgate.gates.core.listing import gates_of
from arcgate.gates.core.shard import shards_of
from arcgate.gates.features.compiled_extremes import contrasts, repeats
from arcgate.gates.features.extremes import levels
from arcgate.gates.features.fingerprints import centroids, fingerprints
from arcgate.gates.features.reference_arc import reference_arc
from arcgate.gates.features.regions import Regions, divided, middle
from arcgate.gates.features.rings import Centred, box_pixels
from arcgate.gates.features.summaries import pixels, radial
from arcgate.gates.information import channels
from arcgate.gates.stored_values import STEPPED, TRAITS, traits
from arcgate.ground.errors import ArcgateError
from arcgate.imaging import DECALS, Imaging
from arcgate.injection.arcs import declared_psfs, render_arcs
from arcgate.views.robust import radii_pix

IMAGINGS = {
    "hsc": Imaging(("g", "r", "i"), "i", 101, 0.168),
    "vis": Imaging(("vis",), "vis", 200, 0.1),
    "ugrizy": Imaging(("u", "g", "r", "i", "z", "y"), "i", 64, 0.2),
    "odd": Imaging(("g", "r", "z"), "r", 65, 0.262),
}
PAIRS = 48
every = pytest.mark.parametrize("imaging", IMAGINGS.values(), ids=IMAGINGS)


def declared(stamps, imaging):
    """Columns of lens, source, PSF and noise of the rows of these stamps."""
    rng, n = np.random.default_rng(3), len(stamps.table)
    table = stamps.table.assign(
        sample_id=np.arange(n),
        seed=0,
        theta_e_arcsec=rng.uniform(0.9, 1.4, n),
        lens_q=0.8,
        lens_phi_rad=rng.uniform(0.0, np.pi, n),
        gamma1=0.02,
        gamma2=-0.01,
        source_reff_arcsec=0.3,
        source_sersic_n=1.0,
        source_q=0.8,
        source_phi_rad=rng.uniform(0.0, np.pi, n),
        source_x_arcsec=rng.uniform(-0.2, 0.2, n),
        source_y_arcsec=rng.uniform(-0.2, 0.2, n),
        flux_scale=1.0,
        psf_profile_used="moffat",
        arc_noise="none",
        core_mask_kind="none",
        core_mask_radius_pix=0.0,
        core_mask_width_pix=0.0,
    )
    for band in imaging.bands:
        table[f"source_mag_{band}"] = 22.0
        table[f"host_mag_{band}"] = rng.normal(19.0, 1.0, n)
        table[f"psfsize_{band}"] = rng.uniform(0.7, 0.8, n)
        table[f"psf_beta_declared_{band}"] = table[f"psf_beta_used_{band}"] = 3.0
        table[f"psf_fwhm_used_{band}"] = [psfs[0].fwhm_arcsec for psfs in declared_psfs(table, Imaging((band,), band, 64, 0.2))]
    return table


@pytest.fixture(scope="module")
def batch():
    """Pairs with null rows of an imaging, as a shard holds them, made once."""
    made = {}

    def make(imaging):
        if imaging not in made:
            stamps = made_stamps(PAIRS, 2, imaging=imaging)
            table = declared(stamps, imaging)
            arc = render_arcs(table, declared_psfs(table, imaging), imaging)[0]
            roles = pd.concat([table.assign(role=role) for role in ("positive", "control", "null")], ignore_index=True)
            image = np.concatenate([stamps.image + arc, stamps.image, stamps.image])
            made[imaging] = StampBatch(roles, image, np.concatenate([arc, 0.0 * arc, 0.0 * arc]))
        return made[imaging]

    return make


@dataclass(frozen=True)
class Held:
    """One shard in memory as a source, and as its only part."""

    batch: StampBatch
    facts: Facts
    path: Path = Path("held in memory")
    digest: str = ""

    def table(self, columns: Sequence[str]) -> pd.DataFrame:
        return self.batch.table[list(columns)]

    def parts(self) -> list[Held]:
        return [self]

    def read(self) -> StampBatch:
        return self.batch


def held(imaging, batch):
    columns = frozenset(batch.table.columns)
    return Held(batch, Facts("arcgate", True, True, True, True, columns, imaging=imaging))


@pytest.fixture(scope="module")
def spec(small):
    spec = small("gates=quick", "gates.min_hosts=10", "gates.reference_rows=0", "gates.verdict_pairs=12")
    return replace(spec, gates=replace(spec.gates, margin=0.2))


@every
def test_every_gate_judges(imaging, batch, spec):
    judged = run_battery(held(imaging, batch(imaging)), spec.view, spec.gates)
    gates = {(result.name, result.view): result for result in judged.results if result.role == "gate"}
    assert {result.status for result in gates.values()} <= {"passed", "undetermined", "insensitive", "not_run"}
    for name in ("null_equal", "deinjection", "declared_arc", "stored_values"):
        assert gates[name, "raw"].status == "passed", gates[name, "raw"].reason
    ran = {name for (name, _), result in gates.items() if result.value is not None}
    needed = {"residual_core", "residual_annulus", "residual_border", "mask_edge", "normaliser_masked", "tails", "metadata_ridge"}
    assert needed <= ran
    assert all(exhibit.name for exhibit in judged.exhibits)
    assert {"planted_leaks", "residual_profile"} <= {exhibit.name for exhibit in judged.exhibits}


@every
def test_core_light_is_detected_by_the_core_gate_and_no_other(imaging, batch, spec):
    shard = batch(imaging)
    core = radii_pix(*shard.table[["host_x_pix", "host_y_pix"]].to_numpy(np.float64).T, imaging.size_pix)
    inside = (core < Regions(imaging).core_pix) & (shard.table["role"] == "positive").to_numpy()[:, None, None]
    sky = shard.table[[f"sky_sigma_{band}" for band in imaging.bands]].to_numpy()[:, :, None, None]
    light = (3.0 * sky * inside[:, None]).astype(np.float32)
    source = held(imaging, replace(shard, image=shard.image + light, arc=shard.arc + light))
    shards = list(shards_of(source.batch, context_of(source, spec.view, spec.gates)))
    results = {}
    for gate in gates_of(["residual_core", "residual_annulus", "residual_border"]):
        results |= results_of(gate, shards)
    assert results["residual_core", "raw"].status == "failed"
    assert results["residual_core_within_pair", "raw"].value == 1.0
    assert {results[name, "raw"].status for name in ("residual_annulus", "residual_border")}.isdisjoint({"failed"})
    sizes = results["residual_core", "raw"].reason.split("(mean at r < ")[1]
    assert sizes.startswith(f"{1.31 / imaging.pixel_scale_arcsec:.3g} px: ")
    assert all(f"{band} +3" in sizes for band in imaging.bands)


@every
def test_regions_follow_one_another_and_cover_the_stamp(imaging):
    regions = Regions(imaging)
    rings, half = regions.rings_pix, imaging.size_pix / 2
    assert rings[0] == 0
    assert list(rings) == sorted(set(rings))
    assert half - 1 <= rings[-1] <= half
    inner, outer = regions.annulus_pix
    assert regions.core_pix < inner
    # Pixels of the core's last ring lie where the normaliser gate leaves no light of an arc.
    assert regions.core_rings_pix[-1] + 0.5 <= 8 / 32 * half
    assert (inner, outer) == pytest.approx((half / 4, half * 20 / 32), abs=0.5)
    assert regions.pedestal_pix[1] < outer
    assert rings[regions.annulus_columns] + (outer,) == rings[rings.index(inner) : rings.index(outer) + 1]
    columns = [*regions.core_columns, *range(regions.n_features)[regions.annulus_columns], *regions.border_columns]
    assert len(columns) == len(set(columns))


def test_the_regions_of_decals_are_pixels():
    regions = Regions(DECALS)
    assert regions.rings_pix == (*range(15), 17, 20, 24, 28, 32)
    assert regions.core_pix == 5.0
    assert regions.core_rings_pix == tuple(range(8))
    assert (regions.annulus_pix, regions.pedestal_pix) == ((8, 20), (8, 19))
    assert (regions.frame_pix, regions.border_pix, regions.strip_pix) == (2, 4, 8)
    assert (regions.core_box, regions.core_window, regions.core_cut) == (slice(26, 38), slice(24, 40), slice(22, 42))
    assert regions.core_squares == (24, 28, 32, 36, 40)
    assert regions.annulus_rings_pix == (8, 10, 12, 14, 17, 20)
    assert regions.stamp_rings_pix == (0, 1, 2, 3, 5, 7, 10, 14, 19, 25, 31)
    assert (regions.edge_columns, regions.core_share.tolist()) == (slice(2, 13), [1.0] * 5 + [0.0] * 2)


def test_stamps_smaller_than_the_regions_are_refused_before_any_is_read(spec):
    imaging = Imaging(("r",), "r", 32, 0.262)
    source = held(imaging, StampBatch(pd.DataFrame({"role": ["positive", "control"]}), np.zeros((2, *imaging.shape)), None))
    with pytest.raises(ArcgateError, match=r"32 pixels of 0\.262 arcsec are too small for the gates: the core reaches 5 px"):
        run_battery(source, spec.view, spec.gates)


def test_lines_are_divided_about_their_middle():
    assert [middle(size, 5) for size in (64, 65, 8)] == [slice(27, 37), slice(27, 38), slice(0, 8)]
    assert [divided(size, 4) for size in (8, 10, 3)] == [[0, 2, 4, 6, 8], [0, 2, 5, 7, 10], [0, 1, 2, 3]]
    assert box_pixels(np.zeros((2, 3, 64, 64), dtype=np.float32)).shape == (2, 300)


@every
def test_summaries_of_a_constant_are_that_constant(imaging):
    regions, x = Regions(imaging), np.full(2, imaging.middle_pix)
    constant = np.full((2, *imaging.shape), 1.5, dtype=np.float32)
    close = last_bits(np.float32, imaging.size_pix**2, 1.5)
    for region in ("core", "annulus", "border", "stamp"):
        np.testing.assert_allclose(pixels(constant, region, regions), 1.5, rtol=0, atol=close)
        np.testing.assert_allclose(radial(constant, x, x, region, regions), 1.5, rtol=0, atol=close)
        if region != "border":
            np.testing.assert_allclose(channels(constant, region, regions), 1.5, rtol=0, atol=close)
    found = Centred(x, x, regions).of_stamps(constant)[:, :, [*range(regions.n_rings), regions.frame]]
    np.testing.assert_allclose(found, 1.5, rtol=0, atol=close)
    raised = levels(constant, np.ones((2, len(imaging.bands)), dtype=np.float32), regions)
    np.testing.assert_allclose(raised[:, :, :-1], 1.5, rtol=0, atol=close)
    np.testing.assert_allclose(raised[:, :, -1], 0.0, atol=close)


@every
def test_fingerprints_survive_flips_and_turns(imaging):
    stamps = made_stamps(6, 4, imaging=imaging)
    image = stamps.in_sky
    x, y = centroids(image)
    assert np.abs(x - stamps.x).max() < 1.0
    assert np.abs(y - stamps.y).max() < 1.0
    turned = np.ascontiguousarray(np.rot90(image, axes=(2, 3))[..., ::-1])
    rings = 5 * len(imaging.bands)
    np.testing.assert_allclose(fingerprints(image)[:, :rings], fingerprints(turned)[:, :rings], atol=0.2)
    assert np.abs(fingerprints(image)[0] - fingerprints(image)[1]).max() > 5


@every
def test_stored_values_and_places_of_large_stamps(imaging):
    stamps = made_stamps(3, 5, imaging=imaging)
    image, size = stamps.image.copy(), imaging.size_pix
    image[0] = np.round(image[0], 2)
    image[1, :, size - 2, size - 3] += 1.0
    flat = image.reshape(3, len(imaging.bands), -1)
    found = repeats(flat, np.full(flat.shape[:2], 0.005, dtype=np.float32))
    for row, band in np.ndindex(found.shape[:2]):
        kept = flat[row, band][np.abs(flat[row, band]) >= 0.005]
        assert found[row, band, 0] == np.unique(kept.view(np.uint32) >> 2, return_counts=True)[1].max()
    places = contrasts(image, stamps.sky[:, :, 0, 0].astype(np.float32))[1]
    assert (places[1, :, 0] == (size - 2) * size + size - 3).all()
    assert traits(image)[:, TRAITS.index(STEPPED)].tolist() == [True, False, False]


@pytest.mark.parametrize("name", ["hsc", "odd"])
def test_the_reference_renders_what_the_engine_does(name, batch):
    imaging = IMAGINGS[name]
    shard = batch(imaging)
    found = reference_arc(shard.table.iloc[0].to_dict(), imaging, rays_per_pixel=11)
    assert found.shape == imaging.shape
    assert np.abs(found - shard.arc[0]).max() < 2e-3 * found.max()
