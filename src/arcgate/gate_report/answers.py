"""The two answers in words, and what to do next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from arcgate.gate_report.words import SAFE_WORDS, STATUSES, view_words, words_of
from arcgate.gates.core.required import unmet
from arcgate.gates.core.result import NOT_ATTACKED, Cause, Evidence, GateResult, Status
from arcgate.gates.core.words import CauseWords

SEPARATOR: Final = " + "
LISTED: Final = 6
_SUPPLY: Final = "Supply what these gates need, as listed under “What could not be judged”"


CAUSES: Final = {"physics": CauseWords("Physics", ""), "undetermined": CauseWords("Cannot be said", "")}
"""Of causes that are no leak; design leaks and bugs are called what the evidence says."""


@dataclass(frozen=True)
class Answers:
    """What stands at the top of the report."""

    safe: str
    safe_sentence: str
    causes: tuple[str, ...]
    cause_sentence: str
    next_steps: tuple[str, ...]


def answers(evidence: Evidence) -> Answers:
    """Put the two answers into words."""
    causes = [cause_words(name, evidence) for name in evidence.cause.name.split(SEPARATOR)]
    titles = tuple(cause.title for cause in causes)
    steps = tuple(_next_steps(evidence, causes))
    said = f"{_as_sentence(evidence.cause.sentence)} {refitted_sentence(evidence.cause)}".strip()
    return Answers(SAFE_WORDS[evidence.safe], safe_sentence(evidence), titles, said, steps)


def cause_words(name: str, evidence: Evidence) -> CauseWords:
    """Words for a cause's name."""
    return (CAUSES | evidence.causes).get(name, CauseWords(name.replace("_", " "), ""))


def listed(results: Sequence[GateResult], evidence: Evidence) -> str:
    """Names of gates in words, each once; the first few of many, since the report's table has them all."""
    return _first(list(dict.fromkeys(_gate_words(result.name, result.view, evidence=evidence) for result in results)))


def columns_sentence(evidence: Evidence) -> str:
    """What positions and columns tell, where no pixels were given; empty where they were."""
    if evidence.pixels_given:
        return ""
    judged = [gate for gate in evidence.results if gate.role == "gate" and gate.status not in ("not_run", "not_applicable")]
    failed = [gate for gate in judged if gate.status == "failed"]
    open_ = [gate for gate in judged if gate.status in ("undetermined", "insensitive")]
    if failed and evidence.safe == "failed":
        said = f"failed, namely {listed(failed, evidence)}"
    elif failed or open_:
        said = f"no leak is shown, but not all could decide ({listed([*failed, *open_], evidence)})"
    else:
        said = "no leak found" if judged else "nothing could be judged"
    return f"positions and columns: {said}; pixels were not looked at"


def safe_sentence(evidence: Evidence) -> str:
    """Why *safe?* is what it is; where it is undetermined, with the list of what a pass still needs."""
    gates = [result for result in evidence.results if result.role == "gate"]
    failed = [result for result in gates if result.status == "failed"]
    which = f"{_of(failed, gates)} failed, namely {listed(failed, evidence)}"
    if failed and evidence.safe == "failed":
        return f"A network could tell the classes apart without seeing an arc: {which}."
    if columns := columns_sentence(evidence):
        return f"{_as_sentence(columns)} A pass needs stamps."
    if not gates:
        return "No gate could be run on this data set."
    if evidence.safe == "passed":
        apart = [result for result in gates if result.status != "passed"]
        rest = f" Not needed here, and open: {listed(apart, evidence)}." if apart else ""
        if any(result.reason == NOT_ATTACKED for result in evidence.results):
            rest += " No network was trained against the set to see whether it can tell the classes apart: gates=full does that."
        return (
            "Every gate that a pass needs here passed, and those that plant a leak in this very data set to test themselves "
            f"detected it.{rest}"
        )
    sentences = []
    if failed:
        sentences.append(
            f"{which[:1].upper()}{which[1:]}; chance can do that in a sound set, or controls that are matched: nothing is shown."
        )
    if evidence.cause.alarm:
        sentences.append("The refit found light that is not the declared arcs: see the cause.")
    if missing := missing_words(evidence):
        sentences.append(f"A pass needs, and does not have: {'; '.join(missing)}.")
    if open_ := _open_beside(evidence, gates):
        which = _of(open_, gates)
        sentences.append(f"{which[:1].upper()}{which[1:]} could not decide: {listed(open_, evidence)}.")
    return " ".join(sentences)


