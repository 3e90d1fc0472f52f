"""Variants that verbs run or train: found finished or made now, and what a single one ends with. Heavy libraries come late."""

from __future__ import annotations

from typing import TYPE_CHECKING

from arcgate.jobs import in_a_sweep, typed

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from arcgate.finished import Record
    from arcgate.planned import Planned
    from arcgate.training_spec import Training
    from arcgate.variant import Variant


def done(verb: str, config: DictConfig, planned: Planned) -> tuple[Record | None, float | None]:
    """What a variant leaves, and its metric if one is named; nothing of a dry run."""
    if verb == "train":
        from arcgate.config import training_from_config

        training = training_from_config(config, typed())
        if not training.dry_run:
            return _trained(training)
        from arcgate.training import print_train_plan

        print_train_plan(training, planned)
        return None, None
    from arcgate.config import from_config

    spec = from_config(config, typed())
    if not spec.dry_run:
        return _ran(spec)
    from arcgate.plan import print_plan

    print_plan(spec, planned)
    return None, None


def _ran(spec: Variant) -> tuple[Record, float | None]:
    """What a variant leaves that is found finished, or is run now, and the metric that the job returns if one is named."""
    from arcgate.finished import found
    from arcgate.ground.progress import say, step
    from arcgate.optimized import require_metric

    require_metric(spec.optimized_metric)
    with step(spec.variant):
        record = found(spec)
        if record is not None:
            say(f"{spec.variant}: data reused, gates reused: safe? {record.safe}; training skipped: {record.in_words}")
        else:
            # torch and what draws take seconds to import.
            from arcgate.pipeline import run_variant

            record = run_variant(spec)
    return record, _ended(spec, record)


def _trained(spec: Training) -> tuple[Record, float | None]:
    """The same of a variant that its gates may forbid to train (`arcgate.training`)."""
    from arcgate.ground.progress import step
    from arcgate.training import train_variant

    with step(spec.variant):
        record = train_variant(spec)
    return record, _ended(spec, record)


def _ended(spec: Variant, record: Record) -> float | None:
    """Print what a single variant ends with; the metric that is named."""
    from arcgate.finished import keys_of

    if in_a_sweep() and spec.optimized_metric is None:
        return None
    from arcgate.ending import ending_lines, evidence_of
    from arcgate.ground.terminal import show, width
    from arcgate.optimized import metric_value

    keys = keys_of(spec)
    assert keys is not None  # its data sets are built
    evidence = evidence_of(spec, keys)
    if not in_a_sweep():
        from arcgate.report import draw_study

        show(ending_lines(spec, keys, record, evidence, width()))
        draw_study(spec.study, spec.runtime.mlruns_dir)
    name = spec.optimized_metric
    return None if name is None else metric_value(name, record.scores, evidence)
