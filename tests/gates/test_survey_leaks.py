"""Leaks that come with real surveys, planted in stamps: each is found by the gate that exists for it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from judging import results_of
from made_shards import PAIRED, against, changed, made_context, made_shard, made_stamps
from scipy.ndimage import shift

from arcgate.foreign.left_out import leave_out
from arcgate.gates import footprint, left_out_rows, metadata, two_sample
from arcgate.gates.core.comparisons import WITHOUT_ARC
from arcgate.gates.core.safe import is_safe
from arcgate.variant import Cell

pytestmark = pytest.mark.usefixtures("one_thread")
N = 240
UNPAIRED = replace(PAIRED, paired=False, has_null=False, layout="stamp_npz", positions=True)


@pytest.fixture(scope="module")
def settings(small):
    return replace(small().gates, margin=0.1, cells=(Cell("border", "power", "ridge"), Cell("stamp", "power", "trees")))


def with_columns(stamps, **columns):
    return replace(stamps, table=stamps.table.assign(**columns))


def judged(gate, settings, positive, control, compared=None):
    shard = made_shard(
        made_context(settings, [positive, control], facts=UNPAIRED), control, compared, positive=positive, null=None
    )
    return {name: result for (name, _), result in results_of(gate, [shard]).items()}


def test_positives_from_the_north_and_controls_from_the_south_are_named_as_footprint(settings):
    one, zero = made_stamps(N, 1), made_stamps(N, 2)
    north, south = with_columns(one, footprint="north", release=None), with_columns(zero, footprint="south", release=None)
    result = judged(footprint.GATE, settings, north, south)["footprint"]
    assert (result.status, result.value) == ("failed", 1.0)
    assert "100 % of the positives and 0 % of the controls are of north" in result.reason
    assert footprint.GATE.cause.name == "footprint"
    assert is_safe([result], 0.9, (), alarm=False) == "failed"
    # By half of them, too, and by the release alone.
    some = np.where(np.arange(N) % 2 == 0, "9010", "9011")
    assert (
        judged(footprint.GATE, settings, with_columns(one, release=some), with_columns(zero, release="9011"))["footprint"].status
        == "failed"
    )


def test_a_release_that_one_class_lacks_is_what_tells_them_not_the_footprint_that_all_have(settings):
    one, zero = made_stamps(N, 1), made_stamps(N, 2)
    empty, known = with_columns(one, footprint="south", release=None), with_columns(zero, footprint="south", release="9010")
    result = judged(footprint.GATE, settings, empty, known)["footprint"]
    assert result.status == "failed"
    assert "0 % of the positives and 100 % of the controls are of south 9010;" in result.reason
    assert "are of south;" not in result.reason


def test_the_same_shares_of_both_footprints_pass_and_one_alone_says_nothing(settings):
    side = np.where(np.arange(2 * N) % 3 == 0, "north", "south")
    one, zero = (with_columns(made_stamps(2 * N, seed), footprint=side) for seed in (1, 2))
    result = judged(footprint.GATE, settings, one, zero)["footprint"]
    assert result.status == "passed", result.reason
    assert result.detected_sensitivity <= 0.5
    one, zero = (with_columns(made_stamps(N, seed), footprint="south", release=None) for seed in (1, 2))
    assert judged(footprint.GATE, settings, one, zero) == {}
    assert judged(footprint.GATE, settings, made_stamps(N, 1), made_stamps(N, 2)) == {}


def test_positives_of_another_part_of_the_sky_fail_metadata(settings):
    """Where no footprint is recorded the declination tells it."""
    rng = np.random.default_rng(1)
    one = with_columns(made_stamps(N, 1), ra=rng.uniform(100, 200, N), dec=rng.uniform(33, 60, N))
    zero = with_columns(made_stamps(N, 2), ra=rng.uniform(100, 200, N), dec=rng.uniform(0, 30, N))
    results = judged(metadata.GATE, settings, one, zero)
    assert {result.status for result in results.values()} == {"failed"}
    assert "by itself sky_z tells most" in results["metadata_ridge"].reason
    alike = with_columns(zero, dec=rng.uniform(33, 60, N))
    assert "failed" not in {result.status for result in judged(metadata.GATE, settings, one, alike).values()}


def lanczos(image, offset):
    """Moved along x by a part of a pixel with Lanczos-3 weights, which sum to 1."""
    taps = np.arange(-2, 4)
    weights = np.sinc(taps - offset) * np.sinc((taps - offset) / 3)
    return sum(w * np.roll(image, -t, axis=-1) for w, t in zip(weights / weights.sum(), taps, strict=True))


@pytest.mark.parametrize("how", ["linear", "Lanczos-3"])
def test_controls_that_a_viewer_resampled_fail_the_two_sample_battery(settings, how):
    one, native = made_stamps(N, 1), made_stamps(N, 2)
    by_half = {
        "linear": lambda image: shift(image, (0, 0, 0, 0.5), order=1, mode="wrap"),
        "Lanczos-3": lambda image: lanczos(image, 0.5),
    }
    moved = changed(native, by_half[how](native.image))
    results = judged(two_sample.GATE, settings, one, moved, {WITHOUT_ARC: against(one, moved, (native, native))})
    assert {result.status for result in results.values()} == {"failed"}
    sound = judged(two_sample.GATE, settings, one, native, {WITHOUT_ARC: against(one, native, (native, native))})
    assert "failed" not in {result.status for result in sound.values()}


def test_stamps_over_the_edge_that_one_class_lacks_fail(settings):
    """A twentieth of the bricks' area is so near to their edges; only positives were cut out whole."""
    rng = np.random.default_rng(1)
    is_control, over = np.repeat([False, True], 600), rng.uniform(size=1200) < 0.05
    context = made_context(settings, [made_stamps(1, 0)], facts=UNPAIRED)

    def status(no_stamp):
        p = leave_out(is_control, no_stamp, None, ()).p
        [result] = left_out_rows.GATE.judge({}, replace(context, facts=replace(UNPAIRED, left_out_p=p))).results
        return result.status

    assert (status(over & ~is_control), status(over)) == ("failed", "passed")


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"layout": "arcgate"}, "galaxies whose stamps could not be used were left out when the set was built, with their pairs"),
        ({"layout": "arrays"}, "rows without a stamp (its cell is empty, or a column says that the cutout failed) were left out"),
        ({"layout": "positions", "pixels": False}, "rows without a position were left out when the table was read"),
    ],
)
def test_which_rows_were_left_out_is_said_in_words(settings, facts, said):
    context = made_context(settings, [made_stamps(1, 0)], facts=UNPAIRED)
    [result] = left_out_rows.GATE.judge({}, replace(context, facts=replace(UNPAIRED, left_out_p=1e-5, **facts))).results
    assert result.reason.startswith(said)
    assert "; the classes differ in their share more than chance explains (p = 1e-05" in result.reason
