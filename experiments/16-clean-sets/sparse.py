"""A sparse leak planted in the pixels of a clean set, and whether the tails hear it at the share that they must hear."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from arcgate.gates.arms import arms_of, chosen_pairs
from arcgate.gates.battery import pieces
from arcgate.gates.tails_judging import PIXEL_SKY_SIGMA
from arcgate.gates.tails_statistic import PLANTED, limit

from arcgate.dataset.shard_reading import StampBatch
from arcgate.dataset.source import Source
from arcgate.gates.tails import Tails
from arcgate.imaging import DECALS
from arcgate.variant import Audit
from arcgate.views.view import Viewer


def heard_by_tails(source: Source, audit: Audit, seed: int) -> str:
    """'heard' if a bright pixel in that share of the positives, each at a place of its own, fails the tails; else 'missed'."""
    rng = np.random.default_rng([seed, 16])
    pairs = chosen_pairs(source, audit.gates.max_pairs, audit.gates.seed)
    share = PLANTED * limit(len(pairs))
    leaking = rng.choice(pairs, max(1, round(share * len(pairs))), replace=False)
    tails = Tails(Viewer(audit.view, DECALS), audit.gates, source.facts)
    for part in source.parts():
        for piece in pieces(part.read()):
            arms = arms_of(with_pixel(piece, leaking, rng), pairs, source.facts, audit.gates.seed)
            if arms is not None:
                tails.add(arms)
    return "heard" if any(result.status == "failed" for result in tails.judge()) else "missed"


def with_pixel(batch: StampBatch, leaking: np.ndarray, rng: np.random.Generator) -> StampBatch:
    """The same rows, with one pixel of the r band brighter in the positives of these pairs."""
    table = batch.table
    rows = np.flatnonzero((table["role"] == "positive").to_numpy() & np.isin(table["pair_id"].to_numpy(np.int64), leaking))
    image = batch.image.copy()
    y, x = rng.integers(0, DECALS.size_pix, (2, len(rows)))
    image[rows, DECALS.bands.index("r"), y, x] += np.float32(PIXEL_SKY_SIGMA) * table["sky_sigma_r"].to_numpy(np.float32)[rows]
    return replace(batch, image=image)
