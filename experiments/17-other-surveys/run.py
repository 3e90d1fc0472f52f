"""Other surveys than DECaLS: arcs against lenstronomy, clean sets, and planted bugs, on the mock galaxies of each imaging.

    python experiments/17-other-surveys/run.py                    # all three; a quarter of an hour on two cores
    python experiments/17-other-surveys/run.py --imaging hsc_gri

Data sets are made in a folder that is deleted. A pedestal is planted into another maker's arrays (.npz), whose imaging is
stated on opening, so that those are audited too.
"""

from __future__ import annotations

import argparse
import csv
import os
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
from hydra import compose, initialize_config_module
from rich.progress import track
from threadpoolctl import threadpool_limits

from arcgate.config import audit_from_config, from_config
from arcgate.dataset.reader import Dataset, open_dataset
from arcgate.dataset.source import Source
from arcgate.foreign.opening import open_source
from arcgate.gates.core.battery import run_battery
from arcgate.gates.features.reference_arc import reference_arc
from arcgate.gates.verdict.conclude import conclude
from arcgate.injection.build import build_dataset
from arcgate.variant import Audit, Variant

HERE = Path(__file__).parent
IMAGINGS = ("hsc_gri", "euclid_vis", "lsst_ugrizy")
PAIRS, COMPARED = 300, 20
SIZES = (f"data.n_pairs={PAIRS}", f"data.null_rows={PAIRS}", f"data.hosts.n_hosts={int(1.2 * PAIRS)}", "runtime.workers=1")
# In units of the sky's standard deviation; everywhere on positives.
PEDESTAL = 0.1
ANSWERS = ("imaging", "planted", "layout", "pairs", "safe", "cause", "failed", "not_passed", "seconds")
ERRORS = ("imaging", "sample_id", "band", "largest_error", "psfsize_arcsec", "theta_e_arcsec")


def composed(imaging: str, work: Path, *overrides: str) -> Variant:
    given = [f"imaging={imaging}", f"runtime.data_dir={work}", *SIZES, "variant=recommended", *overrides]
    with initialize_config_module(config_module="arcgate.conf", version_base="1.3"):
        return from_config(compose("config", overrides=given))


def auditing(imaging: str) -> Audit:
    given = ["data=here", f"imaging={imaging}", "gates=quick", "gates.reference_rows=1", "gates.verdict_pairs=60"]
    with initialize_config_module(config_module="arcgate.conf", version_base="1.3"):
        return audit_from_config(compose("audit", overrides=given))


def compared(imaging: str, dataset: Dataset) -> list[dict[str, object]]:
    """Largest difference of stored arcs from lenstronomy's, in units of each band's peak."""
    lines: list[dict[str, object]] = []
    batch = next(dataset.batches(roles=["positive"]))
    assert batch.arc is not None
    rows = batch.table.head(COMPARED).to_dict("records")
    for row, arc in track(list(zip(rows, batch.arc[:COMPARED], strict=True)), f"{imaging}: lenstronomy"):
        truth = reference_arc(row, dataset.imaging)
        for band, made, sought in zip(dataset.imaging.bands, arc, truth, strict=True):
            lines.append(
                {
                    "imaging": imaging,
                    "sample_id": row["sample_id"],
                    "band": band,
                    "largest_error": f"{np.abs(made - sought).max() / sought.max():.2e}",
                    "psfsize_arcsec": f"{row[f'psfsize_{band}']:.3f}",
                    "theta_e_arcsec": row["theta_e_arcsec"],
                }
            )
    return lines


def as_arrays(dataset: Dataset, path: Path, pedestal: float) -> Path:
    """The pairs as another maker's arrays, with light added to positives, in sky sigma; arcs are declared."""
    stamps, controls, tables = [], [], []
    for batch in dataset.batches(roles=["positive", "control"]):
        role = batch.table["role"].to_numpy()
        positive, control = (np.flatnonzero(role == name) for name in ("positive", "control"))
        by_pair = dict(zip(batch.table["pair_id"].to_numpy()[control], control, strict=True))
        stamps.append(batch.image[positive])
        controls.append(batch.image[[by_pair[pair] for pair in batch.table["pair_id"].to_numpy()[positive]]])
        tables.append(batch.table.iloc[positive])
    columns = {name: np.concatenate([table[name].to_numpy() for table in tables]) for name in declared(dataset)}
    image = np.concatenate(stamps)
    sky = np.stack([columns[f"sky_sigma_{band}"].astype(np.float32) for band in dataset.imaging.bands], axis=1)
    image = image + np.float32(pedestal) * sky[:, :, None, None]
    words = {name: values.astype(str) for name, values in columns.items() if values.dtype == object}
    last = np.moveaxis(image, 1, -1), np.moveaxis(np.concatenate(controls), 1, -1)
    labels, groups = np.ones(len(image), dtype=int), columns["host_id"].astype(str)
    np.savez(path, stamps=last[0], controls=last[1], labels=labels, groups=groups, **(columns | words))
    return path


