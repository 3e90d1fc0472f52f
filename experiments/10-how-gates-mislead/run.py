"""Each misleading way to judge a gate beside the right one, on one small data set of arcgate's own."""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from arcgate.gates.arms import Stamps, arms_of, chosen_pairs
from arcgate.gates.permutation import pair_flip
from arcgate.gates.probe import Sample, fitted_scores, fitting_half, probe
from arcgate.gates.regions import Regions
from figure import draw
from hydra import compose, initialize_config_module
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold, StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from arcgate.config import from_config
from arcgate.dataset.reader import open_dataset
from arcgate.dataset.source import DatasetSource
from arcgate.gates.features import Centred, box_pixels
from arcgate.ground.statistics import clustered_auc, within_pair
from arcgate.imaging import DECALS
from arcgate.injection.build import build_dataset
from arcgate.variant import Gates
from arcgate.views.robust import radii_pix

# The form for independent rows is the one that study 09 measured.
sys.path.append(str(Path(__file__).parents[1] / "09-intervals"))
from mended import delong

HERE = Path(__file__).parent
OVERRIDES = ("psf=moffat_converted", "data.n_pairs=400", "data.hosts.n_hosts=420")
LEAKS = (0.0, 0.02, 0.1, 1.0)
FOLD_SEEDS, HALVES = 5, 10
FIELDS = ("question", "features", "arm", "leak_sky_sigma", "way", "value", "low", "high", "note")
Floats = NDArray[np.float64]
Row = dict[str, object]


@dataclass(frozen=True)
class Arm:
    """Features of an arm and of its controls, with a pedestal of one sky sigma at r < 5 px to add."""

    positive: dict[str, Floats]
    leak: dict[str, Floats]
    control: dict[str, Floats]
    hosts: NDArray[np.str_]
    pairs: NDArray[np.int64]

    def sample(self, features: str, size: float) -> Sample:
        """Both classes with a pedestal of `size` in the positives."""
        one = self.positive[features] + size * self.leak[features]
        labels = np.repeat([1, 0], len(one))
        both = np.concatenate([one, self.control[features]])
        return Sample(both, labels, np.tile(self.hosts, 2), np.tile(self.pairs, 2))


def measured(image: NDArray[np.float32], stamps: Stamps) -> dict[str, Floats]:
    """What is looked at: the core gate's 27 features, the published 300 pixels, the light beyond 28 px; in sky sigma."""
    sky, regions = np.asarray(image / stamps.sky, dtype=np.float32), Regions(DECALS)
    found = Centred(stamps.x, stamps.y, regions).of_stamps(sky)
    core = found[:, :, regions.core_columns].reshape(len(image), -1)
    far = found[:, :, regions.rings_pix.index(28)].sum(axis=1, keepdims=True)
    return {name: one.astype(np.float64) for name, one in {"core": core, "pixels": box_pixels(sky), "r 28-32": far}.items()}


def read_arms(folder: Path, settings: Gates) -> tuple[dict[str, Arm], bool]:
    """Null rows, stamps with arcs, and stamps without their declared arc; and whether null rows equal their controls."""
    source = DatasetSource(open_dataset(folder))
    pairs = chosen_pairs(source, settings.max_pairs, settings.seed)
    parts: dict[str, list[Arm]] = {}
    equal = True
    for part in source.parts():
        arms = arms_of(part.read(), pairs, source.facts, settings.seed)
        if arms is None or arms.null is None or arms.residual is None:
            raise ValueError("a shard lacks an arm")
        control = by_pair(arms.control)
        equal &= bool(np.array_equal(by_pair(arms.null).image, control.image))
        of_control = measured(control.image, control)
        inside = (radii_pix(control.x, control.y, DECALS.size_pix) < Regions(DECALS).core_pix)[:, None] * control.sky
        for name, stamps in {"null rows": arms.null, "with arcs": arms.stamp, "arc taken away": arms.residual}.items():
            one = by_pair(stamps)
            bare, planted = measured(one.image, one), measured((one.image + inside).astype(np.float32), one)
            leak = {key: planted[key] - bare[key] for key in bare}
            hosts, ids = one.table["host_id"].to_numpy(np.str_), one.table["pair_id"].to_numpy(np.int64)
            parts.setdefault(name, []).append(Arm(bare, leak, of_control, hosts, ids))
    return {name: joined(found) for name, found in parts.items()}, equal


def by_pair(stamps: Stamps) -> Stamps:
    """Rows in the order of their pairs."""
    return stamps.take(np.argsort(stamps.table["pair_id"].to_numpy()))


def joined(parts: list[Arm]) -> Arm:
    """All shards' rows."""
    positive, leak, control = (
        {key: np.concatenate([getattr(part, name)[key] for part in parts]) for key in parts[0].positive}
        for name in ("positive", "leak", "control")
    )
    hosts, pairs = np.concatenate([part.hosts for part in parts]), np.concatenate([part.pairs for part in parts])
    return Arm(positive, leak, control, hosts, pairs)


