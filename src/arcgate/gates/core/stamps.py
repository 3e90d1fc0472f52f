"""Stamps of one class with what is needed to look at them, and how classes of a data set belong together. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.ground.draws import text_ids
from arcgate.ground.read_only import read_only
from arcgate.imaging import Imaging
from arcgate.views.robust import radii_pix

Array = NDArray[np.float64]
Pixels = NDArray[np.float32]
Ids = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Stamps:
    """Stamps of one class. Two objects are the same stamps only if they are one object: what is measured on it is kept by it.

    Arrays are read-only, since all gates look at the same ones: one that writes would change what others see.

    Attributes
    ----------
    image : ndarray, float32 (n, band, y, x)
        What is judged, nanomaggies per pixel.
    seen : ndarray, float32 (n, band, y, x)
        The stamp that the network gets: the view takes its normalising statistics from it.
    table : DataFrame
        host_id, pair_id, host_x_pix, host_y_pix, sky_sigma per band, and what else the data set records of a row.
    imaging : Imaging
        Of the stamps.
    """

    image: Pixels
    seen: Pixels
    table: pd.DataFrame
    imaging: Imaging

    def __post_init__(self) -> None:
        """Lock the pixels."""
        read_only(self.image, self.seen)

    def __len__(self) -> int:
        return len(self.table)

    @cached_property
    def x(self) -> Array:
        """Centre of each host in x, pixels."""
        return read_only(self.table["host_x_pix"].to_numpy(np.float64))

    @cached_property
    def y(self) -> Array:
        """Centre of each host in y, pixels."""
        return read_only(self.table["host_y_pix"].to_numpy(np.float64))

    @cached_property
    def sky(self) -> Array:
        """Standard deviation of the sky, shape (n, band, 1, 1), nanomaggies per pixel."""
        bands = [f"sky_sigma_{band}" for band in self.imaging.bands]
        return read_only(self.table[bands].to_numpy(np.float64)[:, :, None, None])

    @cached_property
    def in_sky(self) -> Pixels:
        """The judged image in units of the sky's standard deviation."""
        return read_only(np.asarray(self.image / self.sky.astype(np.float32), dtype=np.float32))

    @cached_property
    def radius(self) -> Array:
        """Distance of each pixel from its galaxy, pixels, shape (n, y, x)."""
        return read_only(radii_pix(self.x, self.y, self.imaging.size_pix))

    @cached_property
    def names(self) -> NDArray[np.str_]:
        """Galaxy of each row, by name."""
        return read_only(self.table["host_id"].to_numpy(np.str_))

    @cached_property
    def galaxy(self) -> Ids:
        """Galaxy of each row, as a number: the hash of its name."""
        code, names = pd.factorize(self.table["host_id"].astype(str))
        return read_only(text_ids([str(name) for name in names])[code])

    @cached_property
    def pair(self) -> Ids:
        """Pair of each row."""
        return read_only(self.table["pair_id"].to_numpy(np.int64))

    def take(self, chosen: NDArray[np.bool_] | NDArray[np.intp]) -> Stamps:
        """The rows that `chosen` marks or counts; the same object where these are all."""
        rows: NDArray[np.integer[Any]] = np.flatnonzero(chosen) if chosen.dtype == bool else chosen.astype(np.intp, copy=False)
        if _all_of(rows, len(self)):
            return self
        image = self.image[rows]
        seen = image if self.seen is self.image else self.seen[rows]
        return Stamps(image, seen, self.table.iloc[rows].reset_index(drop=True), self.imaging)

    def with_light(self, light: NDArray[np.floating[Any]]) -> Stamps:
        """The same stamps with light added (it broadcasts to their shape), as a network would get them."""
        image = self.image + light.astype(np.float32)
        return replace(self, image=image, seen=image)

    def without(self, light: Pixels) -> Stamps:
        """The same stamps with light taken away; the network has seen it, and normalises by what it saw."""
        return replace(self, image=self.image - light)


def rows_of_array(values: NDArray[Any], rows: NDArray[np.intp]) -> NDArray[Any]:
    """The rows of an array; the array itself where these are all, in their order."""
    return values if _all_of(rows, len(values)) else values[rows]


def _all_of(rows: NDArray[np.integer[Any]], n: int) -> bool:
    return len(rows) == n and bool((rows == np.arange(n)).all())


def alike(one: Stamps, other: Stamps) -> bool:
    """Whether two classes hold the same stamps of the same pairs, so that one need not be measured again."""
    if one.image is other.image:
        return True
    if one.image.shape != other.image.shape or not np.array_equal(one.image[:1], other.image[:1]):
        return False
    columns = ["pair_id", "host_x_pix", "host_y_pix", *(f"sky_sigma_{band}" for band in one.imaging.bands)]
    return one.table[columns].equals(other.table[columns]) and np.array_equal(one.image, other.image)


def matched(one: Stamps, other: Stamps) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Positions of the pairs that both hold, in each."""
    _, first, second = np.intersect1d(one.pair, other.pair, return_indices=True)
    return first, second


def light_of_pairs(light: Pixels, stamps: Stamps, other: Stamps) -> Pixels:
    """For each row of `other` the light (n, band, y, x) of the row of `stamps` in its pair; none where its pair has none."""
    place = pd.Index(stamps.pair).get_indexer(pd.Index(other.pair))
    out = np.zeros((len(place), *light.shape[1:]), dtype=np.float32)
    out[place >= 0] = light[place[place >= 0]]
    return out


def near(stamps: Stamps, reach_pix: float) -> tuple[slice, slice, Array]:
    """A window of lines and columns that holds what is within reach of every centre, and the distances there, (n, y, x)."""
    rows, columns = (
        slice(
            max(int(place.min(initial=stamps.imaging.size_pix) - reach_pix), 0),
            max(int(place.max(initial=0.0) + reach_pix) + 2, 0),
        )
        for place in (stamps.y, stamps.x)
    )
    pixel = np.arange(stamps.imaging.size_pix, dtype=np.float64)
    dx, dy = pixel[columns] - stamps.x[:, None], pixel[rows] - stamps.y[:, None]
    return rows, columns, np.hypot(dx[:, None, :], dy[:, :, None])
