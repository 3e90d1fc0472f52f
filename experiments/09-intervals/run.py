"""Coverage of the gates' intervals, size of the pair-flip test, and power curves beside the stated smallest leak."""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from figure import draw
from former import bootstrap_auc
from former import clustered_auc as former_auc
from former import strength as former_strength
from hydra import compose, initialize_config_module
from mended import delong, on_logit_scale, own_host_left_out
from model import LEAK, OWN_NOISE, Classes, Layout, context_of, drawn, scored, true_auc
from threadpoolctl import threadpool_limits

from arcgate.config import from_config
from arcgate.gates.core.auc_statistic import fires
from arcgate.gates.core.held_out_auc import HeldOut, Sample, held_out
from arcgate.gates.core.permutation import pair_flip
from arcgate.gates.core.sensitivity import smallest_detected, strength
from arcgate.ground.draws import text_ids
from arcgate.ground.statistics import Interval, clustered_auc
from arcgate.variant import Variant

HERE = Path(__file__).parent
FIELDS = ("part", "controls", "galaxies", "rows", "leak_sky_sigma", "method", "value", "error", "sets", "truth", "bias", "width")
LEVEL = 0.9
LEAKS = (0.0, 0.02, 0.1, 0.3, 1.0)
BOOTSTRAPPED = (0.0, 0.1, 0.3)
OF_COPIES = (0.001, 0.01, 0.1)
GALAXIES = 200
FOLDS = 5
SIZES = (0.02, 0.03, 0.04, 0.045, 0.05, 0.07, 0.1, 0.14, 0.2, 0.3, 0.4, 0.5, 2.0)
POWER_GALAXIES = (100, 300, 1000)


@dataclass(frozen=True)
class Way:
    """How a leak is judged, from the scores of the galaxies that judge, and how the smallest one is stated."""

    auc: Callable[[HeldOut, float], Interval]
    strength: Callable[[Interval, float, float], float]


def with_former_interval(held: HeldOut, level: float) -> Interval:
    """The AUC that the gates used to take."""
    return former_auc(held.scores, held.labels, held.galaxy, level)


FORMER = Way(with_former_interval, former_strength)
# The former interval, with the error of the AUC that a statement starts from.
PREDICTION = Way(with_former_interval, strength)
PROJECT = Way(HeldOut.auc, strength)


def named(layout: Layout) -> dict[str, object]:
    return {"controls": "paired" if layout.paired else "unpaired", "galaxies": layout.hosts, "rows": layout.rows}


def generator(part: int, layout: Layout, number: int) -> np.random.Generator:
    """Of a data set: the same galaxies and noise for every leak."""
    return np.random.default_rng([9, part, layout.hosts, layout.rows, layout.paired, number])


def tallied(held: dict[str, list[tuple[bool, float, float]]]) -> Iterator[dict[str, object]]:
    """Share of intervals that hold the truth, with its Monte Carlo error; mean error of the AUC and mean width."""
    for method, found in held.items():
        holds, bias, width = np.array(found, dtype=float).T
        share = float(holds.mean())
        error = np.sqrt(max(share * (1.0 - share), 0.25 / len(holds)) / len(holds))
        numbers = {"value": share, "error": error, "sets": len(holds), "bias": bias.mean(), "width": width.mean()}
        yield {"method": method, **numbers}


def coverage(layout: Layout, leak: float, sets: int, own_noise: float = OWN_NOISE) -> Iterator[dict[str, object]]:
    """The gates' interval now and formerly, that for independent rows, and each of the two mends, for one rule a data set."""
    held: dict[str, list[tuple[bool, float, float]]] = {}
    truths = []
    for number in range(sets):
        fit, judge = drawn(layout, leak, generator(1, layout, number), own_noise)
        scores, weights = scored(fit, judge)
        truth = true_auc(weights, leak, own_noise)
        truths.append(truth)
        former = former_auc(scores, judge.labels, judge.groups, LEVEL)
        half = max(former.value - former.low, former.high - former.value)
        project = clustered_auc(scores, judge.labels, judge.groups, LEVEL)
        ends = {name: (found.value, found.low, found.high) for name, found in (("former", former), ("project", project))}
        ends["independent"] = delong(scores, judge.labels, LEVEL)
        if layout.paired:
            ends["former, logit"] = on_logit_scale(former.value, half)
            value, wide = own_host_left_out(scores, judge.labels, judge.groups.astype(np.int64), LEVEL)
            # Complete separation: the project's exact form.
            wide = half if value in (0.0, 1.0) else wide
            ends["own galaxy left out"] = value, value - wide, value + wide
        for method, (value, low, high) in ends.items():
            held.setdefault(method, []).append((low <= truth <= high, value - truth, high - low))
    for row in tallied(held):
        yield {**named(layout), "leak_sky_sigma": leak, "truth": np.mean(truths), **row}


