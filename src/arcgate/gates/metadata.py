"""Nuisance gate: whether the label can be told from what is known of a row, without its pixels."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.dataset.source import Facts
from arcgate.gates.arms import Arms, Stamps
from arcgate.gates.auc_judging import NULL_AUC, auc_result, decide
from arcgate.gates.exhibit import Exhibit
from arcgate.gates.probe import TooFewHostsError
from arcgate.gates.result import GateResult, Status
from arcgate.gates.rules import Hosts, Rule, halved, judged, smallest_leak
from arcgate.ground.draws import text_ids, uniform
from arcgate.ground.statistics import Interval, clustered_auc
from arcgate.imaging import Imaging
from arcgate.variant import Gates
from arcgate.views.view import Viewer

Array = NDArray[np.float64]

_STEMS: Final = ("psfsize", "psf_beta_declared", "depth", "host_mag", "sky_sigma", "gain", "ivar")
# No scale of their own: each value becomes a number by hash, which trees can cut out.
NAMES: Final = ("healpix", "provenance", "brick", "seed", "split")
# What the gate must not read. Columns of the arc exist on positives only, and identities count rows or stand for the label.
EXCLUDED: Final = (
    "theta_e_arcsec, theta_e_over_psf, n_images, lens_*, gamma*, source_*, flux_scale, arc_*, psf_*_used_* (of the arc: null on "
    "controls), core_mask_* and arc_noise (settings of the data set), role, label, control_kind (the label), sample_id, pair_id, "
    "host_id (identities)"
)
# Sizes of the canary: shift of one column in the positives, in units of its standard deviation over galaxies.
SHIFTS: Final = (0.05, 0.1, 0.2, 0.5, 1.0)
# About so many lines of a stamp are compressed.
_LINES: Final = 16
_RULES: Final[tuple[Rule, ...]] = ("ridge", "trees")


@dataclass
class Metadata:
    """Keeps the scalar columns of positives and controls, and the size of their stamps when compressed.

    What was measured on pixels that may hold an arc (`Facts.measured_on_arcs`) is no metadata: an arc pulls a centre, and its
    wings widen the sky. It changes how well a stamp compresses, too, and taking it away rounds, so that the size (of some lines
    of the reference band, zlib level 1) is that of the positive's null row; without null rows it is left out. Zeros and other
    stored values are pixels, which `stored_values` looks at. The order in the file is not looked at: layouts fix it.
    """

    viewer: Viewer
    settings: Gates
    facts: Facts
    _positive: list[pd.DataFrame] = field(default_factory=list)
    _control: list[pd.DataFrame] = field(default_factory=list)
    _single: list[tuple[str, Interval]] = field(default_factory=list)
    _absent: list[str] = field(default_factory=list)

    def add(self, arms: Arms) -> None:
        """Take the columns of one shard's rows."""
        if arms.stamp.table.empty or arms.control.table.empty:
            return
        positive, control = (_columns(stamps).drop(columns=self._measured) for stamps in (arms.stamp, arms.control))
        if arms.null is not None and not arms.null.table.empty:
            sizes = pd.Series(_compressed(arms.null), index=arms.null.table["pair_id"])
            positive["compressed_size"] = arms.stamp.table["pair_id"].map(sizes).to_numpy(np.float64)
            # A null row with the very pixels of its control compresses alike.
            control["compressed_size"] = _compressed(arms.control)
        self._positive.append(positive)
        self._control.append(control)

    @property
    def _measured(self) -> list[str]:
        return [name for name in _numbers_of(self.facts.imaging) if name in self.facts.measured_on_arcs]

    def merge(self, other: Self) -> None:
        """Append what a later shard gave."""
        self._positive += other._positive
        self._control += other._control

    def judge(self) -> list[GateResult]:
        """One gate for a linear rule and one for boosted trees."""
        if not self._positive:
            return [_result(rule, None, None, self.settings, "not_run", "a class has no rows") for rule in _RULES]
        positive, control = (pd.concat(parts, ignore_index=True) for parts in (self._positive, self._control))
        hosts = [halved(table.pop("host_id").to_numpy(np.str_), self.settings) for table in (positive, control)]
        known = [name for name in (*_numbers_of(self.facts.imaging), *NAMES, "compressed_size") if name not in self._measured]
        self._absent = [name for name in known if name not in positive]
        if _photon_noise(positive):
            # The inverse variance of such rows holds the photons of their arcs.
            self._absent += [f"ivar_{band}" for band in self.facts.imaging.bands]
        drop = ["arc_noise", *self._absent]
        if set(positive) | set(control) <= set(drop):
            reason = f"nothing that could be compared is recorded beside the pixels{self._not_read()}"
            return [_result(rule, None, None, self.settings, "not_run", reason) for rule in _RULES]
        one, zero = _numbers(positive.drop(columns=drop, errors="ignore"), control.drop(columns=drop, errors="ignore"))
        self._single = _single_columns(one, zero, hosts, self.settings)
        return [self._judged(rule, one, zero, hosts) for rule in _RULES]

    def exhibits(self) -> list[Exhibit]:
        """AUC of every column by itself."""
        if not self._single:
            return []
        ordered = sorted(self._single, key=lambda item: -abs(item[1].value - NULL_AUC))
        content = {
            "labels": [name for name, _ in ordered],
            "y_label": "AUC",
            "series": [
                {
                    "label": "column by itself",
                    "values": [auc.value for _, auc in ordered],
                    "low": [auc.low for _, auc in ordered],
                    "high": [auc.high for _, auc in ordered],
                }
            ],
            "marks": [
                {"label": f"margin {side:g}", "y": side}
                for side in (NULL_AUC - self.settings.margin, NULL_AUC + self.settings.margin)
            ],
        }
        caption = f"Whether each column alone orders the classes. Not features, since they give the label away: {EXCLUDED}."
        return [Exhibit("metadata", "What is known without pixels", caption, "bars", content)]

    def _judged(self, rule: Rule, one: pd.DataFrame, zero: pd.DataFrame, hosts: list[Hosts]) -> GateResult:
        try:
            auc = judged(one.to_numpy(np.float64), hosts[0], zero.to_numpy(np.float64), hosts[1], rule, self.settings)
            smallest, column = self._smallest_shift(rule, zero, hosts[1])
        except TooFewHostsError as error:
            return _result(rule, None, None, self.settings, "undetermined", str(error))
        except ValueError as error:
            return _result(rule, None, None, self.settings, "not_run", str(error))
        failing = "the label can be told from metadata"
        # Names and cells have no order, and may be all that varies.
        if self._single:
            name, auc_of_it = max(self._single, key=lambda item: abs(item[1].value - NULL_AUC))
            failing += f"; by itself {name} tells most (AUC {auc_of_it.value:.3f})"
        status, reason = decide(auc, smallest is not None, self.settings.margin, failing)
        if smallest is not None:
            reason += f"; caught in 9 of 10 such sets: {column} shifted by {smallest:.2g} of its spread"
        return _result(rule, auc, smallest, self.settings, status, reason + self._not_read())

    def _not_read(self) -> str:
        """Columns that are not looked at, and why."""
        words = f"; not there or not comparable: {', '.join(self._absent)}" if self._absent else ""
        if self._measured:
            words += f"; measured on stamps with their arcs, and therefore not looked at: {', '.join(self._measured)}"
        return words

    def _smallest_shift(self, rule: Rule, zero: pd.DataFrame, hosts: Hosts) -> tuple[float | None, str]:
        """The canary: the null twin with the first varying column of one side shifted.

        On pairs the controls against themselves, else those of one half of the galaxies against the others.
        """
        bare = zero.to_numpy(np.float64)
        spread = bare.std(axis=0)
        place = int(np.argmax(spread > 0))
        one = np.ones(len(bare), dtype=bool)
        if not self.facts.paired:
            one = uniform(self.settings.seed, "twin", hosts.ids) < 0.5
        other = one if self.facts.paired else ~one

        def auc(size: float) -> Interval:
            shifted = bare[one]
            shifted[:, place] += size * spread[place]
            return judged(shifted, hosts.take(one), bare[other], hosts.take(other), rule, self.settings)

        return smallest_leak(SHIFTS, auc, self.settings), str(zero.columns[place])


