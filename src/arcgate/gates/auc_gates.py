"""Gates that ask whether a rule on small features can tell two arms apart, each with its canaries."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from arcgate.dataset.source import Facts
from arcgate.gates import gate_exhibits
from arcgate.gates.arms import Arms, Stamps
from arcgate.gates.auc_judging import Judging
from arcgate.gates.comparison import Rows
from arcgate.gates.exhibit import Exhibit
from arcgate.gates.extraction import Extraction, Key
from arcgate.gates.features import Floats
from arcgate.gates.gate_list import gates_for, missing
from arcgate.gates.regions import Regions
from arcgate.gates.result import GateResult
from arcgate.ground.errors import ArcgateError
from arcgate.variant import Gates
from arcgate.views.view import Viewer


@dataclass
class AucGates:
    """Gathers the features of every arm and leak shard by shard, and judges all gates of `gate_list`.

    Attributes
    ----------
    viewer : Viewer
        The view of the network.
    settings : Gates
        Margin, level, sizes.
    facts : Facts
        What the data set holds.
    """

    viewer: Viewer
    settings: Gates
    facts: Facts
    _regions: Regions = field(init=False)
    _features: dict[Key, list[Floats]] = field(default_factory=lambda: defaultdict(list))
    _rows: dict[str, list[Rows]] = field(default_factory=lambda: defaultdict(list))
    _excess: dict[str, list[NDArray[np.float64]]] = field(default_factory=lambda: defaultdict(list))
    _broken: list[str] = field(default_factory=list)
    _judging: Judging | None = None

    def __post_init__(self) -> None:
        # Refuses stamps that are smaller than what is looked at, before any is read.
        self._regions = Regions(self.facts.imaging)

    def add(self, arms: Arms) -> None:
        """Extract from one shard's arms."""
        try:
            found = list(Extraction(self.viewer)(arms))
        except ArcgateError as error:
            # A constant stamp, or one with pixels that are not finite: there is no view of it.
            self._broken.append(str(error))
            return
        for key, features in found:
            self._features[key].append(features)
        for name in ("control", "twin", "twin_control", "stamp", "masked"):
            stamps = getattr(arms, name)
            if stamps is not None:
                self._rows[name].append(_rows(stamps))
        for arm, excess in arms.excess.items():
            self._excess[arm].append(excess)

    def merge(self, other: AucGates) -> None:
        """Take over what another shard gave."""
        for key, features in other._features.items():
            self._features[key].extend(features)
        for name, rows in other._rows.items():
            self._rows[name].extend(rows)
        for arm, excess in other._excess.items():
            self._excess[arm].extend(excess)
        self._broken.extend(other._broken)

    def judge(self) -> list[GateResult]:
        """Every gate that applies to the view and the kind of controls, how the rules order pairs, and the null pair."""
        gates = gates_for(self.viewer.view.normalisation, self.facts.paired, self._regions)
        self._judging = judging = self._gathered()
        results = []
        for gate in gates:
            reason = missing(gate, self.facts) or (self._broken[0] if self._broken else None)
            results += [judging.not_run(gate, reason)] if reason else judging.judged(gate)
        return results if self.facts.has_null else [*results, judging.null_pair()]

    def exhibits(self) -> list[Exhibit]:
        """What the canaries showed, and the radial profile of the light that no declared arc explains."""
        if self._judging is None:
            return []
        found = gate_exhibits.of_canaries(self._judging.ladders, self.settings)
        return [*found, *gate_exhibits.of_residual(self._judging.differences(), self._regions)]

    def _gathered(self) -> Judging:
        rows = {
            name: Rows(np.concatenate([part.hosts for part in parts]), np.concatenate([part.pairs for part in parts]))
            for name, parts in self._rows.items()
        }
        features = {key: np.concatenate(parts) for key, parts in self._features.items()}
        excess = {arm: np.concatenate(parts).mean(axis=0) for arm, parts in self._excess.items()}
        return Judging(features, rows, excess, self.settings, self.facts.paired, self._regions)


def _rows(stamps: Stamps) -> Rows:
    return Rows(stamps.table["host_id"].to_numpy(np.str_), stamps.table["pair_id"].to_numpy(np.int64))
