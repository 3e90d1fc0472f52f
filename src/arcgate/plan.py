"""`dry_run=true`: what a run would do, without doing any of it."""

from __future__ import annotations

import json
from pathlib import Path

from arcgate.data_node import Data, MockHosts
from arcgate.dataset.cache import is_built, set_folder
from arcgate.dataset.card import read_card
from arcgate.dataset.schema import schema_of
from arcgate.injection.spec_digest import spec_digest
from arcgate.keys import evidence_key, training_key
from arcgate.planned import Planned, rough
from arcgate.survey.hosts import survey_digest
from arcgate.survey.pack import PackSurvey
from arcgate.variant import Variant

# Rough costs on one core of 2020s hardware, seconds: rendering a host, making a row, judging a pair, and training on a
# stamp with the pilot's network. Only for the estimate.
SECONDS_PER_HOST, SECONDS_PER_ROW, SECONDS_PER_PAIR, SECONDS_PER_STAMP = 0.025, 0.008, 0.02, 0.004


def print_plan(spec: Variant, planned: Planned) -> None:
    """Print a variant's keys, what is cached, what would run, and rough time and disk.

    Parameters
    ----------
    spec : Variant
    planned : Planned
        What earlier dry runs of the same command have counted; this one is added.

    Raises
    ------
    ArcgateError
        The backbone does not exist, or the hosts cannot be read.
    """
    # timm takes seconds to import, which the other plans save.
    from arcgate.learning.backbones import check_backbone

    check_backbone(spec.learning.backbone)
    print(f"{spec.variant} (study {spec.study})")
    folder = Path(spec.runtime.data_dir)
    seconds, size = _survey(spec, folder, planned)
    for name, data in (("data set", spec.data), ("common test set", spec.evaluation.common)):
        more, larger = _set(name, data, spec, planned)
        seconds, size = seconds + more, size + larger
    seconds += _later_stages(spec, folder)
    print(f"  {rough(seconds, size)}; times hold for small networks on a CPU")
    planned.add(seconds, size)


def print_data_plan(spec: Variant, planned: Planned) -> None:
    """Print what building a variant's data set alone would do (see `print_plan`)."""
    print(f"{spec.variant}, data set only")
    seconds, size = _survey(spec, Path(spec.runtime.data_dir), planned)
    more, larger = _set("data set", spec.data, spec, planned)
    print(f"  {rough(seconds + more, size + larger)}")
    planned.add(seconds + more, size + larger)


def _set(name: str, data: Data, spec: Variant, planned: Planned) -> tuple[float, float]:
    """Seconds and bytes of a data set that is not there yet."""
    digest = spec_digest(data, survey_digest(data.hosts, data.imaging))
    place = set_folder(Path(spec.runtime.data_dir), digest)
    if is_built(place):
        print(f"  {name}: {digest[:12]} is there ({place})")
        return 0.0, 0.0
    rows = _rows(data)
    if not planned.first(digest):
        print(f"  {name}: {digest[:12]} is shared with a job above: {rows:,} rows, counted there")
        return 0.0, 0.0
    print(f"  {name}: {digest[:12]} would be built: {rows:,} rows")
    return rows * SECONDS_PER_ROW / spec.runtime.workers, float((rows + data.n_pairs) * schema_of(data.imaging).image_bytes)


def _rows(data: Data) -> int:
    return 2 * data.n_pairs + min(data.null_rows, data.n_pairs)


def _survey(spec: Variant, folder: Path, planned: Planned) -> tuple[float, float]:
    hosts = spec.data.hosts
    if not isinstance(hosts, MockHosts):
        pack = PackSurvey.open(hosts, spec.data.imaging)
        print(f"  hosts: {pack.describe()}, {hosts.path} ({pack.digest[:12]})")
        for note in pack.notes:
            print(f"    note: {note}")
        return 0.0, 0.0
    digest = survey_digest(hosts, spec.data.imaging)
    if (folder / "surveys" / digest).exists():
        print(f"  hosts: mock survey {digest[:12]} is there, whole or in part")
        return 0.0, 0.0
    if not planned.first(digest):
        print(f"  hosts: mock survey {digest[:12]} is shared with a job above: {hosts.n_hosts:,} galaxies, counted there")
        return 0.0, 0.0
    print(f"  hosts: mock survey {digest[:12]} would be built: {hosts.n_hosts:,} galaxies")
    return hosts.n_hosts * SECONDS_PER_HOST / spec.runtime.workers, float(
        hosts.n_hosts * schema_of(spec.data.imaging).image_bytes
    )


def _later_stages(spec: Variant, folder: Path) -> float:
    """Seconds of gates and training, as far as they are not there."""
    judging = min(spec.data.n_pairs, spec.gates.max_pairs) * SECONDS_PER_PAIR
    learning = 2 * spec.data.n_pairs * spec.learning.epochs * SECONDS_PER_STAMP / spec.runtime.threads
    place = set_folder(folder, spec_digest(spec.data, survey_digest(spec.data.hosts, spec.data.imaging)))
    if not is_built(place):
        print("  gates, training and scores would run on it")
        return judging + learning
    data_digest = str(read_card(place)["data_digest"])
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
    return (0.0 if judged else judging) + (0.0 if finished.exists() else learning)