def _numbers_of(imaging: Imaging) -> list[str]:
    """Columns that are numbers."""
    return [*[f"{stem}_{band}" for stem in _STEMS for band in imaging.bands], "ebv", "host_x_pix", "host_y_pix"]


def _columns(stamps: Stamps) -> pd.DataFrame:
    """The features that a table holds, and colours; with host_id and arc_noise."""
    table, known = stamps.table, ("host_id", *_numbers_of(stamps.imaging), *NAMES, "arc_noise")
    kept = table[[name for name in known if name in table]].copy()
    for blue, red in pairwise(stamps.imaging.bands):
        if f"host_mag_{blue}" in kept and f"host_mag_{red}" in kept:
            kept[f"colour_{blue}{red}"] = kept[f"host_mag_{blue}"] - kept[f"host_mag_{red}"]
    return kept


def _compressed(stamps: Stamps) -> Array:
    """Bytes of some lines of each image in the reference band under zlib, level 1: whole stamps take a millisecond and more."""
    imaging = stamps.imaging
    lines = np.ascontiguousarray(stamps.image[:, imaging.bands.index(imaging.reference_band), :: imaging.size_pix // _LINES])
    return np.array([len(zlib.compress(image, 1)) for image in lines], dtype=np.float64)


def _photon_noise(table: pd.DataFrame) -> bool:
    return "arc_noise" in table and bool((table["arc_noise"] == "poisson").any())


def _numbers(positive: pd.DataFrame, control: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Both classes as numbers: text and cells by hash; a missing value is the column's median, and one more column says so."""
    both = pd.concat([positive, control], ignore_index=True)
    columns: dict[str, Array] = {}
    for name in both:
        column = both[name]
        if name in NAMES:
            codes, values = pd.factorize(column.astype("string").fillna("missing"))
            hashed = text_ids([str(value) for value in values]).astype(np.float64) / 2.0**63
            columns[str(name)] = hashed[codes]
            continue
        numbers = column.to_numpy(np.float64, na_value=np.nan)
        unknown = ~np.isfinite(numbers)
        if unknown.any():
            columns[f"{name}_missing"] = unknown.astype(np.float64)
        median = float(np.median(numbers[~unknown])) if not unknown.all() else 0.0
        columns[str(name)] = np.where(unknown, median, numbers)
    table = pd.DataFrame(columns)
    return table.iloc[: len(positive)], table.iloc[len(positive) :]


def _single_columns(one: pd.DataFrame, zero: pd.DataFrame, hosts: list[Hosts], settings: Gates) -> list[tuple[str, Interval]]:
    """AUC of each varying column that has an order."""
    labels = np.repeat([1, 0], [len(one), len(zero)])
    names = np.concatenate([half.names for half in hosts])
    values = pd.concat([one, zero])
    varying = [str(name) for name in values if name not in NAMES and values[name].nunique() > 1]
    if any(len(np.unique(half.names)) < 2 for half in hosts):
        return []
    return [(name, clustered_auc(values[name].to_numpy(np.float64), labels, names, settings.level)) for name in varying]


def _result(rule: Rule, auc: Interval | None, smallest: float | None, settings: Gates, status: Status, reason: str) -> GateResult:
    return auc_result(f"metadata_{rule}", "table", auc, (smallest, "of a column's spread"), settings.margin, status, reason)
