"""`dry_run=true`: what a run would do, without doing any of it."""

from __future__ import annotations

import json
from pathlib import Path

from arcgate.data_node import Data
from arcgate.dataset.cache import is_built, set_folder
from arcgate.dataset.card import read_card
from arcgate.dataset.schema import schema_of
from arcgate.ground.counting import count_of
from arcgate.ground.terminal import width, wrapped
from arcgate.grounds import TITLES, grounds_of, require_scored
from arcgate.hosts_node import LegacyHosts, MockHosts
from arcgate.injection.asked_first import require_choosable
from arcgate.injection.spec_digest import spec_digest
from arcgate.keys import evidence_key, training_key
from arcgate.optimized import require_metric
from arcgate.planned import SECONDS_TO_ATTACK, Planned, rough
from arcgate.survey.foreseen import Foreseen, foreseen
from arcgate.survey.hosts import count_kept
from arcgate.survey.parents import artifacts
from arcgate.variant import Variant

# Rough costs on one core of 2020s hardware, seconds: rendering a host, making a row, judging a pair, and training on a
# stamp with the pilot's network. Only for the estimate.
SECONDS_PER_HOST, SECONDS_PER_ROW, SECONDS_PER_PAIR, SECONDS_PER_STAMP = 0.025, 0.001, 0.02, 0.004
# Cutting a stamp out of a file that holds little else.
SECONDS_TO_CUT = 0.01
# What a variant takes however small it is: libraries, planted leaks, refit, report, figures.
SECONDS_TO_START = 25.0


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
        The metric does not exist, the variant could not be trained (`require_trainable`), the hosts cannot be read, no data set
        can be chosen from them, or the job's metric is of a test set that is not available.
    """
    # timm and Lightning take seconds to import, which the other plans save.
    from arcgate.learning.asked_first import require_trainable

    require_trainable(spec)
    _print_name(spec, f"(study {spec.study})")
    known, grounds = _known_of(spec.data, spec), grounds_of(spec.evaluation, spec.view)
    require_metric(spec.optimized_metric)
    require_scored(spec.optimized_metric, grounds)
    seconds, size = _hosts(spec, known, planned)
    for name, data in {"data set": spec.data, **{TITLES[name]: data for name, data in grounds.sets.items()}}.items():
        same = (data.hosts, data.imaging) == (spec.data.hosts, spec.data.imaging)
        more, larger = _set(name, data, spec, known if same else _known_of(data, spec), planned)
        seconds, size = seconds + more, size + larger
    for ground, reason in grounds.absent.items():
        print("\n".join(wrapped(f"  {TITLES[ground]}: not available: {reason}", width(), indent=4)))
    seconds += _later_stages(spec, spec_digest(spec.data, known.digest))
    print(f"  {rough(seconds, size)}; times hold for small networks on a CPU")
    planned.add(seconds, size)


def print_data_plan(spec: Variant, planned: Planned) -> None:
    """Print what building a variant's data set alone would do (see `print_plan`)."""
    _print_name(spec, "(data set only)")
    known = _known_of(spec.data, spec)
    seconds, size = _hosts(spec, known, planned)
    more, larger = _set("data set", spec.data, spec, known, planned)
    print(f"  {rough(seconds + more, size + larger)}")
    planned.add(seconds + more, size + larger)


def _print_name(spec: Variant, what: str) -> None:
    """The name in the tables, and below it what it is short for."""
    print(f"{spec.variant} {what}")
    if spec.made_by != spec.variant:
        print(f"  {spec.made_by}")


def _set(name: str, data: Data, spec: Variant, known: Foreseen, planned: Planned) -> tuple[float, float]:
    """Seconds and bytes of a data set that is not there yet; ArcgateError where it cannot be chosen from its galaxies."""
    digest = spec_digest(data, known.digest)
    place = set_folder(Path(spec.runtime.data_dir), digest)
    if is_built(place):
        print(f"  {name}: {digest[:12]} is there ({place})")
        return 0.0, 0.0
    require_choosable(data, known)
    rows = _rows(data)
    if not planned.first(digest):
        print(f"  {name}: {digest[:12]} is shared with a job above: {count_of(rows, 'row')}, counted there")
        return 0.0, 0.0
    print(f"  {name}: {digest[:12]} would be built: {count_of(rows, 'row')}")
    return rows * SECONDS_PER_ROW / spec.runtime.workers, float((rows + data.n_pairs) * schema_of(data.imaging).image_bytes)


