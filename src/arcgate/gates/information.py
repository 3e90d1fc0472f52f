"""How much there is to see, and where: usable information, the ideal observer, AUC of single pixels; all of it diagnostics."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final, Literal, Self

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t

from arcgate.dataset.source import Facts
from arcgate.gates.arms import Arms, Pixels
from arcgate.gates.canaries import SKY
from arcgate.gates.exhibit import Exhibit
from arcgate.gates.observer import Moments, detectability
from arcgate.gates.pixel_map import Counts, auc_map, histograms
from arcgate.gates.probe import fitted, require_hosts
from arcgate.gates.regions import Regions
from arcgate.gates.result import RAW, GateResult
from arcgate.gates.rules import Hosts, halved
from arcgate.gates.subset import in_words, some
from arcgate.gates.summaries import Vectors, annulus, block_means, in_sky, pixels, radial
from arcgate.ground.statistics import Interval
from arcgate.variant import Gates
from arcgate.views.view import Viewer

Array = NDArray[np.float64]
Where = Literal["core", "annulus", "stamp"]

REGIONS: Final[tuple[Where, ...]] = ("core", "annulus", "stamp")
_ARMS: Final = {"stamp": "stamps with arcs", "residual": "stamps without their declared arcs"}
_PARTS: Final = {"values": "value", "low": "low", "high": "high"}
# Along a side of the core.
_CHANNELS: Final = 6


@dataclass
class Information:
    """Keeps profiles of stamps and controls, arcs in a few channels, moments of the controls, and histograms of pixels."""

    viewer: Viewer
    settings: Gates
    facts: Facts
    _names: dict[str, list[NDArray[np.str_]]] = field(default_factory=dict)
    _profiles: dict[tuple[str, Where], list[Vectors]] = field(default_factory=dict)
    _moments: dict[Where, Moments] = field(default_factory=lambda: {region: Moments() for region in REGIONS})
    _arcs: dict[Where, list[Vectors]] = field(default_factory=lambda: {region: [] for region in REGIONS})
    _bare: dict[Where, list[Vectors]] = field(default_factory=lambda: {region: [] for region in REGIONS})
    _counts: dict[str, Counts] = field(default_factory=dict)
    _information: dict[tuple[str, Where], Interval] = field(default_factory=dict)
    _seen: dict[Where, Array] = field(default_factory=dict)

    def add(self, arms: Arms) -> None:
        """Take the profiles, moments and histograms of some of one shard's pairs."""
        few, regions, imaging = some(arms, self.settings), self._regions, self.facts.imaging
        for name, stamps in (("control", few.control), ("stamp", few.stamp), ("residual", few.residual)):
            if stamps is None or stamps.table.empty:
                continue
            scaled = in_sky(stamps.image, stamps)
            self._names.setdefault(name, []).append(stamps.table["host_id"].to_numpy(np.str_))
            for region in REGIONS:
                self._profiles.setdefault((name, region), []).append(radial(scaled, stamps.x, stamps.y, region, regions))
                if name == "control":
                    self._moments[region].add(channels(scaled, region, regions))
            self._count(name, histograms(scaled[:, imaging.bands.index(imaging.reference_band)]))
        if few.arc is not None and len(few.arc):
            scaled = in_sky(few.arc, few.stamp)
            squared = np.square(scaled)
            for region in REGIONS:
                self._arcs[region].append(channels(scaled, region, regions))
                self._bare[region].append(np.sqrt(_cut(squared, region, regions).sum(axis=1)))

    def merge(self, other: Self) -> None:
        """Add what a later shard gave."""
        for name, names in other._names.items():
            self._names.setdefault(name, []).extend(names)
        for key, profiles in other._profiles.items():
            self._profiles.setdefault(key, []).extend(profiles)
        for region in REGIONS:
            self._moments[region].merge(other._moments[region])
            self._arcs[region] += other._arcs[region]
            self._bare[region] += other._bare[region]
        for name, counts in other._counts.items():
            self._count(name, counts)

    def judge(self) -> list[GateResult]:
        """Information in each region with and without arcs, the ideal observer's d', and the most telling pixel."""
        hosts = {name: halved(np.concatenate(names), self.settings) for name, names in self._names.items()}
        results = [self._usable(arm, region, hosts) for arm in _ARMS for region in REGIONS]
        results += [self._ideal(region) for region in REGIONS]
        results += [self._pixel(arm) for arm in _ARMS]
        return [replace(result, reason=result.reason + in_words(self.settings)) if result.n else result for result in results]

    def exhibits(self) -> list[Exhibit]:
        """Information by region, distribution of d', maps of pixel AUC."""
        shown = [self._information_bars(), self._observer_lines(), *[self._map(arm) for arm in _ARMS]]
        return [exhibit for exhibit in shown if exhibit is not None]

    @property
    def _regions(self) -> Regions:
        return Regions(self.facts.imaging)

    def _words(self, region: Where) -> str:
        inner, outer = self._regions.annulus_pix
        words: dict[Where, str] = {
            "core": "the core",
            "annulus": f"the annulus at {inner} to {outer} px",
            "stamp": "the whole stamp",
        }
        return words[region]

    def _count(self, name: str, counts: Counts) -> None:
        self._counts[name] = self._counts[name] + counts if name in self._counts else counts

    def _usable(self, arm: str, region: Where, hosts: dict[str, Hosts]) -> GateResult:
        name = f"usable_information_{region}" + ("" if arm == "stamp" else f"_{arm}")
        if arm not in hosts or "control" not in hosts:
            return _result(name, None, None, "not_run", f"there are no {_ARMS[arm]}, or no controls")
        one, zero = (np.concatenate(self._profiles[which, region]) for which in (arm, "control"))
        try:
            found = usable_information(one, hosts[arm], zero, hosts["control"], self.settings)
        except ValueError as error:
            return _result(name, None, None, "not_run", str(error))
        self._information[arm, region] = found
        reason = f"bits on the label that a logistic regression can use in profiles of {self._words(region)}, of {_ARMS[arm]}"
        return _result(name, found, None, "reported", reason)

    def _ideal(self, region: Where) -> GateResult:
        name = f"ideal_observer_{region}"
        if not self._arcs[region]:
            return _result(name, None, None, "not_run", "no arcs are stored")
        arcs, background = np.concatenate(self._arcs[region]), self._moments[region]
        try:
            seen = detectability(arcs, background)
            pedestal = 1.0 / float(detectability(np.ones((1, arcs.shape[1])), background)[0])
        except ValueError as error:
            return _result(name, None, None, "not_run", str(error))
        self._seen[region] = seen
        low, middle, high = np.quantile(seen, [0.05, 0.5, 0.95])
        bare = float(np.median(np.concatenate(self._bare[region])))
        reason = (
            f"median d' of the known arcs in {self._words(region)} against galaxies and noise "
            f"(5 to 95 %: {low:.2g} to {high:.2g}); against noise alone {bare:.2g}; "
            f"a pedestal of {pedestal:.2g} sky sigma a pixel has d' = 1"
        )
        interval = Interval(float(middle), float(low), float(high), len(seen), background.n)
        return _result(name, interval, pedestal, "reported", reason)

    def _pixel(self, arm: str) -> GateResult:
        name = "pixel_auc" + ("" if arm == "stamp" else f"_{arm}")
        if arm not in self._counts or "control" not in self._counts:
            return _result(name, None, None, "not_run", f"there are no {_ARMS[arm]}, or no controls")
        values = auc_map(self._counts[arm], self._counts["control"])
        y, x = np.unravel_index(int(np.abs(values - 0.5).argmax()), values.shape)
        value = float(values[y, x])
        n = int(self._counts[arm][0].sum() + self._counts["control"][0].sum())
        band = self.facts.imaging.reference_band
        reason = f"AUC of the most telling single pixel, {band} band, at x = {x}, y = {y}, of {_ARMS[arm]}"
        return GateResult(
            name, RAW, "overall", "diagnostic", value, None, None, None, None, n, 0, "reported", reason, null=None, leak_unit=""
        )

    def _information_bars(self) -> Exhibit | None:
        if not self._information:
            return None
        series = []
        for arm, label in _ARMS.items():
            found = [self._information.get((arm, region)) for region in REGIONS]
            if all(found):
                columns = {key: [getattr(one, part) for one in found] for key, part in _PARTS.items()}
                series.append({"label": label} | columns)
        content = {
            "labels": [self._words(region) for region in REGIONS],
            "y_label": "bits",
            "series": series,
            "marks": [{"label": "the whole label", "y": 1.0}],
        }
        caption = (
            "With arcs this is mostly signal. Without their declared arcs nothing should be left: less than 0 means that a rule "
            "learnt on one half of the galaxies misleads on the other."
        )
        return Exhibit("usable_information", "Usable information on the label", caption, "bars", content)

    def _observer_lines(self) -> Exhibit | None:
        if not self._seen:
            return None
        share = np.linspace(0.0, 1.0, 41)
        series = [
            {"label": self._words(region), "x": np.quantile(seen, share).tolist(), "y": share.tolist()}
            for region, seen in self._seen.items()
        ]
        axes = {"x_label": "d' of the ideal linear observer", "y_label": "share of arcs below", "x_log": True, "y_log": False}
        caption = (
            "What the best linear rule could see of each arc if it knew it: d' below 1 cannot be told from galaxies and noise."
        )
        marks = [{"label": "d' = 1", "x": 1.0}]
        return Exhibit("ideal_observer", "Ceiling of detection", caption, "lines", axes | {"series": series, "marks": marks})

    def _map(self, arm: str) -> Exhibit | None:
        if arm not in self._counts or "control" not in self._counts:
            return None
        values = auc_map(self._counts[arm], self._counts["control"])
        reach = max(float(np.abs(values - 0.5).max()), 0.02)
        panels = [{"label": _ARMS[arm], "values": np.round(values, 3).tolist()}]
        content = {"unit": "AUC", "low": 0.5 - reach, "high": 0.5 + reach, "diverging": True, "panels": panels}
        band = self.facts.imaging.reference_band
        caption = f"How well each pixel of the {band} band alone orders {_ARMS[arm]} and controls; 0.5 is chance."
        return Exhibit(f"pixel_auc_{arm}", "AUC of single pixels", caption, "images", content)


