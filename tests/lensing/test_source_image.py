"""Sources made of images: what they refuse, their frame, flux and support."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from arcgate.lensing.models import Lenses
from arcgate.lensing.rays import rays_of
from arcgate.lensing.source_image import SourceImages

SCALE = 0.03


def blobs() -> NDArray[np.float32]:
    """Two lopsided galaxies of sum 1 with dark borders, 31 x 35 pixels."""
    y, x = np.indices((31, 35), dtype=np.float64)
    first = np.exp(-0.5 * (((x - 18.3) / 3.0) ** 2 + ((y - 13.8) / 2.0) ** 2)) + 0.5 * np.exp(
        -0.5 * ((x - 12) ** 2 + (y - 18) ** 2) / 4
    )
    second = np.exp(-0.5 * np.hypot(x - 17, y - 15) ** 2 / 2.5)
    images = np.stack([first, second])
    return (images / images.sum(axis=(1, 2), keepdims=True)).astype(np.float32)


def grid(half_arcsec: float, step: float) -> tuple[torch.Tensor, torch.Tensor]:
    at = torch.arange(-half_arcsec, half_arcsec, step, dtype=torch.float64)
    v, u = torch.meshgrid(at, at, indexing="ij")
    return u, v


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"images": np.ones((31, 35)) / 1085}, "shape"),
        ({"images": np.zeros((0, 5, 5))}, "none of them 0"),
        ({"images": blobs() * np.array([1.0, 1.1])[:, None, None]}, "images of row 1 must sum to 1, got 1.1"),
        ({"images": np.where(np.arange(35) == 3, np.nan, blobs())}, "images of row 0 must be finite"),
        ({"scale_arcsec": 0.0}, "scale_arcsec must be positive"),
        ({"scale_arcsec": np.nan}, "scale_arcsec must be positive"),
        ({"index": [0, 2]}, "index of row 1 must lie in 0 to 1, got 2"),
        ({"index": [-1, 0]}, "index of row 0"),
        ({"index": [0.0, 1.0]}, "whole numbers"),
        ({"x_arcsec": [0.0, np.nan]}, "x_arcsec of row 1 must be finite"),
        ({"y_arcsec": [np.inf, 0.0]}, "y_arcsec of row 0 must be finite"),
        ({"phi_rad": [0.0, np.nan]}, "phi_rad of row 1"),
        ({"size_factor": [1.0, 0.0]}, "size_factor of row 1 must be positive, got 0"),
    ],
)
def test_impossible_sources_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SourceImages.of(**{"images": blobs(), "scale_arcsec": SCALE, **change})


def test_columns_of_unequal_length_are_refused() -> None:
    zeros = torch.zeros(2, dtype=torch.float64)
    with pytest.raises(ValueError, match="y_arcsec has shape"):
        SourceImages(torch.from_numpy(blobs()), SCALE, torch.tensor([0, 1]), zeros, zeros[:1], zeros, zeros + 1.0)


def test_pixels_are_found_again_at_their_centres() -> None:
    images = blobs()
    sources = SourceImages.of(images, SCALE, index=[1, 0])
    rows, columns = np.indices(images.shape[1:])
    u, v = (torch.from_numpy((at - 0.5 * (n - 1)) * SCALE) for at, n in ((columns, 35), (rows, 31)))
    for source, image in ((0, images[1]), (1, images[0])):
        found = sources.brightness(u, v, torch.tensor(source)) * SCALE**2
        # Pixels are float32, and so are the coefficients, the smallest of which are dropped.
        assert found.numpy() == pytest.approx(image, abs=3e-6 * float(image.max()))


def traced(sources: SourceImages, rows: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Positions in the sources' own frames, as rays arrive there without a lens."""
    lenses = Lenses.of(np.zeros(len(sources)))
    rays = rays_of(lenses, sources, light_outside=1e-4, blur_arcsec2=1.0, dtype=x.dtype, device=torch.device("cpu"))
    return rays.trace(rows, x, y)


@pytest.mark.parametrize("size", [0.5, 1.0, 1.7])
def test_total_flux_is_one_at_any_size(size: float) -> None:
    sources = SourceImages.of(blobs(), SCALE, index=[0, 1], size_factor=size)
    # A sum over a grid that divides the pixels evenly is the spline's integral.
    step = 0.25 * SCALE * size
    u, v = grid(1.5, step)
    for source in (0, 1):
        total = sources.brightness(u, v, torch.tensor(source)).sum().item() * step**2
        assert total == pytest.approx(1.0, abs=1e-6)


