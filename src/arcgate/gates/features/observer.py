"""The ideal linear observer: how well a known light could be told from galaxies and noise at all. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Moments:
    """Count, sum and sum of outer products of vectors: those of several sets of vectors add up.

    Attributes
    ----------
    n : ndarray of int, shape ()
    total : ndarray, shape (k,)
    outer : ndarray, shape (k, k)
    """

    PARTS: ClassVar[tuple[str, ...]] = ("n", "total", "outer")

    n: NDArray[np.int64]
    total: Array
    outer: Array

    @classmethod
    def of(cls, vectors: Vectors) -> Self:
        """Of rows (n, k)."""
        values = vectors.astype(np.float64)
        return cls(np.array(len(values)), values.sum(axis=0), values.T @ values)

    def parts(self) -> dict[str, NDArray[Any]]:
        """What is to be added."""
        return {name: getattr(self, name) for name in self.PARTS}

    @property
    def covariance(self) -> Array:
        """Of the vectors, shape (k, k)."""
        mean = self.total / self.n
        covariance: Array = (self.outer - self.n * np.outer(mean, mean)) / (self.n - 1)
        return covariance


def detectability(signals: NDArray[np.floating], background: Moments) -> Array:
    """Detectability d' of known signals for the ideal linear observer.

    Parameters
    ----------
    signals : ndarray, shape (n, k)
        In the channels of the background: means of pixels, sky sigma.
    background : Moments
        Of signal-free images: galaxies and noise.

    Returns
    -------
    ndarray, shape (n,)
        sqrt(s^T K^-1 s), the Hotelling observer on channels (Barrett & Myers 2004, Foundations of Image Science, 13.2). A
        covariance that is measured from n images of k channels makes K^-1 too large by (n - 1) / (n - k - 2) (Hartlap, Simon &
        Schneider 2007, A&A 464, 399), which is taken out.

    Raises
    ------
    ValueError
        Fewer than twice as many images as channels, or channels that depend on each other.
    """
    n, k = int(background.n), len(background.total)
    if n < 2 * k + 3:
        raise ValueError(f"{n} controls, {2 * k + 3} are needed for the covariance of {k} channels")
    try:
        factor = np.linalg.cholesky(background.covariance)
    except np.linalg.LinAlgError as error:
        raise ValueError("some channels hold nothing, or the same as others") from error
    whitened = np.linalg.solve(factor, signals.T.astype(np.float64))
    squared: Array = np.square(whitened).sum(axis=0) * (n - k - 2) / (n - 1)
    return np.sqrt(squared)
