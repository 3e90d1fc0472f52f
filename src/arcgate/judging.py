"""The gates on a data set from Python: what `arcgate audit` finds, without its printing and its files."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Final

from hydra import compose, initialize_config_module
from hydra.errors import HydraException

from arcgate.config import audit_from_config
from arcgate.foreign.opening import check_unchanged, open_source
from arcgate.gate_report.answers import answers
from arcgate.gates.core.battery import run_battery
from arcgate.gates.core.result import Evidence
from arcgate.gates.verdict.conclude import conclude
from arcgate.ground.errors import ArcgateError
from arcgate.keys import evidence_key

_WIDTH: Final = 100


def judge(data: str | Path, *settings: str) -> Evidence:
    """Judge a data set of any layout.

    Parameters
    ----------
    data : str or Path
        Folder of a data set, Parquet file or folder, or `.npz` file.
    *settings : str
        As they would be typed behind `arcgate audit`: `"gates=quick"`, `"view=stamp_robust"`, `"gates.margin=0.03"`.

    Returns
    -------
    Evidence
        `safe`, `cause`, and the results of gates and diagnostics.

    Raises
    ------
    ArcgateError
        For a setting that is not known, or a data set that cannot be read or judged.
    """
    try:
        with initialize_config_module(config_module="arcgate.conf", version_base="1.3"):
            config = compose("audit", overrides=list(settings))
    except HydraException as error:
        raise ArcgateError(str(error), where="settings of an audit", todo="`arcgate audit --help` lists them") from error
    config.data = str(data)
    spec = audit_from_config(config)
    source = open_source(Path(spec.data), spec.imaging)
    check_unchanged(source, spec.runtime.workers)
    return conclude(evidence_key(source.digest, spec), run_battery(source, spec.view, spec.gates, spec.runtime.workers))


def verdict(evidence: Evidence) -> str:
    """The two answers in a paragraph each, and what to do, as at the head of the report."""
    said = answers(evidence)
    paragraphs = (f"safe? {said.safe}. {said.safe_sentence}", f"cause? {', '.join(said.causes)}. {said.cause_sentence}")
    lines = [textwrap.fill(paragraph, _WIDTH) for paragraph in paragraphs]
    return "\n".join([*lines, *(textwrap.fill(f"- {step}", _WIDTH, subsequent_indent="  ") for step in said.next_steps)])
