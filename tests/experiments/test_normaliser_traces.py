"""The arithmetic of experiments/15-normaliser-traces: two forms that differ as they say, and intervals that cover."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from arcgate.dataset.reader import Dataset
from arcgate.imaging import DECALS
from arcgate.learning.stream import Blocks
from arcgate.views.arrays import ArrayViewer
from arcgate.views.view import Viewer

sys.path.append(str(Path(__file__).parents[2] / "experiments" / "15-normaliser-traces"))
import normalised
import paired
import traces


@pytest.fixture(scope="module")
def dataset(built: Callable[..., Dataset]) -> Dataset:
    return built("view=annulus_robust")


@pytest.fixture(scope="module")
def forms(dataset: Dataset, small: Callable[..., object]) -> dict[str, list[normalised.StampBatch]]:
    view = small("view=annulus_robust").view
    return {form: list(normalised.normalised(dataset, view, form).batches(split="val")) for form in normalised.FORMS}


def test_with_the_arc_is_what_the_view_does(dataset: Dataset, small: Callable[..., object], forms: dict) -> None:
    view = small("view=annulus_robust").view
    for batch, found in zip(dataset.batches(split="val"), forms["arc"], strict=True):
        assert np.array_equal(found.image, ArrayViewer(view, DECALS)(batch.image, *normalised.positions(batch.table)))


def test_from_the_galaxy_differs_in_positives_alone_and_by_the_controls_statistics(
    dataset: Dataset, small: Callable[..., object], forms: dict
) -> None:
    viewer = ArrayViewer(small("view=annulus_robust").view, DECALS)
    for batch, arc, host in zip(dataset.batches(split="val"), forms["arc"], forms["host"], strict=True):
        positive = (batch.table["role"] == "positive").to_numpy()
        changed = (arc.image != host.image).any(axis=(1, 2, 3))
        assert positive.any()
        assert not changed[~positive].any()
        assert changed[positive].mean() > 0.5
        # Where the arc is dark, a positive then looks as its control does.
        row = int(np.flatnonzero(positive)[0])
        control = int(normalised.host_rows(batch.table)[row])
        assert batch.table["role"][control] == "control"
        assert batch.table["pair_id"][control] == batch.table["pair_id"][row]
        dark = batch.arc[row] == 0
        assert np.array_equal(host.image[row][dark], host.image[control][dark])
        centre, scale = viewer.normaliser(batch.image, *normalised.positions(batch.table))
        lit = viewer.apply(batch.image[row : row + 1], centre[control : control + 1], scale[control : control + 1])
        assert np.array_equal(host.image[row], lit[0])


def test_the_network_gets_the_stamps_as_they_are_given(dataset: Dataset, small: Callable[..., object], forms: dict) -> None:
    view = small("view=annulus_robust").view
    data = normalised.normalised(dataset, view, "host")
    images = Blocks(data, "val", Viewer(normalised.as_given(view), DECALS), small().learning.sampling).load(0).images.numpy()
    wanted = [batch.image[batch.table["role"].isin(["positive", "control"]).to_numpy()] for batch in forms["host"]]
    assert np.array_equal(images, np.concatenate(wanted))


def test_the_forms_have_digests_of_their_own(dataset: Dataset, small: Callable[..., object]) -> None:
    view = small("view=annulus_robust").view
    digests = {normalised.normalised(dataset, view, form).data_digest for form in normalised.FORMS} | {dataset.data_digest}
    assert len(digests) == 3


def test_controls_that_are_other_galaxies_are_refused(built: Callable[..., Dataset], small: Callable[..., object]) -> None:
    with pytest.raises(ValueError, match="paired control"):
        normalised.normalised(built("controls=unpaired", "data.n_pairs=20"), small().view, "host")


def test_the_trace_alone_is_the_galaxy_under_other_statistics(dataset: Dataset, small: Callable[..., object]) -> None:
    rows = traces.viewed(dataset, small("view=annulus_robust").view)
    alone, with_arc, from_galaxy = (rows[subject] for subject in traces.SUBJECTS)
    assert len(alone) == 100
    # The arc brightens some pixels, by far more than its statistics move all of them.
    assert np.abs(alone - rows["control"]).mean() < 0.1 * np.abs(with_arc - rows["control"]).mean()
    assert np.abs(alone - rows["control"]).mean() > 0
    assert np.abs(from_galaxy - rows["control"]).max() > 1


def test_recalls_and_their_difference_on_drawn_galaxies() -> None:
    label = np.repeat([1, 0], [40, 200])
    arc = np.concatenate([np.linspace(0.0, 2.0, 40), np.linspace(-1.0, 1.0, 200)])[None]
    host = arc + np.where(label == 1, 0.5, 0.0)
    # A tenth of the negatives lie above 0.8.
    assert paired.recalls(arc, label, 0.1) == pytest.approx([np.mean(arc[0, :40] > 0.8)], abs=0.03)
    drawn = paired.over_galaxies(host, arc, label, 0.1, draws=200)
    assert drawn.mean() == pytest.approx(0.25, abs=0.03)
    assert drawn.std() > 0.02
    assert np.array_equal(paired.over_galaxies(arc, arc, label, 0.1, draws=20), np.zeros(20))


def test_the_interval_covers_in_nine_of_ten_experiments() -> None:
    """Six seeds and galaxies of equal scatter, neither of which alone would do."""
    rng = np.random.default_rng(3)
    inside, inside_seeds = 0, 0
    for _ in range(1000):
        galaxies = rng.normal(0.0, 0.004)
        found = paired.cost(0.02 + galaxies + rng.normal(0.0, 0.01, 6), rng.normal(0.0, 0.004, 500))
        inside += found.low <= 0.02 <= found.high
        inside_seeds += found.seeds[0] <= 0.02 <= found.seeds[1]
    assert 0.88 <= inside / 1000 <= 0.97
    assert inside_seeds / 1000 < 0.86


@pytest.mark.parametrize(("mean", "verdict"), [(0.05, "gate"), (0.011, "diagnostic"), (0.0, "diagnostic"), (-0.05, "diagnostic")])
def test_only_a_cost_whose_whole_interval_lies_above_one_point_makes_a_gate(mean: float, verdict: str) -> None:
    differences = mean + np.array([-0.01, 0.01, 0.0, 0.005, -0.005, 0.0])
    assert paired.cost(differences, np.array([-0.001, 0.001])).verdict == verdict