def bootstrapped(layout: Layout, leak: float, sets: int) -> Iterator[dict[str, object]]:
    """Bootstrap over galaxies: of the scores of one rule, and of pooled out-of-fold scores."""
    held: dict[str, list[tuple[bool, float, float]]] = {"bootstrap": [], "pooled folds, bootstrap": []}
    truths = []
    for number in range(sets):
        fit, judge = drawn(layout, leak, generator(1, layout, number))
        scores, weights = scored(fit, judge)
        truth = true_auc(weights, leak)
        truths.append(truth)
        found = bootstrap_auc(scores, judge.labels, judge.groups, LEVEL, resamples=299, seed=number)
        held["bootstrap"].append((found.low <= truth <= found.high, found.value - truth, found.high - found.low))
        pooled, mean_truth = out_of_fold(fit, judge, layout, leak, number)
        held["pooled folds, bootstrap"].append(
            (pooled.low <= mean_truth <= pooled.high, pooled.value - mean_truth, pooled.high - pooled.low)
        )
    for row in tallied(held):
        yield {**named(layout), "leak_sky_sigma": leak, "truth": np.mean(truths), **row}


def out_of_fold(fit: Classes, judge: Classes, layout: Layout, leak: float, seed: int) -> tuple[Interval, float]:
    """Pooled scores of five rules, folds grouped by galaxy; the truth is the mean AUC of the five rules."""
    features, labels, groups, pairs = (
        np.concatenate([getattr(fit, name), getattr(judge, name)]) for name in ("features", "labels", "groups", "pairs")
    )
    whole = Classes(features, labels, groups, pairs)
    fold = (groups.astype(np.int64) % layout.hosts) // 2 % FOLDS
    scores, truths = np.empty(len(labels)), []
    for one in range(FOLDS):
        scores[fold == one], weights = scored(whole.take(fold != one), whole.take(fold == one))
        truths.append(true_auc(weights, leak))
    return bootstrap_auc(scores, labels, groups, LEVEL, resamples=299, seed=seed), float(np.mean(truths))


def size(layout: Layout, sets: int) -> Iterator[dict[str, object]]:
    """How often the pair-flip test rejects at 5 % where there is nothing: galaxies swapped whole, and pairs one by one."""
    rejected: dict[str, list[bool]] = {"galaxies swapped": [], "pairs swapped": []}
    for number in range(sets):
        fit, judge = drawn(layout, 0.0, generator(2, layout, number))
        scores = scored(fit, judge)[0]
        for method, groups in (("galaxies swapped", judge.groups), ("pairs swapped", judge.pairs)):
            rejected[method].append(pair_flip(scores, judge.labels, judge.pairs, groups, number).p_value <= 0.05)
    for method, found in rejected.items():
        share = float(np.mean(found))
        error = np.sqrt(share * (1.0 - share) / sets)
        yield {**named(layout), "leak_sky_sigma": 0.0, "method": method, "value": share, "error": error, "sets": sets}