def _rows(data: Data) -> int:
    return (2 + len(data.certifying)) * data.n_pairs + min(data.null_rows, data.n_pairs)


def _hosts(spec: Variant, known: Foreseen, planned: Planned) -> tuple[float, float]:
    """Seconds and bytes of galaxies that are not cut out yet: all that the data set can need (`core_matched`: before spares)."""
    hosts, imaging, digest = spec.data.hosts, spec.data.imaging, known.digest
    to_cut = SECONDS_PER_HOST if isinstance(hosts, MockHosts) else SECONDS_TO_CUT
    if isinstance(hosts, LegacyHosts):
        for plan, cost in known.plans.items():
            ours = plan == hosts.plan
            print("\n".join(wrapped(f"  plan {plan}{'' if ours else ', for comparison'}: {cost.told()}", width(), indent=4)))
            to_cut = 3600.0 * cost.hours / cost.galaxies if ours else to_cut
    for note in known.notes:
        print("\n".join(wrapped(f"  note: {note}", width(), indent=4)))
    controls = spec.data.controls
    a_pair = 1 if controls.paired else 2 if controls.core is None else 1 + controls.core.candidates
    # Spares for positives without a match have candidates of their own; how many there will be is known afterwards.
    bound = "at most" if controls.core is None else "at least"
    cut = min(known.count, a_pair * spec.data.n_pairs)
    kept = count_kept(artifacts(Path(spec.runtime.data_dir), digest))
    if not planned.first(digest):
        print(f"  hosts: {known.what} ({digest[:12]}), shared with a job above and counted there")
        return 0.0, 0.0
    there = f"; {kept:,} were before" if kept else ""
    print(f"  hosts: {known.what} ({digest[:12]}), of which {bound} {cut:,} are cut out{there}")
    cut = max(0, cut - kept)
    return cut * to_cut / spec.runtime.workers, float(cut * schema_of(imaging).image_bytes)


def _known_of(data: Data, spec: Variant) -> Foreseen:
    return foreseen(data.hosts, data.imaging, Path(spec.runtime.data_dir))


def _later_stages(spec: Variant, digest: str) -> float:
    """Seconds of gates and training, as far as they are not there."""
    judging = min(spec.data.n_pairs, spec.gates.max_pairs) * SECONDS_PER_PAIR + len(spec.gates.attacks) * SECONDS_TO_ATTACK
    rows, steps = 2 * spec.data.n_pairs * spec.learning.epochs, spec.learning.steps
    stamps = rows if steps is None else steps * spec.learning.batch_size * spec.learning.trainer.accumulate
    learning = stamps * SECONDS_PER_STAMP / spec.runtime.threads
    folder = Path(spec.runtime.data_dir)
    place = set_folder(folder, digest)
    if not is_built(place):
        print("  gates, training and scores would run on it")
        return SECONDS_TO_START + judging + learning
    data_digest = str(read_card(place)["data_digest"])
    evidence, training = evidence_key(data_digest, spec), training_key(data_digest, spec)
    judged = (folder / "runs" / evidence / "evidence.json").exists()
    print(f"  gates: {evidence[:12]} {'are judged' if judged else 'would be judged'}")
    trained = folder / "runs" / training
    finished = trained / "finished.json"
    if finished.exists():
        epochs = json.loads(finished.read_text())["settings"]["learning"]["epochs"]
        state = f"is finished ({count_of(epochs, 'epoch')})"
    else:
        state = "would be resumed" if (trained / "last.ckpt").exists() else "would run"
    print(f"  training: {training[:12]} {state}")
    left = (0.0 if judged else judging) + (0.0 if finished.exists() else learning)
    return left + SECONDS_TO_START if left else 0.0
