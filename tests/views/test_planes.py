"""What is shown of a stamp: symmetries that planes remove, the very same on every path, whatever shares a batch."""

from __future__ import annotations

import pickle
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from arcgate import variant
from arcgate.ground.errors import ArcgateError
from arcgate.imaging import DECALS
from arcgate.views import profile, reductions, turned
from arcgate.views.planes import PLANES, Stamps
from arcgate.views.view import Viewer

SCALES = {"g": 0.01, "r": 0.02, "z": 0.04}
NORMALISATIONS = ("raw", "stamp_robust", "annulus_robust", "noise")
INPUTS = (*((name,) for name in PLANES), ("stamp", "azimuthal_residual"), ("stamp", "control", "rotation_residual"))
GRID = np.arange(64.0)


def viewer(planes: tuple[str, ...], normalisation: str = "annulus_robust", stretch: str = "asinh") -> Viewer:
    return Viewer(variant.View(planes, normalisation, 0.625, stretch, SCALES), DECALS)


def offsets(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    shape = np.zeros((len(x), 64, 64))
    return shape + GRID - x[:, None, None], shape + GRID[:, None] - y[:, None, None]


@pytest.fixture
def stamps() -> Stamps:
    """50 galaxies of exponential profile on noisy sky, off the middle by up to two pixels."""
    rng = np.random.default_rng(11)
    x, y = 31.5 + rng.uniform(-2.0, 2.0, (2, 50))
    radius = np.hypot(*offsets(x, y))
    bare = rng.normal(0.0, 0.01, (50, 3, 64, 64)) + np.exp(-radius / 5.0)[:, None]
    lit = bare.copy()
    lit[:, :, 40:44, 30:36] += 0.1
    image, control = (torch.from_numpy(each.astype(np.float32)) for each in (lit, bare))
    return Stamps(image, torch.from_numpy(x), torch.from_numpy(y), torch.full((50, 3), 0.01), control)


def part(stamps: Stamps, rows: slice) -> Stamps:
    return Stamps(**{each.name: getattr(stamps, each.name)[rows] for each in fields(stamps)})


@pytest.mark.parametrize("planes", INPUTS)
@pytest.mark.parametrize("normalisation", NORMALISATIONS)
def test_every_composition_is_bit_equal_in_any_batch(stamps: Stamps, planes: tuple[str, ...], normalisation: str) -> None:
    view = viewer(planes, normalisation)
    whole, masked = view(stamps), view.masked(stamps, 5.0)
    assert whole.shape == (50, view.channels, 64, 64)
    assert bool(torch.isfinite(whole).all())
    for length in (1, 3, 7):
        for start in range(0, 50, length):
            rows = slice(start, start + length)
            assert torch.equal(view(part(stamps, rows)), whole[rows])
            assert torch.equal(view.masked(part(stamps, rows), 5.0), masked[rows])


def test_planes_follow_each_other_and_the_stamp_is_as_it_is_alone(stamps: Stamps) -> None:
    both = viewer(("rotation_residual", "stamp"))(stamps)
    assert torch.equal(both[:, 3:], viewer(("stamp",))(stamps))
    assert torch.equal(both[:, :3], viewer(("rotation_residual",))(stamps))


def test_what_is_round_goes_with_the_median_profile() -> None:
    """A smooth round galaxy leaves what a straight line between rings leaves of its curvature; a companion stays."""
    x, y = np.array([31.5, 32.1, 30.4]), np.array([31.5, 31.2, 32.9])
    dx, dy = offsets(x, y)
    galaxy = np.exp(-0.5 * (dx**2 + dy**2) / 6.0**2)[:, None]
    companion = np.exp(-0.5 * ((dx - 8) ** 2 + dy**2) / 2.0**2)[:, None]
    centres = torch.from_numpy(x), torch.from_numpy(y)
    left = profile.azimuthal_residual(torch.from_numpy(galaxy.astype(np.float32)), *centres)
    assert float(left.abs().max()) < 0.02
    seen = profile.azimuthal_residual(torch.from_numpy((galaxy + companion).astype(np.float32)), *centres)
    np.testing.assert_allclose((seen - left).numpy().max(axis=(1, 2, 3)), companion.max(axis=(1, 2, 3)), rtol=0.05)


def test_the_profile_is_numpys_median_of_each_ring(stamps: Stamps) -> None:
    part_ = part(stamps, slice(0, 5))
    left = (part_.image - profile.azimuthal_residual(part_.image, part_.x_pix, part_.y_pix)).numpy()
    dx, dy = offsets(part_.x_pix.numpy(), part_.y_pix.numpy())
    for row, radius in enumerate(np.hypot(dx, dy)):
        reach = int(min(part_.x_pix[row], 63 - part_.x_pix[row], part_.y_pix[row], 63 - part_.y_pix[row])) + 1
        ring = np.minimum(np.floor(radius + 0.5), reach)
        for band in range(3):
            image = part_.image[row, band].numpy()
            medians = [np.median(image[ring == k]) if (ring == k).any() else np.nan for k in range(reach + 1)]
            knots = [np.median(radius[ring == k]) for k in range(reach + 1) if (ring == k).any()]
            expected = np.interp(radius, knots, [each for each in medians if not np.isnan(each)])
            np.testing.assert_allclose(left[row, band], expected, atol=2e-7)


def test_half_a_turn_takes_what_is_the_same_on_both_sides_and_doubles_what_is_opposite() -> None:
    x, y = np.array([31.5, 32.1, 30.4]), np.array([31.5, 31.2, 32.9])
    dx, dy = offsets(x, y)
    even = np.exp(-0.5 * ((dx / 8) ** 2 + ((dy - 0.4 * dx) / 4) ** 2))[:, None]
    odd = (dx * np.exp(-0.5 * (dx**2 + dy**2) / 6.0**2))[:, None]

    def turn(light: NDArray[np.float64]) -> NDArray[np.float32]:
        stamps = Stamps(torch.from_numpy(light.astype(np.float32)), torch.from_numpy(x), torch.from_numpy(y))
        return PLANES["rotation_residual"].make(stamps).numpy()

    inside = ((np.abs(dx) < 28) & (np.abs(dy) < 28))[:, None]
    assert np.abs(turn(even))[inside].max() < 0.01
    np.testing.assert_allclose(turn(odd)[inside], (2 * odd)[inside], atol=0.05)
    assert np.abs(turn(even + odd) - turn(even) - turn(odd)).max() < 1e-5


def test_half_a_turn_is_cubic_interpolation_of_the_other_side() -> None:
    """Against scipy's splines, which interpolate better, on light that both resolve."""
    x, y = np.array([31.37]), np.array([32.21])
    dx, dy = offsets(x, y)
    light = np.exp(-0.5 * ((dx - 3) ** 2 + (dy + 4) ** 2) / 3.0**2)[:, None]
    made = PLANES["rotation_residual"].make(
        Stamps(torch.from_numpy(light.astype(np.float32)), torch.from_numpy(x), torch.from_numpy(y))
    )
    other_side = map_coordinates(light[0, 0], [2 * y[0] - GRID[:, None] + 0 * GRID, 2 * x[0] - GRID + 0 * GRID[:, None]], order=5)
    inner = slice(6, 58)
    np.testing.assert_allclose(made[0, 0, inner, inner], (light[0, 0] - other_side)[inner, inner], atol=0.004)


def test_other_devices_compute_the_same(stamps: Stamps, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their code runs on a processor too: medians are the same to the last bit, the stretch to rounding."""
    views = [viewer(planes, normalisation) for planes in INPUTS for normalisation in NORMALISATIONS]
    statistics = [view.normaliser(stamps) for view in views]
    seen = [view(stamps) for view in views]
    for module in (profile, reductions, turned):
        monkeypatch.setattr(module, "on_processor", lambda tensor: False)
    for view, before, expected in zip(views, statistics, seen, strict=True):
        for now, then in zip(view.normaliser(stamps), before, strict=True):
            assert torch.equal(now, then)
        torch.testing.assert_close(view(stamps), expected, rtol=2e-6, atol=1e-6)


def test_the_published_residual_of_a_control_is_nothing(stamps: Stamps) -> None:
    of_controls = replace(stamps, image=stamps.control)
    assert float(viewer(("residual",))(of_controls).abs().max()) == 0.0
    assert float(viewer(("residual",))(stamps).abs().max()) > 1.0


@pytest.mark.parametrize(
    ("planes", "normalisation", "lacking", "words"),
    [
        (("stamp", "control"), "annulus_robust", "control", "these stamps have none"),
        (("residual",), "annulus_robust", "control", "these stamps have none"),
        (("stamp",), "noise", "sky", "the noise of the sky, which is not known"),
    ],
)
def test_what_stamps_lack_is_said(stamps: Stamps, planes: tuple[str, ...], normalisation: str, lacking: str, words: str) -> None:
    with pytest.raises(ArcgateError, match=words):
        viewer(planes, normalisation)(replace(stamps, **{lacking: None}))


@pytest.mark.parametrize("bad", [0.0, -0.01, np.nan, np.inf])
def test_a_sky_that_cannot_divide_is_refused_by_name(stamps: Stamps, bad: float) -> None:
    assert stamps.sky is not None
    sky = stamps.sky.clone()
    sky[4, 1] = bad
    with pytest.raises(ArcgateError, match="the standard deviation of the sky is") as caught:
        viewer(("stamp",), "noise")(replace(stamps, sky=sky))
    assert "row 4 of the batch, band r" in str(caught.value)


@pytest.mark.parametrize("planes", INPUTS)
def test_a_view_goes_to_other_processes_as_it_is(stamps: Stamps, planes: tuple[str, ...]) -> None:
    view = viewer(planes)
    again = pickle.loads(pickle.dumps(view))  # noqa: S301 - made here
    assert torch.equal(again(stamps), view(stamps))


def test_inputs_say_what_they_remove() -> None:
    removed: dict[str, Any] = {
        "stamp": set(),
        "azimuthal_residual": {"round"},
        "rotation_residual": {"round", "even"},
    }
    for name, symmetries in removed.items():
        assert viewer((name,)).removes == symmetries
    assert viewer(("stamp", "rotation_residual")).removes == set()
    assert viewer(("azimuthal_residual", "rotation_residual")).removes == {"round"}
    assert [viewer(planes).view.deployable for planes in (("stamp",), ("residual",), ("stamp", "control"))] == [
        True,
        False,
        False,
    ]
