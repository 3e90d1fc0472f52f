"""What can an audit say of 46 real galaxies? A stamp pack, two PSFs, one or twenty arcs a galaxy, each set audited."""

from __future__ import annotations

import argparse
import csv
from dataclasses import replace
from pathlib import Path

from hydra import compose, initialize_config_module

from arcgate.audit import audit
from arcgate.config import audit_from_config, from_config
from arcgate.dataset.reader import open_dataset
from arcgate.gates.core.result import Evidence, read_evidence
from arcgate.injection.build import build_dataset

HERE = Path(__file__).parent
# Name of the data set: what is injected, and how often into each galaxy.
SETS = {
    "sound_1": ["psf=moffat_converted", "data.n_pairs=46", "data.injections_per_host=1"],
    "sound_20": ["psf=moffat_converted", "data.n_pairs=920", "data.injections_per_host=20"],
    "gaussian_1": ["psf=gaussian", "data.n_pairs=46", "data.injections_per_host=1"],
    "gaussian_20": ["psf=gaussian", "data.n_pairs=920", "data.injections_per_host=20"],
}
FIELDS = ("data_set", "safe", "cause", "gate", "view", "stratum", "role", "value", "low", "high", "margin")
FIELDS += ("detected_sensitivity", "required_sensitivity", "sensitivity_unit", "n", "n_hosts", "status", "reason", "data_digest")


def audited(name: str, hosts: Path, work: Path) -> tuple[Evidence, str]:
    """Build a data set, or find it, and audit it; its evidence and its data digest."""
    places = [f"runtime.data_dir={work / 'data'}", f"runtime.mlruns_dir={work / 'mlruns'}"]
    with initialize_config_module(config_module="arcgate.conf", version_base="1.3"):
        # Quoted, since a path may hold characters of the override grammar.
        overrides = ["experiment=pilot_pack", f'data.hosts.path="{hosts}"', *places, *SETS[name]]
        spec = from_config(compose("config", overrides=overrides))
        judged = audit_from_config(compose("audit", overrides=[f"data={work}", *places]))
    dataset = open_dataset(build_dataset(spec.data, spec.runtime).folder)
    place = work / "audits" / name
    audit(replace(judged, data=str(dataset.path), output=str(place)))
    return read_evidence(place / "evidence.json"), dataset.data_digest


def main() -> None:
    """Audit all sets and write results.csv."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("hosts", type=Path, help="folder with g.fits, r.fits, z.fits")
    parser.add_argument("--work", type=Path, default=Path("data/experiments/12"), help="data sets, evidence and reports")
    arguments = parser.parse_args()
    with (HERE / "results.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(FIELDS)
        for name in SETS:
            evidence, digest = audited(name, arguments.hosts, arguments.work.resolve())
            cause = evidence.cause
            for one in evidence.results:
                head = (name, evidence.safe, cause.name, one.name, one.view, one.stratum, one.role)
                numbers = (one.value, one.low, one.high, one.margin)
                sensitivity = (one.detected_sensitivity, one.required_sensitivity, one.sensitivity_unit)
                writer.writerow((*head, *numbers, *sensitivity, one.n, one.n_groups, one.status, one.reason, digest))
            file.flush()


if __name__ == "__main__":
    main()
