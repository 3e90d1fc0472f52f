"""How much there is to see, and where: usable information, the ideal observer, AUC of single pixels; all of it diagnostics."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t

from arcgate.gates.core.context import Context
from arcgate.gates.core.exhibit import Exhibit
from arcgate.gates.core.gate import Arrays, Judgement, Kept, StatedGate, Total
from arcgate.gates.core.held_out_auc import Sample, checked_halves
from arcgate.gates.core.planted_leak import SKY
from arcgate.gates.core.result import GateResult
from arcgate.gates.core.rules import fitted
from arcgate.gates.core.shard import Shard
from arcgate.gates.core.stamps import Pixels, Stamps
from arcgate.gates.core.words import Words
from arcgate.gates.features.observer import Moments, detectability
from arcgate.gates.features.pixel_map import auc_map, histograms
from arcgate.gates.features.regions import Regions
from arcgate.gates.features.summaries import Vectors, annulus, block_means, pixels, radial
from arcgate.ground.statistics import Interval

Array = NDArray[np.float64]
Where = Literal["core", "annulus", "stamp"]

REGIONS: Final[tuple[Where, ...]] = ("core", "annulus", "stamp")
_CLASSES: Final = {"stamp": "stamps with arcs", "residual": "stamps without their declared arcs"}
_NUMBERS: Final = {"values": "value", "low": "low", "high": "high"}
_TITLES: Final = {
    "usable_information": ("Usable information", "How many bits about the label does it hold?"),
    "ideal_observer": ("Ideal observer", "How well could a linear rule do with the known arc?"),
    "pixel_auc": ("AUC of each pixel", "Which pixels tell the classes apart?"),
}
# Along a side of the core.
_CHANNELS: Final = 6


@dataclass(frozen=True, kw_only=True)
class Information(StatedGate):
    """Keeps profiles of stamps and controls, arcs in a few channels, moments of the controls, and histograms of pixels."""

    def words(self, result: str) -> Words:
        """One of its figures."""
        for start, (title, asks) in _TITLES.items():
            if result.startswith(start):
                rest = result.removeprefix(start).strip("_").replace("_", " ")
                return Words(self.section, f"{title}: {rest}" if rest else title, asks)
        return super().words(result)

    def extract(self, shard: Shard) -> dict[str, Kept]:
        """Profiles, moments and histograms of some of the pairs."""
        few, regions = shard.diagnosed, shard.context.regions
        kept: dict[str, Kept] = {}
        for name, stamps in _classes(few).items():
            kept[f"{name}/galaxy"], kept[f"{name}/pair"] = stamps.galaxy, stamps.pair
            for region in REGIONS:
                kept[f"{name}/{region}"] = radial(stamps.in_sky, stamps.x, stamps.y, region, regions)
                if name == "control":
                    moments = Moments.of(channels(stamps.in_sky, region, regions))
                    kept |= {f"moments/{region}/{part}": Total(value) for part, value in moments.parts().items()}
            red = stamps.imaging.bands.index(stamps.imaging.reference_band)
            kept[f"{name}/histograms"] = Total(histograms(stamps.in_sky[:, red]))
        if few.arc is not None and len(few.arc):
            scaled = np.asarray(few.arc / few.positive.sky.astype(np.float32), dtype=np.float32)
            squared = np.square(scaled)
            for region in REGIONS:
                kept[f"arc/{region}"] = channels(scaled, region, regions)
                kept[f"bare/{region}"] = np.sqrt(_cut(squared, region, regions).sum(axis=1))
        return kept

    def judge(self, arrays: Arrays, context: Context) -> Judgement:
        """Information in each region with and without arcs, the ideal observer's d', and the most telling pixel."""
        usable = {(name, region): self._usable(name, region, arrays, context) for name in _CLASSES for region in REGIONS}
        seen = {region: _seen(region, arrays) for region in REGIONS if f"arc/{region}" in arrays}
        results = [*usable.values(), *[self._ideal(region, seen, arrays, context) for region in REGIONS]]
        results += [self._pixel(name, arrays, context) for name in _CLASSES]
        words = context.diagnosed_words
        exhibits = [_bars(usable, context), _lines(seen, context), *[_map(name, arrays, context) for name in _CLASSES]]
        return Judgement(
            [replace(result, reason=result.reason + words) if result.n else result for result in results],
            [exhibit for exhibit in exhibits if exhibit is not None],
            [],
        )

    def _usable(self, name: str, region: Where, arrays: Arrays, context: Context) -> GateResult:
        of = f"usable_information_{region}" + ("" if name == "stamp" else f"_{name}")
        if f"{name}/{region}" not in arrays or f"control/{region}" not in arrays:
            return self._not_run(of, f"there are no {_CLASSES[name]}, or no controls")
        one, zero = (
            Sample(arrays[f"{each}/{region}"], arrays[f"{each}/galaxy"], arrays[f"{each}/pair"]) for each in (name, "control")
        )
        try:
            found = usable_information(one, zero, context)
        except ValueError as error:
            return self._not_run(of, str(error))
        where = _words(region, context.regions)
        reason = f"bits on the label that a logistic regression can use in profiles of {where}, of {_CLASSES[name]}"
        return self._reported(of, found, reason)

    def _ideal(self, region: Where, seen: dict[Where, tuple[Array, float] | str], arrays: Arrays, context: Context) -> GateResult:
        of = f"ideal_observer_{region}"
        found = seen.get(region, "no arcs are stored")
        if isinstance(found, str):
            return self._not_run(of, found)
        values, pedestal = found
        low, middle, high = np.quantile(values, [0.05, 0.5, 0.95])
        bare = float(np.median(arrays[f"bare/{region}"]))
        reason = (
            f"median d' of the known arcs in {_words(region, context.regions)} against galaxies and noise "
            f"(5 to 95 %: {low:.2g} to {high:.2g}); against noise alone {bare:.2g}; "
            f"a pedestal of {pedestal:.2g} sky sigma a pixel has d' = 1"
        )
        n_controls = int(arrays[f"moments/{region}/n"])
        interval = Interval(float(middle), float(low), float(high), len(values), n_controls)
        return replace(self._reported(of, interval, reason), detected_sensitivity=pedestal, sensitivity_unit=SKY)

    def _pixel(self, name: str, arrays: Arrays, context: Context) -> GateResult:
        of = "pixel_auc" + ("" if name == "stamp" else f"_{name}")
        if f"{name}/histograms" not in arrays or "control/histograms" not in arrays:
            return self._not_run(of, f"there are no {_CLASSES[name]}, or no controls")
        counts, controls = arrays[f"{name}/histograms"], arrays["control/histograms"]
        values = auc_map(counts, controls)
        y, x = np.unravel_index(int(np.abs(values - 0.5).argmax()), values.shape)
        band = context.facts.imaging.reference_band
        reason = f"AUC of the most telling single pixel, {band} band, at x = {x}, y = {y}, of {_CLASSES[name]}"
        n = int(counts[0].sum() + controls[0].sum())
        return self.result_of("reported", reason, name=of, role="diagnostic", value=float(values[y, x]), n=n)

    def _reported(self, name: str, found: Interval, reason: str) -> GateResult:
        numbers = {"value": found.value, "low": found.low, "high": found.high, "n": found.n, "n_groups": found.n_groups}
        return self.result_of("reported", reason, name=name, role="diagnostic", **numbers)

    def _not_run(self, name: str, reason: str) -> GateResult:
        return self.result_of("not_run", reason, name=name, role="diagnostic")


def _classes(few: Shard) -> dict[str, Stamps]:
    """Controls, and positives with and without their arcs; those that there are."""
    found = {"control": few.control, "stamp": few.positive}
    if few.declared is not None:
        found["residual"] = few.positive.without(few.declared)
    return {name: stamps for name, stamps in found.items() if len(stamps)}


def _words(region: Where, regions: Regions) -> str:
    inner, outer = regions.annulus_pix
    words: dict[Where, str] = {
        "core": "the core",
        "annulus": f"the annulus at {inner} to {outer} px",
        "stamp": "the whole stamp",
    }
    return words[region]


def _seen(region: Where, arrays: Arrays) -> tuple[Array, float] | str:
    """D' of each arc and the pedestal of d' = 1, or why there are none."""
    arcs = arrays[f"arc/{region}"]
    try:
        background = Moments(*(arrays[f"moments/{region}/{part}"] for part in Moments.PARTS))
        return detectability(arcs, background), 1.0 / float(detectability(np.ones((1, arcs.shape[1])), background)[0])
    except (KeyError, ValueError) as error:
        return "there are no controls" if isinstance(error, KeyError) else str(error)


def _bars(usable: dict[tuple[str, Where], GateResult], context: Context) -> Exhibit | None:
    """Information by region."""
    series = []
    for name, label in _CLASSES.items():
        found = [usable[name, region] for region in REGIONS]
        if all(one.value is not None for one in found):
            series.append({"label": label} | {key: [getattr(one, part) for one in found] for key, part in _NUMBERS.items()})
    if not series:
        return None
    content = {
        "labels": [_words(region, context.regions) for region in REGIONS],
        "y_label": "bits",
        "series": series,
        "marks": [{"label": "the whole label", "y": 1.0}],
    }
    caption = (
        "With arcs this is mostly signal. Without their declared arcs nothing should be left: less than 0 means that a rule "
        "learnt on one half of the galaxies misleads on the other."
    )
    return Exhibit("usable_information", "Usable information on the label", caption, "bars", content)


def _lines(seen: dict[Where, tuple[Array, float] | str], context: Context) -> Exhibit | None:
    """Distribution of d'."""
    share = np.linspace(0.0, 1.0, 41)
    series = [
        {"label": _words(region, context.regions), "x": np.quantile(found[0], share).tolist(), "y": share.tolist()}
        for region, found in seen.items()
        if not isinstance(found, str)
    ]
    if not series:
        return None
    axes = {"x_label": "d' of the ideal linear observer", "y_label": "share of arcs below", "x_log": True, "y_log": False}
    caption = "What the best linear rule could see of each arc if it knew it: d' below 1 cannot be told from galaxies and noise."
    marks = [{"label": "d' = 1", "x": 1.0}]
    return Exhibit("ideal_observer", "Ceiling of detection", caption, "lines", axes | {"series": series, "marks": marks})


