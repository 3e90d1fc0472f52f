"""Can the view scale the stamps of both classes alike? The other gates never see the pairs that hold any it cannot scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from arcgate.gates.core.context import Context
from arcgate.gates.core.counted import NOTICED, CountStatistic, Noticed, exactly
from arcgate.gates.core.evaluator import Outcome, Statement, evaluate, not_run
from arcgate.gates.core.gate import Arrays, Judgement, Kept, StatedGate
from arcgate.gates.core.result import NETWORK
from arcgate.gates.core.set_aside import SHOWN, counted_by_role, galaxies_in, named, roles_in_words
from arcgate.gates.core.shard import Shard
from arcgate.ground.statistics import BY_CHANCE, classes_differ


@dataclass(frozen=True, kw_only=True)
class ScalableStamps(StatedGate):
    """Counts stamps without a spread to normalise by."""

    def extract(self, shard: Shard) -> dict[str, Kept]:
        """Row by row whether the view cannot scale it, and whether it can scale a constant stamp planted in the first."""
        batch = shard.finite
        if batch.table.empty:
            return {}
        x, y = (batch.table[name].to_numpy(np.float64)[:1] for name in ("host_x_pix", "host_y_pix"))
        flat = np.flatnonzero(shard.flat)[:SHOWN]
        lines = batch.table.iloc[flat]
        places = [
            f"{role} of galaxy {host}, pair {pair}"
            for role, host, pair in zip(lines["role"], lines["host_id"], lines["pair_id"], strict=True)
        ]
        return {
            "flat": shard.flat,
            "role": batch.table["role"].to_numpy(np.str_),
            "galaxy": galaxies_in(batch),
            "places": np.array(places, dtype=np.str_),
            "noticed": ~shard.context.viewer.scalable(np.ones_like(batch.image[:1]), x, y),
        }

    def judge(self, arrays: Arrays, context: Context) -> Judgement:
        """The share of positives without a spread less that of controls."""
        stated = Statement(self.name, NETWORK, 0.0, 0.0, NOTICED)
        if not arrays:
            return Judgement([not_run(stated, "no rows were read")], [], [])
        if not context.viewer.view.normalises:
            return Judgement([not_run(stated, "the view divides by constants, so that it can scale any stamp")], [], [])
        flat, role = arrays["flat"], arrays["role"]
        some, every = counted_by_role(role, flat), counted_by_role(role, np.ones(len(role), dtype=bool))
        counts = [[found.get(which, 0) for which in ("positive", "control")] for found in (some, every)]
        one, zero = (few / max(all_, 1) for few, all_ in zip(*counts, strict=True))
        shown = Outcome("no leak", f"the view can scale each of {len(flat)} rows")
        if flat.any():
            aside = f"{in_words(arrays)}: their pairs are set aside"
            if classes_differ(*counts) < BY_CHANCE:
                shown = Outcome(
                    "leak", f"{aside}; chance does not make the classes differ as much, so that a flat stamp tells its class"
                )
            else:
                shown = Outcome("no leak", f"{aside}; the other gates judge the pairs without them")
        value = exactly(one - zero, len(flat), len(np.unique(arrays["galaxy"])))
        planted = {"a constant stamp": Noticed(bool(arrays["noticed"].all()))}
        found = evaluate(stated, CountStatistic(self.name, NETWORK, value, shown, planted))
        return Judgement([found.result], [], list(found.curves))


def in_words(arrays: Arrays) -> str:
    """How many rows of which class have no spread, and which the first ones are."""
    role = arrays["role"]
    found = roles_in_words(counted_by_role(role, arrays["flat"]), counted_by_role(role, np.ones(len(role), dtype=bool)))
    return f"{found} have no spread that the view could divide by ({named(arrays['places'])})"


GATE: Final = ScalableStamps(
    name="scalable_stamps",
    section="normaliser",
    title="Stamps without a spread",
    asks="Can the view scale both classes alike?",
    failing="one class holds more stamps without a spread than the other",
    advice="Leave constant stamps out of both classes by the same rule.",
    view=NETWORK,
    compares="scale of the view on the judged rows, positives against controls",
    plants="a constant stamp",
)
