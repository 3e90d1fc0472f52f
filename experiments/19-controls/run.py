"""Which controls leak what: paired, unpaired, unmatched, core-matched, floors on positives and on pairs; gates and costs.

python experiments/19-controls/run.py         # results.csv; about ten minutes on two cores
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from hydra import compose, initialize_config_module
from threadpoolctl import threadpool_limits

from arcgate.config import from_config
from arcgate.dataset.card import selection_on
from arcgate.dataset.reader import Dataset, open_dataset
from arcgate.dataset.selection_words import balance_words
from arcgate.dataset.source import DatasetSource
from arcgate.gates.core.battery import run_battery
from arcgate.ground.statistics import clustered_auc
from arcgate.injection.build import build_dataset
from arcgate.injection.core_mask import radius_from
from arcgate.variant import Variant

HERE = Path(__file__).parent
MATCHED = "data.controls.match_on=[psfsize_r,depth_r,host_mag_r]"
# In the realistic grid theta_E goes with the host's luminosity, so that a floor chooses bright hosts.
FLOOR = ("grid=realistic", "data.entry.least_theta_e_over_psf=0.65")
STUDIES: dict[str, tuple[str, ...]] = {
    "paired": (),
    "unpaired": ("controls=unpaired",),
    "unmatched": ("controls=unmatched",),
    "core_matched": ("controls=core_matched",),
    "floor on pairs, paired": FLOOR,
    "floor on pairs, unpaired": ("controls=unpaired", *FLOOR),
    "floor on pairs, unpaired, also magnitude": ("controls=unpaired", MATCHED, *FLOOR),
    "floor on positives, unpaired": ("controls=unpaired", *FLOOR, "data.entry.drops=positive"),
}


# Gates on the choice of galaxies; PSF and normalisation are sound, so that nothing else leaks.
GATES = (
    "psf=moffat_converted",
    "view=annulus_robust",
    "gates=quick",
    "gates.listed=[metadata,'null',residual_core,residual_annulus]",
)


def composed(overrides: tuple[str, ...], folder: str, arguments: argparse.Namespace) -> Variant:
    sizes = (f"data.n_pairs={arguments.pairs}", f"data.hosts.n_hosts={arguments.hosts}", *GATES)
    place = (f"runtime.data_dir={folder}", f"runtime.workers={arguments.workers}")
    with initialize_config_module(config_module="arcgate.conf", version_base="1.3"):
        return from_config(compose("config", overrides=[*overrides, *sizes, *place]))


def core_sum(dataset: Dataset) -> str:
    """How well the light of the core in r by itself, arcs included, orders positives above controls."""
    light, labels, galaxies = [], [], []
    for batch in dataset.batches(roles=("positive", "control"), arcs=False):
        table, imaging = batch.table, dataset.imaging
        x, y = (table[name].to_numpy(np.float64) for name in ("host_x_pix", "host_y_pix"))
        core = radius_from(x, y, imaging.size_pix) < imaging.core_pix
        light.append((batch.image[:, imaging.bands.index(imaging.reference_band)] * core).sum(axis=(1, 2)))
        labels.append((table["role"] == "positive").to_numpy(np.int64))
        galaxies.append(table["host_id"].to_numpy(dtype=np.str_))
    auc = clustered_auc(np.concatenate(light).astype(np.float64), np.concatenate(labels), np.concatenate(galaxies))
    return f"{auc.value:.3f} [{auc.low:.3f}, {auc.high:.3f}]"


def row(name: str, spec: Variant) -> dict[str, object]:
    started = time.monotonic()
    dataset = open_dataset(build_dataset(spec.data, spec.runtime).folder)
    built = time.monotonic() - started
    with threadpool_limits(1):
        judged = run_battery(DatasetSource(dataset), spec.view, spec.gates, spec.runtime.workers)
    selection = selection_on(dataset.card)
    assert selection is not None  # built here
    gates = [one for one in judged.results if one.role == "gate" and one.status != "not_run"]
    failed = sorted({f"{one.name}/{one.view}" for one in gates if one.status == "failed"})
    found: dict[str, object] = {"study": name, "failed": "; ".join(failed)}
    for one in gates:
        if one.value is not None and one.low is not None:
            found[f"{one.name}/{one.view}"] = f"{one.value:.3f} [{one.low:.3f}, {one.high:.3f}] {one.status}"
    found["core_sum"] = core_sum(dataset)
    differs = {line["column"]: line["after"] for line in selection["balance"]}
    found |= {"smd_host_mag_r": differs["host_mag_r"], "balance": balance_words(selection["balance"])}
    found |= {"unmatched": selection["unmatched"], "refused": sum(selection["entry"]["refused"].values())}
    found |= {"cut_out": sum(selection["cut_out"].values()), "built_s": round(built, 1)}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=600)
    parser.add_argument("--hosts", type=int, default=3500)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--data", help="folder of artifacts; a temporary one without")
    parser.add_argument("--only", default="", help="beginning of names; rows of other studies are kept")
    arguments = parser.parse_args()
    results = HERE / "results.csv"
    with TemporaryDirectory() as temporary:
        rows = pd.read_csv(results).to_dict("records") if arguments.only and results.exists() else []
        rows = [one for one in rows if not str(one["study"]).startswith(arguments.only)]
        for name, overrides in STUDIES.items():
            if not name.startswith(arguments.only):
                continue
            rows.append(row(name, composed(overrides, arguments.data or temporary, arguments)))
            pd.DataFrame(rows).to_csv(results, index=False)
            print(rows[-1], flush=True)


if __name__ == "__main__":
    main()
