"""The tails on stamps: sound sets are silent, sparse leaks of many kinds fail and are named, and what is planted is detected."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from judging import by_name, judgement, results_of
from made_shards import PAIRED, SKY, against, changed, made_context, made_shard, made_stamps

from arcgate.gates.core.comparisons import WITHOUT_ARC
from arcgate.gates.core.predicted import Predicted
from arcgate.gates.features import extremes as extremes_of
from arcgate.gates.features import tail_counts
from arcgate.gates.features.compiled_extremes import block_means, contrasts, repeats
from arcgate.gates.features.extremes import LEVELS, NAMES, Traits, extremes, planted_pixel, stored_values
from arcgate.gates.features.regions import Regions
from arcgate.gates.features.tail_counts import seen_shares
from arcgate.gates.tails import GATE
from arcgate.imaging import DECALS

N = 600
LEAKING = np.arange(0, N, 37)  # 17 galaxies, 2.8 %
DECLARED_ONLY = replace(PAIRED, has_arc=False)
STORED_ONLY = replace(PAIRED, declared=False)


@pytest.fixture(scope="module")
def galaxies():
    return made_stamps(N, 3)


@pytest.fixture(scope="module")
def arcs():
    """Smooth light of up to 30 sky sigma beside the galaxies."""
    rng = np.random.default_rng(5)
    pixel = np.arange(64.0)
    x, y = rng.uniform(18, 45, (2, N, 1, 1))
    blob = np.exp(-((pixel - x) ** 2 + (pixel[:, None] - y) ** 2) / 18.0)
    return (30.0 * SKY[:, None, None] * blob[:, None]).astype(np.float32)


@pytest.fixture(scope="module")
def settings(small):
    return small().gates


NOTHING = Predicted(np.zeros((1, 1, 1, 1), dtype=np.float32), np.zeros((1, 1, 1, 1), dtype=np.float32), None)
"""Of arcs without light, however many."""


def found_in(settings, control, facts=PAIRED, predicted=NOTHING, **others):
    """What the gate says of one shard; classes that are not among `others` are the controls."""
    context = made_context(settings, [control, *([others["positive"]] if "positive" in others else [])], facts=facts)
    return judgement(GATE, [made_shard(context, control, predicted=predicted, **others)])


def traits(stamps, stored):
    """Features of stamps with those of their stored values."""
    return Traits(stamps.names, stamps.pair, *extremes(stamps, stored, Regions(DECALS)), DECALS)


def judged(settings, galaxies, arcs, leak=0.0, facts=PAIRED, rows=slice(None), in_arc=False):
    """Results on stamps = galaxies + arcs + leak, with arcs declared and stored; `in_arc`: the stored arcs hold the leak."""
    control = galaxies.take(np.arange(N)[rows])
    arc = arcs[rows]
    light = np.broadcast_to(np.float32(leak), arcs.shape)[rows]
    stored = arc + light if in_arc else arc
    stamp = changed(control, control.image + (arc + light))
    declared = Predicted(arc, arc, None) if facts.declared else None
    return by_name(found_in(settings, control, facts, declared, positive=stamp, arc=stored).results)


def sparse(place, sky_sigma):
    """Light of a few galaxies at a place, in sky sigma."""
    leak = np.zeros((N, 3, 64, 64), dtype=np.float32)
    leak[(LEAKING, slice(None), *place)] = sky_sigma
    return leak * SKY[:, None, None].astype(np.float32)


def test_a_sound_set_passes_and_states_what_it_detects(settings, galaxies, arcs):
    results = judged(settings, galaxies, arcs)
    assert results.keys() == {("tails", "raw"), ("tails_stored", "raw")}
    for result in results.values():
        assert (result.status, result.margin, result.null) == ("passed", 0.02, 0.0)
        assert result.low <= result.value <= result.high < result.margin
        assert 14 / N <= result.detected_sensitivity <= result.required_sensitivity == pytest.approx(0.03)
        assert (result.n, result.n_groups) == (2 * N, N)
        assert "20 sky sigma" in result.reason
        assert "pedestal" in result.reason


@pytest.mark.parametrize(
    ("place", "sky_sigma", "feature", "where"),
    [
        ((10, 52), 20.0, "brightest pixel", "row 10, column 52"),
        ((63, 0), -20.0, "darkest pixel", "row 63, column 0"),
        ((slice(None), 7), 2.0, "brightest line", "column 7"),
        ((9, slice(None)), -2.0, "darkest line", "row 9"),
        ((slice(None), slice(None)), 3.0, "block", ""),
        ((slice(None), slice(None)), -3.0, "low side", ""),
        ((slice(56, None), slice(56, None)), -4.0, "darkest corner", ""),
    ],
)
def test_a_sparse_leak_fails_and_is_named(settings, galaxies, arcs, place, sky_sigma, feature, where):
    result = judged(settings, galaxies, arcs, sparse(place, sky_sigma), DECLARED_ONLY)["tails", "raw"]
    assert result.status == "failed"
    assert feature in result.reason
    assert where in result.reason
    assert result.value >= 15 / N
    assert result.low > 0.014
    named = [int(pair) for pair in re.findall(r"(\d+) \(galaxy 3-\d+\)", result.reason)]
    # One galaxy lies beyond the controls of all others without a leak: the one whose own control is the most extreme.
    assert len(named) == 5
    assert len(set(named) & set(LEAKING.tolist())) >= 4


def test_a_few_galaxies_are_too_few_to_fail_or_to_pass_but_are_named(settings, galaxies, arcs):
    leak = np.zeros((N, 3, 64, 64))
    leak[:120:12, :, 10, 52] = 20.0 * SKY
    result = judged(settings, galaxies, arcs, leak, DECLARED_ONLY, rows=slice(120))["tails", "raw"]
    assert result.status == "undetermined"
    assert "too few" in result.reason
    assert "row 10, column 52" in result.reason
    assert "pairs" in result.reason


def test_a_leak_that_is_stored_with_the_arc_shows_where_the_declared_arc_is_taken_away(settings, galaxies, arcs):
    leak = sparse((10, 52), 20.0)
    results = judged(settings, galaxies, arcs, leak, in_arc=True)
    assert {name: result.status for (name, _), result in results.items()} == {"tails": "failed", "tails_stored": "passed"}
    (stored,) = judged(settings, galaxies, arcs, leak, STORED_ONLY).values()
    assert (stored.name, stored.status) == ("tails_stored", "failed")


def test_photon_noise_of_arcs_is_no_leak_where_controls_are_given_as_much(settings, galaxies):
    rng = np.random.default_rng(7)
    noise = np.zeros((2, N, 3, 64, 64), dtype=np.float32)
    noise[:, LEAKING] = (3.0 * rng.standard_normal((2, len(LEAKING), 3, 64, 64)) * SKY[:, None, None]).astype(np.float32)
    noisy, counterpart = (changed(galaxies, galaxies.image + one) for one in noise)

    def result(reference):
        others = {"positive": noisy, "counterpart": reference, "null_pair": (reference, reference)}
        return found_in(settings, galaxies, DECLARED_ONLY, **others).results[0]

    alike = result(counterpart)
    # Nearly no galaxy lies beyond controls that are as noisy.
    assert alike.status == "passed"
    assert alike.value < 0.03
    assert result(galaxies).status == "failed"


@pytest.mark.parametrize("has_null", [True, False])
def test_unpaired_sets_are_judged_and_leaks_are_planted_in_null_rows_or_halves_of_the_controls(
    settings, galaxies, arcs, has_null
):
    """Without null rows one half of the controls' galaxies is held against the other."""
    others = made_stamps(N, 8)
    first = np.arange(N) % 2 == 0
    null_pair = (galaxies, others) if has_null else (others.take(first), others.take(~first))
    facts = replace(DECLARED_ONLY, paired=False, has_null=has_null)

    def result(leak):
        stamp = changed(galaxies, galaxies.image + arcs + leak)
        return found_in(settings, others, facts, Predicted(arcs, arcs, None), positive=stamp, null_pair=null_pair).results[0]

    sound, leaking = result(np.float32(0.0)), result(sparse((10, 52), 20.0))
    assert sound.status == "passed"
    assert (sound.n, sound.n_groups) == (2 * N, 2 * N)
    assert 13 / N <= sound.detected_sensitivity <= 0.03
    assert leaking.status == "failed"
    assert "row 10, column 52" in leaking.reason


