"""Does a network find anything where there is nothing, and the smallest light in the core where there is some?

    python experiments/23-null-training/run.py        # results.csv; about ten minutes on idle cores

Trainings without an arc in either class (`arcgate.learning.null_training`), over seeds, and the attack of `gates=full`, on the
recommended variant's data set and with light planted in the core of its positives, all of them or some.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from hydra import compose, initialize_config_module

from arcgate.config import from_config
from arcgate.dataset.reader import Dataset, open_dataset
from arcgate.dataset.shard_reading import StampBatch
from arcgate.dataset.source import DatasetSource
from arcgate.gates.attack import GATE
from arcgate.gates.core.battery import kept_by, numbers
from arcgate.gates.core.context import context_of
from arcgate.gates.core.shard import shards_of
from arcgate.ground.draws import text_ids, uniform
from arcgate.ground.statistics import Interval
from arcgate.injection.build import build_dataset
from arcgate.learning.null_training import core_light, null_training
from arcgate.variant import Variant

HERE = Path(__file__).parent
REQUIRED = 0.5
"""Light in the core that gates must find, sky sigma a pixel."""
COLUMNS = ("what", "epochs", "light", "share", "seed", "value", "low", "high", "says", "seconds")


@dataclass(frozen=True)
class Training:
    """One kind of null training; light in sky sigma a pixel."""

    drawn: bool
    epochs: int
    light: float

    @property
    def what(self) -> str:
        """Which rows stand for the classes."""
        return "controls, labels drawn by galaxy" if self.drawn else "null rows against their controls"


TRAININGS = (
    Training(True, 6, 0.0),
    Training(True, 20, 0.0),
    Training(False, 6, 0.0),
    Training(False, 6, REQUIRED),
    Training(False, 20, REQUIRED),
    Training(True, 6, REQUIRED),
    Training(True, 20, REQUIRED),
)
# Light in the core, and the share of the positives that have it.
ATTACKS = ((0.0, 1.0), (REQUIRED, 1.0), (REQUIRED, 0.1), (4.0 * REQUIRED, 0.1))


def trained(spec: Variant, dataset: Dataset, kind: Training, seed: int, work: Path) -> Interval:
    """AUROC on the galaxies of the test split."""
    learning = replace(spec.learning, seed=seed, epochs=kind.epochs)
    name = f"{'drawn' if kind.drawn else 'null-rows'}-{kind.epochs}-{kind.light:g}-{seed}"
    return null_training(
        dataset, spec.view, learning, folder=work / "nulls" / name, threads=1, drawn=kind.drawn, pedestal_sky_sigma=kind.light
    )


def lit(batch: StampBatch, light: float, share: float, dataset: Dataset) -> StampBatch:
    """The same rows, with light in the core of that share of the positives."""
    table, imaging = batch.table, dataset.imaging
    chosen = uniform(0, "leaks", text_ids(table["host_id"].astype(str).tolist())) < share
    rows = chosen & (table["role"] == "positive").to_numpy()
    x, y = (table[name].to_numpy(np.float64) for name in ("host_x_pix", "host_y_pix"))
    sky = table[[f"sky_sigma_{band}" for band in imaging.bands]].to_numpy(np.float64)
    added = core_light(x, y, sky, light, imaging) * rows[:, None, None, None]
    return replace(batch, image=(batch.image + added).astype(np.float32))


def attacked(spec: Variant, dataset: Dataset, light: float, share: float) -> tuple[Interval, str]:
    """What the attack reads, and its status."""
    source = DatasetSource(dataset)
    context = context_of(source, spec.view, spec.gates)
    batches = (lit(part.read(), light, share, dataset) for part in source.parts())
    kept = kept_by([GATE.extract(shard) for batch in batches for shard in shards_of(batch, context)])
    (result,) = GATE.judge(numbers(kept), context).results
    found = Interval(*(float("nan") if one is None else one for one in (result.value, result.low, result.high)), 0, 0)
    return found, result.status


def rows(spec: Variant, dataset: Dataset, seeds: int, work: Path) -> Iterator[dict[str, object]]:
    """Rows of the table, as they are found."""
    for light, share in ATTACKS:
        began = time.monotonic()
        found, status = attacked(spec, dataset, light, share)
        yield line("attack", 0, light, share, 0, found, status, began)
    for kind in TRAININGS:
        for seed in range(seeds):
            began = time.monotonic()
            found = trained(spec, dataset, kind, seed, work)
            says = "above 0.5" if found.low > 0.5 else "below 0.5" if found.high < 0.5 else "0.5 within"
            yield line(kind.what, kind.epochs, kind.light, 1.0, seed, found, says, began)


def line(
    what: str, epochs: int, light: float, share: float, seed: int, found: Interval, says: str, began: float
) -> dict[str, object]:
    values = [f"{value:.4f}" for value in (found.value, found.low, found.high)]
    seconds = f"{time.monotonic() - began:.0f}"
    return dict(zip(COLUMNS, (what, epochs, f"{light:g}", f"{share:g}", seed, *values, says, seconds), strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--work", type=Path, default=Path("data") / "experiment-23")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    overrides = ["variant=recommended", "learning=pilot", "gates=quick", f"runtime.data_dir={arguments.work.resolve()}"]
    with initialize_config_module(config_module="arcgate.conf", version_base="1.3"):
        spec = from_config(compose("config", overrides=overrides))
    dataset = open_dataset(build_dataset(spec.data, spec.runtime).folder)
    with (HERE / "results.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for row in rows(spec, dataset, arguments.seeds, arguments.work):
            writer.writerow(row)
            file.flush()
            print(", ".join(f"{name} {value}" for name, value in row.items()), flush=True)


if __name__ == "__main__":
    main()