def test_centre_angle_and_size_move_the_light_as_they_say() -> None:
    plain = SourceImages.of(blobs(), SCALE)
    moved = SourceImages.of(blobs(), SCALE, index=[1, 0], x_arcsec=0.3, y_arcsec=-0.2, phi_rad=0.5 * np.pi, size_factor=2.0)
    x, y = torch.tensor([0.3, 0.3, 0.1], dtype=torch.float64), torch.tensor([-0.2, 0.0, -0.2], dtype=torch.float64)
    which = torch.tensor(1)
    u, v = traced(moved, which.expand(3), x, y)
    # The image's +x axis points along +y of the source plane.
    assert u.numpy() == pytest.approx([0.0, 0.2, 0.0], abs=1e-12)
    assert v.numpy() == pytest.approx([0.0, 0.0, 0.2], abs=1e-12)
    expected = plain.brightness(u / 2.0, v / 2.0, torch.tensor(0)) / 4.0
    assert moved.brightness(u, v, which).numpy() == pytest.approx(expected.numpy(), rel=1e-12)


def test_light_is_exactly_zero_beyond_the_extent_and_not_before() -> None:
    sources = SourceImages.of(blobs(), SCALE, index=[0, 1], size_factor=[1.0, 2.0])
    extent = sources.extent_arcsec
    for source in (0, 1):
        angle = torch.linspace(0.0, 6.3, 400, dtype=torch.float64)
        for factor, lit in ((1.0 + 1e-9, False), (50.0, False), (0.5, True)):
            radius = factor * extent[source]
            light = sources.brightness(radius * torch.cos(angle), radius * torch.sin(angle), torch.tensor(source))
            assert bool((light != 0.0).any()) is lit
    # The support is that of each image, not of the array.
    assert extent[1] < 2.0 * extent[0]


def test_dtype_follows_the_positions_and_shapes_broadcast() -> None:
    sources = SourceImages.of(blobs(), SCALE, index=[0, 1, 0], size_factor=[1.0, 1.0, 2.0])
    u = torch.linspace(-0.4, 0.4, 50, dtype=torch.float64).expand(3, 50)
    which = torch.arange(3)[:, None]
    double = sources.brightness(u, 0.3 * u, which)
    single = sources.brightness(u.float(), 0.3 * u.float(), which)
    assert (double.dtype, single.dtype, double.shape) == (torch.float64, torch.float32, (3, 50))
    assert single.numpy() == pytest.approx(double.numpy(), abs=2e-5 * double.max().item())
    for row in range(3):
        assert torch.equal(double[row], sources.brightness(u[row], 0.3 * u[row], torch.tensor(row)))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("length", [1, 3, 7, 50])
def test_no_value_depends_on_the_length_of_the_batch(dtype: torch.dtype, length: int) -> None:
    sources = SourceImages.of(blobs(), SCALE, index=np.arange(200) % 2, phi_rad=np.linspace(0, 3, 200), size_factor=1.3)
    rng = np.random.default_rng(2)
    x, y = (torch.from_numpy(rng.uniform(-0.5, 0.5, 200)).to(dtype) for _ in range(2))
    rows = torch.arange(200)
    whole = sources.brightness(*traced(sources, rows, x, y), rows)
    parts = []
    for start in range(0, 200, length):
        part = slice(start, start + length)
        frame = traced(sources, rows[part].clone(), x[part].clone(), y[part].clone())
        parts.append(sources.brightness(*frame, rows[part].clone()))
    assert torch.equal(torch.cat(parts), whole)


def test_moving_to_a_device_keeps_every_number() -> None:
    sources = SourceImages.of(blobs(), SCALE, index=[0, 1], x_arcsec=0.1)
    moved = sources.to("cpu")
    assert torch.equal(moved.coefficients, sources.coefficients)
    assert torch.equal(moved.x_arcsec, sources.x_arcsec)
    assert len(moved) == 2


def test_an_image_that_ends_abruptly_still_has_unit_flux_and_ends() -> None:
    flat = np.full((1, 9, 9), 1.0 / 81.0, dtype=np.float32)
    sources = SourceImages.of(flat, SCALE)
    u, v = grid(1.0, 0.25 * SCALE)
    light = sources.brightness(u, v, torch.tensor(0))
    assert light.sum().item() * (0.25 * SCALE) ** 2 == pytest.approx(1.0, abs=1e-6)
    assert light[u.abs() > 0.5].abs().max() == 0.0
