"""Train under a dozen policies and their baselines, seed by seed, and score all on two shared test sets; `summary.py` follows.

Resumable: data sets, trainings and logits that are there are passed over.
"""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import dataclass
from itertools import product
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import pandas as pd
import torch
from hydra import compose, initialize_config_module
from threadpoolctl import threadpool_limits

from arcgate.config import from_config
from arcgate.data_node import Split
from arcgate.dataset.reader import Dataset, open_dataset
from arcgate.dataset.source import DatasetSource
from arcgate.evaluation.apart import require_apart
from arcgate.evaluation.metrics import operating_point
from arcgate.evaluation.predict import predict
from arcgate.gates.core.battery import run_battery
from arcgate.ground.atomic import atomically
from arcgate.ground.progress import say
from arcgate.ground.statistics import clustered_auc
from arcgate.ground.workers import completed
from arcgate.grounds import grounds_of
from arcgate.injection.build import build_dataset
from arcgate.keys import training_key
from arcgate.learning.stream import Blocks
from arcgate.learning.train import train
from arcgate.sampled import judged
from arcgate.variant import Variant
from arcgate.views.view import Viewer

HERE = Path(__file__).parent
RESULTS, POLICIES_TABLE = "results.csv", "policies.csv"
BASELINE, ONE_NEGATIVE = "baseline", "one_negative"
# Added when floor_on_positives came out better: the same floor without its choice of galaxies.
FLOOR_ON_PAIRS = "floor_on_pairs"
POLICIES = {
    BASELINE: "learning/objective=cross_entropy",
    ONE_NEGATIVE: "learning/sampling=one_negative",
    "contrastive": "learning/objective=contrastive",
    "focal": "learning/objective=focal",
    "label_smoothing": "learning/objective=label_smoothing",
    "easy_to_hard": "learning/sampling=easy_to_hard",
    "visible_arcs": "learning/sampling=visible_arcs",
    "faint_weighted": "learning/sampling=faint_weighted",
    "floor_on_positives": "learning/sampling=floor_on_positives",
    "theta_e_floor": "learning/sampling=theta_e_floor",
    "resolved": "learning/sampling=resolved",
    "core_dropout": "learning/augmentation=core_dropout",
    "shifts": "learning/augmentation=shifts",
    "five_negatives": "learning/sampling=five_negatives",
    FLOOR_ON_PAIRS: "learning/sampling=visible_arcs learning.sampling.least.arc_snr_injected=20",
}
# In the recommended set no arc has an S/N below 28: policies that go by it need fainter sources to do anything.
TRAINING_SETS = {"recommended": (), "faint": ("data.grid.dmag=[2,3,4,5,6,7,8]",)}
FPR = 0.1
GATES = ("gates=quick", "gates.listed=[metadata]")
# What names a row of a test set, and what it is drawn by.
KEPT = ["sample_id", "host_id", "label", "source_image", "logit"]


@dataclass(frozen=True)
class Task:
    """One training, and where its logits go, by the name of the test set."""

    training_set: str
    policy: str
    seed: int
    spec: Variant
    data: Path
    folder: Path
    grounds: dict[str, Path]
    logits: dict[str, Path]


def composed(training_set: str, policy: str, seed: int, options: argparse.Namespace) -> Variant:
    overrides = ["variant=recommended", *TRAINING_SETS[training_set], "learning=pilot", *POLICIES[policy].split()]
    overrides += [f"learning.seed={seed}", f"learning.steps={options.steps}", *GATES]
    overrides += [f"data.n_pairs={options.pairs}", f"data.hosts.n_hosts={options.hosts}"]
    overrides += [f"evaluation.{name}.n_pairs={options.ground_pairs}" for name in ("common", "realistic")]
    overrides += ["evaluation.common.certifying=[]", "evaluation/realistic=cosmos_moffat"]
    overrides += [f"evaluation.realistic.source.path={options.sources.resolve()}"]
    overrides += [f"runtime.data_dir={options.work}", f"runtime.workers={options.workers}", "runtime.threads=1"]
    with initialize_config_module(config_module="arcgate.conf", version_base="1.3"):
        return from_config(compose("config", overrides=overrides))


def sets_of(options: argparse.Namespace) -> tuple[dict[str, Dataset], dict[str, Dataset]]:
    """The training sets, and the test sets, which have nothing in common with them."""
    specs = {name: composed(name, BASELINE, 0, options) for name in options.training_sets}
    data = {name: open_dataset(build_dataset(spec.data, spec.runtime).folder) for name, spec in specs.items()}
    # The same for all training sets.
    spec = next(iter(specs.values()))
    found = grounds_of(spec.evaluation, spec.view)
    if found.absent:
        raise SystemExit(f"not available: {found.absent}")
    grounds: dict[str, Dataset] = {}
    for name, settings in found.sets.items():
        ground = open_dataset(build_dataset(settings, spec.runtime).folder)
        for one in data.values():
            require_apart(one, ground, name)
        say(told(name, ground, "test"))
        grounds[name] = ground
    galaxies = [set(ground.table(["host_id"])["host_id"]) for ground in grounds.values()]
    say(f"galaxies in all test sets: {len(set.intersection(*galaxies))}")
    return data, grounds


