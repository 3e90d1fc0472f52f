"""Leaks of a known size, planted in the pixels of positives, and data sets that hold them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.fft import irfft2, rfft2

from arcgate.dataset.reader import Dataset, StampBatch
from arcgate.dataset.shard_reading import read_shard
from arcgate.dataset.source import DatasetSource
from arcgate.gates.features.regions import Regions
from arcgate.gates.features.ring_leaks import psf_sigma_pix
from arcgate.ground.draws import generator
from arcgate.imaging import DECALS
from arcgate.injection.arcs import render_arcs, used_psfs
from arcgate.injection.core_mask import radius_from

Pixels = NDArray[np.float32]
REGIONS = Regions(DECALS)
# What the stamp of a positive becomes: from rows, stamps and arcs, and a size.
Plant = Callable[[pd.DataFrame, Pixels, Pixels, float], Pixels]
# Mirrored pixels around a stamp that is shifted or blurred by Fourier transforms.
PAD = 16
# Correlation of the mock survey's noise between neighbouring pixels (`noise_lag1`, median over its galaxies).
NOISE_LAG1 = 0.12


@dataclass(frozen=True)
class Leak:
    """A leak at six sizes.

    Attributes
    ----------
    name, unit : str
    sizes : tuple of float
        Ascending, fixed before the run.
    plant : callable
    gate : str
        The gate in which it is planted: `<name>/<view>/overall`.
    changes_arc : bool
        The stored arc, too, is the one with the leak.
    """

    name: str
    unit: str
    sizes: tuple[float, ...]
    plant: Plant
    gate: str
    changes_arc: bool = False


def _radius(table: pd.DataFrame) -> NDArray[np.float64]:
    return radius_from(table["host_x_pix"].to_numpy(np.float64), table["host_y_pix"].to_numpy(np.float64), DECALS.size_pix)[
        :, None
    ]


def _sky(table: pd.DataFrame) -> NDArray[np.float64]:
    return table[[f"sky_sigma_{band}" for band in DECALS.bands]].to_numpy(np.float64)[:, :, None, None]


def core_pedestal(table: pd.DataFrame, image: Pixels, arc: Pixels, size: float) -> Pixels:
    """Light at r < 5 px."""
    return _sum(image, size * _sky(table) * (_radius(table) < REGIONS.core_pix))


def annulus_pedestal(table: pd.DataFrame, image: Pixels, arc: Pixels, size: float) -> Pixels:
    """Light at 8 to 19 px."""
    low, high = REGIONS.pedestal_pix
    radius = _radius(table)
    return _sum(image, size * _sky(table) * ((radius >= low) & (radius < high)))


def frame_pedestal(table: pd.DataFrame, image: Pixels, arc: Pixels, size: float) -> Pixels:
    """Light in the outermost two pixels."""
    frame, width = np.ones((DECALS.size_pix, DECALS.size_pix)), REGIONS.frame_pix
    frame[width:-width, width:-width] = 0.0
    return _sum(image, size * _sky(table) * frame)


def offset(table: pd.DataFrame, image: Pixels, arc: Pixels, size: float) -> Pixels:
    """The same light in every pixel."""
    return _sum(image, size * _sky(table) * np.ones_like(image))


def shift(table: pd.DataFrame, image: Pixels, arc: Pixels, size: float) -> Pixels:
    """The galaxy moved in x, its sky with it, the arc not; by a phase, which leaves the noise's power as it is."""
    k = np.fft.rfftfreq(DECALS.size_pix + 2 * PAD)
    return _sum(image, _filtered(image - arc, np.exp(-2j * np.pi * k * size)[None, None, None]) - (image - arc))


def arc_psf(table: pd.DataFrame, image: Pixels, arc: Pixels, size: float) -> Pixels:
    """Arcs convolved with PSFs whose widths are too large by `size`."""
    wide = table.assign(**{f"psf_fwhm_used_{band}": table[f"psf_fwhm_used_{band}"] * (1.0 + size) for band in DECALS.bands})
    return _sum(image, render_arcs(wide, used_psfs(wide, DECALS), DECALS)[0] - arc)


def host_psf(table: pd.DataFrame, image: Pixels, arc: Pixels, size: float) -> Pixels:
    """The galaxy convolved with a Gaussian that makes psfsize wider by `size`.

    That smooths its sky as well, which would be a far stronger leak than the width; what the sky loses in power is given back.
    """
    variance = np.square(psf_sigma_pix(table, DECALS).astype(np.float64))[:, :, None, None] * ((1.0 + size) ** 2 - 1.0)
    length = DECALS.size_pix + 2 * PAD
    ky, kx = np.fft.fftfreq(length)[:, None], np.fft.rfftfreq(length)
    blur = np.exp(-2.0 * np.pi**2 * variance * (ky**2 + kx**2))
    sky = (1.0 + 2.0 * NOISE_LAG1 * np.cos(2.0 * np.pi * ky)) * (1.0 + 2.0 * NOISE_LAG1 * np.cos(2.0 * np.pi * kx))
    lost = _filtered(_white(table, "refilled sky"), np.sqrt((1.0 - blur**2) * sky)) * _sky(table)
    return _sum(image, _filtered(image - arc, blur) - (image - arc) + lost)