def test_values_that_repeat_and_zeros_in_a_few_stamps_fail(settings, galaxies, arcs):
    def stored_as(change):
        image = (galaxies.image + arcs).astype(np.float32)
        image[LEAKING] = change(image[LEAKING])
        stamp = changed(galaxies, image)
        # Their pixels hardly change: only how they are stored.
        compared = {WITHOUT_ARC: against(replace(galaxies), galaxies)}
        (result,) = found_in(settings, galaxies, DECLARED_ONLY, positive=stamp, compared=compared).results
        return result

    coarse = stored_as(lambda image: np.round(image / 1e-4) * np.float32(1e-4))
    assert coarse.status == "failed"
    assert "share a value" in coarse.reason
    zeros = stored_as(lambda image: np.where(image < 0, np.float32(0.0), image))
    assert zeros.status == "failed"
    assert "exact zeros" in zeros.reason
    # Rounding the two lowest bits away is what the sum of two images may do.
    bits = stored_as(lambda image: (np.ascontiguousarray(image).view(np.uint32) & np.uint32(0xFFFFFFFC)).view(np.float32))
    assert bits.status == "passed"


def test_what_cannot_be_compared_is_not_run(settings, galaxies, arcs):
    nothing = replace(PAIRED, declared=False, has_arc=False)
    (result,) = found_in(settings, galaxies, nothing, None, arc=arcs).results
    assert (result.name, result.status, result.value) == ("tails", "not_run", None)
    assert "give lens, source and PSF, or the arcs" in result.reason
    one = galaxies.take(np.zeros(4, dtype=np.intp))
    (alone,) = found_in(settings, one, DECLARED_ONLY).results
    assert alone.status == "not_run"
    assert "two galaxies" in alone.reason
    dark = galaxies.take(np.arange(6))
    dark.table.loc[2, "sky_sigma_r"] = 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        (unknown,) = found_in(settings, dark, DECLARED_ONLY).results
    assert unknown.status == "not_run"
    assert "sky_sigma" in unknown.reason


