"""Audit twenty data sets under three views: controls x core mask x PSF x normalisation; and three more for the published figures.

Resumable: data sets and evidence that are there are found again, by what they were made from and by the code that judges.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
import time
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from hydra import compose, initialize_config_module
from rich.progress import track

from arcgate.audit import audit
from arcgate.config import audit_from_config, from_config
from arcgate.dataset.reader import open_dataset
from arcgate.gates.core.result import Evidence, read_evidence
from arcgate.ground.workers import completed
from arcgate.injection.build import build_dataset
from arcgate.variant import Audit, Variant

HERE = Path(__file__).parent
CONTROLS = ("paired", "unpaired")
MASKS = ("none", "hard_r5", "hard_r7", "hard_r10", "tanh_r5")
PSFS = ("moffat_naive", "moffat_converted")
VIEWS = ("raw", "stamp_robust", "annulus_robust")
# For the published figures alone: the published PSF, and fainter sources. They are audited under one view.
MORE = (
    ("paired", "none", "gaussian", "v4_sota"),
    ("paired", "none", "moffat_naive", "realistic"),
    ("paired", "none", "moffat_converted", "realistic"),
)
FACTORS = ("controls", "mask", "psf", "grid", "view")
STRATA = ("overall", "theta_e_lt_1", "theta_e_1_2", "theta_e_ge_2")
GATE_COLUMNS = (*FACTORS, "gate", "gate_view", "value", "low", "high", "detected_sensitivity", "required_sensitivity")
GATE_COLUMNS += ("n", "n_hosts", "status", "reason")
AUDIT_COLUMNS = (*FACTORS, "safe", "cause", "passed", "failed", "undetermined", "insensitive", "not_run")
AUDIT_COLUMNS += (*[f"core_published_{stratum}" for stratum in STRATA], "n_hosts", "data_digest", "evidence_key", "sentence")
FIGURE_COLUMNS = (*FACTORS[:4], "quantity", "published", "here", "interval", "n", "answer", "because")


@dataclass(frozen=True)
class Task:
    """A data set, and its audit under each view."""

    factors: tuple[str, str, str, str]
    spec: Variant
    audits: dict[str, Audit]


@dataclass(frozen=True)
class Done:
    """Evidence of each view of a data set."""

    evidence: dict[str, Evidence]
    data_digest: str
    seconds: float


def plan(data_dir: str, pairs: int) -> list[Task]:
    """All data sets."""
    place = Path(data_dir).resolve() / "experiments" / "13"
    runtime = [f'runtime.data_dir="{data_dir}"', "runtime.workers=1"]
    tasks = []
    with initialize_config_module(config_module="arcgate.conf", version_base="1.3"):
        for factors in (*((*three, "v4_sota") for three in product(CONTROLS, MASKS, PSFS)), *MORE):
            controls, mask, psf, grid = factors
            overrides = [f"controls={controls}", f"core_mask={mask}", f"psf={psf}", f"grid={grid}", f"data.n_pairs={pairs}"]
            spec = from_config(compose("config", overrides=[*overrides, *runtime]))
            audits = {}
            for view in VIEWS[-1:] if factors in MORE else VIEWS:
                output = place / "_".join((*factors, view))
                settings = [f"view={view}", "gates=quick", f'output="{output}"', 'data="-"', "track=false"]
                audits[view] = audit_from_config(compose("audit", overrides=[*settings, *runtime]))
            tasks.append(Task(factors, spec, audits))
    return tasks


def audited(task: Task) -> Done:
    """Build a data set or find it, and judge it under each view or find the evidence."""
    started = time.process_time()
    dataset = open_dataset(build_dataset(task.spec.data, task.spec.runtime).folder)
    evidence = {}
    for view, spec in task.audits.items():
        assert spec.output is not None  # `plan` names one
        output = Path(spec.output)
        output.mkdir(parents=True, exist_ok=True)
        with (output / "printed.txt").open("w") as printed, redirect_stdout(printed):
            audit(replace(spec, data=str(dataset.path)))
        evidence[view] = read_evidence(output / "evidence.json")
    return Done(evidence, dataset.data_digest, time.process_time() - started)


def audit_row(factors: tuple[str, ...], evidence: Evidence, data_digest: str) -> dict[str, object]:
    """An audit in short."""
    gates = [result for result in evidence.results if result.role == "gate"]
    core = {result.stratum: result.value for result in evidence.results if result.name == "core_published"}
    row: dict[str, object] = dict(zip(FACTORS, factors, strict=True))
    row |= {"safe": evidence.safe, "cause": evidence.cause.name}
    for status in ("passed", "failed", "undetermined", "insensitive", "not_run"):
        row[status] = sum(result.status == status for result in gates)
    row |= {f"core_published_{stratum}": _number(core.get(stratum)) for stratum in STRATA}
    hosts = max(result.n_groups for result in gates)
    return row | {
        "n_hosts": hosts,
        "data_digest": data_digest[:16],
        "evidence_key": evidence.key[:16],
        "sentence": evidence.cause.sentence,
    }


def gate_rows(factors: tuple[str, ...], evidence: Evidence) -> list[dict[str, object]]:
    """Its gates; the reason of those that did not pass."""
    return [
        {
            **dict(zip(FACTORS, factors, strict=True)),
            "gate": result.name,
            "gate_view": result.view,
            "value": _number(result.value),
            "low": _number(result.low),
            "high": _number(result.high),
            "detected_sensitivity": _number(result.detected_sensitivity),
            "required_sensitivity": _number(result.required_sensitivity),
            "n": result.n,
            "n_hosts": result.n_groups,
            "status": result.status,
            "reason": "" if result.status == "passed" else result.reason,
        }
        for result in evidence.results
        if result.role == "gate"
    ]


def figure_rows(factors: tuple[str, ...], evidence: Evidence) -> list[dict[str, object]]:
    """The published figures beside those of a data set; its pixels as stored, whatever the view."""
    (table,) = (exhibit.content for exhibit in evidence.exhibits if exhibit.name == "published_figures")
    head = dict(zip(FACTORS[:4], factors, strict=True))
    return [{**head, **dict(zip(table["columns"], row, strict=True))} for row in table["rows"]]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.5g}"


def write(name: str, columns: tuple[str, ...], rows: list[dict[str, object]]) -> None:
    """A table of this study."""
    with (HERE / name).open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def main() -> None:
    """Audit what is missing, write the tables, and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--pairs", type=int, default=800)
    parser.add_argument("--data-dir", default="data", help="where data sets, evidence and reports lie")
    parser.add_argument("--build-only", action="store_true", help="make the data sets, judge nothing")
    options = parser.parse_args()
    tasks = plan(options.data_dir, options.pairs)
    if options.build_only:
        for task in tasks:
            print(*task.factors, build_dataset(task.spec.data, task.spec.runtime).folder, flush=True)
        return
    done: dict[int, Done] = {}
    for position, one in track(completed(audited, tasks, options.workers, HERE), "auditing", total=len(tasks)):
        done[position] = one
        print(*tasks[position].factors, *[found.safe for found in one.evidence.values()], f"{one.seconds:.0f} s", flush=True)
    audits, gates, figures = [], [], []
    for position, task in enumerate(tasks):
        one = done[position]
        for view, evidence in one.evidence.items():
            audits.append(audit_row((*task.factors, view), evidence, one.data_digest))
            gates += gate_rows((*task.factors, view), evidence)
        figures += figure_rows(task.factors, evidence)
    write("audits.csv", AUDIT_COLUMNS, audits)
    write("results.csv", GATE_COLUMNS, gates)
    write("published.csv", FIGURE_COLUMNS, figures)
    from figure import draw

    draw(HERE)


if __name__ == "__main__":
    main()
