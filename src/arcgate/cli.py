"""The command line: verbs, each a Hydra main over conf/. Heavy libraries are imported inside the verbs."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from arcgate.gates.result import Safe
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

any verb:
  --help         its options and configuration groups
  --cfg job      the composed configuration
  dry_run=true   (run, simulate, audit) keys, what is cached, what would run, rough time and disk

exit codes: 0 done, and for a single run or audit all gates passed; 3 gates failed; 4 undetermined; 1 and 2 errors
"""
EXIT_CODES = {"passed": 0, "failed": 3, "undetermined": 4}
ERROR = 1
USAGE_ERROR = 2
# Overrides that say where or under what name, not what: they do not name a variant.
_UNNAMED = ("experiment", "study", "variant", "dry_run", "runtime", "data.hosts.path")


def main() -> None:
    """Entry point of `arcgate`."""
    arguments = sys.argv[1:]
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(USAGE)
        return
    if arguments[0] == "--version":
        from importlib.metadata import version

        print(f"arcgate {version('arcgate')}")
        return
    # Waiting threads of torch's OpenMP spin otherwise, which slows everything several times over on a busy machine.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    verb = VERBS.get(arguments[0])
    if verb is None:
        print(f"arcgate: unknown verb {arguments[0]!r}; choose from {', '.join(VERBS)} (arcgate --help)", file=sys.stderr)
        sys.exit(USAGE_ERROR)
    sys.argv = [f"arcgate {arguments[0]}", *arguments[1:]]
    verb()


def _hydra(config_name: str, task: Callable[[DictConfig], int]) -> None:
    """Run a task under Hydra and exit with its code; in a sweep with 1 if any job ended in an error."""
    import hydra

    from arcgate.errors import ArcgateError

    codes: list[int] = []
    swept: list[bool] = []

    @hydra.main(version_base="1.3", config_path="pkg://arcgate.conf", config_name=config_name)
    def job(config: DictConfig) -> None:
        from hydra.core.hydra_config import HydraConfig
        from hydra.types import RunMode

        swept.append(HydraConfig.get().mode is RunMode.MULTIRUN)
        try:
            codes.append(task(config))
        except ArcgateError as error:
            print(f"arcgate: {error}", file=sys.stderr, flush=True)
            codes.append(ERROR)
        except OSError as error:
            # Folders that cannot be made, full disks: the system's own words, without a traceback.
            place = "" if error.filename is None else f"\n  where: {error.filename}"
            print(
                f"arcgate: {error.strerror or error}{place}\n  to do: check the place and its permissions",
                file=sys.stderr,
                flush=True,
            )
            codes.append(ERROR)

    try:
        job()
    except ArcgateError as error:
        # Raised by a callback, outside any job.
        print(f"arcgate: {error}", file=sys.stderr, flush=True)
        sys.exit(ERROR)
    if any(swept):
        sys.exit(ERROR if ERROR in codes else 0)
    sys.exit(max(codes, default=0))


def _named(config: DictConfig) -> DictConfig:
    """Give each variant of a hand-made sweep a name of its own, from the overrides that made it."""
    from hydra.core.hydra_config import HydraConfig
    from omegaconf import open_dict

    overrides = HydraConfig.get().overrides.task
    naming = [item for item in overrides if not item.lstrip("+~").split("=")[0].startswith(_UNNAMED)]
    if naming:
        with open_dict(config):
            config.variant = " ".join([config.variant, *naming])
    return config


def _needed(config: DictConfig, key: str) -> str:
    """A value that the command line has to give."""
    from omegaconf import OmegaConf

    from arcgate.errors import ArcgateError

    if OmegaConf.is_missing(config, key):
        raise ArcgateError(f"{sys.argv[0]} needs {key}=<value>", where="command line", todo="see `arcgate --help`")
    return str(config[key])


def _run() -> None:
    def task(config: DictConfig) -> int:
        from arcgate.config import from_config

        spec = from_config(_named(config))
        if spec.dry_run:
            from arcgate.plan import print_plan

            print_plan(spec)
            return 0
        return EXIT_CODES[_ran(spec)]

    _hydra("config", task)


def _ran(spec: Variant) -> Safe:
    """The gates' answer on a variant that is found finished, or is run now."""
    from textwrap import shorten

    from arcgate.progress import say, step

    with step(shorten(spec.variant, 40, placeholder="...")):
        from arcgate.finished import found

        if (record := found(spec)) is not None:
            say(f"{spec.variant}: data reused, gates reused: safe? {record.safe}; training skipped: {record.in_words}")
            return record.safe
        # torch and what draws take seconds to import.
        from arcgate.pipeline import run_variant

        return run_variant(spec)


def _simulate() -> None:
    def task(config: DictConfig) -> int:
        from arcgate.config import from_config
        from arcgate.injection.build import build_dataset
        from arcgate.progress import say, step

        spec = from_config(_named(config))
        if spec.dry_run:
            from arcgate.plan import print_plan

            print_plan(spec)
            return 0
        with step("building the data set"):
            built = build_dataset(spec.data, spec.runtime)
        say(f"{spec.variant}: data {built.status}: {built.folder}")
        return 0

    _hydra("config", task)


def _audit() -> None:
    def task(config: DictConfig) -> int:
        from arcgate.config import audit_from_config

        _needed(config, "data")
        spec = audit_from_config(config)
        if spec.dry_run:
            from arcgate.audit import print_audit_plan

            print_audit_plan(spec)
            return 0
        from arcgate.audit import audit

        return EXIT_CODES[audit(spec)]

    _hydra("audit", task)


def _inspect() -> None:
    def task(config: DictConfig) -> int:
        from arcgate.dataset.reader import open_dataset

        dataset = open_dataset(Path(_needed(config, "data")))
        print(dataset.describe())
        if config.verify:
            dataset.verify()
            print("verified: every checksum and digest agrees")
        return 0

    _hydra("inspect", task)


def _report() -> None:
    def task(config: DictConfig) -> int:
        from arcgate.report import print_study

        places = str(config.runtime.mlruns_dir), str(config.runtime.data_dir)
        print_study(_needed(config, "study"), *places, full=bool(config.full))
        return 0

    _hydra("report", task)


def _ui() -> None:
    def task(config: DictConfig) -> int:
        from arcgate.tracking.ui import serve

        return serve(str(config.runtime.mlruns_dir), int(config.port))

    _hydra("ui", task)


VERBS: dict[str, Callable[[], Any]] = {
    "run": _run,
    "simulate": _simulate,
    "audit": _audit,
    "inspect": _inspect,
    "report": _report,
    "ui": _ui,
}


if __name__ == "__main__":
    main()