def test_a_gate_that_would_miss_its_planted_leaks_is_insensitive(settings, galaxies, arcs, monkeypatch):
    monkeypatch.setattr(tail_counts, "PIXEL_SKY_SIGMA", 0.1)
    result = judged(settings, galaxies, arcs)["tails", "raw"]
    assert result.status == "insensitive"
    assert re.search(r"not detected, although so large: a pixel [^;]* in 3 % of the positives", result.reason)
    assert result.detected_sensitivity is None


def test_a_null_pair_that_differs_leaves_the_gate_insensitive(settings, galaxies, arcs):
    stamp = changed(galaxies, galaxies.image + arcs)
    bare = changed(galaxies, galaxies.image + sparse((10, 52), 20.0))
    others = {"positive": stamp, "arc": arcs, "null_pair": (bare, galaxies)}
    result = by_name(found_in(settings, galaxies, PAIRED, Predicted(arcs, arcs, None), **others).results)["tails", "raw"]
    assert result.status == "insensitive"
    assert "the bare null pair fires" in result.reason
    assert "row 10, column 52" in result.reason


def test_shards_and_their_order_do_not_matter(settings, galaxies, arcs):
    stamp = changed(galaxies, galaxies.image + arcs + sparse((10, 52), 20.0))
    context = made_context(settings, [galaxies])
    parts = [
        made_shard(
            context,
            galaxies.take(rows),
            positive=stamp.take(rows),
            arc=arcs[rows],
            predicted=Predicted(arcs[rows], arcs[rows], None),
        )
        for rows in np.array_split(np.arange(N), 3)
    ]
    whole = results_of(GATE, parts)
    assert whole == judged(settings, galaxies, arcs, sparse((10, 52), 20.0))
    back = results_of(GATE, parts[::-1])
    assert {key: (result.status, result.value) for key, result in back.items()} == {
        key: (result.status, result.value) for key, result in whole.items()
    }


def test_the_table_shows_the_worst_tails(settings, galaxies, arcs):
    stamp = changed(galaxies, galaxies.image + arcs + sparse((10, 52), 20.0))
    (table,) = found_in(settings, galaxies, PAIRED, Predicted(arcs, arcs, None), positive=stamp, arc=arcs).exhibits
    first = dict(zip(table.content["columns"], table.content["rows"][0], strict=True))
    assert first["galaxies beyond"] >= len(LEAKING) - 2
    assert first["feature"].startswith("brightest pixel")
    assert first["most at"] == "row 10, column 52"


def test_copies_of_the_controls_are_no_surprise(settings, galaxies):
    """The galaxy whose own control is the most extreme lies beyond the others: it counts for the share, not for the chance."""
    found = found_in(settings, galaxies, DECLARED_ONLY)
    (result,), (table,) = found.results, found.exhibits
    assert result.value == 1 / N
    shown = [dict(zip(table.content["columns"], row, strict=True)) for row in table.content["rows"]]
    assert {(row["galaxies beyond"], row["p"]) for row in shown} == {(1, 1.0)}


