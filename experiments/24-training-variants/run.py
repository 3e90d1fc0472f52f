"""Train every policy at six seeds on data sets of their own, and score all networks on the same grounds.

python experiments/24-training-variants/run.py --data-dir data

takes up where it stopped.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from pathlib import Path

import numpy as np
from hydra import compose, initialize_config_module
from policies import POLICIES, SEEDS

from arcgate.config import from_config
from arcgate.dataset.reader import open_dataset
from arcgate.evaluation.evaluate import evaluate
from arcgate.injection.build import build_dataset
from arcgate.learning.stream import LABELLED_ROLES
from arcgate.learning.train import train
from arcgate.sampling import columns_of, row_weights
from arcgate.variant import Variant

FOLDER = "training-variants"
STEPS = 132  # six epochs of all pairs


def spec_of(policy: str, seed: int, arguments: argparse.Namespace) -> Variant:
    """A policy at a seed: of the galaxies that are drawn, and of the network."""
    overrides = [
        "variant=recommended", "learning=pilot", "gates=quick", f"learning.steps={STEPS}", f"data.seed={seed}",
        f"learning.seed={seed}", f"data.n_pairs={arguments.pairs}", f"evaluation.common.n_pairs={arguments.test_pairs}",
        f"runtime.data_dir={arguments.data_dir}", "runtime.workers=1", "runtime.threads=1",
        *arguments.override, *POLICIES[policy],
    ]  # fmt: skip
    with initialize_config_module(config_module="arcgate.conf", version_base="1.3"):
        return from_config(compose("config", overrides=overrides))


def trained(job: tuple[str, int], arguments: argparse.Namespace) -> str:
    """One training with its scores, in words."""
    policy, seed = job
    spec = spec_of(policy, seed, arguments)
    data, common = (open_dataset(build_dataset(node, spec.runtime).folder) for node in (spec.data, spec.evaluation.common))
    folder = Path(arguments.data_dir) / FOLDER / f"{policy}-{seed}"
    result = train(data, spec.view, spec.learning, folder=folder / "network", threads=1)
    scores = evaluate(result.best_checkpoint, data, common, spec.view, spec.evaluation, folder=folder / "scores", threads=1)
    rows = data.table(list(dict.fromkeys(["pair_id", "role", "label", "split", *columns_of(spec.learning.sampling)])))
    rows = rows[(rows["split"] == "train") & rows["role"].isin(LABELLED_ROLES)]
    label = rows["label"].to_numpy(np.int64)
    shown = row_weights(rows["pair_id"].to_numpy(np.int64), label, rows[label == 1], spec.learning.sampling) > 0
    counted = f"{int(shown[label == 1].sum())} positives, {int(shown[label == 0].sum())} negatives, {STEPS} steps"
    return f"{policy:24s} {seed} common AUROC {scores['common/auroc']:.3f}; {counted}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", default="data")
    parser.add_argument("--pairs", type=int, default=1000)
    parser.add_argument("--test-pairs", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("override", nargs="*", help="more settings, as of `arcgate run`")
    arguments = parser.parse_args()
    # Data sets first, so that no two processes wait for one.
    for seed in SEEDS:
        spec = spec_of("baseline", seed, arguments)
        for node in (spec.data, spec.evaluation.common):
            build_dataset(node, spec.runtime)
    with ProcessPoolExecutor(arguments.workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        jobs = [pool.submit(trained, job, arguments) for job in product(POLICIES, SEEDS)]
        for job in jobs:
            print(job.result(), flush=True)


if __name__ == "__main__":
    main()