def extra_noise(table: pd.DataFrame, image: Pixels, arc: Pixels, size: float) -> Pixels:
    """White noise of `size` times the sky's variance."""
    return _sum(image, np.sqrt(size) * _sky(table) * _white(table, "extra noise"))


def rounding(table: pd.DataFrame, image: Pixels, arc: Pixels, size: float) -> Pixels:
    """Each pixel rounded to a step of `size` times the power of two below it: 2**-10 is half precision, 2**-7 bfloat16."""
    mantissa, exponent = np.frexp(image)
    return np.ldexp(np.round(mantissa / np.float32(size / 2)) * np.float32(size / 2), exponent).astype(np.float32)


SKY = "sky sigma a pixel"
IN_SKY = (0.02, 0.06, 0.2, 0.6, 2.0, 6.0)
BITS = (2**-10, 2**-7, 2**-5, 2**-3, 2**-2, 2**-1)
WIDER = (0.01, 0.03, 0.1, 0.3, 1.0, 2.0)
LEAKS = {
    leak.name: leak
    for leak in (
        Leak("core pedestal", SKY, IN_SKY, core_pedestal, "residual_core/raw/overall"),
        Leak("annulus pedestal", SKY, IN_SKY, annulus_pedestal, "residual_annulus/raw/overall"),
        Leak("frame pedestal", SKY, IN_SKY, frame_pedestal, "residual_border/raw/overall"),
        Leak("constant offset", SKY, IN_SKY, offset, "residual_border/raw/overall"),
        Leak("shift of the galaxy", "px", IN_SKY, shift, "residual_core/raw/overall"),
        Leak("too wide PSF of the arc", "of the width", WIDER, arc_psf, "residual_core/raw/overall", changes_arc=True),
        Leak("too wide PSF of the galaxy", "of the width", WIDER, host_psf, "residual_core/raw/overall"),
        Leak("extra noise", "of the sky's variance", IN_SKY, extra_noise, "residual_border/raw/overall"),
        Leak(
            "rounding",
            "of the power of two",
            BITS,
            rounding,
            "two_sample_stamp_lsb_trees/raw/overall",
        ),
    )
}


def planted(batch: StampBatch, leak: Leak, size: float) -> StampBatch:
    """Rows with the leak in their positives."""
    assert batch.arc is not None
    rows = np.flatnonzero((batch.table["role"] == "positive").to_numpy())
    image, arc = batch.image.copy(), batch.arc
    if len(rows):
        table = batch.table.iloc[rows].reset_index(drop=True)
        image[rows] = leak.plant(table, batch.image[rows], batch.arc[rows], size)
        if leak.changes_arc:
            arc = batch.arc.copy()
            arc[rows] += image[rows] - batch.image[rows]
    return StampBatch(batch.table, image, arc)


@dataclass(frozen=True)
class LeakyPart:
    """A shard with the leak in it."""

    path: Path
    leak: Leak
    size: float

    def read(self) -> StampBatch:
        """All of its rows."""
        return planted(read_shard(self.path), self.leak, self.size)


@dataclass(frozen=True)
class LeakySource(DatasetSource):
    """A data set to be judged, with the leak in it."""

    leak: Leak
    size: float

    def parts(self) -> list[LeakyPart]:
        """One a shard."""
        return [LeakyPart(path, self.leak, self.size) for path in self.dataset.shards()]


@dataclass(frozen=True)
class LeakyDataset(Dataset):
    """A data set to train on, with the leak in it."""

    leak: Leak
    size: float

    @property
    def data_digest(self) -> str:
        """That of the data set, with the leak."""
        return f"{super().data_digest} with {self.leak.name} of {self.size:g}"

    def batches(
        self,
        columns: Sequence[str] | None = None,
        split: str | None = None,
        roles: Collection[str] | None = None,
        arcs: bool = True,
        shard_order: Sequence[int] | None = None,
    ) -> Iterator[StampBatch]:
        """Rows with the leak in their positives, all columns, arcs always."""
        for batch in super().batches(None, split, roles, True, shard_order):
            yield planted(batch, self.leak, self.size)


def with_leak(dataset: Dataset, leak: Leak | None, size: float) -> Dataset:
    """The data set with a leak, or as it is."""
    return dataset if leak is None else LeakyDataset(dataset.path, dataset.card, dataset.receipts, leak, size)


def _white(table: pd.DataFrame, stream: str) -> NDArray[np.float64]:
    """Noise of unit variance, keyed on the rows."""
    return np.stack([generator(14, stream, int(i)).standard_normal(DECALS.shape) for i in table["sample_id"]])


def _sum(image: Pixels, light: NDArray[Any]) -> Pixels:
    return (image + light).astype(np.float32)


def _filtered(image: Pixels, response: NDArray[Any]) -> NDArray[np.float64]:
    """Stamps multiplied by a response in Fourier space, mirrored at their borders before."""
    padded = np.pad(image.astype(np.float64), ((0, 0), (0, 0), (PAD, PAD), (PAD, PAD)), mode="symmetric")
    cut = slice(PAD, PAD + DECALS.size_pix)
    filtered: NDArray[np.float64] = irfft2(rfft2(padded) * response, s=padded.shape[-2:])[..., cut, cut]
    return filtered
