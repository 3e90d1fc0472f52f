"""All published diagnostics together, on data sets of every kind."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.preprocessing import StandardScaler

from arcgate.dataset.source import needed
from arcgate.gates.core.battery import kept_by
from arcgate.gates.core.shard import Shard, rows_of
from arcgate.gates.published import GATE
from arcgate.gates.published.comparison import NOT_ASKED, NOT_REPRODUCED, REPRODUCED, answer, published_figures
from arcgate.gates.published.core_regression import CoreRegression
from arcgate.gates.published.figures import PUBLISHED
from arcgate.gates.published.gathering import not_run, stated
from arcgate.gates.published.psf_impulse import impulse_offsets, off_centre_impulse
from arcgate.imaging import DECALS
from arcgate.lensing.psf import Kernel, Psf

BARE = frozenset(needed(DECALS))
KINDS = {
    "paired": {},
    "no arcs stored, nothing declared": {"has_arc": False, "declared": False, "columns": BARE | {"theta_e_arcsec", "psfsize_r"}},
    "bare arrays": {"has_arc": False, "declared": False, "has_null": False, "columns": BARE},
    "bare unpaired arrays": {"has_arc": False, "declared": False, "has_null": False, "paired": False, "columns": BARE},
}


@pytest.fixture(scope="module")
def shards(helpers, built):
    """Shards of every kind of data set."""
    dataset = built("psf=moffat_converted")
    return {kind: helpers.shards_with(dataset, **known) for kind, known in KINDS.items()}


@pytest.fixture(scope="module")
def reports(helpers, shards):
    """Results and exhibits of every kind of data set."""
    out = {}
    for kind, parts in shards.items():
        found = helpers.published(*parts)
        results = {(result.name, result.stratum): result for result in found.results}
        out[kind] = results, {exhibit.name: exhibit for exhibit in found.exhibits}
    return out


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_data_set_gets_an_answer_in_words(reports, kind):
    results, exhibits = reports[kind]
    for result in results.values():
        assert result.role == "diagnostic"
        assert result.status in ("reported", "not_run")
        assert result.reason
        assert (result.status == "reported") == (result.value is not None)
        if result.low is not None:
            assert result.low <= result.value <= result.high
    table = exhibits["published_figures"].content
    assert len(table["rows"]) == len(PUBLISHED)
    assert {row[5] for row in table["rows"]} <= {REPRODUCED, NOT_REPRODUCED, NOT_ASKED}
    assert all(row[6] for row in table["rows"] if row[5] != REPRODUCED)
    json.dumps([exhibit.content for exhibit in exhibits.values()], allow_nan=False)


def test_all_are_reported_where_everything_is_stored(reports):
    results, exhibits = reports["paired"]
    assert {name for (name, _), result in results.items() if result.status == "not_run"} <= {
        "core_corrected",
        "core_share_before_mask",
    }
    assert {"core_auc", "annulus_pedestal", "core_share", "radial_profile", "shift_sensitivity", "deflection_units"} <= set(
        exhibits
    )
    for axis in "xy":
        assert results[f"phase_correlation_{axis}", "overall"].value == 0
        assert results[f"pair_gradient_{axis}", "overall"].value == pytest.approx(0, abs=1e-6)
    assert "predict" in results["deflection_units", "overall"].reason
    assert results["arc_localisation_gain", "overall"].low > 0.2
    pedestal = results["annulus_pedestal_r", "overall"]
    assert pedestal.low < 0 < pedestal.high


def test_pairs_without_stored_arcs_show_the_same_light(reports):
    stored, without = reports["paired"][0], reports["no arcs stored, nothing declared"][0]
    for key in (("core_share", "overall"), ("deflection_units", "overall"), ("arc_localisation", "overall")):
        assert without[key].value == pytest.approx(stored[key].value, rel=1e-4)
    assert without["psf_impulse", "overall"].status == "not_run"
    assert without["core_offset_arc_snr_r2", "overall"].value == pytest.approx(
        stored["core_offset_arc_snr_r2", "overall"].value, rel=1e-3
    )


def test_bare_arrays_have_no_strata_and_say_what_is_missing(reports):
    results, _ = reports["bare arrays"]
    assert ("core_published", "theta_e_lt_1") not in results
    assert results["core_published", "overall"].status == "reported"
    for name in ("deflection_units", "core_offset_theta_e_r2", "arc_localisation"):
        assert "Einstein radius" in results[name, "overall"].reason
    unpaired = reports["bare unpaired arrays"][0]
    for name in ("core_share", "annulus_pedestal_r", "phase_correlation_x"):
        assert unpaired[name, "overall"].status == "not_run"
    assert unpaired["difference_core", "overall"].value > 0


@pytest.mark.parametrize("kind", KINDS)
def test_parts_of_a_shard_give_what_the_whole_gives(helpers, shards, kind):
    whole = max(shards[kind], key=lambda shard: len(shard.positive))
    place, pairs = pd.factorize(whole.stored.table["pair_id"])
    first = place < len(pairs) // 3
    parts = [Shard(whole.context, rows_of(whole.stored, chosen)) for chosen in (first, ~first)]
    assert all(len(part.positive) > 3 for part in parts)
    one, other = GATE.extract(whole), kept_by([GATE.extract(part) for part in parts])
    # Two look at a shard's rows together: its first PSFs are tried, and its arcs exchange their radii.
    compared = [key for key in one if not key.startswith(("PsfImpulse/", "Localisation/"))]
    assert one.keys() == other.keys()
    assert len(compared) > 5
    for key in compared:
        if isinstance(one[key], pd.DataFrame):
            # The two classes lie one below the other, in each shard.
            tables = [table.sort_values(list(table), ignore_index=True) for table in (one[key], other[key])]
            assert_frame_equal(*tables, check_exact=True)
        else:
            np.testing.assert_array_equal(one[key], other[key], err_msg=key)


def test_the_published_core_auc_is_that_of_the_usual_pipeline(reports, shards):
    paired = shards["paired"]
    parts = [(label, stamps) for shard in paired for label, stamps in ((1, shard.positive), (0, shard.control))]
    pixels = np.concatenate([stamps.image[:, :, 27:37, 27:37].reshape(len(stamps.image), -1) for _, stamps in parts])
    labels = np.concatenate([np.full(len(stamps.image), label) for label, stamps in parts])
    scores = cross_val_predict(
        LogisticRegression(C=1.0, max_iter=5000, tol=1e-6),
        StandardScaler().fit_transform(pixels.astype(np.float64)),
        labels,
        cv=StratifiedKFold(5, shuffle=True, random_state=0),
        method="decision_function",
    )
    results = reports["paired"][0]
    assert results["core_published", "overall"].value == pytest.approx(roc_auc_score(labels, scores), abs=2e-3)
    # A control belongs to the stratum of its pair.
    pairs = np.concatenate([stamps.table["pair_id"] for _, stamps in parts])
    wide = {pair for shard in paired for pair in shard.positive.pair[shard.positive.table["theta_e_arcsec"] >= 2]}
    large = np.isin(pairs, sorted(wide))
    expected = roc_auc_score(labels[large], scores[large])
    assert results["core_published", "theta_e_ge_2"].value == pytest.approx(expected, abs=5e-3)
    assert results["core_published_refitted", "theta_e_ge_2"].n == large.sum() == 2 * len(wide)


def test_cores_that_cannot_be_fitted_are_not_run(helpers):
    shard = helpers.fabricated(n=30)
    flat = [replace(stamps, image=np.ones_like(stamps.image)) for stamps in (shard.positive, shard.control)]
    flat_results = helpers.judged(CoreRegression, helpers.with_positive(shard, *flat))
    assert len(flat_results) > 1
    for result in flat_results.values():
        assert result.status == "not_run"
        assert "same value" in result.reason
    for result in helpers.judged(CoreRegression, helpers.fabricated(n=3)).values():
        assert result.status == "not_run"


def test_the_renderer_keeps_a_point_where_it_is_and_an_off_centre_kernel_does_not():
    psfs = [(Psf("moffat", 1.3, 2.5), Psf("gaussian", 1.0), Psf("moffat", 1.1, 3.5))]
    assert np.abs(impulse_offsets(psfs, DECALS)).max() < 0.01
    pixel = np.arange(19) - 9.0
    # A kernel whose light lies two pixels off its centre is seen, with axis and sign.
    moved = np.exp(-0.5 * ((pixel[None, :] - 2) ** 2 + pixel[:, None] ** 2) / 2.2**2)
    assert impulse_offsets([(Kernel(moved),)], DECALS)[0] == pytest.approx([2, 0], abs=0.02)
    assert off_centre_impulse() == (9, 9)


def test_words_about_a_figure():
    figure = next(figure for figure in PUBLISHED if figure.names == ("difference_core",))
    near = replace(stated("difference_core", 0.0149, 50, 50, "measured"), low=0.0139, high=0.0159)
    assert answer(figure, near) == (REPRODUCED, "")
    assert answer(figure, replace(near, value=0.03, low=0.029, high=0.031)) == (NOT_REPRODUCED, figure.why)
    word, why = answer(figure, replace(near, low=-0.1, high=0.2))
    assert word == NOT_REPRODUCED
    assert "too few galaxies (50)" in why
    assert answer(figure, not_run("difference_core", "no pairs")) == (NOT_ASKED, "no pairs")
    assert answer(figure, None)[0] == NOT_ASKED
    sloped = next(figure for figure in PUBLISHED if figure.negative)
    r2, slope = stated(sloped.names[0], 0.1, 50, 50, "measured"), stated(sloped.negative, -0.01, 50, 50, "measured")
    assert answer(sloped, r2, slope)[0] == REPRODUCED
    assert answer(sloped, r2, replace(slope, value=0.01)) == (NOT_REPRODUCED, "the slope has the other sign")


def test_masked_sets_are_compared_by_their_shares_before_the_mask():
    masked = stated("core_share", 0.0, 9, 9, "as added", "theta_e_ge_2")
    before = stated("core_share_before_mask", 0.077, 9, 9, "before", "theta_e_ge_2")
    rows = {row[0]: row for row in published_figures([masked, before], DECALS).content["rows"]}
    assert rows["share of arc flux at r < 5 px, theta_E >= 2 arcsec"][2:6:3] == ["0.077", REPRODUCED]
    rows = {row[0]: row for row in published_figures([masked], DECALS).content["rows"]}
    assert rows["share of arc flux at r < 5 px, theta_E >= 2 arcsec"][5] == NOT_REPRODUCED
