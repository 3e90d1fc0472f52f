"""The whole battery on small data sets: what it finds does not depend on how it is run, and planted defects fail it."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest
from judging import by_name

from arcgate.dataset.source import DatasetSource
from arcgate.gates.core import battery
from arcgate.gates.core.battery import run_battery
from arcgate.gates.core.context import context_of
from arcgate.gates.core.safe import beyond_chance, is_safe
from arcgate.gates.left_out_rows import GATE
from arcgate.ground.errors import ArcgateError
from arcgate.injection.core_mask import radius_from

# Fifty judging galaxies, of a hundred pairs, are too few to be sure of a PSF that is too wide.
SOUND = ("psf=moffat_converted", "view=annulus_robust", "gates=quick", "data.n_pairs=150")


@pytest.fixture(scope="module")
def sound(small, built):
    """What the battery finds on a sound set."""
    spec = small(*SOUND)
    return run_battery(DatasetSource(built(*SOUND)), spec.view, spec.gates)


def test_a_sound_set_fails_no_gate(sound):
    failed = {result.name for result in sound.results if result.role == "gate" and result.status in ("failed", "insensitive")}
    assert not failed
    passed = {result.name for result in sound.results if result.status == "passed"}
    assert {
        "finite_pixels",
        "scalable_stamps",
        "stored_values",
        "null_equal",
        "deinjection",
        "residual_core",
        "residual_border",
        "split_integrity",
    } <= passed


def test_gates_come_before_diagnostics_and_no_result_twice(sound):
    roles = [result.role for result in sound.results]
    assert roles == sorted(roles, key=lambda role: role != "gate")
    keys = [result.key for result in sound.results]
    assert len(set(keys)) == len(keys)
    names = [exhibit.name for exhibit in sound.exhibits]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("name", ["stamp", "stamp_azimuthal", "rotation_residual"])
def test_what_gates_are_told_goes_to_other_processes(small, built, name):
    spec = small(*SOUND, f"view/input={name}")
    told = context_of(DatasetSource(built(*SOUND)), spec.view, spec.gates)
    assert pickle.loads(pickle.dumps(told)).facts == told.facts  # noqa: S301 - made here


@pytest.mark.long
def test_results_do_not_depend_on_the_number_of_workers(small, built, sound, monkeypatch):
    spec = small(*SOUND)
    monkeypatch.setattr(battery, "PAIRS_ALONE", 0)
    again = run_battery(DatasetSource(built(*SOUND)), spec.view, spec.gates, workers=2)
    assert by_name(list(again.results)).keys() == by_name(list(sound.results)).keys()
    for one, two in zip(again.results, sound.results, strict=True):
        assert one == two


def test_stamps_that_are_not_control_plus_arc_are_found(small, built, rewritten):
    spec = small(*SOUND)

    def core_pedestal(table, image):
        positive = (table["role"] == "positive").to_numpy()
        core = radius_from(table["host_x_pix"].to_numpy(), table["host_y_pix"].to_numpy(), 64) < 5
        sky = table[["sky_sigma_g", "sky_sigma_r", "sky_sigma_z"]].to_numpy()[:, :, None, None]
        image += (positive[:, None, None, None] * core[:, None] * sky).astype(np.float32)
        return table, image

    source = DatasetSource(rewritten(built(*SOUND), core_pedestal))
    judged = run_battery(source, spec.view, spec.gates)
    results = by_name(list(judged.results))
    assert results["deinjection", "raw"].status == "failed"
    assert results["residual_core", "raw"].status == "failed"
    assert results["residual_border", "raw"].status == "passed"
    assert is_safe(judged.results, judged.level, judged.required, alarm=False) == "failed"


def test_one_class_alone_is_refused(small, built):
    spec = small(*SOUND)

    class OneClass(DatasetSource):
        """The set as if it held no controls."""

        def table(self, columns):
            table = super().table(columns)
            return table[table["role"] != "control"]

    with pytest.raises(ArcgateError, match="no control rows"):
        run_battery(OneClass(built(*SOUND)), spec.view, spec.gates)


def test_a_class_that_lacks_stamps_beyond_chance_fails(small, built):
    spec = small()
    context = context_of(DatasetSource(built()), spec.view, spec.gates)

    def judged(p):
        return GATE.judge({}, replace(context, facts=replace(context.facts, left_out_p=p))).results

    assert judged(None) == []
    [lacking], [alike] = judged(1e-6), judged(0.3)
    assert (lacking.status, alike.status) == ("failed", "passed")
    assert beyond_chance([lacking, alike], 0.9) == [lacking]
