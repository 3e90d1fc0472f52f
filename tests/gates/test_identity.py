"""Gates on equality: null injection and de-injection."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from judging import arms_in, by_name, gathered

from arcgate.dataset.source import DatasetSource
from arcgate.gates.identity import Identities

SOUND = ("psf=moffat_converted", "view=annulus_robust")
UNPAIRED = (*SOUND, "controls=unpaired", "data.n_pairs=90")


def judged(dataset, spec, **facts):
    held = replace(DatasetSource(dataset).facts, **facts)
    return by_name(gathered(Identities, arms_in(dataset, spec, held), spec, held).judge())


@pytest.mark.parametrize("overrides", [SOUND, UNPAIRED])
def test_a_sound_set_is_equal_and_hears_its_canaries(small, built, overrides):
    results = judged(built(*overrides), small(*overrides))
    assert {result.status for result in results.values()} == {"passed"}
    assert (("null_equal", "raw") in results) == (overrides == SOUND)
    assert "half precision" in results["deinjection", "raw"].reason
    if overrides == SOUND:
        assert "one unit in the last place" in results["null_equal", "raw"].reason
        assert 0 < results["null_equal", "raw"].smallest_leak < 1e-3


@pytest.fixture
def changed(built, rewritten):
    """The sound set with the stamps of one role changed by a function."""

    def make(role, change):
        def apply(table, image):
            rows = np.flatnonzero((table["role"] == role).to_numpy())
            image[rows] = change(image[rows])
            return table, image

        return rewritten(built(*SOUND), apply)

    return make


def _half_precision(image):
    return image.astype(np.float16).astype(np.float32)


@pytest.mark.parametrize(
    ("role", "change", "gate"),
    [
        ("null", lambda image: image + np.float32(1e-4), "null_equal"),
        ("null", _half_precision, "null_equal"),
        ("positive", _half_precision, "deinjection"),
        ("positive", lambda image: np.roll(image, 1, axis=3), "deinjection"),
    ],
)
def test_a_changed_class_is_found(small, changed, role, change, gate):
    results = judged(changed(role, change), small(*SOUND))
    assert results[gate, "raw"].status == "failed"
    assert results[gate, "raw"].value == 1.0


@pytest.mark.parametrize(
    ("facts", "gate", "says"),
    [
        ({"has_null": False}, "null_equal", "data.null_rows"),
        ({"has_arc": False}, "deinjection", "store the arcs"),
    ],
)
def test_what_cannot_be_compared_is_not_run(small, built, facts, gate, says):
    result = judged(built(*SOUND), small(*SOUND), **facts)[gate, "raw"]
    assert (result.status, result.value) == ("not_run", None)
    assert says in result.reason


def test_a_canary_that_changes_nothing_leaves_the_gate_blind(small, built, monkeypatch):
    monkeypatch.setattr("arcgate.gates.identity._one_ulp", lambda stamps: stamps.image[:1].copy())
    result = judged(built(*SOUND), small(*SOUND))["null_equal", "raw"]
    assert result.status == "blind"
    assert "one unit in the last place" in result.reason
