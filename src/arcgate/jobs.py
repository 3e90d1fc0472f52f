"""Verbs as Hydra mains: one job or the jobs of a sweep, their exit code, and what was typed for them."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from arcgate.edge import ERROR, JobFailedError, code_of_job

if TYPE_CHECKING:
    from omegaconf import DictConfig


def run_jobs(
    config_name: str,
    task: Callable[[DictConfig], int],
    after: Callable[[DictConfig], None] | None = None,
    value: Callable[[], float | None] = lambda: None,
) -> int:
    """Run a task under Hydra and give its code; in a sweep 1 if any job ended in an error, else 0.

    `after` is called with the configuration of a sweep when its jobs have ended. `value` is what a job that has ended returns to
    the sweeper.
    """
    import hydra

    from arcgate.sweep import StudyCallback

    codes: list[int] = []
    swept: list[bool] = []
    here = os.getpid()

    @hydra.main(version_base="1.3", config_path="pkg://arcgate.conf", config_name=config_name)
    def job(config: DictConfig) -> float | None:
        code = code_of_job(lambda: task(config), _data_dir_of(config))
        if os.getpid() == here:
            codes.append(code)
            swept.append(in_a_sweep())
        elif code == ERROR:
            # A launcher that starts processes brings back nothing but exceptions.
            raise JobFailedError
        return value()

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


def in_a_sweep() -> bool:
    """Whether this job is one of several."""
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode

    return HydraConfig.get().mode is RunMode.MULTIRUN


def _data_dir_of(config: DictConfig) -> Path:
    from omegaconf import OmegaConf

    return Path(str(OmegaConf.select(config, "runtime.data_dir", default="data")))


def typed(config: DictConfig | None = None) -> dict[str, str]:
    """Settings of this job, or of a sweep's configuration, as they were typed."""
    from hydra.core.hydra_config import HydraConfig

    from arcgate.config import typed_words

    return typed_words((HydraConfig.get() if config is None else config.hydra).overrides.task)


def with_names(config: DictConfig, verb: str = "run") -> DictConfig:
    """Give each variant of a hand-made sweep a name of its own, from the overrides that made it, and the command of a verb."""
    from hydra.core.hydra_config import HydraConfig
    from omegaconf import OmegaConf, open_dict

    from arcgate.variant_names import dotted_keys, naming, short_name, whole_name

    overrides = HydraConfig.get().overrides.task
    with open_dict(config):
        config.command = shlex.join(["arcgate", verb, *overrides])
    words = naming(overrides)
    if words:
        keys = dotted_keys(cast("dict[str, Any]", OmegaConf.to_container(config, resolve=False)))
        named = str(config.variant)
        with open_dict(config):
            config.made_by = whole_name(named, words)
            config.variant = short_name(named, words, keys)
    return config


def needed(config: DictConfig, key: str) -> str:
    """A value that the command line has to give."""
    from omegaconf import OmegaConf

    from arcgate.ground.errors import ArcgateError

    if OmegaConf.is_missing(config, key):
        raise ArcgateError(f"{sys.argv[0]} needs {key}=<value>", where="command line", todo="see `arcgate --help`")
    value = config[key]
    return value if isinstance(value, str) else typed().get(key, str(value))