def told(name: str, dataset: Dataset, split: Split) -> str:
    """Galaxies and arcs of a set, the latter by the bounds that policies draw."""
    table = dataset.table(["host_id", "label"], split=split, roles=("positive", "control"))
    galaxies = table.groupby("label")["host_id"].nunique().to_dict()
    columns = ["arc_snr_injected", "theta_e_arcsec", "theta_e_over_psf", "source_image"]
    arcs = dataset.table(columns, split=split, roles=("positive",))
    snr = arcs["arc_snr_injected"]
    floors = {"S/N < 5": snr < 5, "S/N < 20": snr < 20}
    floors |= {"theta_E < 1 arcsec": arcs["theta_e_arcsec"] < 1, "theta_E < psfsize": arcs["theta_e_over_psf"] < 1}
    shares = ", ".join(f"{words} {100 * below.mean():.0f} %" for words, below in floors.items())
    images = f"{arcs['source_image'].nunique()} images, smallest S/N {snr.min():.1f}"
    return f"{name}, {split}: {dataset.data_digest[:12]}; galaxies by label {galaxies}; {shares}; {images}"


def planned(options: argparse.Namespace, data: dict[str, Dataset], grounds: dict[str, Dataset]) -> list[Task]:
    """Every training, all policies of a seed before the next one."""
    work = Path(options.work)
    places = {which: one.path for which, one in grounds.items()}
    tasks = []
    for of_set, seed, policy in product(data, range(options.seeds), options.policies):
        spec = composed(of_set, policy, seed, options)
        name = f"{policy}-{seed}-{training_key(data[of_set].data_digest, spec)[:12]}"
        files = {which: work / "logits" / f"{name}-{which}-{one.data_digest[:12]}.parquet" for which, one in grounds.items()}
        tasks.append(Task(of_set, policy, seed, spec, data[of_set].path, work / "trainings" / name, places, files))
    return tasks


def trained(task: Task) -> list[dict[str, object]]:
    """Train, or find the training, and score what is not scored yet: a line a test set."""
    torch.set_num_threads(1)
    view = task.spec.view
    with threadpool_limits(1):
        result = train(open_dataset(task.data), view, task.spec.learning, folder=task.folder, threads=1)
        for name, file in task.logits.items():
            if not file.exists():
                table = predict(result.best_checkpoint, open_dataset(task.grounds[name]), view, split="test", threads=1)
                file.parent.mkdir(parents=True, exist_ok=True)
                with atomically(file) as temporary:
                    table[KEPT].to_parquet(temporary, index=False)
    best = result.history.sort_values(["val_auroc", "val_loss"], ascending=[False, True]).iloc[0]
    of_all: dict[str, object] = {"steps": result.steps[-1], "epochs": len(result.steps), "best_epoch": int(best["epoch"])}
    of_all |= {"val_auroc": round(float(best["val_auroc"]), 5)}
    first: dict[str, object] = {"training_set": task.training_set, "policy": task.policy, "seed": task.seed}
    return [
        first | {"ground": name} | scores(pd.read_parquet(file)) | of_all | {"logits": file.name}
        for name, file in task.logits.items()
    ]


def scores(table: pd.DataFrame) -> dict[str, object]:
    logit, label = table["logit"].to_numpy(np.float64), table["label"].to_numpy(np.int64)
    auc = clustered_auc(logit, label, table["host_id"].to_numpy(dtype=np.str_))
    return {"auroc": round(auc.value, 6), "recall_10pc": round(operating_point(logit, label, FPR).recall, 6)}


def rows_of(training_set: str, policy: str, spec: Variant, data: Dataset) -> dict[str, object]:
    """What a policy trains on, and what the metadata gate says of it: the same for all seeds."""
    rows = Blocks(data, "train", Viewer(spec.view, data.imaging), spec.learning.sampling).rows
    rows = rows.merge(data.table(["sample_id", "host_id"], split="train"), on="sample_id")
    negative = rows["label"] == 0
    with threadpool_limits(1):
        found = run_battery(judged(DatasetSource(data), spec.sampling), spec.view, spec.gates, 1)
    gates = [one for one in found.results if one.name.startswith("metadata") and one.value is not None]
    return {
        "training_set": training_set,
        "data_digest": data.data_digest[:12],
        "policy": policy,
        "setting": POLICIES[policy],
        "rows": len(rows),
        "positives": int((~negative).sum()),
        "negatives": int(negative.sum()),
        "galaxies_of_negatives": rows.loc[negative, "host_id"].nunique(),
        "weight_of_rows": round(float(rows["weight"].sum()), 1),
    } | {one.name: f"{one.value:.3f} [{one.low:.3f}, {one.high:.3f}] {one.status}" for one in gates}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--training-sets", nargs="+", choices=list(TRAINING_SETS), default=list(TRAINING_SETS))
    parser.add_argument("--policies", nargs="+", choices=list(POLICIES), default=list(POLICIES))
    parser.add_argument("--steps", type=int, default=132)
    parser.add_argument("--pairs", type=int, default=1000)
    parser.add_argument("--ground-pairs", type=int, default=1000)
    parser.add_argument("--hosts", type=int, default=12000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--work", default="data/experiments-24", help="folder of data sets, trainings and logits")
    parser.add_argument("--sources", type=Path, default=Path("../shared/real/cosmos_sources"), help="folder of HST stamps")
    parser.add_argument("--out", type=Path, default=HERE, help="folder of the tables")
    options = parser.parse_args()
    began = time.monotonic()
    data, grounds = sets_of(options)
    for name, one in data.items():
        say(told(name, one, "train"))
    policies = [
        rows_of(of_set, policy, composed(of_set, policy, 0, options), one)
        for of_set, one in data.items()
        for policy in options.policies
    ]
    pd.DataFrame(policies).to_csv(options.out / POLICIES_TABLE, index=False)
    tasks = planned(options, data, grounds)
    lines: dict[int, list[dict[str, object]]] = {}
    for position, found in completed(trained, tasks, options.workers, HERE):
        lines[position] = found
        say(f"{len(lines)} of {len(tasks)} after {time.monotonic() - began:.0f} s: {found}")
    pd.DataFrame([line for position in sorted(lines) for line in lines[position]]).to_csv(options.out / RESULTS, index=False)


if __name__ == "__main__":
    main()