def power(layout: Layout, spec: Variant, sets: int, way: Way) -> Iterator[dict[str, object]]:
    """Share of null pairs with a planted pedestal that a gate fails, and the smallest leak that each would state."""
    settings, pairs = spec.gates, np.arange(layout.hosts)
    names = pairs.astype(np.str_)
    others = names if layout.paired else np.char.add("other ", names)
    context = context_of(sorted({*names.tolist(), *others.tolist()}), spec)
    galaxies = [text_ids(one.tolist()) for one in (names, others)]
    failed = np.zeros((sets, len(SIZES)), dtype=bool)
    stated: dict[str, list[float]] = {"stated": [], "stated on all sizes": []}
    for number in range(sets):
        # Null pairs of paired controls are exact copies.
        halves = drawn(layout, 0.0, generator(3, layout, number), own_noise=0.0)
        features = np.concatenate([half.features[half.labels == label] for label in (1, 0) for half in halves])
        one, zero = features[: layout.hosts].astype(np.float32), features[layout.hosts :].astype(np.float32)
        leaking = [Sample(one + np.float32(leak) * LEAK.astype(np.float32), galaxies[0], pairs) for leak in SIZES]
        reference = Sample(zero, galaxies[1], pairs)
        aucs = [way.auc(held_out(each, reference, "logistic", context), settings.level) for each in leaking]
        failed[number] = [fires(auc, settings.margin) for auc in aucs]
        strengths = [way.strength(auc, settings.margin, settings.level) for auc in aucs]
        for name, sizes in (("stated", settings.leak_sizes_sky_sigma), ("stated on all sizes", SIZES)):
            at = [strengths[SIZES.index(leak)] for leak in sizes]
            stated[name].append(smallest_detected(sizes, at) or np.inf)
    shares = failed.mean(axis=0)
    for leak, share in zip(SIZES, shares, strict=True):
        error = np.sqrt(share * (1.0 - share) / sets)
        yield {**named(layout), "leak_sky_sigma": leak, "method": "failed", "value": share, "error": error, "sets": sets}
    last = int(np.flatnonzero(shares < 0.95).max(initial=-1))
    detected = np.interp(0.95, shares[last : last + 2], np.log(SIZES[last : last + 2])) if 0 <= last < len(SIZES) - 1 else np.nan
    found = {"95 % power, simulated": np.exp(detected)}
    for name, smallest in stated.items():
        found |= {f"{name}, {percent} %": np.quantile(smallest, percent / 100.0, method="nearest") for percent in (5, 50, 95)}
        found[f"{name}, mean power there"] = np.interp(np.log(smallest), np.log(SIZES), shares).mean()
    for method, value in found.items():
        yield {**named(layout), "method": method, "value": value, "sets": sets}


def cells(spec: Variant) -> Iterator[tuple[str, Callable[[], Iterator[dict[str, object]]]]]:
    """Everything that is computed, by the name of its rows in results.csv."""
    for paired in (True, False):
        for rows in (1, 3):
            layout = Layout(GALAXIES, rows, paired)
            for leak in LEAKS if paired or rows == 1 else BOOTSTRAPPED:
                yield f"coverage {layout} {leak}", lambda layout=layout, leak=leak: coverage(layout, leak, 2000)
    for leak in OF_COPIES:
        layout = Layout(GALAXIES, 1, True)
        # As in the gates' null pairs: their members differ by the leak alone.
        yield f"copies {layout} {leak}", lambda layout=layout, leak=leak: coverage(layout, leak, 500, own_noise=0.0)
    for paired in (True, False):
        for leak in BOOTSTRAPPED:
            layout = Layout(GALAXIES, 1, paired)
            yield f"bootstrap {layout} {leak}", lambda layout=layout, leak=leak: bootstrapped(layout, leak, 200)
    for hosts, rows in ((GALAXIES, 1), (GALAXIES, 3), (40, 1)):
        layout = Layout(hosts, rows, True)
        yield f"size {layout}", lambda layout=layout: size(layout, 2000)
    for paired in (True, False):
        for hosts in POWER_GALAXIES:
            layout = Layout(hosts, 1, paired)
            yield f"power {layout}", lambda layout=layout: power(layout, spec, 200, FORMER)
    for hosts, paired in ((300, True), (100, False), (300, False)):
        layout = Layout(hosts, 1, paired)
        yield f"prediction {layout}", lambda layout=layout: power(layout, spec, 100, PREDICTION)
    for paired in (True, False):
        for hosts in POWER_GALAXIES:
            layout = Layout(hosts, 1, paired)
            yield f"project {layout}", lambda layout=layout: power(layout, spec, 100, PROJECT)


def main() -> None:
    """Compute the cells that results.csv does not hold yet, and draw the figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=HERE / "results.csv")
    output = parser.parse_args().output
    with initialize_config_module(config_module="arcgate.conf", version_base="1.3"):
        spec = from_config(compose("config"))
    done = {row["part"] for row in csv.DictReader(output.open())} if output.exists() else set()
    if not done:
        output.write_text(",".join(FIELDS) + "\n")
    with threadpool_limits(1):
        for part, compute in cells(spec):
            if part in done:
                continue
            rows = [{"part": part, **row} for row in compute()]
            with output.open("a", newline="") as file:
                writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
                for row in rows:
                    writer.writerow({name: f"{x:.5g}" if isinstance(x, float) else x for name, x in row.items()})
            print(part, *(f"{row['method']}: {row['value']:.3f}" for row in rows), sep="; ", flush=True)
    draw(output, HERE / "intervals.png")


if __name__ == "__main__":
    main()
