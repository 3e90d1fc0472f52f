"""What `arcgate run` of one variant ends with: the two answers, what failed, scores, where things lie, and what to type next."""

from __future__ import annotations

from arcgate.composing import shell_word
from arcgate.dataset.cache import set_folder
from arcgate.dataset.finding import SHOWN
from arcgate.finished import Keys, Record, runs_folder
from arcgate.gate_report import EVIDENCE, REPORT
from arcgate.gate_report.answers import answers
from arcgate.gate_report.verdict_lines import answer_lines, failed_lines
from arcgate.gates.core.result import Evidence, read_evidence
from arcgate.ground.terminal import place, wrapped
from arcgate.injection.spec_digest import spec_digest
from arcgate.variant import Runtime, Variant

_FAILED = 3
_ANSWER_LINES = 3
_INDENT = 9
# A blank at which no line ends, until lines are made.
_HELD = "\N{NO-BREAK SPACE}"
# Folders that need not be named on a command line.
_USUAL = {"data_dir": "data", "mlruns_dir": "mlruns"}


def evidence_of(spec: Variant, keys: Keys) -> Evidence:
    """The evidence of a variant that was judged."""
    return read_evidence(runs_folder(spec) / keys.evidence / EVIDENCE)


def ending_lines(spec: Variant, keys: Keys, record: Record, evidence: Evidence, wide: int) -> list[str]:
    """About fifteen lines on a finished variant.

    Parameters
    ----------
    spec : Variant
    keys : Keys
        Of its artifacts.
    record : Record
        What it left.
    evidence : Evidence
        Of its gates.
    wide : int
        Characters of a line.
    """
    digest = keys.data[:SHOWN]
    folder = set_folder(runs_folder(spec).parent, spec_digest(spec.data))
    facts = {
        "scores": record.in_words,
        "report": place(runs_folder(spec) / keys.evidence / REPORT, wide - _INDENT),
        "data set": f"{place(folder, 0)}, digest {digest}",
        "advice": answers(evidence).next_steps[0],
        "next": "; ".join(_commands(spec, digest)),
    }
    lines = ["", *answer_lines(evidence, wide, _ANSWER_LINES), *failed_lines(evidence, wide, lines_each=1, first=_FAILED)]
    for name, value in facts.items():
        lines += wrapped(f"{name:<{_INDENT}}{value}", wide, _INDENT, most=3)
    return [line.replace(_HELD, " ") for line in lines]


def _commands(spec: Variant, digest: str) -> list[str]:
    """Commands as they can be typed, each held together on its line."""
    data, mlruns = place_words(spec.runtime, "data_dir"), place_words(spec.runtime, "mlruns_dir")
    study = shell_word("study", spec.study)
    commands = [["report", study, *data, *mlruns], ["inspect", f"data={digest}", *data], ["ui", study, *mlruns]]
    return [_HELD.join(["arcgate", *words]) for words in commands]


def place_words(runtime: Runtime, name: str) -> list[str]:
    """What has to be typed of a folder, `data_dir` or `mlruns_dir`: nothing where it lies where folders usually lie."""
    value = str(getattr(runtime, name))
    return [] if value == _USUAL[name] else [shell_word(f"runtime.{name}", value)]
