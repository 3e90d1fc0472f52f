"""Real galaxies, measured PSFs, real sources: arcs against lenstronomy, a clean audit, and two wrong PSFs.

    python experiments/18-measured-light/run.py --real ../shared/real        # some minutes on two cores

The 46 luminous red galaxies of `des_lrg_hosts` carry arcs of COSMOS galaxies (`cosmos_sources`) seen through PsfEx kernels
(`psfex`), with the noise of the arcs' photons. Data sets are made in a folder that is deleted.
"""

from __future__ import annotations

import argparse
import csv
import os
import shutil
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import pandas as pd
from hydra import compose, initialize_config_module
from rich.progress import track
from threadpoolctl import threadpool_limits

from arcgate.config import audit_from_config, from_config
from arcgate.dataset.card import write_card
from arcgate.dataset.reader import Dataset, open_dataset
from arcgate.dataset.references import IMAGES_FILE, KERNELS_FILE, references_of
from arcgate.dataset.shards import write_shard
from arcgate.foreign.opening import open_source
from arcgate.gates.core.battery import run_battery
from arcgate.gates.features.reference_arc import reference_arc
from arcgate.gates.verdict.conclude import conclude
from arcgate.injection.arcs import declared_psfs, render_arcs, used_psfs
from arcgate.injection.build import build_dataset
from arcgate.injection.inject import photons_of
from arcgate.variant import Audit, Variant

HERE = Path(__file__).parent
# Arcs a galaxy; the third kind has no photon noise, under which the reference judges single pixels.
KINDS = {"1 arc": ("data.n_pairs=46",), "20 arcs": ("data.n_pairs=920", "data.injections_per_host=20")}
KINDS["20 arcs, no photon noise"] = (*KINDS["20 arcs"], "noise=none")
WIDER, COMPARED = 1.03, 20
ANSWERS = ("kind", "planted", "galaxies", "sources", "pairs", "safe", "cause", "failed", "not_passed", "seconds")
ERRORS = ("sample_id", "band", "largest_error", "psfsize_arcsec", "theta_e_arcsec", "source")


def composed(real: Path, work: Path, *overrides: str) -> Variant:
    given = ["hosts=pack", f"data.hosts.path={real / 'des_lrg_hosts'}", "data.controls.pool=any_other_host"]
    given += ["+kernels=psfex", f"data.hosts.kernels.path={real / 'psfex'}", "psf=measured"]
    given += ["source=cosmos", f"data.source.path={real / 'cosmos_sources'}", "noise=poisson"]
    given += ["view=annulus_robust", f"runtime.data_dir={work}", "runtime.workers=1", *overrides]
    with initialize_config_module(config_module="arcgate.conf", version_base="1.3"):
        return from_config(compose("config", overrides=given))


def auditing() -> Audit:
    given = ["data=here", "view=annulus_robust", "gates=quick", "gates.reference_rows=10", "gates.verdict_pairs=60"]
    with initialize_config_module(config_module="arcgate.conf", version_base="1.3"):
        return audit_from_config(compose("audit", overrides=given))


def compared(dataset: Dataset) -> list[dict[str, object]]:
    """Largest difference from lenstronomy's of arcs as declared, in units of each band's peak."""
    lines: list[dict[str, object]] = []
    references, imaging = references_of(dataset.path), dataset.imaging
    table = pd.concat([batch.table for batch in dataset.batches(roles=["positive"])], ignore_index=True).head(COMPARED)
    arcs = render_arcs(table, used_psfs(table, imaging, references), imaging, references)[0]
    for row, arc in track(list(zip(table.to_dict("records"), arcs, strict=True)), "lenstronomy"):
        truth = reference_arc(row, imaging, references=references)
        for band, made, sought in zip(imaging.bands, arc, truth, strict=True):
            error = {"sample_id": row["sample_id"], "band": band, "theta_e_arcsec": row["theta_e_arcsec"]}
            error |= {"largest_error": f"{np.abs(made - sought).max() / sought.max():.2e}", "source": row["source_image"]}
            lines.append(error | {"psfsize_arcsec": f"{row[f'psfsize_{band}']:.3f}"})
    return lines


