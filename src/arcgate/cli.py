"""The command line: verbs, each a Hydra main over conf/. Heavy libraries are imported inside the verbs."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from arcgate.edge import ERROR, USAGE_ERROR, JobFailedError, code_of_command, code_of_job
from arcgate.planned import Planned

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from arcgate.gates.core.result import Safe
    from arcgate.variant import Variant

USAGE = """\
arcgate: training sets for strong-lens finding that are proven not to leak the label

usage: arcgate <verb> [key=value ...]

verbs:
  run        a variant from end to end: data set, gates, training, scores, MLflow
             arcgate run controls=unpaired psf=moffat_converted
             arcgate run experiment=pilot                     (a sweep: one table at the end)
             arcgate run -m core_mask=none,hard_r5,hard_r7    (your own sweep; study=<name> keeps it together)
  simulate   build a variant's data set and stop
  audit      the gates on a finished data set, with a report
             arcgate audit data=<folder>                      (of arcgate, or Parquet with stamp_npz; or a .npz file)
             arcgate audit data=<folder> gates=quick view=stamp_robust
  inspect    what a finished data set holds             arcgate inspect data=<folder> verify=true
  report     a study's table                            arcgate report study=pilot       (full=true: everything)
  ui         browse the runs in MLflow                  arcgate ui port=5000
  clean      list what no study names                   arcgate clean remove=true

any verb:
  --help         its options and configuration groups
  --cfg job      the composed configuration
  dry_run=true   (run, simulate, audit) keys, what is cached, what would run, rough time and disk

completion with the tab key: eval "$(arcgate --completion bash)" in ~/.bashrc (zsh and fish likewise)

exit codes: 0 done, and for a single run or audit a pass; 3 gates failed; 4 undetermined; 1 and 2 errors;
            130 interrupted
"""
EXIT_CODES = {"passed": 0, "failed": 3, "undetermined": 4}


def main() -> None:
    """Entry point of `arcgate`."""
    arguments = sys.argv[1:]
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
    from arcgate.composing import check_words

    check_words(arguments[0], arguments[1:])
    sys.argv = [f"arcgate {arguments[0]}", *arguments[1:]]
    return verb()


def _data_dir(arguments: list[str]) -> Path:
    """Folder of artifacts as far as the bare arguments tell, for errors when there is no configuration."""
    named = [word.partition("=")[2] for word in arguments if word.startswith("runtime.data_dir=")]
    return Path(named[-1].strip("'\"") if named else "data")


def _hydra(config_name: str, task: Callable[[DictConfig], int], after: Callable[[DictConfig], None] | None = None) -> int:
    """Run a task under Hydra and give its code; in a sweep 1 if any job ended in an error, else 0.

    `after` is called with the configuration of a sweep when its jobs have ended.
    """
    import hydra

    from arcgate.sweep import StudyCallback

    codes: list[int] = []
    swept: list[bool] = []
    here = os.getpid()

    @hydra.main(version_base="1.3", config_path="pkg://arcgate.conf", config_name=config_name)
    def job(config: DictConfig) -> None:
        from hydra.core.hydra_config import HydraConfig
        from hydra.types import RunMode

        code = code_of_job(lambda: task(config), _data_dir_of(config))
        if os.getpid() == here:
            codes.append(code)
            swept.append(HydraConfig.get().mode is RunMode.MULTIRUN)
        elif code == ERROR:
            # A launcher that starts processes brings back nothing but exceptions.
            raise JobFailedError

    StudyCallback.last()
    with _hydra_raises():
        try:
            job()
        except JobFailedError:
            codes.append(ERROR)
    sweep = StudyCallback.last()
    if sweep is None and not any(swept):
        return max(codes, default=0)
    if sweep is not None and after is not None:
        after(sweep)
    return ERROR if ERROR in codes else 0


@contextmanager
def _hydra_raises() -> Iterator[None]:
    """Let Hydra pass errors on; by itself it prints tracebacks and ends the process."""
    name = "HYDRA_FULL_ERROR"
    before = os.environ.get(name)
    os.environ[name] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def _data_dir_of(config: DictConfig) -> Path:
    from omegaconf import OmegaConf

    return Path(str(OmegaConf.select(config, "runtime.data_dir", default="data")))


def _typed(config: DictConfig | None = None) -> dict[str, str]:
    """Settings of this job, or of a sweep's configuration, as they were typed."""
    from hydra.core.hydra_config import HydraConfig

    from arcgate.config import typed_words

    return typed_words((HydraConfig.get() if config is None else config.hydra).overrides.task)


