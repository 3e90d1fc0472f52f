"""The command line: verbs, each a Hydra main over conf/. Heavy libraries are imported inside the verbs."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from arcgate.edge import USAGE_ERROR, code_of_command
from arcgate.ground.counting import count_of
from arcgate.jobs import needed, run_jobs, typed, with_names
from arcgate.planned import Planned

if TYPE_CHECKING:
    from omegaconf import DictConfig


USAGE = """\
arcgate: training sets for strong-lens finding that are proven not to leak the label

usage: arcgate <verb> [key=value ...]

verbs:
  run        a variant from end to end: data set, gates, training, scores, MLflow
             arcgate run controls=unpaired psf=moffat_converted
             arcgate run experiment=pilot                     (a sweep: one table at the end)
             arcgate run -m core_mask=none,hard_r5,hard_r7    (your own sweep)
  train      as run, unless gates failed or never judged the data set
             arcgate train controls=unpaired                  (force=true: all the same)
  predict    scores of a data set by a network that was kept, as a table
             arcgate predict model=models:/pilot@champion data=latest
  mock       a mock survey as files of the Legacy Surveys
             arcgate mock out=<folder> dry_run=true
  parents    galaxies of a survey, from its sweeps, with a cut flow
             arcgate parents root=<folder of the survey>
  simulate   build a variant's data set and stop
  audit      the gates on a finished data set, with a report
             arcgate audit data=latest                        (or a digest as it is printed)
             arcgate audit data=<folder or file>              (Parquet with stamp_npz, or .npz)
             arcgate audit data=latest gates=quick view=stamp_robust
  inspect    what a finished data set holds    arcgate inspect data=latest verify=true
  report     a study's table                   arcgate report study=pilot    (full=true: everything)
  ui         browse the runs in MLflow         arcgate ui study=pilot
  clean      list what no study names          arcgate clean remove=true

any verb:
  --help         its settings and groups
  --cfg job      the composed configuration
  dry_run=true   (all that take time) what is there, what would run, rough time and disk

completion with the tab key: eval "$(arcgate --completion bash)" in ~/.bashrc (zsh, fish likewise)

exit codes: 0 done, and for a single run, training or audit a pass; 3 gates failed; 4 undetermined;
            1 and 2 errors; 130 interrupted
"""
EXIT_CODES = {"passed": 0, "failed": 3, "undetermined": 4}


def main() -> None:
    """Entry point of `arcgate`."""
    arguments = sys.argv[1:]
    # A line of a log that nobody reads any more (`--info | head`) is no error.
    logging.raiseExceptions = False
    sys.exit(code_of_command(lambda: _command(arguments), _data_dir(arguments)))


def _command(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(USAGE)
        return 0
    if arguments[0] == "--version":
        from importlib.metadata import version

        print(f"arcgate {version('arcgate')}")
        return 0
    if arguments[0] in ("--completion", "--complete"):
        from arcgate.completion import complete, script

        print(script(arguments[1:]) if arguments[0] == "--completion" else complete(" ".join(arguments[1:])))
        return 0
    # Waiting threads of torch's OpenMP spin otherwise, which slows everything several times over on a busy machine.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    verb = VERBS.get(arguments[0])
    if verb is None:
        print(f"arcgate: unknown verb {arguments[0]!r}; choose from {', '.join(VERBS)} (arcgate --help)", file=sys.stderr)
        return USAGE_ERROR
    from arcgate.composing import check_words, options_first

    check_words(arguments[0], arguments[1:])
    sys.argv = [f"arcgate {arguments[0]}", *options_first(arguments[1:])]
    return verb()


def _data_dir(arguments: list[str]) -> Path:
    """Folder of artifacts as far as the bare arguments tell, for errors when there is no configuration."""
    named = [word.partition("=")[2] for word in arguments if word.startswith("runtime.data_dir=")]
    return Path(named[-1].strip("'\"") if named else "data")


def _run() -> int:
    return _variants("run")


def _train() -> int:
    return _variants("train")


def _variants(verb: str) -> int:
    """`run` and `train`: one variant, or those of a sweep with their study's table at the end."""
    planned = Planned()
    values: list[float] = []

    def task(config: DictConfig) -> int:
        from arcgate.running import done

        record, value = done(verb, with_names(config, verb), planned)
        values.extend([] if value is None else [value])
        return 0 if record is None else EXIT_CODES[record.safe]

    def after(config: DictConfig) -> None:
        if config.dry_run:
            if planned.jobs:
                print(planned)
            return
        from arcgate.report import draw_study, print_study

        study = typed(config).get("study", str(config.study))
        print_study(study, str(config.runtime.mlruns_dir), str(config.runtime.data_dir))
        draw_study(study, str(config.runtime.mlruns_dir))

    return run_jobs("config" if verb == "run" else verb, task, after, lambda: values.pop() if values else None)


