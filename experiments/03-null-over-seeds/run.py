"""Do the 90 % intervals of the unpaired null hold 0.5? One data set for each of the seeds 0 to 19, none left out."""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

from hydra import compose, initialize_config_module

from arcgate.config import from_config
from arcgate.dataset.reader import open_dataset
from arcgate.dataset.source import DatasetSource
from arcgate.gates.core.battery import run_battery
from arcgate.injection.build import build_dataset

HERE = Path(__file__).parent
GATES = ("null", "normaliser_null")
FIELDS = (
    "seed",
    "gate",
    "view",
    "value",
    "low",
    "high",
    "holds_half",
    "detected_sensitivity_sky_sigma",
    "status",
    "n",
    "n_hosts",
    "data_digest",
)


def judge_seed(seed: int, pairs: int, data_dir: str) -> list[dict[str, object]]:
    """Build the data set of a seed through the whole path and judge its null rows against its controls."""
    overrides = [
        "controls=unpaired",
        "psf=moffat_converted",
        f"data.seed={seed}",
        f"data.n_pairs={pairs}",
        f"runtime.data_dir={data_dir}",
    ]
    with initialize_config_module(config_module="arcgate.conf", version_base="1.3"):
        spec = from_config(compose("config", overrides=overrides))
    dataset = open_dataset(build_dataset(spec.data, spec.runtime).folder)
    rows = []
    for result in run_battery(DatasetSource(dataset), spec.view, spec.gates).results:
        if result.name not in GATES:
            continue
        values = (result.value, result.low, result.high, result.low <= 0.5 <= result.high)
        values += (result.detected_sensitivity, result.status)
        rows.append(
            dict(
                zip(
                    FIELDS, (seed, result.name, result.view, *values, result.n, result.n_groups, dataset.data_digest), strict=True
                )
            )
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--pairs", type=int, default=1000)
    parser.add_argument("--data-dir", default="data")
    arguments = parser.parse_args()
    rows: list[dict[str, object]] = []
    for seed in range(arguments.seeds):
        for row in judge_seed(seed, arguments.pairs, arguments.data_dir):
            rows.append(row)
            print(
                "{seed:2d} {gate:16s} {view:8s} {value:.3f} [{low:.3f}, {high:.3f}] holds 0.5: {holds_half!s:5} {status}".format(
                    **row
                ),
                flush=True,
            )
    with (HERE / "results.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, FIELDS)
        writer.writeheader()
        writer.writerows(rows)
    for gate, view in sorted({(row["gate"], row["view"]) for row in rows}):
        held = [row["holds_half"] for row in rows if (row["gate"], row["view"]) == (gate, view)]
        print(f"{gate}/{view}: {sum(map(bool, held))} of {len(held)} intervals hold 0.5")


if __name__ == "__main__":
    main()