def channels(scaled: Pixels, region: Where, regions: Regions) -> Vectors:
    """Light in the observer's channels: about 6 x 6 blocks of the core, sectors of the annulus, 8 x 8 blocks of the stamp."""
    if region != "core":
        return pixels(scaled, region, regions)
    core = scaled[:, :, regions.core_box, regions.core_box]
    return block_means(core, _CHANNELS, axes=(-1, -2)).reshape(len(core), -1)


def usable_information(
    positive: Vectors, positive_hosts: Hosts, control: Vectors, control_hosts: Hosts, settings: Gates
) -> Interval:
    """Information on the label that scaled, regularised logistic regressions can use, in bits.

    Parameters
    ----------
    positive, control : ndarray, shapes (n, k) and (m, k)
        Features of both classes.
    positive_hosts, control_hosts : Hosts
        Of their rows; each half of the galaxies is judged by the rule of the other.
    settings : Gates
        Level of the interval, least number of galaxies.

    Returns
    -------
    Interval
        H_V(Y) - H_V(Y | X), the mean of log2 p(y | x) - log2 p(y) (Xu et al. 2020, arXiv:2002.10689; pointwise as Ethayarajh et
        al. 2022, arXiv:2110.08420), clustered by galaxy. Its value may be negative.

    Raises
    ------
    ValueError
        Too few galaxies in a half, or a fit that does not converge.
    """
    features = np.concatenate([positive, control]).astype(np.float64)
    labels = np.repeat([1, 0], [len(positive), len(control)])
    fitting = np.concatenate([positive_hosts.fitting, control_hosts.fitting])
    hosts = np.concatenate([positive_hosts.ids, control_hosts.ids])
    require_hosts(hosts, labels, fitting, settings.min_hosts)
    gained = np.zeros(len(labels))
    for fit in (fitting, ~fitting):
        score = fitted(features[fit], labels[fit]).decision_function(features[~fit]) * np.where(labels[~fit] == 1, 1.0, -1.0)
        prior = np.bincount(labels[fit]) / fit.sum()
        gained[~fit] = (-np.logaddexp(0.0, -score) - np.log(prior[labels[~fit]])) / np.log(2.0)
    cluster = np.unique(hosts, return_inverse=True)[1]
    groups, value = int(cluster.max()) + 1, float(gained.mean())
    scatter = np.bincount(cluster, gained - value)
    error = np.sqrt(groups / (groups - 1) * np.square(scatter).sum()) / len(gained)
    half = float(t.ppf(0.5 + settings.level / 2.0, groups - 1) * error)
    return Interval(value, value - half, value + half, len(gained), groups)


def _cut(image: Pixels, region: Where, regions: Regions) -> Pixels:
    if region == "annulus":
        return image[:, :, annulus(regions)].reshape(len(image), -1)
    cut = regions.core_box if region == "core" else slice(None)
    return image[:, :, cut, cut].reshape(len(image), -1)


def _result(
    name: str, interval: Interval | None, leak: float | None, status: Literal["reported", "not_run"], reason: str
) -> GateResult:
    value, low, high = (interval.value, interval.low, interval.high) if interval else (None, None, None)
    n, groups = (interval.n, interval.n_groups) if interval else (0, 0)
    return GateResult(
        name, RAW, "overall", "diagnostic", value, low, high, None, leak, n, groups, status, reason, null=None, leak_unit=SKY
    )
