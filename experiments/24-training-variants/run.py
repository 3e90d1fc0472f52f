"""Train every policy at six seeds on data sets of their own, and score all networks on the same grounds.

python experiments/24-training-variants/run.py --data-dir data --sources <folder of COSMOS images>

takes up where it stopped. Without images there is no realistic ground.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor, as_completed
from itertools import product
from pathlib import Path

import numpy as np
import torch
from hydra import compose, initialize_config_module
from policies import POLICIES, SEEDS

from arcgate.config import from_config
from arcgate.dataset.reader import Dataset, open_dataset
from arcgate.evaluation.predict import predict
from arcgate.ground.atomic import atomically
from arcgate.injection.build import build_dataset
from arcgate.learning.stream import LABELLED_ROLES
from arcgate.learning.train import train
from arcgate.sampling import columns_of, row_weights
from arcgate.variant import Variant

FOLDER = "training-variants"
STEPS = 132  # six epochs of all pairs


def spec_of(policy: str, seed: int, arguments: argparse.Namespace) -> Variant:
    """A policy at a seed: of the galaxies that are drawn, and of the network."""
    sources = arguments.sources
    realistic = ["evaluation/realistic=cosmos_moffat", f"evaluation.realistic.source.path={sources}"] if sources else []
    overrides = [
        "variant=recommended", "learning=pilot", f"learning.steps={STEPS}", f"learning.seed={seed}", f"data.seed={seed}",
        f"data.n_pairs={arguments.pairs}", f"data.hosts.n_hosts={arguments.hosts}",
        f"evaluation.common.n_pairs={arguments.test_pairs}", "evaluation.common.certifying=[]",
        f"runtime.data_dir={arguments.data_dir}", "runtime.threads=1", *realistic, *POLICIES[policy],
    ]  # fmt: skip
    with initialize_config_module(config_module="arcgate.conf", version_base="1.3"):
        return from_config(compose("config", overrides=overrides))


def built(spec: Variant) -> dict[str, Dataset]:
    """The training set and the grounds of a variant."""
    nodes = {"own": spec.data, "common": spec.evaluation.common, "realistic": spec.evaluation.realistic}
    return {name: open_dataset(build_dataset(node, spec.runtime).folder) for name, node in nodes.items() if node is not None}


def trained(job: tuple[str, int], arguments: argparse.Namespace) -> str:
    """One training, scored on the grounds, in words."""
    policy, seed = job
    torch.set_num_threads(1)
    spec = spec_of(policy, seed, arguments)
    sets = built(spec)
    folder = Path(arguments.data_dir) / FOLDER / f"{policy}-{seed}"
    result = train(sets["own"], spec.view, spec.learning, folder=folder / "network", threads=1)
    for name in sets.keys() - {"own"}:
        if not (path := folder / f"{name}.parquet").exists():
            table = predict(result.best_checkpoint, sets[name], spec.view, split="test", threads=1)
            with atomically(path) as temporary:
                table.to_parquet(temporary, index=False)
    return f"{policy:24s} {seed} {counted(sets['own'], spec)}"


def counted(data: Dataset, spec: Variant) -> str:
    """How many rows of each class a network gets."""
    sampling = spec.learning.sampling
    rows = data.table(list(dict.fromkeys(["pair_id", "role", "label", "split", *columns_of(sampling)])))
    rows = rows[(rows["split"] == "train") & rows["role"].isin(LABELLED_ROLES)]
    label = rows["label"].to_numpy(np.int64)
    shown = row_weights(rows["pair_id"].to_numpy(np.int64), label, rows[label == 1], sampling) > 0
    return f"{int(shown[label == 1].sum())} positives, {int(shown[label == 0].sum())} negatives, {spec.learning.steps} steps"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", default="data")
    parser.add_argument("--sources", help="folder of COSMOS images in GalSim's RealGalaxy layout, for the realistic ground")
    parser.add_argument("--pairs", type=int, default=1000)
    parser.add_argument("--test-pairs", type=int, default=1000)
    parser.add_argument("--hosts", type=int, default=12000)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    # Data sets first, so that no two processes wait for one.
    for seed in SEEDS:
        built(spec_of("baseline", seed, arguments))
    with ProcessPoolExecutor(arguments.workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        for job in as_completed([pool.submit(trained, job, arguments) for job in product(POLICIES, SEEDS)]):
            print(job.result(), flush=True)


if __name__ == "__main__":
    main()