def folds(arms: dict[str, Arm]) -> Iterator[Row]:
    """Question 1: rows divided at random, or galaxies."""
    logistic = LogisticRegression(C=1.0, solver="newton-cholesky", max_iter=1000)
    for features, leak in ((features, leak) for features in ("core", "pixels") for leak in LEAKS):
        sample = arms["null rows"].sample(features, leak)
        scaled = StandardScaler().fit_transform(sample.features)
        wrong, right = [], []
        for seed in range(FOLD_SEEDS):
            ungrouped = StratifiedKFold(5, shuffle=True, random_state=seed)
            scores = cross_val_predict(logistic, scaled, sample.labels, cv=ungrouped, method="decision_function")
            wrong.append(roc_auc_score(sample.labels, scores))
            grouped = GroupKFold(5, shuffle=True, random_state=seed).split(sample.features, sample.labels, sample.groups)
            rule = make_pipeline(StandardScaler(), logistic)
            scores = cross_val_predict(rule, sample.features, sample.labels, cv=grouped, method="decision_function")
            right.append(roc_auc_score(sample.labels, scores))
        head = {"question": "folds", "features": features, "arm": "null rows", "leak_sky_sigma": leak}
        for way, values in (("ungrouped 5-fold", wrong), ("grouped 5-fold", right)):
            yield {
                **head,
                "way": way,
                "value": np.mean(values),
                "low": min(values),
                "high": max(values),
                "note": "range of 5 seeds",
            }
    for leak in (0.0, 0.1):
        sample = arms["null rows"].sample("core", leak)
        trees = HistGradientBoostingClassifier(max_iter=60, random_state=0)
        for way, cv in (
            ("ungrouped 5-fold", StratifiedKFold(5, shuffle=True, random_state=0)),
            ("grouped 5-fold", GroupKFold(5)),
        ):
            parts = cv.split(sample.features, sample.labels, sample.groups if isinstance(cv, GroupKFold) else None)
            scores = cross_val_predict(trees, sample.features, sample.labels, cv=parts, method="predict_proba")[:, 1]
            head = {
                "question": "folds",
                "features": "core, boosted trees",
                "arm": "null rows",
                "leak_sky_sigma": leak,
                "way": way,
            }
            yield {**head, "value": roc_auc_score(sample.labels, scores)}


def halves(arms: dict[str, Arm], settings: Gates) -> Iterator[Row]:
    """Questions 2 to 4: marginal and within pairs, independent and clustered, among arcs and in the null twin."""
    for arm, features in (
        ("null rows", "core"),
        ("null rows", "pixels"),
        ("with arcs", "core"),
        ("arc taken away", "core"),
        ("with arcs", "r 28-32"),
    ):
        for leak in LEAKS if features == "core" else (0.0, 0.1, 1.0) if features == "pixels" else (0.0,):
            sample = arms[arm].sample(features, leak)
            head = {"question": "halves", "features": features, "arm": arm, "leak_sky_sigma": leak}
            aucs = [probe(sample, replace(settings, seed=seed)) for seed in range(HALVES)]
            yield {**head, "way": "marginal, clustered", "value": aucs[0].value, "low": aucs[0].low, "high": aucs[0].high}
            spread = [auc.value for auc in aucs]
            yield {
                **head,
                "way": "marginal",
                "value": np.mean(spread),
                "low": min(spread),
                "high": max(spread),
                "note": "range of 10 divisions",
            }
            scores, judge = scored(sample, settings)
            yield {**head, "way": "within pair", "value": within_pair(scores, judge.labels, judge.pairs)}
            value, low, high = delong(scores, judge.labels, settings.level)
            yield {**head, "way": "marginal, independent rows", "value": value, "low": low, "high": high}


def scored(sample: Sample, settings: Gates) -> tuple[NDArray[np.float64], Sample]:
    """The judging half with the scores that the clustered interval is taken from."""
    fitting = fitting_half(sample.groups, settings.seed)
    judge = sample.take(~fitting)
    return fitted_scores(sample.take(fitting), judge.features), judge


def light_itself(arms: dict[str, Arm]) -> Iterator[Row]:
    """The sum of three bands' light at 28 to 32 px as the score: no fit."""
    for arm in ("with arcs", "arc taken away"):
        sample = arms[arm].sample("r 28-32", 0.0)
        score = sample.features[:, 0]
        auc = clustered_auc(score, sample.labels, sample.groups)
        ordered = pair_flip(score, sample.labels, sample.pairs, sample.groups, 0)
        head = {"question": "light itself", "features": "r 28-32", "arm": arm, "leak_sky_sigma": 0.0}
        yield {**head, "way": "marginal, clustered", "value": auc.value, "low": auc.low, "high": auc.high}
        count = len(sample.labels) // 2
        size = float(np.median(np.abs(score[:count] - score[count:]))) / 3.0
        yield {
            **head,
            "way": "within pair",
            "value": ordered.value,
            "note": f"p {ordered.p_value:.3f}; median difference {size:.2g} sky sigma a band",
        }


def main() -> None:
    """Build the set or find it, judge it both ways, and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", default="data")
    arguments = parser.parse_args()
    with initialize_config_module(config_module="arcgate.conf", version_base="1.3"):
        spec = from_config(compose("config", overrides=[*OVERRIDES, f"runtime.data_dir={arguments.data_dir}"]))
    folder = build_dataset(spec.data, spec.runtime).folder
    with threadpool_limits(1):
        arms, equal = read_arms(folder, spec.gates)
        print(f"data digest {open_dataset(folder).data_digest}; null rows equal their controls: {equal}")
        rows = [*folds(arms), *halves(arms, spec.gates), *light_itself(arms)]
    with (HERE / "results.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: f"{x:.5g}" if isinstance(x, float) else x for name, x in row.items()} for row in rows)
    for row in rows:
        ends = f"[{row['low']:.4f}, {row['high']:.4f}]" if "low" in row else ""
        print(
            "{question:12s} {features:20s} {arm:15s} {leak_sky_sigma:<5} {way:27s}".format(**row),
            f"{row['value']:.4f}",
            ends,
            row.get("note", ""),
        )
    draw(rows, HERE / "mislead.png")


if __name__ == "__main__":
    main()