def test_contrasts_are_those_of_brute_force():
    rng = np.random.default_rng(2)
    image = rng.normal(0.0, 3.0, (4, 3, 64, 64)).astype(np.float32)
    sky = rng.uniform(0.5, 2.0, (4, 3)).astype(np.float32)
    values, places = contrasts(image, sky)
    padded = np.pad(image, ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=np.nan).astype(np.float64)
    shifts = [(i, j) for i in range(3) for j in range(3) if (i, j) != (1, 1)]
    mean = np.nanmean([padded[:, :, i : i + 64, j : j + 64] for i, j in shifts], axis=0)
    contrast = (image - mean) / (sky[:, :, None, None] + np.abs(mean))
    clipped = np.clip(contrast, -3.0, 3.0)
    lines = np.concatenate([clipped.mean(axis=2), clipped.mean(axis=3)], axis=2)
    expected = [contrast.max((2, 3)), contrast.min((2, 3)), lines.max(2), lines.min(2), np.abs(clipped).mean((2, 3))]
    np.testing.assert_allclose(values, np.stack(expected, axis=2), rtol=1e-4, atol=1e-5)
    assert (places[:, :, 0] == contrast.reshape(4, 3, -1).argmax(2)).all()
    number = lines.argmin(2)
    assert (places[:, :, 3] == np.where(number < 64, number, 63 - number)).all()
    np.testing.assert_allclose(
        block_means(image, np.arange(0, 65, 4)), image.reshape(4, 3, 16, 4, 16, 4).mean((3, 5)), rtol=1e-4, atol=1e-4
    )


def test_repeats_are_those_of_brute_force():
    rng = np.random.default_rng(3)
    image = rng.normal(size=(5, 3, 64, 64)).astype(np.float32)
    image[1:] = np.round(image[1:], 2)
    image[2, :, :3] = 0.0
    flat = image.reshape(5, 3, -1)
    found = repeats(flat, np.full((5, 3), 0.005, dtype=np.float32))
    for row in range(5):
        for band in range(3):
            kept = flat[row, band][np.abs(flat[row, band]) >= 0.005]
            assert found[row, band, 0] == np.unique(kept.view(np.uint32) >> 2, return_counts=True)[1].max()
            assert found[row, band, 1] == np.count_nonzero(flat[row, band] == 0)


def test_planted_features_are_those_of_planted_pixels(galaxies, monkeypatch):
    monkeypatch.setattr(extremes_of, "uniform", lambda seed, stream, ids: np.full(len(ids), 0.9 if "y" in stream else 0.1))
    few = galaxies.take(np.arange(20))
    planted = planted_pixel(few)
    image = few.image.copy()
    image[:, :, 1 + int(62 * 0.9), 1 + int(62 * 0.1)] += (200.0 * SKY).astype(np.float32)
    brightest = traits(changed(few, image), stored_values(few)).values[:, :, 0]
    np.testing.assert_allclose(planted[:, :, 0] + 200.0 * planted[:, :, 1], brightest, rtol=1e-3)


def test_a_pedestal_moves_the_levels_by_itself(galaxies):
    few = galaxies.take(np.arange(20))
    higher = changed(few, few.image + 3.0 * SKY[:, None, None])
    columns = [NAMES.index(name) for name in LEVELS]
    difference = traits(higher, stored_values(higher)).values - traits(few, stored_values(few)).values
    np.testing.assert_allclose(difference[:, :, columns], 3.0, atol=0.01)


def test_a_leak_that_no_control_hides_is_seen_in_nearly_all(galaxies):
    found = traits(galaxies, stored_values(galaxies))
    seen = seen_shares(found, found, planted_pixel(galaxies))
    assert min(map(min, seen.values())) > 0.85


def test_one_odd_control_hides_leaks_in_its_own_band_and_the_gate_says_so(settings, galaxies):
    image = galaxies.image.copy()
    # A cosmic ray in z, in two galaxies: the most extreme control and, where that is a galaxy's own, the next one.
    image[:2, 2, 10, 10] += 60.0 * SKY[2]
    odd = changed(galaxies, image)
    found = traits(odd, stored_values(odd))
    *others, z = seen_shares(found, found, planted_pixel(odd))["pixel"]
    assert z < 0.1
    assert min(others) > 0.85
    result = found_in(settings, odd, DECLARED_ONLY).results[0]
    assert "no share in z" in result.reason
