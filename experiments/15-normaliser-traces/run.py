"""Train a network on each form of the normaliser, seed by seed, and score all on one common set; `summary.py` follows.

Resumable: every finished training is a line of results.csv, and those that are there are passed over.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import torch
from normalised import FORMS, Form, as_given, normalised
from numpy.typing import NDArray
from sets import FPR, LABEL, RESULTS, place_of, specs
from sklearn.metrics import roc_auc_score
from threadpoolctl import threadpool_limits

from arcgate.dataset.reader import open_dataset
from arcgate.dataset.schema import SPLITS
from arcgate.evaluation.metrics import operating_point
from arcgate.imaging import DECALS
from arcgate.injection.build import build_dataset
from arcgate.learning.checkpoints import load_checkpoint
from arcgate.learning.module import load_finder
from arcgate.learning.stream import Blocks
from arcgate.learning.train import train
from arcgate.learning_node import EVERYTHING
from arcgate.variant import Variant, View
from arcgate.views.view import Viewer

COLUMNS = ("form", "seed", "recall_10pc", "auroc", "val_auroc", "best_epoch", "seconds", "data_digest")
SEEDS = 8


@dataclass(frozen=True)
class Task:
    """One training."""

    form: Form
    seed: int
    spec: Variant
    data: Path
    common: Path
    folder: Path


def plan(data_dir: str, seeds: int) -> list[Task]:
    """Every training, the two forms of a seed one after the other."""
    spec, other = specs(data_dir)
    data, common = (build_dataset(one.data, one.runtime).folder for one in (spec, other))
    pairs = [(form, seed) for seed in range(seeds) for form in FORMS]
    return [Task(form, seed, spec, data, common, place_of(data_dir, form, seed)) for form, seed in pairs]


def trained(task: Task) -> dict[str, object]:
    """Train, score the common set as the view normalises it, keep its logits, and drop the weights."""
    torch.set_num_threads(1)
    started = time.process_time()
    dataset, view = open_dataset(task.data), task.spec.view
    learning = replace(task.spec.learning, seed=task.seed)
    with threadpool_limits(1):
        data = normalised(dataset, view, task.form)
        result = train(data, as_given(view), learning, folder=task.folder, threads=1)
        images, label = common_stamps(task.common, view)
        finder = load_finder(load_checkpoint(result.best_checkpoint))
        with torch.inference_mode():
            logit = torch.cat([finder(part) for part in torch.split(images, 256)]).double().numpy()
    np.save(task.folder / "logit.npy", logit.astype(np.float32))
    np.save(task.folder.parent / LABEL, label)
    for weights in task.folder.glob("*.ckpt"):
        weights.unlink()
    best = result.history.loc[result.history["val_auroc"].idxmax()]
    return {
        "form": task.form,
        "seed": task.seed,
        "recall_10pc": f"{operating_point(logit, label, FPR).recall:.5f}",
        "auroc": f"{roc_auc_score(label, logit):.5f}",
        "val_auroc": f"{best['val_auroc']:.5f}",
        "best_epoch": int(best["epoch"]),
        "seconds": f"{time.process_time() - started:.1f}",
        "data_digest": dataset.data_digest[:12],
    }


# By folder and view, which holds a value a band in a mapping and can be told, not hashed.
_STAMPS: dict[tuple[Path, str], tuple[torch.Tensor, NDArray[np.int64]]] = {}


def common_stamps(folder: Path, view: View) -> tuple[torch.Tensor, NDArray[np.int64]]:
    """All stamps of the common set as the view normalises them, with their labels, by split; once a process."""
    if (key := (folder, repr(view))) not in _STAMPS:
        dataset, viewer = open_dataset(folder), Viewer(view, DECALS)
        parts = [Blocks(dataset, split, viewer, EVERYTHING).load(0) for split in SPLITS]
        images, labels = (torch.cat([getattr(part, name) for part in parts]) for name in ("images", "labels"))
        _STAMPS[key] = images, labels.long().numpy()
    return _STAMPS[key]


def finished() -> list[dict[str, str]]:
    """Whole lines of results.csv."""
    if not RESULTS.exists():
        return []
    with RESULTS.open(newline="") as file:
        return [line for line in csv.DictReader(file) if line.get("data_digest")]


def main() -> None:
    """Run what is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--data-dir", default="data", help="where data sets and logits lie")
    options = parser.parse_args()
    done = finished()
    there = {(line["form"], int(line["seed"])) for line in done}
    tasks = [task for task in plan(options.data_dir, options.seeds) if (task.form, task.seed) not in there]
    with RESULTS.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(done)
        file.flush()
        for task in tasks:
            line = trained(task)
            writer.writerow(line)
            file.flush()
            print(line, flush=True)


if __name__ == "__main__":
    main()