def _named(config: DictConfig) -> DictConfig:
    """Give each variant of a hand-made sweep a name of its own, from the overrides that made it."""
    from hydra.core.hydra_config import HydraConfig
    from omegaconf import OmegaConf, open_dict

    from arcgate.variant_names import dotted_keys, naming, short_name, whole_name

    words = naming(HydraConfig.get().overrides.task)
    if words:
        keys = dotted_keys(cast("dict[str, Any]", OmegaConf.to_container(config, resolve=False)))
        named = str(config.variant)
        with open_dict(config):
            config.made_by = whole_name(named, words)
            config.variant = short_name(named, words, keys)
    return config


def _needed(config: DictConfig, key: str) -> str:
    """A value that the command line has to give."""
    from omegaconf import OmegaConf

    from arcgate.ground.errors import ArcgateError

    if OmegaConf.is_missing(config, key):
        raise ArcgateError(f"{sys.argv[0]} needs {key}=<value>", where="command line", todo="see `arcgate --help`")
    value = config[key]
    return value if isinstance(value, str) else _typed().get(key, str(value))


def _run() -> int:
    planned = Planned()

    def task(config: DictConfig) -> int:
        from arcgate.config import from_config

        spec = from_config(_named(config), _typed())
        if spec.dry_run:
            from arcgate.plan import print_plan

            print_plan(spec, planned)
            return 0
        return EXIT_CODES[_ran(spec)]

    def after(config: DictConfig) -> None:
        if config.dry_run:
            if planned.jobs:
                print(planned)
            return
        from arcgate.report import print_study

        study = _typed(config).get("study", str(config.study))
        print_study(study, str(config.runtime.mlruns_dir), str(config.runtime.data_dir))

    return _hydra("config", task, after)


def _ran(spec: Variant) -> Safe:
    """The gates' answer on a variant that is found finished, or is run now."""
    from arcgate.ground.progress import say, step

    with step(spec.variant):
        from arcgate.finished import found

        if (record := found(spec)) is not None:
            say(f"{spec.variant}: data reused, gates reused: safe? {record.safe}; training skipped: {record.in_words}")
            return record.safe
        # torch and what draws take seconds to import.
        from arcgate.pipeline import run_variant

        return run_variant(spec)


def _simulate() -> int:
    planned = Planned()

    def task(config: DictConfig) -> int:
        from arcgate.config import from_config

        spec = from_config(_named(config), _typed())
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

    return _hydra("config", task, after)


def _audit() -> int:
    def task(config: DictConfig) -> int:
        from arcgate.config import audit_from_config

        _needed(config, "data")
        spec = audit_from_config(config, _typed())
        if spec.dry_run:
            from arcgate.audit import print_audit_plan

            print_audit_plan(spec)
            return 0
        from arcgate.audit import audit

        return EXIT_CODES[audit(spec)]

    return _hydra("audit", task)


def _inspect() -> int:
    def task(config: DictConfig) -> int:
        from arcgate.dataset.describing import aligned
        from arcgate.dataset.finding import open_dataset
        from arcgate.used_by import used_by

        data_dir = Path(str(config.runtime.data_dir))
        dataset = open_dataset(_needed(config, "data"), data_dir)
        print(dataset.describe())
        print("\n".join(aligned({"variants": used_by(dataset.data_digest, data_dir) or "in no study's table"})))
        if config.verify:
            dataset.verify()
            print("verified: every checksum and digest agrees")
        return 0

    return _hydra("inspect", task)


def _report() -> int:
    def task(config: DictConfig) -> int:
        from arcgate.report import print_study

        places = str(config.runtime.mlruns_dir), str(config.runtime.data_dir)
        print_study(_needed(config, "study"), *places, full=bool(config.full))
        return 0

    return _hydra("report", task)


def _ui() -> int:
    def task(config: DictConfig) -> int:
        from arcgate.tracking.ui import has_display, serve

        browser = bool(config.open) and sys.stdout.isatty() and has_display()
        study = None if config.study is None else _typed().get("study", str(config.study))
        return serve(str(config.runtime.mlruns_dir), int(config.port), study, browser=browser)

    return _hydra("ui", task)


def _clean() -> int:
    def task(config: DictConfig) -> int:
        from arcgate.clean import clean

        places = Path(str(config.runtime.data_dir)), Path(str(config.runtime.mlruns_dir))
        clean(*places, min_age_days=float(config.min_age_days), remove=bool(config.remove))
        return 0

    return _hydra("clean", task)


VERBS: dict[str, Callable[[], int]] = {
    "run": _run,
    "simulate": _simulate,
    "audit": _audit,
    "inspect": _inspect,
    "report": _report,
    "ui": _ui,
    "clean": _clean,
}


if __name__ == "__main__":
    main()