def widened(dataset: Dataset, folder: Path) -> Dataset:
    """The same data set, its arcs seen through kernels that are 3 % too wide."""
    folder.mkdir()
    for name in (KERNELS_FILE, IMAGES_FILE):
        shutil.copy(dataset.path / name, folder / name)
    references, imaging, receipts = references_of(folder), dataset.imaging, []
    for path, batch in zip(dataset.shards(), dataset.batches(), strict=True):
        lit = np.flatnonzero((batch.table["role"] == "positive").to_numpy())
        table = batch.table.iloc[lit].reset_index(drop=True)
        wide = [tuple(psf.stretched(WIDER) for psf in psfs) for psfs in declared_psfs(table, imaging, references)]
        assert batch.arc is not None
        image, arc = batch.image.copy(), batch.arc.copy()
        full = render_arcs(table, wide, imaging, references)[0]
        arc[lit] = full + photons_of(table, full, "arc_noise", imaging)
        control = batch.table.index[batch.table["role"] == "control"].to_numpy()
        by_pair = dict(zip(batch.table["pair_id"].to_numpy()[control], control, strict=True))
        image[lit] = batch.image[[by_pair[pair] for pair in table["pair_id"]]] + arc[lit]
        receipts.append(write_shard(folder / path.name, batch.table, image, arc, imaging))
    digests = [f"{what}_digest" for what in ("parents", "hosts", "images", "spec")]
    card = {key: dataset.card[key] for key in ("data", "hosts", *digests, "code_version")}
    write_card(folder, imaging=imaging, receipts=receipts, **card)
    return open_dataset(folder)


def answered(kind: str, planted: str, dataset: Dataset) -> dict[str, object]:
    audit = auditing()
    started = time.process_time()
    with threadpool_limits(1):
        evidence = conclude("", run_battery(open_source(dataset.path), audit.view, audit.gates))
    gates = [result for result in evidence.results if result.role == "gate"]
    failed, open_ = (
        [gate for gate in gates if gate.status in statuses] for statuses in (("failed",), ("undetermined", "insensitive"))
    )
    table = dataset.table(["host_id", "source_image", "pair_id"])
    return {
        "kind": kind,
        "planted": planted,
        "galaxies": table["host_id"].nunique(),
        "sources": table["source_image"].nunique(),
        "pairs": table["pair_id"].nunique(),
        "safe": evidence.safe,
        "cause": evidence.cause.name,
        "failed": " ".join(f"{gate.name}/{gate.view}" for gate in failed),
        "not_passed": " ".join(f"{gate.name}/{gate.view}" for gate in open_),
        "seconds": f"{time.process_time() - started:.0f}",
    }


def studied(real: Path, work: Path) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    errors, answers = [], []
    for kind, overrides in KINDS.items():
        sound, fitted = (composed(real, work, *overrides, *psf) for psf in ((), ("psf=moffat_fitted",)))
        dataset = open_dataset(build_dataset(sound.data, sound.runtime).folder)
        dataset.verify()
        errors = errors or compared(dataset)
        answers.append(answered(kind, "none", dataset))
        answers.append(answered(kind, "kernel 3 % too wide", widened(dataset, work / kind.replace(" ", "_"))))
        other = open_dataset(build_dataset(fitted.data, fitted.runtime).folder)
        answers.append(answered(kind, "the Moffat that fits the kernel", other))
    return errors, answers


def written(name: str, columns: tuple[str, ...], lines: list[dict[str, object]]) -> None:
    with (HERE / name).open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--real", type=Path, required=True, help="folder of des_lrg_hosts, psfex and cosmos_sources")
    real = parser.parse_args().real.resolve()
    with tempfile.TemporaryDirectory() as work:
        errors, answers = studied(real, Path(work))
    written("errors.csv", ERRORS, errors)
    written("answers.csv", ANSWERS, answers)
    for line in answers:
        print(f"{line['kind']}, {line['planted']}: safe? {line['safe']}, cause? {line['cause']}; failed: {line['failed'] or '-'}")
    worst = max(float(str(line["largest_error"])) for line in errors)
    print(f"largest error of {COMPARED} arcs {100 * worst:.3f} % of the peak")


if __name__ == "__main__":
    main()
