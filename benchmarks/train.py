"""How fast stamps become a network's input, beside the network's own step: threads, views and inputs in one run.

The view: stamps a second of one process on one thread, and of two processes at once; beside it what the same view takes with
numpy's own median, which is what reading the definition would write. From shard to input: reading and view of the training rows
beside forward and backward pass of ResNet18 on such batches. Medians of rounds.

    python benchmarks/train.py
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from hydra import compose, initialize_config_module

from arcgate.config import from_config
from arcgate.dataset import open_dataset
from arcgate.imaging import DECALS
from arcgate.injection.build import build_dataset
from arcgate.learning.datamodule import StampData
from arcgate.learning.module import LensFinder
from arcgate.learning.stream import Blocks
from arcgate.variant import Variant
from arcgate.views.arrays import ArrayViewer, stamps_of
from arcgate.views.robust import MAD_TO_SIGMA, radii_pix
from arcgate.views.view import Viewer

RESULTS = Path(__file__).parent / "results" / "train.json"
INPUTS = ("stamp", "azimuthal_residual", "rotation_residual", "stamp_rotation")
N = 1000


def spec_of(*overrides: str) -> Variant:
    """A variant by its overrides."""
    with initialize_config_module(config_module="arcgate.conf", version_base="1.3"):
        return from_config(compose("config", overrides=["view=annulus_robust", *overrides]))


def made_stamps() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Galaxies of exponential profile on white noise."""
    rng = np.random.default_rng(0)
    x, y = DECALS.middle_pix + rng.uniform(-0.5, 0.5, (2, N))
    light = np.exp(-radii_pix(x, y, DECALS.size_pix) / 4.0)[:, None]
    return (rng.normal(0.0, 0.01, (N, *DECALS.shape)) + light).astype(np.float32), x, y


def seconds(work: Callable[[], object], rounds: int) -> float:
    """Median time of a call, after one that does not count."""
    work()
    taken = []
    for _ in range(rounds):
        begun = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begun)
    return float(np.median(taken))


def viewing(name: str, rounds: int) -> float:
    """Stamps a second of one process on one thread."""
    torch.set_num_threads(1)
    viewer, stamps = Viewer(spec_of(f"view/input={name}").view, DECALS), stamps_of(*made_stamps())
    return N / seconds(lambda: viewer(stamps), rounds)


def by_definition(rounds: int) -> float:
    """The default view in numpy, stamp after stamp, and that it is the same."""
    viewer = ArrayViewer(spec_of().view, DECALS)
    image, x, y = made_stamps()
    few = 100
    radius = radii_pix(x[:few], y[:few], DECALS.size_pix)

    def work() -> np.ndarray:
        seen = np.empty_like(image[:few])
        for row in range(few):
            used = radius[row] >= viewer.viewer.annulus_pix
            for band in range(len(DECALS.bands)):
                centre = np.median(image[row, band][used])
                scale = MAD_TO_SIGMA * np.median(np.abs(image[row, band][used] - centre))
                seen[row, band] = np.arcsinh((image[row, band] - centre) / scale)
        return seen

    np.testing.assert_allclose(viewer(image[:few], x[:few], y[:few]), work(), rtol=1e-5, atol=1e-6)
    return few / seconds(work, rounds)


def epoch(folder: Path, rounds: int) -> dict[str, float]:
    """Stamps a second from shards to input, and through ResNet18's step, two threads."""
    torch.set_num_threads(2)
    spec = spec_of("data.n_pairs=600", "data.hosts.n_hosts=700", f"runtime.data_dir={folder}", "learning=resnet18")
    dataset = open_dataset(build_dataset(spec.data, spec.runtime).folder)
    viewer = Viewer(spec.view, dataset.imaging)
    blocks = Blocks(dataset, "train", viewer, spec.learning.sampling, budget_bytes=0)
    n = len(blocks.rows)
    read = seconds(lambda: [blocks.load(number) for number in range(len(blocks))], rounds)
    data = StampData(dataset, spec.view, spec.learning)
    settings = {"learning": spec.learning, "view": {"planes": spec.view.planes}, "imaging": DECALS, "data_digest": ""}
    finder = LensFinder(json.loads(json.dumps(settings, default=_plain)), 10)
    batch = data._train.load(0).take(torch.arange(64))  # the very batches of a training
    step = seconds(lambda: finder.objective.loss(finder.output(batch.images), batch).backward(), rounds)
    return {"shards to input, stamps a second": n / read, "resnet18 step, stamps a second": 64 / step}


def _plain(value: object) -> object:
    from arcgate.ground.hashing import as_plain

    return as_plain(value)


def main() -> None:
    """Time, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    found: dict[str, float] = {}
    for name in INPUTS:
        found[f"{name}, one process"] = viewing(name, options.rounds)
        with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
            found[f"{name}, two processes"] = sum(pool.map(viewing, [name, name], [options.rounds] * 2))
    found["stamp by its definition in numpy, one process"] = by_definition(options.rounds)
    with TemporaryDirectory() as folder:
        found |= epoch(Path(folder), options.rounds)
    for name, value in found.items():
        print(f"{name:50s} {value:10,.0f}")
    RESULTS.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
