"""How much light the core of a stamp holds that is not explained, for the reasons that gates give. Pure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from arcgate.gates.core.auc_gate import Remark
from arcgate.gates.core.context import Context
from arcgate.gates.core.shard import Shard
from arcgate.gates.core.stamps import Pixels, Stamps, near

Array = NDArray[np.float64]


def beyond_declared(shard: Shard) -> Array | None:
    """Mean in the core, per band, of what positives hold beyond their galaxies and declared arcs, sky sigma a pixel (n, band)."""
    return None if shard.arc is None or shard.declared is None else _core_mean(shard.arc - shard.declared, shard.positive)


def beyond_whole(shard: Shard) -> Array | None:
    """The same beyond the whole arc, the mask ignored: what a mask took away is missing."""
    return None if shard.arc is None or shard.predicted is None else _core_mean(shard.arc - shard.predicted.whole, shard.positive)


def in_words(mean: Array, context: Context) -> str:
    """The mean over all rows, (band,)."""
    sizes = ", ".join(f"{band} {value:+.2g}" for band, value in zip(context.facts.imaging.bands, mean, strict=True))
    return f" (mean at r < {context.regions.core_pix:.3g} px: {sizes} sky sigma a pixel)"


BEYOND_DECLARED = Remark(beyond_declared, in_words)
BEYOND_WHOLE = Remark(beyond_whole, in_words)


def _core_mean(light: Pixels, stamps: Stamps) -> Array:
    rows, columns, radius = near(stamps, stamps.imaging.core_pix)
    core = (radius < stamps.imaging.core_pix)[:, None]
    mean: Array = (light[:, :, rows, columns] / stamps.sky * core).sum(axis=(2, 3)) / core.sum(axis=(2, 3))
    return mean
