"""Each misleading way to judge a gate beside the right one, on one small data set of arcgate's own."""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
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
from arcgate.gates.core.comparisons import AS_STORED, HOSTS, WITHOUT_ARC
from arcgate.gates.core.context import Context, context_of
from arcgate.gates.core.held_out_auc import Sample, held_out, held_out_auc
from arcgate.gates.core.permutation import pair_flip
from arcgate.gates.core.shard import shards_of
from arcgate.gates.core.stamps import Stamps
from arcgate.gates.features.regions import Regions
from arcgate.gates.features.rings import Centred, box_pixels
from arcgate.ground.statistics import clustered_auc, within_pair
from arcgate.imaging import DECALS
from arcgate.injection.build import build_dataset
from arcgate.variant import Variant

# The form for independent rows is the one that study 09 measured.
sys.path.append(str(Path(__file__).parents[1] / "09-intervals"))
from mended import delong

HERE = Path(__file__).parent
OVERRIDES = ("psf=moffat_converted", "data.n_pairs=400", "data.hosts.n_hosts=420")
LEAKS = (0.0, 0.02, 0.1, 1.0)
FOLD_SEEDS, HALVES = 5, 10
# By what their subject is.
COMPARISONS = {"null rows": HOSTS, "with arcs": AS_STORED, "arc taken away": WITHOUT_ARC}
FIELDS = ("question", "features", "subject", "leak_sky_sigma", "way", "value", "low", "high", "note")
Floats = NDArray[np.float64]
Row = dict[str, object]


@dataclass(frozen=True)
class Measured:
    """Features of both sides of a comparison, with a pedestal of one sky sigma at r < 5 px to add to the subject."""

    subject: dict[str, Floats]
    leak: dict[str, Floats]
    reference: dict[str, Floats]
    names: NDArray[np.str_]
    galaxy: NDArray[np.int64]
    pair: NDArray[np.int64]

    def samples(self, features: str, size: float) -> tuple[Sample, Sample]:
        """Both classes with a pedestal of `size` in the subject."""
        leaking = Sample(self.subject[features] + size * self.leak[features], self.galaxy, self.pair)
        return leaking, Sample(self.reference[features], self.galaxy, self.pair)

    def rows(self, features: str, size: float) -> tuple[Floats, NDArray[np.int64], NDArray[np.str_]]:
        """Features, labels and galaxies of all rows."""
        one, zero = self.samples(features, size)
        labels = np.repeat([1, 0], [len(one.pair), len(zero.pair)])
        return np.concatenate([one.features, zero.features]), labels, np.tile(self.names, 2)


def measured(image: NDArray[np.float32], stamps: Stamps) -> dict[str, Floats]:
    """What is looked at: the core gate's 27 features, the published 300 pixels, the light beyond 28 px; in sky sigma."""
    sky, regions = np.asarray(image / stamps.sky, dtype=np.float32), Regions(DECALS)
    found = Centred(stamps.x, stamps.y, regions).of_stamps(sky)
    core = found[:, :, regions.core_columns].reshape(len(image), -1)
    far = found[:, :, regions.rings_pix.index(28)].sum(axis=1, keepdims=True)
    return {name: one.astype(np.float64) for name, one in {"core": core, "pixels": box_pixels(sky), "r 28-32": far}.items()}


def read(folder: Path, spec: Variant) -> tuple[dict[str, Measured], bool, Context]:
    """Null rows, stamps with arcs, and stamps without their declared arc; and whether null rows equal their controls."""
    source = DatasetSource(open_dataset(folder))
    context = context_of(source, spec.view, spec.gates)
    parts: dict[str, list[Measured]] = {}
    equal = True
    for part in source.parts():
        for shard in shards_of(part.read(), context):
            for name, comparison in COMPARISONS.items():
                compared = comparison.of(shard)
                subject, reference = by_pair(compared.subject), by_pair(compared.reference)
                parts.setdefault(name, []).append(measured_both(subject, reference))
            equal &= shard.null is not None and bool(np.array_equal(by_pair(shard.null).image, by_pair(shard.control).image))
    return {name: joined(found) for name, found in parts.items()}, equal, context


def measured_both(subject: Stamps, reference: Stamps) -> Measured:
    """Features of the two classes of a comparison, whose rows are of the same pairs."""
    inside = (subject.radius < Regions(DECALS).core_pix)[:, None] * subject.sky
    bare, planted = measured(subject.image, subject), measured((subject.image + inside).astype(np.float32), subject)
    leak = {key: planted[key] - bare[key] for key in bare}
    return Measured(bare, leak, measured(reference.image, reference), subject.names, subject.galaxy, subject.pair)


def by_pair(stamps: Stamps) -> Stamps:
    """Rows in the order of their pairs."""
    return stamps.take(np.argsort(stamps.pair))


def joined(parts: list[Measured]) -> Measured:
    """All shards' rows."""
    subject, leak, reference = (
        {key: np.concatenate([getattr(part, name)[key] for part in parts]) for key in parts[0].subject}
        for name in ("subject", "leak", "reference")
    )
    names, galaxy, pair = (np.concatenate([getattr(part, name) for part in parts]) for name in ("names", "galaxy", "pair"))
    return Measured(subject, leak, reference, names, galaxy, pair)


