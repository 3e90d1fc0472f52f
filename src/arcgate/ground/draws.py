"""Random numbers keyed on (seed, stream, identity), so that no draw depends on the order or number of the others."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

Ids = NDArray[np.int64]
Array = NDArray[np.float64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def words(seed: int, stream: str, ids: Ids) -> NDArray[np.uint64]:
    """64 bits for each identity, all of them equally likely.

    Parameters
    ----------
    seed : int
        Seed of the data set or the training.
    stream : str
        Name of the quantity that is drawn.
    ids : ndarray of int, shape (n,)
        Identity of each row.

    Returns
    -------
    ndarray of uint64, shape (n,)
        The finaliser of SplitMix64 (Steele, Lea & Flood 2014) applied twice to a key of stream, seed and identity.
    """
    key = np.uint64(int.from_bytes(hashlib.sha256(f"{seed}/{stream}".encode()).digest()[:8], "little"))
    with np.errstate(over="ignore"):
        return _finalise(_finalise(ids.astype(np.uint64) * _GOLDEN + key) + key)


def uniform(seed: int, stream: str, ids: Ids) -> Array:
    """Uniform deviates in the open interval (0, 1), shape (n,); arguments as those of `words`."""
    return ((words(seed, stream, ids) >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53


def between(seed: int, stream: str, ids: Ids, low: float, high: float) -> Array:
    """Uniform deviates in (low, high)."""
    return low + (high - low) * uniform(seed, stream, ids)


def normal(seed: int, stream: str, ids: Ids) -> Array:
    """Standard normal deviates."""
    deviates: Array = ndtri(uniform(seed, stream, ids))
    return deviates


def choice(seed: int, stream: str, ids: Ids, values: Sequence[float]) -> Array:
    """One of `values` for each identity, all equally likely."""
    options = np.asarray(values, dtype=np.float64)
    return options[np.minimum((uniform(seed, stream, ids) * len(options)).astype(np.int64), len(options) - 1)]


def generator(seed: int, stream: str, identity: int) -> np.random.Generator:
    """A generator for one row's many draws of a quantity."""
    key = int.from_bytes(hashlib.sha256(f"{seed}/{stream}/{identity}".encode()).digest()[:16], "little")
    return np.random.Generator(np.random.Philox(key=key))


def text_ids(names: Sequence[str]) -> Ids:
    """An integer identity for each name, the same on every machine."""
    return np.fromiter(map(_text_id, names), dtype=np.int64, count=len(names))


@lru_cache(maxsize=1 << 16)
def _text_id(name: str) -> int:
    """Of one name; the names of a data set's galaxies are asked for again and again."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little", signed=True)


def _finalise(z: NDArray[np.uint64]) -> NDArray[np.uint64]:
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: NDArray[np.uint64] = z ^ (z >> np.uint64(31))
    return mixed