def _predict() -> int:
    def task(config: DictConfig) -> int:
        from arcgate.config import prediction_from_config

        for key in ("model", "data"):
            needed(config, key)
        spec = prediction_from_config(config, typed())
        # torch and MLflow take seconds to import.
        from arcgate.predicting import predict, print_predict_plan

        if spec.dry_run:
            print_predict_plan(spec)
        else:
            predict(spec)
        return 0

    return run_jobs("predict", task)


def _parents() -> int:
    def task(config: DictConfig) -> int:
        from arcgate.config import parents_from_config
        from arcgate.ground.terminal import show, width

        needed(config, "root")
        spec = parents_from_config(config, typed())
        if spec.dry_run:
            from arcgate.survey.catalogue.planning import plan_lines

            show(plan_lines(spec))
            return 0
        from arcgate.survey.catalogue.card import read_card
        from arcgate.survey.catalogue.making import make_parents
        from arcgate.survey.catalogue.showing import flow_lines

        folder = make_parents(spec)
        card = read_card(folder)
        show([*flow_lines(card, width()), f"parents: {count_of(int(card['rows']), 'galaxy')}: {folder}"])
        return 0

    return run_jobs("parents", task)


def _simulate() -> int:
    planned = Planned()

    def task(config: DictConfig) -> int:
        from arcgate.config import from_config

        spec = from_config(with_names(config), typed())
        if spec.dry_run:
            from arcgate.plan import print_data_plan

            print_data_plan(spec, planned)
            return 0
        from arcgate.ground.progress import say, step
        from arcgate.injection.build import build_dataset

        with step("building the data set"):
            built = build_dataset(spec.data, spec.runtime)
        say(f"{spec.variant}: data {built.status}: {built.folder}")
        return 0

    def after(config: DictConfig) -> None:
        if config.dry_run and planned.jobs:
            print(planned)

    return run_jobs("simulate", task, after)


def _audit() -> int:
    def task(config: DictConfig) -> int:
        from arcgate.config import audit_from_config

        needed(config, "data")
        spec = audit_from_config(config, typed())
        if spec.dry_run:
            from arcgate.audit import print_audit_plan

            print_audit_plan(spec)
            return 0
        from arcgate.audit import audit

        return EXIT_CODES[audit(spec)]

    return run_jobs("audit", task)


def _inspect() -> int:
    def task(config: DictConfig) -> int:
        from arcgate.dataset.describing import aligned
        from arcgate.dataset.finding import open_dataset
        from arcgate.used_by import used_by

        data_dir = Path(str(config.runtime.data_dir))
        dataset = open_dataset(needed(config, "data"), data_dir)
        print(dataset.describe())
        print("\n".join(aligned({"variants": used_by(dataset.data_digest, data_dir) or "in no study's table"})))
        if config.verify:
            dataset.verify()
            print("verified: every checksum and digest agrees")
        return 0

    return run_jobs("inspect", task)


def _report() -> int:
    def task(config: DictConfig) -> int:
        from arcgate.report import print_study

        places = str(config.runtime.mlruns_dir), str(config.runtime.data_dir)
        print_study(needed(config, "study"), *places, full=bool(config.full))
        return 0

    return run_jobs("report", task)


def _ui() -> int:
    def task(config: DictConfig) -> int:
        from arcgate.tracking.ui import has_display, serve

        browser = bool(config.open) and sys.stdout.isatty() and has_display()
        study = None if config.study is None else typed().get("study", str(config.study))
        return serve(str(config.runtime.mlruns_dir), int(config.port), study, browser=browser)

    return run_jobs("ui", task)


def _clean() -> int:
    def task(config: DictConfig) -> int:
        from arcgate.clean import clean

        places = Path(str(config.runtime.data_dir)), Path(str(config.runtime.mlruns_dir))
        clean(*places, min_age_days=float(config.min_age_days), remove=bool(config.remove))
        return 0

    return run_jobs("clean", task)


def _mock() -> int:
    def task(config: DictConfig) -> int:
        from arcgate.config import mock_from_config
        from arcgate.survey.mock.sky.job import planned

        needed(config, "out")
        job = mock_from_config(config, typed())
        if job.dry_run:
            print(planned(job))
            return 0
        # torch takes seconds to import.
        from arcgate.survey.mock.sky.survey import write_survey

        write_survey(job.sky, Path(job.out).absolute(), job.runtime.workers)
        return 0

    return run_jobs("mock", task)


VERBS: dict[str, Callable[[], int]] = {
    "run": _run,
    "train": _train,
    "predict": _predict,
    "parents": _parents,
    "simulate": _simulate,
    "audit": _audit,
    "inspect": _inspect,
    "report": _report,
    "ui": _ui,
    "clean": _clean,
    "mock": _mock,
}


if __name__ == "__main__":
    main()
