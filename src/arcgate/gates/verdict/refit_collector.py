"""The refit's part in the one pass over a data set."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.dataset.source import Facts
from arcgate.gates.arms import Arms, Stamps
from arcgate.gates.exhibit import Exhibit
from arcgate.gates.result import Cause, GateResult
from arcgate.gates.verdict.identifiability import identifiability
from arcgate.gates.verdict.listed import bug_models
from arcgate.gates.verdict.naming import name_cause
from arcgate.gates.verdict.rows import between_galaxies, differences

Pixels = NDArray[np.float32]

LEAST_ROWS = 20
"""Fewer rows than this leave the cause undetermined."""
OF_STAMPS = ("pedestal", "core_pedestal", "noise")
"""What happens to a stamp after its arc was rendered: a stored arc alone shows nothing of it."""


@dataclass
class Refit:
    """Keeps the stamps of a few hundred pairs, and names the cause of what they hold beyond the declared arcs.

    Attributes
    ----------
    facts : Facts
    pairs : ndarray of int
        The pairs that are refitted.
    bug_models : tuple of str
        What is looked for: `gates.bug_models`.
    """

    facts: Facts
    pairs: NDArray[np.int64]
    bug_models: tuple[str, ...]
    _tables: list[pd.DataFrame] = field(default_factory=list)
    _light: list[Pixels] = field(default_factory=list)
    _controls: list[pd.DataFrame] = field(default_factory=list)
    _control_light: list[Pixels] = field(default_factory=list)
    _galaxies: list[Pixels] = field(default_factory=list)

    @property
    def hidden(self) -> bool:
        """Whether only other galaxies are there to compare with: no host, no arc stored."""
        return not (self.facts.has_null or self.facts.paired or self.facts.has_arc)

    def add(self, arms: Arms) -> None:
        """Keep the light of the chosen pairs."""
        if not self.facts.declared:
            return
        stamp = _chosen(arms.stamp, self.pairs)
        if self.hidden:
            control = _chosen(arms.control, stamp.table["pair_id"].to_numpy(np.int64))
            self._controls.append(control.table)
            self._control_light.append(control.image)
            light = stamp.image
        elif arms.null is not None or self.facts.paired:
            # What a network gets counts: the stamp less its own galaxy, whatever the stored arc says.
            hosts = arms.control if self.facts.paired else arms.null
            assert hosts is not None  # has_null
            place = pd.Index(hosts.table["pair_id"]).get_indexer(pd.Index(stamp.table["pair_id"]))
            stamp = stamp.take(place >= 0)
            galaxy = hosts.image[place[place >= 0]]
            self._galaxies.append(galaxy)
            light = stamp.image - galaxy
        else:
            assert arms.arc is not None  # has_arc
            light = arms.arc[np.isin(arms.stamp.table["pair_id"].to_numpy(np.int64), self.pairs)]
        self._tables.append(stamp.table)
        self._light.append(light)

    def merge(self, other: Refit) -> None:
        """Take over a later shard's rows."""
        self._tables += other._tables
        self._light += other._light
        self._controls += other._controls
        self._control_light += other._control_light
        self._galaxies += other._galaxies

    def judge(self) -> list[GateResult]:
        """No gate: the refit answers *cause?* (`cause`)."""
        return []

    def cause(self) -> Cause:
        """Physics, a bug with its name, or why it cannot be said."""
        if not self.facts.declared:
            return Cause(
                "undetermined", "lens, source, PSF and centre of the rows are not declared: there is nothing to compare with"
            )
        if not self._tables:
            return _too_few(0)
        table = pd.concat(self._tables, ignore_index=True)
        light = np.concatenate(self._light)
        if not self.hidden:
            if len(table) < LEAST_ROWS:
                return _too_few(len(table))
            galaxies = np.concatenate(self._galaxies) if self._galaxies else None
            rows = differences(table, light, self.facts.imaging, bug_models(self.bug_models), galaxies, self.facts.references)
            cause = name_cause(rows, unseen=OF_STAMPS if galaxies is None else ())
            return replace(cause, rows_refitted=len(table))
        controls = pd.concat(self._controls, ignore_index=True)
        names = [f"host_mag_{band}" for band in self.facts.imaging.bands]
        if absent := [name for name in names if name not in table or not np.isfinite(_bright(table, controls, name)).all()]:
            return Cause(
                "undetermined",
                "between different galaxies the hosts' magnitudes are needed to know how much light a host hides: give "
                + ", ".join(absent),
            )
        n = min(len(table), len(controls))
        if n < LEAST_ROWS:
            return _too_few(n)
        others = np.concatenate(self._control_light)
        hosts = controls.iloc[:n], others[:n]
        models = bug_models(self.bug_models)
        rows = between_galaxies(table.iloc[:n], light[:n], *hosts, self.facts.imaging, models, self.facts.references)
        return replace(name_cause(rows), rows_refitted=n)

    def exhibits(self) -> list[Exhibit]:
        """What could and could not be named on data of this kind."""
        return [identifiability(self.facts, bug_models(self.bug_models))]


def _too_few(rows: int) -> Cause:
    return Cause("undetermined", f"{rows} rows can be refitted, {LEAST_ROWS} are needed")


def _bright(table: pd.DataFrame, controls: pd.DataFrame, name: str) -> NDArray[np.float64]:
    return np.concatenate([part[name].to_numpy(np.float64, na_value=np.nan) for part in (table, controls)])


def _chosen(stamps: Stamps, pairs: NDArray[np.int64]) -> Stamps:
    return stamps.take(np.isin(stamps.table["pair_id"].to_numpy(np.int64), pairs))
