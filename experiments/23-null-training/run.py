"""Train on controls against controls, with and without a core pedestal in those of label 1, and score other galaxies.

Resumable: every finished training is a line of results.csv, and those that are there are passed over.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from hydra import compose, initialize_config_module
from rich.progress import track

from arcgate.config import from_config
from arcgate.dataset.reader import open_dataset
from arcgate.ground.hashing import as_plain, digest_of
from arcgate.injection.build import build_dataset
from arcgate.learning.null_training import null_training
from arcgate.variant import Variant

HERE = Path(__file__).parent
COLUMNS = ("pairs", "settings", "pedestal_sky_sigma", "seed", "auroc", "low", "high", "n_test", "seconds", "data_digest")


def spec_of(pairs: int, data_dir: str, overrides: list[str]) -> Variant:
    """The recommended variant with the network of the pilot."""
    sizes = [f"data.n_pairs={pairs}", f"data.hosts.n_hosts={int(3.5 * pairs)}", f"runtime.data_dir={data_dir}"]
    with initialize_config_module(config_module="arcgate.conf", version_base="1.3"):
        return from_config(compose("config", overrides=["variant=recommended", "learning=pilot", *sizes, *overrides]))


def settings_of(spec: Variant) -> str:
    """Short digest of view and training without its seed, so that other ones are other lines."""
    return digest_of({"view": as_plain(spec.view), "learning": as_plain(replace(spec.learning, seed=0))})[:8]


def finished(path: Path) -> Iterator[dict[str, str]]:
    """Whole lines of the results."""
    if path.exists():
        with path.open(newline="") as file:
            yield from (line for line in csv.DictReader(file) if line.get("data_digest"))


def trained(spec: Variant, data: Path, pedestal: float, seed: int) -> dict[str, object]:
    """One training, as a line of the results."""
    started, dataset = time.monotonic(), open_dataset(data)
    folder = (
        Path(spec.runtime.data_dir)
        / "experiments"
        / "23"
        / f"{dataset.data_digest[:12]} {settings_of(spec)} {pedestal:g} {seed}".replace(" ", "_")
    )
    learning = replace(spec.learning, seed=seed)
    found = null_training(dataset, spec.view, learning, folder=folder, threads=spec.runtime.threads, pedestal_sky_sigma=pedestal)
    return {
        "pairs": spec.data.n_pairs,
        "settings": settings_of(spec),
        "pedestal_sky_sigma": f"{pedestal:g}",
        "seed": seed,
        **{name: f"{value:.5f}" for name, value in (("auroc", found.value), ("low", found.low), ("high", found.high))},
        "n_test": found.n_groups,
        "seconds": f"{time.monotonic() - started:.1f}",
        "data_digest": dataset.data_digest[:12],
    }


def main() -> None:
    """Run what is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--pairs", type=int, default=1000)
    parser.add_argument("--pedestal", type=float, nargs="+", default=[0.0, 0.5], help="sky sigma a pixel at r < 5 px")
    parser.add_argument("--data-dir", default="data", help="where data sets and trainings lie")
    parser.add_argument("--results", type=Path, default=HERE / "results.csv")
    parser.add_argument("overrides", nargs="*", help="settings of the variant, key=value")
    options = parser.parse_args()
    spec = spec_of(options.pairs, options.data_dir, options.overrides)
    data = build_dataset(spec.data, spec.runtime).folder
    digest = open_dataset(data).data_digest[:12]
    done = list(finished(options.results))
    there = {(line["data_digest"], line["settings"], line["pedestal_sky_sigma"], int(line["seed"])) for line in done}
    tasks = [(size, seed) for seed in range(options.seeds) for size in options.pedestal]
    tasks = [(size, seed) for size, seed in tasks if (digest, settings_of(spec), f"{size:g}", seed) not in there]
    with options.results.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(done)
        file.flush()
        for size, seed in track(tasks, "training", disable=not sys.stderr.isatty()):
            writer.writerow(trained(spec, data, size, seed))
            file.flush()


if __name__ == "__main__":
    main()
