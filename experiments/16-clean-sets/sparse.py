"""A sparse leak planted in the pixels of a clean set, and whether the tails detect it at the share that they must detect."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np

from arcgate.dataset.shard_reading import StampBatch
from arcgate.dataset.source import Source
from arcgate.gates.core.battery import kept_by, numbers
from arcgate.gates.core.context import context_of
from arcgate.gates.core.counting import PLANTED, limit
from arcgate.gates.core.shard import shards_of
from arcgate.gates.features.tail_counts import PIXEL_SKY_SIGMA
from arcgate.gates.tails import GATE
from arcgate.imaging import DECALS
from arcgate.variant import Audit

Answer = Literal["detected", "not detected"]


def detected_by_tails(source: Source, audit: Audit, seed: int) -> Answer:
    """Whether a bright pixel in that share of the positives, each at a place of its own, fails the tails."""
    rng = np.random.default_rng([seed, 16])
    context = context_of(source, audit.view, audit.gates)
    share = PLANTED * limit(len(context.pairs))
    leaking = rng.choice(context.pairs, max(1, round(share * len(context.pairs))), replace=False)
    batches = (with_pixel(part.read(), leaking, rng) for part in source.parts())
    kept = kept_by([GATE.extract(shard) for batch in batches for shard in shards_of(batch, context)])
    results = GATE.judge(numbers(kept), context).results
    return "detected" if any(result.status == "failed" for result in results) else "not detected"


def with_pixel(batch: StampBatch, leaking: np.ndarray, rng: np.random.Generator) -> StampBatch:
    """The same rows, with one pixel of the r band brighter in the positives of these pairs."""
    table = batch.table
    rows = np.flatnonzero((table["role"] == "positive").to_numpy() & np.isin(table["pair_id"].to_numpy(np.int64), leaking))
    image = batch.image.copy()
    y, x = rng.integers(0, DECALS.size_pix, (2, len(rows)))
    image[rows, DECALS.bands.index("r"), y, x] += np.float32(PIXEL_SKY_SIGMA) * table["sky_sigma_r"].to_numpy(np.float32)[rows]
    return replace(batch, image=image)
