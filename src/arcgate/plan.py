"""`dry_run=true`: what a run would do, without doing any of it."""

from __future__ import annotations

import json
from pathlib import Path

from arcgate.data_node import Data, MockHosts
from arcgate.dataset.cache import is_built, set_folder
from arcgate.dataset.card import read_card
from arcgate.dataset.schema import IMAGE_BYTES
from arcgate.keys import evidence_key, spec_digest, training_key
from arcgate.survey.hosts import survey_digest
from arcgate.variant import Variant

# Rough costs on one core of 2020s hardware, seconds: rendering a host, making a row, judging a pair, and training on a
# stamp with the pilot's network. Only for the estimate.
SECONDS_PER_HOST, SECONDS_PER_ROW, SECONDS_PER_PAIR, SECONDS_PER_STAMP = 0.025, 0.008, 0.02, 0.004


def print_plan(spec: Variant) -> None:
    """Print a variant's keys, what is cached, what would run, and rough time and disk."""
    folder = Path(spec.runtime.data_dir)
    print(f"{spec.variant} (study {spec.study})")
    seconds, size = _survey(spec, folder)
    for name, data in (("data set", spec.data), ("common test set", spec.evaluation.common)):
        digest = spec_digest(data, survey_digest(data.hosts))
        place = set_folder(folder, digest)
        if is_built(place):
            print(f"  {name}: {digest[:12]} is there ({place})")
            if name == "data set":
                _later_stages(spec, folder, str(read_card(place)["data_digest"]))
            continue
        rows = _rows(data)
        print(f"  {name}: {digest[:12]} would be built: {rows:,} rows")
        seconds += rows * SECONDS_PER_ROW / spec.runtime.workers
        size += rows * 2 * IMAGE_BYTES
        if name == "data set":
            print("  gates, training and scores would run on it")
            seconds += min(data.n_pairs, spec.gates.max_pairs) * SECONDS_PER_PAIR
            seconds += 2 * data.n_pairs * spec.learning.epochs * SECONDS_PER_STAMP / spec.runtime.threads
    print(f"  roughly {seconds / 60:.1f} min and {size / 1e9:.2f} GB more; times hold for small networks on a CPU")


def _rows(data: Data) -> int:
    return 2 * data.n_pairs + min(data.null_rows, data.n_pairs)


def _survey(spec: Variant, folder: Path) -> tuple[float, float]:
    hosts = spec.data.hosts
    digest = survey_digest(hosts)
    if not isinstance(hosts, MockHosts):
        print(f"  hosts: stamp pack {hosts.path} ({digest[:12]})")
        return 0.0, 0.0
    if (folder / "surveys" / digest).exists():
        print(f"  hosts: mock survey {digest[:12]} is there, whole or in part")
        return 0.0, 0.0
    print(f"  hosts: mock survey {digest[:12]} would be built: {hosts.n_hosts:,} galaxies")
    return hosts.n_hosts * SECONDS_PER_HOST / spec.runtime.workers, float(hosts.n_hosts * IMAGE_BYTES)


def _later_stages(spec: Variant, folder: Path, data_digest: str) -> None:
    evidence, training = evidence_key(data_digest, spec), training_key(data_digest, spec)
    judged = (folder / "runs" / evidence / "evidence.json").exists()
    print(f"  gates: {evidence[:12]} {'are judged' if judged else 'would be judged'}")
    trained = folder / "runs" / training
    finished = trained / "finished.json"
    if finished.exists():
        epochs = json.loads(finished.read_text())["settings"]["learning"]["epochs"]
        state = f"is finished ({epochs} epochs)"
    else:
        state = "would be resumed" if (trained / "last.ckpt").exists() else "would run"
    print(f"  training: {training[:12]} {state}")