def folds(found: dict[str, Measured]) -> Iterator[Row]:
    """Question 1: rows divided at random, or galaxies."""
    logistic = LogisticRegression(C=1.0, solver="newton-cholesky", max_iter=1000)
    for features, leak in ((features, leak) for features in ("core", "pixels") for leak in LEAKS):
        values, labels, names = found["null rows"].rows(features, leak)
        scaled = StandardScaler().fit_transform(values)
        wrong, right = [], []
        for seed in range(FOLD_SEEDS):
            ungrouped = StratifiedKFold(5, shuffle=True, random_state=seed)
            scores = cross_val_predict(logistic, scaled, labels, cv=ungrouped, method="decision_function")
            wrong.append(roc_auc_score(labels, scores))
            grouped = GroupKFold(5, shuffle=True, random_state=seed).split(values, labels, names)
            rule = make_pipeline(StandardScaler(), logistic)
            scores = cross_val_predict(rule, values, labels, cv=grouped, method="decision_function")
            right.append(roc_auc_score(labels, scores))
        head = {"question": "folds", "features": features, "subject": "null rows", "leak_sky_sigma": leak}
        for way, aucs in (("ungrouped 5-fold", wrong), ("grouped 5-fold", right)):
            yield {
                **head,
                "way": way,
                "value": np.mean(aucs),
                "low": min(aucs),
                "high": max(aucs),
                "note": "range of 5 seeds",
            }
    for leak in (0.0, 0.1):
        values, labels, names = found["null rows"].rows("core", leak)
        trees = HistGradientBoostingClassifier(max_iter=60, random_state=0)
        for way, cv in (
            ("ungrouped 5-fold", StratifiedKFold(5, shuffle=True, random_state=0)),
            ("grouped 5-fold", GroupKFold(5)),
        ):
            parts = cv.split(values, labels, names if isinstance(cv, GroupKFold) else None)
            scores = cross_val_predict(trees, values, labels, cv=parts, method="predict_proba")[:, 1]
            head = {
                "question": "folds",
                "features": "core, boosted trees",
                "subject": "null rows",
                "leak_sky_sigma": leak,
                "way": way,
            }
            yield {**head, "value": roc_auc_score(labels, scores)}


def halves(found: dict[str, Measured], context: Context) -> Iterator[Row]:
    """Questions 2 to 4: marginal and within pairs, independent and clustered, among arcs and in the null pair."""
    for subject, features in (
        ("null rows", "core"),
        ("null rows", "pixels"),
        ("with arcs", "core"),
        ("arc taken away", "core"),
        ("with arcs", "r 28-32"),
    ):
        for leak in LEAKS if features == "core" else (0.0, 0.1, 1.0) if features == "pixels" else (0.0,):
            one, zero = found[subject].samples(features, leak)
            head = {"question": "halves", "features": features, "subject": subject, "leak_sky_sigma": leak}
            aucs = [held_out_auc(one, zero, "logistic", halved_anew(context, seed)) for seed in range(HALVES)]
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
            held = held_out(one, zero, "logistic", context)
            yield {**head, "way": "within pair", "value": within_pair(held.scores, held.labels, held.pair)}
            value, low, high = delong(held.scores, held.labels, context.settings.level)
            yield {**head, "way": "marginal, independent rows", "value": value, "low": low, "high": high}


def halved_anew(context: Context, seed: int) -> Context:
    """The same with galaxies halved by another seed."""
    return replace(context, settings=replace(context.settings, seed=seed))


def light_itself(found: dict[str, Measured]) -> Iterator[Row]:
    """The sum of three bands' light at 28 to 32 px as the score: no fit."""
    for subject in ("with arcs", "arc taken away"):
        values, labels, names = found[subject].rows("r 28-32", 0.0)
        score, pairs = values[:, 0], np.tile(found[subject].pair, 2)
        auc = clustered_auc(score, labels, names)
        ordered = pair_flip(score, labels, pairs, names, 0)
        head = {"question": "light itself", "features": "r 28-32", "subject": subject, "leak_sky_sigma": 0.0}
        yield {**head, "way": "marginal, clustered", "value": auc.value, "low": auc.low, "high": auc.high}
        count = len(labels) // 2
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
        found, equal, context = read(folder, spec)
        print(f"data digest {open_dataset(folder).data_digest}; null rows equal their controls: {equal}")
        rows = [*folds(found), *halves(found, context), *light_itself(found)]
    with (HERE / "results.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: f"{x:.5g}" if isinstance(x, float) else x for name, x in row.items()} for row in rows)
    for row in rows:
        ends = f"[{row['low']:.4f}, {row['high']:.4f}]" if "low" in row else ""
        print(
            "{question:12s} {features:20s} {subject:15s} {leak_sky_sigma:<5} {way:27s}".format(**row),
            f"{row['value']:.4f}",
            ends,
            row.get("note", ""),
        )
    draw(rows, HERE / "mislead.png")


if __name__ == "__main__":
    main()