def _map(name: str, arrays: Arrays, context: Context) -> Exhibit | None:
    """Pixel by pixel, its AUC by itself."""
    if f"{name}/histograms" not in arrays or "control/histograms" not in arrays:
        return None
    values = auc_map(arrays[f"{name}/histograms"], arrays["control/histograms"])
    reach = max(float(np.abs(values - 0.5).max()), 0.02)
    panels = [{"label": _CLASSES[name], "values": np.round(values, 3).tolist()}]
    content = {"unit": "AUC", "low": 0.5 - reach, "high": 0.5 + reach, "diverging": True, "panels": panels}
    band = context.facts.imaging.reference_band
    caption = f"How well each pixel of the {band} band alone orders {_CLASSES[name]} and controls; 0.5 is chance."
    return Exhibit(f"pixel_auc_{name}", "AUC of single pixels", caption, "images", content)


def channels(scaled: Pixels, region: Where, regions: Regions) -> Vectors:
    """Light in the observer's channels: about 6 x 6 blocks of the core, sectors of the annulus, 8 x 8 blocks of the stamp."""
    if region != "core":
        return pixels(scaled, region, regions)
    core = scaled[:, :, regions.core_box, regions.core_box]
    return block_means(core, _CHANNELS, axes=(-1, -2)).reshape(len(core), -1)


