"""Stored arcs against the independent reference."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from judging import judgement, kept_of
from made_shards import PAIRED, made_context, made_shard, made_stamps
from test_reference import row_of

from arcgate.gates.core.stamps import Stamps
from arcgate.gates.features import reference_arc as reference
from arcgate.gates.reference import GATE, MARGIN, WIDER_BY
from arcgate.imaging import DECALS
from arcgate.injection.arcs import declared_psfs, render_arcs
from arcgate.injection.inject import core_mask
from arcgate.lensing.noise import photon_noise

BANDS = "grz"


@pytest.fixture(scope="module", autouse=True)
def coarse():
    """Rays enough for these wide sources, and a ninth of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reference.reference_arc, "__kwdefaults__", {"rays_per_pixel": 11, "border_pix": 12})
        yield


@pytest.fixture(scope="module")
def settings(small):
    return replace(small().gates, reference_rows=1)


def rows_of(n, **changes):
    row = row_of(source_reff_arcsec=0.4, source_q=0.8, **changes)
    extra = {"host_id": "host", "core_mask_kind": "hard", "core_mask_radius_pix": 3.0, "core_mask_width_pix": 0.0}
    gains = {f"gain_{band}": 7500.0 for band in BANDS}
    return pd.DataFrame([row | extra | gains | {"arc_noise": "none", "sample_id": i, "pair_id": i} for i in range(n)])


def judged(settings, table, arc, facts=PAIRED):
    stamps = made_stamps(len(table), 1)
    stamps = Stamps(stamps.image, stamps.seen, table, DECALS)
    shard = made_shard(made_context(settings, [stamps], facts=facts), stamps, arc=arc)
    (result,) = judgement(GATE, [shard]).results
    return result


@pytest.fixture(scope="module")
def sound():
    table = rows_of(3)
    return table, render_arcs(table, declared_psfs(table, DECALS), DECALS)[0] * core_mask(table, DECALS)


def test_the_engine_s_arcs_pass_and_a_wider_psf_is_detected(settings, sound):
    result = judged(settings, *sound)
    assert result.status == "passed"
    assert result.value < MARGIN
    assert result.detected_sensitivity == result.required_sensitivity == WIDER_BY == 0.03
    assert result.n == 1


def test_arcs_by_another_psf_fail_and_the_row_is_named(settings, sound):
    table, _ = sound
    wide = table.assign(**{f"psfsize_{band}": 1.03 * table[f"psfsize_{band}"] for band in BANDS})
    result = judged(settings, table, render_arcs(wide, declared_psfs(wide, DECALS), DECALS)[0] * core_mask(table, DECALS))
    assert result.status == "failed"
    assert "% of the peak (sample " in result.reason


def test_a_mask_that_is_not_declared_fails(settings, sound):
    table, arc = sound
    assert judged(settings, table.assign(core_mask_kind="none"), arc).status == "failed"


def test_photon_noise_is_no_difference(settings, sound):
    table, _ = sound
    table = table.assign(arc_noise="poisson", source_mag_g=19.4, source_mag_r=19.0, source_mag_z=18.7)
    arc = render_arcs(table, declared_psfs(table, DECALS), DECALS)[0]
    noise = [photon_noise(np.random.default_rng(i), arc[i].astype(float), np.full((3, 1, 1), 7500.0)) for i in range(3)]
    noisy = ((arc + np.stack(noise)) * core_mask(table, DECALS)).astype(np.float32)
    assert np.abs(noisy - arc * core_mask(table, DECALS)).max() > MARGIN * arc.max()
    assert judged(settings, table, noisy).status == "passed"
    assert judged(settings, table, 1.1 * noisy).status == "failed"


def test_rows_are_chosen_by_hash_whatever_the_shards(settings, sound):
    table, arc = sound
    stamps = made_stamps(3, 1)
    stamps = Stamps(stamps.image, stamps.seen, table, DECALS)
    context = made_context(settings, [stamps])
    parts = [made_shard(context, stamps.take(rows), arc=arc[rows]) for rows in (np.arange(1), np.arange(1, 3))]
    chosen = [kept_of(GATE, shards)["sample"].tolist() for shards in (parts, [made_shard(context, stamps, arc=arc)])]
    assert chosen[0] == chosen[1]
    assert len(chosen[0]) == 1


def test_what_cannot_be_compared_is_not_run(settings, sound):
    table, arc = sound
    assert judged(replace(settings, reference_rows=0), table, arc).status == "not_run"
    assert judged(settings, table, arc, replace(PAIRED, declared=False)).status == "not_run"
    assert judged(settings, table, None).status == "not_run"
    undeclared = judged(settings, table.assign(psf_beta_declared_r=np.nan), arc)
    assert undeclared.status == "not_run"
    assert "psf_beta_declared_r" in undeclared.reason
