"""The refit's part in the one pass over a data set: what a few hundred pairs hold beyond the declared arcs, and its cause."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.dataset.source import Facts
from arcgate.gates.core.context import Context
from arcgate.gates.core.gate import Arrays, Judgement, Kept, StatedGate
from arcgate.gates.core.result import Cause
from arcgate.gates.core.shard import Shard
from arcgate.gates.core.stamps import Stamps
from arcgate.gates.verdict.bug_model import BugModel
from arcgate.gates.verdict.identifiability import identifiability
from arcgate.gates.verdict.listed import bug_models
from arcgate.gates.verdict.naming import name_cause
from arcgate.gates.verdict.rows import between_galaxies, products_of, rows_with

_PRODUCTS: Final = "products/"
LEAST_ROWS: Final = 20
"""Fewer rows than this leave the cause undetermined."""
OF_STAMPS: Final = ("pedestal", "core_pedestal", "noise")
"""What happens to a stamp after its arc was rendered: a stored arc alone shows nothing of it."""


@dataclass(frozen=True, kw_only=True)
class Refit(StatedGate):
    """Keeps the light of some pairs, and names the cause of what they hold beyond the declared arcs; no gate."""

    def extract(self, shard: Shard) -> dict[str, Kept]:
        """The light of the chosen pairs."""
        facts, context = shard.context.facts, shard.context
        if not facts.declared:
            return {}
        pairs = context.first("refit", context.settings.verdict_pairs)
        chosen = np.isin(shard.positive.pair, pairs)
        stamp = shard.positive.take(chosen)
        if _hidden(facts):
            control = _in_pairs(shard.control, stamp.pair)
            kept: dict[str, Any] = {"controls": control.table, "control light": control.image, "light": stamp.image}
        elif shard.null is not None or facts.paired:
            # What a network gets counts: the stamp less its own galaxy, whatever the stored arc says.
            hosts = shard.control if facts.paired else shard.null
            assert hosts is not None  # has_null
            place = pd.Index(hosts.pair).get_indexer(pd.Index(stamp.pair))
            stamp = stamp.take(place >= 0)
            galaxy = hosts.image[place[place >= 0]]
            kept = {"galaxies": galaxy, "light": stamp.image - galaxy}
        else:
            assert shard.arc is not None  # has_arc
            kept = {"light": shard.arc[chosen]}
        kept |= {"table": stamp.table}
        if _hidden(facts) or not len(stamp):
            return kept
        # Each row by itself, here, where the work is shared out.
        models, galaxies = bug_models(context.settings.bug_model_modules), kept.pop("galaxies", None)
        products = products_of(stamp.table, kept["light"], facts.imaging, models, galaxies, facts.references)
        return kept | {f"{_PRODUCTS}{name}": value for name, value in products.items()}

    def judge(self, arrays: Arrays, context: Context) -> Judgement:
        """Physics, a bug with its name, or why it cannot be said; and what could be named on data of this kind."""
        return Judgement(
            [],
            [identifiability(context.facts, bug_models(context.settings.bug_model_modules))],
            [],
            _cause(arrays, context.facts, bug_models(context.settings.bug_model_modules)),
        )


def _hidden(facts: Facts) -> bool:
    """Whether only other galaxies are there to compare with: no host, no arc stored."""
    return not (facts.has_null or facts.paired or facts.has_arc)


def _cause(arrays: Arrays, facts: Facts, models: tuple[BugModel, ...]) -> Cause:
    if not facts.declared:
        return Cause(
            "undetermined", "lens, source, PSF and centre of the rows are not declared: there is nothing to compare with"
        )
    if not arrays:
        return _too_few(0)
    table: pd.DataFrame = arrays["table"]
    if not _hidden(facts):
        if len(table) < LEAST_ROWS:
            return _too_few(len(table))
        products = {key.removeprefix(_PRODUCTS): value for key, value in arrays.items() if key.startswith(_PRODUCTS)}
        rows = rows_with(products, table, arrays["light"], facts.imaging, models, facts.references)
        cause = name_cause(rows, unseen=() if "noise_gained" in products else OF_STAMPS)
        return replace(cause, rows_refitted=len(table))
    controls: pd.DataFrame = arrays["controls"]
    names = [f"host_mag_{band}" for band in facts.imaging.bands]
    if absent := [name for name in names if name not in table or not np.isfinite(_bright(table, controls, name)).all()]:
        return Cause(
            "undetermined",
            "between different galaxies the hosts' magnitudes are needed to know how much light a host hides: give "
            + ", ".join(absent),
        )
    n = min(len(table), len(controls))
    if n < LEAST_ROWS:
        return _too_few(n)
    hosts = controls.iloc[:n], arrays["control light"][:n]
    rows = between_galaxies(table.iloc[:n], arrays["light"][:n], *hosts, facts.imaging, models, facts.references)
    return replace(name_cause(rows), rows_refitted=n)


def _too_few(rows: int) -> Cause:
    return Cause("undetermined", f"{rows} rows can be refitted, {LEAST_ROWS} are needed")


def _bright(table: pd.DataFrame, controls: pd.DataFrame, name: str) -> NDArray[np.float64]:
    return np.concatenate([part[name].to_numpy(np.float64, na_value=np.nan) for part in (table, controls)])


def _in_pairs(stamps: Stamps, pairs: NDArray[np.int64]) -> Stamps:
    return stamps.take(np.isin(stamps.pair, pairs))


GATE: Final = Refit(name="refit", section="residual", title="Refit")
