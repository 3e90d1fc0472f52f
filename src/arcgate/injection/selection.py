"""How the galaxies of a data set were chosen, for its card: cut flow, rules, balance of the classes, what was lost in each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from arcgate.ground.hashing import as_plain
from arcgate.ground.statistics import classes_differ
from arcgate.injection.balance import balance, resolvability
from arcgate.injection.candidates import Candidates
from arcgate.injection.entry import Admission
from arcgate.injection.grids import einstein_radii
from arcgate.injection.pairs import Pairs, first_positives
from arcgate.survey.hosts import Hosts

Rows = NDArray[np.int64]
Selection = dict[str, Any]
"""Plain values, as they stand on the card."""

CLASSES: Final = ("host", "control")
BINS: Final = ("below 0.5", "0.5 to 1", "1 and more")
"""Of theta_E / psfsize."""


@dataclass
class Asked:
    """Catalogue rows of galaxies that were cut out, by what they were to serve as; some as both."""

    host: Rows = field(default_factory=lambda: np.array([], dtype=np.int64))
    control: Rows = field(default_factory=lambda: np.array([], dtype=np.int64))

    def add(self, host: Rows, control: Rows) -> None:
        """More of them; one that was asked for before counts once."""
        self.host, self.control = np.union1d(self.host, host), np.union1d(self.control, control)

    @property
    def rows(self) -> Rows:
        """All of them, each once."""
        return np.union1d(self.host, self.control)

    def left_out(self, hosts: Hosts) -> Selection:
        """How many of each class could not be used, by reason, and how likely chance makes the classes differ as much.

        Parameters
        ----------
        hosts : Hosts
            All that were asked for, cut out.
        """
        reasons = hosts.table["reason"].dropna()
        lost = {name: reasons[reasons.index.isin(rows)] for name, rows in zip(CLASSES, (self.host, self.control), strict=True)}
        asked = {"host": len(self.host), "control": len(self.control)}
        counted = {name: Counter(some.astype(str).tolist()) for name, some in lost.items()}
        by_reason = {
            reason: {name: counted[name][reason] for name in CLASSES} for reason in sorted(set().union(*counted.values()))
        }
        p = classes_differ([len(lost[name]) for name in CLASSES], list(asked.values())) if by_reason else None
        return {"left_out": by_reason, "left_out_p": p, "cut_out": asked}


def selection_of(
    candidates: Candidates, admission: Admission, pairs: Pairs, cut_flow: Sequence[tuple[str, int]], left_out: Selection
) -> Selection:
    """What the card says about the choice of galaxies.

    Parameters
    ----------
    candidates, admission, pairs
        What was chosen, among what, and by which rules.
    cut_flow : sequence of (text, int)
        Of the parents: each cut, and how many galaxies it left.
    left_out : dict
        From `Asked.left_out`.
    """
    data, rules = candidates.data, candidates.data.entry
    first = first_positives(candidates)
    stated = {name: value for name, value in as_plain(rules).items() if value or name == "name"}
    return {
        "cut_flow": [{"cut": cut, "left": left} for cut, left in cut_flow],
        "galaxies": {
            "parents": len(candidates.catalogue),
            "may carry arcs": len(candidates.hosts),
            "positives": len(np.unique(pairs.host)),
            "controls": len(np.unique(pairs.control)),
        },
        "entry": stated | {"refused": {admission.names[rule]: count for rule, count in sorted(pairs.refused.items())}},
        "resolvability": [
            {"theta_e_over_psf": name, "before": before, "after": after}
            for name, before, after in zip(BINS, *(_resolved(candidates, some) for some in (first, pairs)), strict=True)
        ],
        "balance": balance(candidates.catalogue, data.imaging, candidates.order, pairs.host, pairs.control),
        "unmatched": pairs.unmatched,
        **left_out,
        "noise": None,
    }


def _resolved(candidates: Candidates, pairs: Pairs) -> list[float]:
    data, table = candidates.data, candidates.catalogue
    band = data.imaging.reference_band
    mag, psfsize = (table[f"{stem}_{band}"].to_numpy(np.float64)[pairs.host] for stem in ("host_mag", "psfsize"))
    return resolvability(einstein_radii(data.grid, data.seed, pairs.pair_id, mag) / psfsize)
