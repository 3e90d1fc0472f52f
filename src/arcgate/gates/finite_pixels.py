"""Is every pixel a number? The other gates never see the pairs that hold any that is not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from arcgate.gates.core.context import Context
from arcgate.gates.core.counted import NOTICED, CountStatistic, Noticed, exactly
from arcgate.gates.core.evaluator import Outcome, Statement, evaluate, not_run
from arcgate.gates.core.gate import Arrays, Judgement, Kept, StatedGate
from arcgate.gates.core.result import RAW
from arcgate.gates.core.set_aside import SHOWN, counted_by_role, galaxies_in, named, roles_in_words
from arcgate.gates.core.shard import Shard, not_finite


@dataclass(frozen=True, kw_only=True)
class FinitePixels(StatedGate):
    """Counts rows that hold NaN or infinity."""

    def extract(self, shard: Shard) -> dict[str, Kept]:
        """Row by row whether it is broken, and whether a missing pixel is noticed in the first."""
        batch = shard.stored
        planted = batch.image[:1].copy()
        planted[0, 0, planted.shape[2] // 2, planted.shape[3] // 2] = np.nan
        return {
            "broken": shard.broken,
            "role": batch.table["role"].to_numpy(np.str_),
            "galaxy": galaxies_in(batch),
            "places": np.array([_place(shard, row) for row in np.flatnonzero(shard.broken)[:SHOWN]], dtype=np.str_),
            "noticed": not_finite(planted),
        }

    def judge(self, arrays: Arrays, context: Context) -> Judgement:
        """The share of rows with such pixels, of which none may."""
        stated = Statement(self.name, RAW, 0.0, 0.0, NOTICED)
        if not arrays:
            return Judgement([not_run(stated, "no rows were read")], [], [])
        broken = arrays["broken"]
        value = exactly(float(np.count_nonzero(broken)) / len(broken), len(broken), len(np.unique(arrays["galaxy"])))
        if broken.any():
            shown = Outcome(
                "leak",
                f"{in_words(arrays)}: no network can be trained on them, and where classes differ in them, they tell the class. "
                "Leave these pairs out, or fill the pixels in both classes alike; the other gates judge the pairs without them",
            )
        else:
            shown = Outcome("no leak", f"every pixel of {len(broken)} rows is finite")
        planted = {"a missing pixel": Noticed(bool(arrays["noticed"].all()))}
        found = evaluate(stated, CountStatistic(self.name, RAW, value, shown, planted))
        return Judgement([found.result], [], list(found.curves))


def in_words(arrays: Arrays) -> str:
    """How many rows of which class hold such pixels, and where the first ones lie."""
    found = roles_in_words(counted_by_role(arrays["role"], arrays["broken"]))
    return f"{found} hold pixels that are NaN or infinite ({named(arrays['places'])})"


def _place(shard: Shard, row: int) -> str:
    batch, bands = shard.stored, np.array(shard.context.facts.imaging.bands)
    line = batch.table.iloc[row]
    name = f"{line['role']} of galaxy {line['host_id']}, pair {line['pair_id']}"
    bad = ~np.isfinite(batch.image[row]).all(axis=(1, 2))
    if batch.arc is not None and not bad.any():
        name, bad = f"arc of {name}", ~np.isfinite(batch.arc[row]).all(axis=(1, 2))
    return f"{name}, band {' '.join(bands[bad])}"


GATE: Final = FinitePixels(
    name="finite_pixels",
    section="identity",
    title="Missing pixels",
    asks="Is every pixel a number?",
    failing="some stamps hold pixels that are NaN or infinite",
    advice="Leave these pairs out, or fill such pixels in both classes alike.",
    requires="pixels that are numbers, and stored alike in both classes",
    compares="every pixel of the judged rows",
    plants="a missing pixel",
)
