"""Random numbers of the mock survey, keyed on (survey seed, galaxy index, purpose) and never on order."""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class Purpose(IntEnum):
    """Independent streams of one galaxy, so that a setting changes what it names and nothing else."""

    GALAXY = 0
    SKY_POSITION = 1
    PSF = 2
    DEPTH = 3
    NEIGHBOURS = 4
    NOISE = 5


def generator(seed: int, index: int, purpose: Purpose) -> np.random.Generator:
    """Make the generator of one galaxy and purpose, the same for every survey size, worker and order.

    The key is Philox's own, of two integers, and not the hash of `arcgate.ground.draws.generator`: with that, every mock galaxy
    would be another one.
    """
    key = np.array([seed % 2**64, index * len(Purpose) + purpose], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key))
