"""Gate on pixels that are no numbers, by itself and in the battery."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from judging import by_name, judgement

from arcgate.dataset.shard_reading import StampBatch
from arcgate.dataset.source import DatasetSource, ShardPart
from arcgate.gates import finite_pixels
from arcgate.gates.core.battery import run_battery
from arcgate.gates.core.context import context_of
from arcgate.gates.core.safe import is_safe
from arcgate.gates.core.shard import Shard
from arcgate.gates.finite_pixels import GATE
from arcgate.ground.errors import ArcgateError

SOUND = ("psf=moffat_converted", "view=annulus_robust", "gates=quick", "data.n_pairs=150")


def holed(batch, role, rows=1, value=np.nan, of="image"):
    """A batch with one missing pixel in some rows of a role."""
    pixels = getattr(batch, of).copy()
    places = np.flatnonzero((batch.table["role"] == role).to_numpy())[:rows]
    pixels[places, 1, 20, 20] = value
    return replace(batch, **{of: pixels})


@pytest.fixture
def batch(built):
    return DatasetSource(built(*SOUND)).parts()[0].read()


@pytest.fixture
def context(small, built):
    spec = small(*SOUND)
    return context_of(DatasetSource(built(*SOUND)), spec.view, spec.gates)


def judged_alone(context, *batches):
    [result] = judgement(GATE, [Shard(context, batch) for batch in batches]).results
    return result


@pytest.mark.parametrize(("value", "of"), [(np.nan, "image"), (np.inf, "image"), (-np.inf, "arc")])
def test_a_missing_pixel_is_found_its_class_and_place_named(context, batch, value, of):
    holes = holed(batch, "positive", 2, value, of)
    result, left = judged_alone(context, holes), Shard(context, holes).finite
    first = batch.table[batch.table["role"] == "positive"].iloc[0]
    assert (result.status, result.value) == ("failed", 2 / len(batch.table))
    assert "2 positives hold pixels" in result.reason
    assert f"positive of galaxy {first['host_id']}, pair {first['pair_id']}, band r" in result.reason
    gone = set(batch.table["pair_id"]) - set(left.table["pair_id"])
    assert len(gone) == 2
    assert first["pair_id"] in gone
    kept = int((~batch.table["pair_id"].isin(gone)).sum())
    assert (len(left.table), len(left.image), len(left.arc)) == (kept,) * 3


def test_what_shards_count_adds_up(context, batch):
    result = judged_alone(context, holed(batch, "positive", 2), holed(batch, "null", 3))
    assert result.value == 5 / (2 * len(batch.table))
    assert "3 null rows, 2 positives" in result.reason


def test_finite_pixels_pass_and_a_hole_that_goes_unnoticed_leaves_the_gate_insensitive(context, batch, monkeypatch):
    assert Shard(context, batch).finite is batch
    assert judged_alone(context, batch).status == "passed"
    monkeypatch.setattr(finite_pixels, "not_finite", lambda image: np.zeros(len(image), dtype=bool))
    assert judged_alone(context, batch).status == "insensitive"
    assert GATE.judge({}, context).results[0].status == "not_run"


@dataclass(frozen=True)
class HoledShard(ShardPart):
    """A shard whose positives lost pixels on the way."""

    rows: int

    def read(self) -> StampBatch:
        return holed(super().read(), "positive", self.rows)


@dataclass(frozen=True)
class HoledSource(DatasetSource):
    rows: int

    def parts(self):
        return [HoledShard(part.path, self.rows) for part in super().parts()]


def test_the_battery_fails_on_holes_and_judges_the_other_pairs(small, built):
    spec, dataset = small(*SOUND), built(*SOUND)
    judged = run_battery(HoledSource(dataset, 2), spec.view, spec.gates)
    results = by_name(judged.results)
    holes = 2 * len(dataset.shards())
    assert is_safe(judged.results, judged.level, judged.required, alarm=False) == "failed"
    assert results["finite_pixels", "raw"].value == pytest.approx(holes / 450)
    assert results["null_equal", "raw"].n == 150 - holes
    assert {results[name, "raw"].status for name in ("null_equal", "deinjection", "residual_core")} == {"passed"}


def test_a_set_without_any_finite_pair_is_refused(small, built):
    spec = small(*SOUND)
    with pytest.raises(ArcgateError, match=r"(?s)no pair is left.*150 positives"):
        run_battery(HoledSource(built(*SOUND), 150), spec.view, spec.gates)