def declared(dataset: Dataset) -> list[str]:
    """Columns that declare arcs, and the noise."""
    bands = dataset.imaging.bands
    per_band = [f"{stem}_{band}" for stem in ("source_mag", "psfsize", "psf_beta_declared", "sky_sigma") for band in bands]
    lens = ["theta_e_arcsec", "lens_q", "lens_phi_rad", "gamma1", "gamma2"]
    source = [f"source_{name}" for name in ("reff_arcsec", "sersic_n", "q", "phi_rad", "x_arcsec", "y_arcsec")]
    return ["host_id", *lens, *source, *per_band, "arc_noise", "host_x_pix", "host_y_pix"]


def answered(imaging: str, planted: str, source: Source) -> dict[str, object]:
    audit = auditing(imaging)
    started = time.process_time()
    with threadpool_limits(1):
        evidence = conclude("", run_battery(source, audit.view, audit.gates))
    gates = [result for result in evidence.results if result.role == "gate"]
    failed, open_ = (
        [gate for gate in gates if gate.status in statuses] for statuses in (("failed",), ("undetermined", "insensitive"))
    )
    return {
        "imaging": imaging,
        "planted": planted,
        "layout": source.facts.layout,
        "pairs": PAIRS,
        "safe": evidence.safe,
        "cause": evidence.cause.name,
        "failed": " ".join(f"{gate.name}/{gate.view}" for gate in failed),
        "not_passed": " ".join(f"{gate.name}/{gate.view}" for gate in open_),
        "seconds": f"{time.process_time() - started:.0f}",
    }


def studied(imaging: str, work: Path) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """Errors of arcs, and answers on a clean set, on two with a wrong PSF, and on arrays without and with a pedestal."""
    answers = []
    sets = {}
    for planted, overrides in {"none": (), "psfsize as FWHM": ("psf=moffat_naive",), "Gaussian": ("psf=gaussian",)}.items():
        spec = composed(imaging, work, *overrides)
        sets[planted] = open_dataset(build_dataset(spec.data, spec.runtime).folder)
        answers.append(answered(imaging, planted, open_source(sets[planted].path)))
    clean, arrays = sets["none"], work / f"{imaging}.npz"
    for planted, size in (("none", 0.0), (f"pedestal of {PEDESTAL:g} sky sigma", PEDESTAL)):
        answers.append(answered(imaging, planted, open_source(as_arrays(clean, arrays, size), clean.imaging)))
    return compared(imaging, clean), answers


def written(name: str, columns: tuple[str, ...], lines: list[dict[str, object]]) -> None:
    """Lines of imagings that were not run now stay."""
    path = HERE / name
    run = {line["imaging"] for line in lines}
    kept = list(csv.DictReader(path.open())) if path.exists() else []
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows([line for line in kept if line["imaging"] not in run] + lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--imaging", choices=IMAGINGS, action="append", help="one of them, several times (all)")
    wanted = parser.parse_args().imaging or IMAGINGS
    for imaging in wanted:
        with tempfile.TemporaryDirectory() as work:
            errors, answers = studied(imaging, Path(work))
        written("errors.csv", ERRORS, errors)
        written("answers.csv", ANSWERS, answers)
        for line in answers:
            print(f"{imaging}, {line['planted']} ({line['layout']}): safe? {line['safe']}, cause? {line['cause']}")
        worst = max(float(str(line["largest_error"])) for line in errors)
        print(f"{imaging}: largest error of {COMPARED} arcs {100 * worst:.3f} % of the peak")


if __name__ == "__main__":
    main()