def missing_words(evidence: Evidence) -> list[str]:
    """What a pass needs and does not have, each with the gates that did not pass."""
    missing = unmet(evidence.required, evidence.results)
    return [f"{requirement.what} ({still_words(still, evidence)})" for requirement, still in missing.items()]


def still_words(still: Mapping[str, Status], evidence: Evidence) -> str:
    """Gates that did not pass, by their keys and statuses, in words; the first few of many."""
    return _first(
        [f"{_gate_words(*gate.split('/'), evidence=evidence)}: {STATUSES[status].word}" for gate, status in still.items()]
    )


def refitted_sentence(cause: Cause) -> str:
    """Which share of the rows the refit has looked at: a bug in the others is the gates' to find."""
    if not cause.rows_refitted:
        return ""
    share = 100.0 * cause.rows_refitted / max(cause.rows_judged, 1)
    return f"Refitted: {cause.rows_refitted:,} of {cause.rows_judged:,} rows ({share:.3g} %)."


def _open_beside(evidence: Evidence, gates: Sequence[GateResult]) -> list[GateResult]:
    """Gates that a pass does not need, and that ran and did not decide."""
    return [gate for gate in gates if gate.status in ("undetermined", "insensitive") and not _needed(evidence, gate)]


def _needed(evidence: Evidence, gate: GateResult) -> bool:
    return any(f"{gate.name}/{gate.view}" in requirement.gates for requirement in evidence.required)


def _gate_words(name: str, view: str, *, evidence: Evidence) -> str:
    return f"{words_of(evidence, name).title} ({view_words(view)})"


def _first(words: Sequence[str]) -> str:
    more = len(words) - LISTED
    return ", ".join(words[:LISTED]) + (f" and {more} more" if more > 0 else "")


def _next_steps(evidence: Evidence, causes: list[CauseWords]) -> list[str]:
    gates = [result for result in evidence.results if result.role == "gate"]
    by_status = {status: [result for result in gates if result.status == status] for status in ("undetermined", "insensitive")}
    by_status["not_run"] = [result for result in gates if result.status == "not_run" and _needed(evidence, result)]
    steps = [cause.advice for cause in causes if cause.advice]
    if evidence.safe == "failed":
        steps.append(
            "Do not trust scores of networks trained on this set; mend the cause, build the set anew and audit it again."
        )
    elif failed := [gate for gate in gates if gate.status == "failed"]:
        steps.append(f"Give more galaxies, to see whether these failures are chance: {listed(failed, evidence)}.")
    if by_status["undetermined"]:
        steps.append(f"Give more galaxies, for these gates could not decide: {listed(by_status['undetermined'], evidence)}.")
    if by_status["insensitive"]:
        silent = listed(by_status["insensitive"], evidence)
        steps.append(f"Do not rely on these gates, which missed a planted leak or raised an alarm where none was: {silent}.")
    if not evidence.pixels_given:
        return [*steps, "Give the stamps too: whether pixels tell the label was not asked."]
    for setting in dict.fromkeys(result.left_out_by for result in by_status["not_run"]):
        which = listed([result for result in by_status["not_run"] if result.left_out_by == setting], evidence)
        what = f"List these gates ({setting})" if setting else _SUPPLY
        steps.append(f"{what}: {which}.")
    return steps or ["Train on it. The margins below say how large a leak may still hide."]


def _as_sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}." if text else ""


def _of(some: Sequence[GateResult], gates: Sequence[GateResult]) -> str:
    return f"{len(some)} of {len(gates)} gates" if len(gates) != 1 else "the only gate"
