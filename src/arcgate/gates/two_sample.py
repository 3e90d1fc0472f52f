"""The two-sample battery: whether rules on small summaries of regions tell the classes apart once the arcs are gone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from arcgate.dataset.source import Facts
from arcgate.gates.arms import Arms, Stamps, alike
from arcgate.gates.auc_judging import NULL_AUC, auc_result, decide, fires
from arcgate.gates.canaries import SKY
from arcgate.gates.exhibit import Exhibit
from arcgate.gates.probe import TooFewHostsError
from arcgate.gates.regions import Regions
from arcgate.gates.result import RAW, GateResult, Status
from arcgate.gates.rules import Hosts, halved, judged, smallest_leak
from arcgate.gates.summaries import Kept, Region, Summary, Vectors, features, in_sky, keep, planted
from arcgate.ground.draws import uniform
from arcgate.ground.statistics import Interval
from arcgate.variant import Cell, Gates
from arcgate.views.view import Viewer

# Sizes of leaks that are no light: variance of added noise as a share of the sky's; share of stamps rounded to half precision.
NOISE_SIZES: Final = (0.02, 0.05, 0.1, 0.2, 0.5)
SHARE_SIZES: Final = (0.05, 0.1, 0.25, 0.5, 1.0)
_WHAT: Final = {
    "pca": "pixels",
    "radial": "radial profile",
    "power": "power spectrum",
    "lsb": "stored bits (zeros, duplicates, rounding)",
}


@dataclass
class TwoSample:
    """Keeps a short vector of each stamp and region, and judges the cells of `settings.cells`.

    Positives without their declared arcs (without declarations: null rows) are held against the controls of their pairs. The
    bits of stored numbers are compared on the stamps as stored, since taking an arc away rounds; see `summaries.bits` for the
    traces of adding one.
    """

    viewer: Viewer
    settings: Gates
    facts: Facts
    _kept: dict[tuple[str, Region, Summary], list[Kept]] = field(default_factory=dict)
    _names: dict[str, list[NDArray[np.str_]]] = field(default_factory=dict)
    _pairs: list[NDArray[np.int64]] = field(default_factory=list)
    _results: list[GateResult] = field(default_factory=list)
    _units: list[str] = field(default_factory=list)

    def add(self, arms: Arms) -> None:
        """Keep the vectors of one shard."""
        subject = arms.residual if arms.residual is not None else arms.null
        stamps: dict[str, Stamps | None] = {
            "twin": arms.twin,
            "control": arms.counterpart,
            "twin_control": arms.twin_control,
            "subject": subject,
            "stamp": arms.stamp,
        }
        first: dict[int, str] = {}
        # Most often an injection without light leaves its galaxy as it was: then the controls are what was measured as twin.
        same = alike(arms.twin, arms.counterpart)
        for name, arm in stamps.items():
            if arm is None or arm.table.empty:
                continue
            # On some layouts the twin is the controls themselves, or the null rows: measured and kept once, under each name.
            known = first.setdefault(id(arm), name)
            self._names.setdefault(name, []).append(arm.table["host_id"].to_numpy(np.str_))
            asked = sorted({(cell.region, cell.summary) for cell in self.settings.cells})
            scaled = None
            for region, summary in asked:
                if name == ("subject" if summary == "lsb" else "stamp"):
                    continue
                if known != name and (known, region, summary) in self._kept:
                    kept = self._kept[known, region, summary][-1].bare()
                elif name == "control" and same:
                    kept = self._kept["twin", region, summary][-1].bare()
                else:
                    scaled = in_sky(arm.image, arm) if scaled is None and summary != "lsb" else scaled
                    kept = keep(arm, arm.image if scaled is None else scaled, region, summary, name == "twin")
                self._kept.setdefault((name, region, summary), []).append(kept)
        self._pairs.append(arms.twin.table["pair_id"].to_numpy(np.int64))

    def merge(self, other: Self) -> None:
        """Append what a later shard gave."""
        for key, kept in other._kept.items():
            self._kept.setdefault(key, []).extend(kept)
        for name, names in other._names.items():
            self._names.setdefault(name, []).extend(names)
        self._pairs += other._pairs

    def judge(self) -> list[GateResult]:
        """One gate a cell."""
        hosts = {name: halved(np.concatenate(names), self.settings) for name, names in self._names.items()}
        self._units = [_unit(cell, self._regions) for cell in self.settings.cells]
        self._results = [self._judged(cell, hosts) for cell in self.settings.cells]
        return self._results

    def exhibits(self) -> list[Exhibit]:
        """The AUC of every cell with its interval, and the smallest leak that each catches."""
        shown = [(result, unit) for result, unit in zip(self._results, self._units, strict=True) if result.value is not None]
        if not shown:
            return []
        margin = self.settings.margin
        bars = {
            "labels": [result.name.removeprefix("two_sample_") for result, _ in shown],
            "y_label": "AUC",
            "series": [
                {
                    "label": "positives without arcs against controls",
                    "values": [result.value for result, _ in shown],
                    "low": [result.low for result, _ in shown],
                    "high": [result.high for result, _ in shown],
                }
            ],
            "marks": [{"label": f"margin {side:g}", "y": side} for side in (NULL_AUC - margin, NULL_AUC + margin)],
        }
        rows = [
            [result.name.removeprefix("two_sample_"), result.status, "none" if leak is None else f"{leak:.2g}", unit]
            for result, unit in shown
            for leak in [result.smallest_leak]
        ]
        caption = (
            "Each bar is one rule on one summary of one region. A sound data set keeps every interval between the two lines."
        )
        heard = "The smallest planted leak that each cell fails in about 9 of 10 data sets like this one, in its canary's unit."
        columns = ["cell", "status", "smallest leak", "unit"]
        return [
            Exhibit("two_sample", "Two-sample battery", caption, "bars", bars),
            Exhibit("two_sample_leaks", "What the battery can hear", heard, "table", {"columns": columns, "rows": rows}),
        ]

    @property
    def _regions(self) -> Regions:
        return Regions(self.facts.imaging)

    def _judged(self, cell: Cell, hosts: dict[str, Hosts]) -> GateResult:
        subject = "stamp" if cell.summary == "lsb" else "subject"
        try:
            if subject not in self._names or "control" not in self._names:
                raise ValueError("the arcs of these positives are not declared, so that they cannot be taken away")
            auc = self._against(cell, subject, "control", hosts)
            twin = self._against(cell, "twin", "twin_control", hosts)
            smallest = self._smallest_leak(cell, hosts)
        except TooFewHostsError as error:
            return self._result(cell, None, None, "undetermined", str(error))
        except ValueError as error:
            return self._result(cell, None, None, "not_run", str(error))
        if not self._is_twin(subject, cell) and fires(twin, self.settings.margin):
            reason = f"the bare null twin fires: {twin.value:.3f} [{twin.low:.3f}, {twin.high:.3f}]"
            return self._result(cell, auc, smallest, "blind", reason)
        failing = f"{_where(cell.region, self._regions)} differs between the classes in its {_WHAT[cell.summary]}"
        status, reason = decide(auc, smallest is not None, self.settings.margin, failing)
        heard = (
            f"; missed, although so large: {_sizes(cell, self.settings)[-1]:.2g} {_unit(cell, self._regions)}"
            if smallest is None
            else f"; caught in 9 of 10 such sets: {smallest:.2g} {_unit(cell, self._regions)}"
        )
        return self._result(cell, auc, smallest, status, reason + heard)

    def _smallest_leak(self, cell: Cell, hosts: dict[str, Hosts]) -> float | None:
        """Smallest planted size that the cell catches."""
        drawn = uniform(self.settings.seed, "two-sample share", np.concatenate(self._pairs))
        kept = self._all("twin", cell)

        def auc(size: float) -> Interval:
            leaking = planted(kept, cell.region, cell.summary, size, drawn)
            return self._against(cell, "twin", "twin_control", hosts, leaking)

        return smallest_leak(_sizes(cell, self.settings), auc, self.settings)

    def _against(self, cell: Cell, one: str, zero: str, hosts: dict[str, Hosts], vectors: Vectors | None = None) -> Interval:
        """AUC of the cell's rule for one arm (or `vectors` in its place) against another."""
        return judged(
            features(self._all(one, cell).vectors if vectors is None else vectors, cell.summary),
            hosts[one],
            features(self._all(zero, cell).vectors, cell.summary),
            hosts[zero],
            cell.probe,
            self.settings,
            reduce=cell.summary == "pca",
        )

    def _is_twin(self, name: str, cell: Cell) -> bool:
        """Whether an arm is the twin itself, so that there is nothing to compare it with."""
        both = (self._kept[arm, cell.region, cell.summary] for arm in (name, "twin"))
        return all(one.vectors is other.vectors for one, other in zip(*both, strict=True))

    def _all(self, name: str, cell: Cell) -> Kept:
        parts = self._kept[name, cell.region, cell.summary]
        return Kept(np.concatenate([part.vectors for part in parts]), np.concatenate([part.leak for part in parts]))

    def _result(self, cell: Cell, auc: Interval | None, smallest: float | None, status: Status, reason: str) -> GateResult:
        name = f"two_sample_{cell.region}_{cell.summary}_{cell.probe}"
        unit = {"power": "of the sky's variance", "lsb": "of the stamps"}.get(cell.summary, SKY)
        return auc_result(name, RAW, auc, (smallest, unit), self.settings.margin, status, reason)


def _sizes(cell: Cell, settings: Gates) -> tuple[float, ...]:
    return {"power": NOISE_SIZES, "lsb": SHARE_SIZES}.get(cell.summary, settings.canary_sizes_sky_sigma)


def _where(region: Region, regions: Regions) -> str:
    inner, outer = regions.annulus_pix
    words: dict[Region, str] = {
        "core": "the core",
        "annulus": f"the annulus at {inner} to {outer} px",
        "border": f"the outer {regions.border_pix} px",
        "stamp": "the stamp",
    }
    return words[region]


def _unit(cell: Cell, regions: Regions) -> str:
    if cell.summary == "power":
        return "of the sky's variance in added noise"
    if cell.summary == "lsb":
        return "of the stamps rounded to half precision"
    return f"sky sigma per pixel, added {f'at r < {regions.core_pix:.3g} px' if cell.region == 'core' else 'everywhere'}"