def usable_information(one: Sample, zero: Sample, context: Context) -> Interval:
    """Information on the label that scaled, regularised logistic regressions can use, in bits.

    Parameters
    ----------
    one, zero : Sample
        Both classes; each half of the galaxies is judged by the rule of the other.
    context : Context
        The halves, the level of the interval, the least number of galaxies.

    Returns
    -------
    Interval
        H_V(Y) - H_V(Y | X), the mean of log2 p(y | x) - log2 p(y) (Xu et al. 2020, arXiv:2002.10689; pointwise as Ethayarajh et
        al. 2022, arXiv:2110.08420), clustered by galaxy. Its value may be negative.

    Raises
    ------
    NotComparableError, TooFewGalaxiesError
        As `held_out`.
    """
    features = np.concatenate([one.features, zero.features]).astype(np.float64)
    labels = np.repeat([1, 0], [len(one.galaxy), len(zero.galaxy)])
    galaxy = np.concatenate([one.galaxy, zero.galaxy])
    fitting = checked_halves(labels, galaxy, context)
    gained = np.zeros(len(labels))
    for fit in (fitting, ~fitting):
        score = fitted(features[fit], labels[fit], "logistic").decision_function(features[~fit]) * np.where(
            labels[~fit] == 1, 1.0, -1.0
        )
        prior = np.bincount(labels[fit]) / fit.sum()
        gained[~fit] = (-np.logaddexp(0.0, -score) - np.log(prior[labels[~fit]])) / np.log(2.0)
    cluster = np.unique(context.ranked(galaxy), return_inverse=True)[1]
    groups, value = int(cluster.max()) + 1, float(gained.mean())
    scatter = np.bincount(cluster, gained - value)
    error = np.sqrt(groups / (groups - 1) * np.square(scatter).sum()) / len(gained)
    half = float(t.ppf(0.5 + context.settings.level / 2.0, groups - 1) * error)
    return Interval(value, value - half, value + half, len(gained), groups)


def _cut(image: Pixels, region: Where, regions: Regions) -> Pixels:
    if region == "annulus":
        return image[:, :, annulus(regions)].reshape(len(image), -1)
    cut = regions.core_box if region == "core" else slice(None)
    return image[:, :, cut, cut].reshape(len(image), -1)


GATE: Final = Information(
    name="information",
    section="information",
    title="Usable information",
    asks="How many bits about the label does it hold?",
    compares="stamps with and without arcs against controls",
)
