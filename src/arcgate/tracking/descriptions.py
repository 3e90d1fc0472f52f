"""What stands on a run's page in MLflow: Markdown, short enough to be read."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from arcgate.dataset.selection_words import selection_words
from arcgate.gate_report.answers import answers
from arcgate.gate_report.verdict_lines import failed_gates, what_failed
from arcgate.gate_report.words import STATUSES, view_words
from arcgate.gates.core.result import Evidence, GateResult
from arcgate.tracking.columns import ABSENT, variant_cell
from arcgate.tracking.short_table import SCORES, cause_in_short, differences
from arcgate.tracking.worst import worst_gate

if TYPE_CHECKING:
    from arcgate.imaging import Imaging
    from arcgate.variant import View

_LOUD: Final = {"failed": "**FAILED**", "insensitive": "**insensitive**"}
_URGENCY: Final = tuple(STATUSES)
_SAFE: Final = {"passed": "pass", "failed": "**FAIL**", "undetermined": "undetermined"}
_NAMED: Final = 4
# Characters of a reason; the report has all of it.
_REASON: Final = 100


def run_description(evidence: Evidence, selection: Mapping[str, Any] | None = None) -> str:
    """The answers in a line, what to do, the gates that did not pass, the failed ones first, and how the set was chosen."""
    said = answers(evidence)
    gates = [result for result in evidence.results if result.role == "gate"]
    gates.sort(key=lambda result: _URGENCY.index(result.status))
    failed, worst = len(failed_gates(evidence)), worst_gate(evidence.results)
    count = f"{failed} of {len(gates)} gates failed" + ("" if worst is None else f", worst `{worst.gate}`")
    line = f"**safe? {said.safe}.** {count}. **cause? {', '.join(said.causes)}.**"
    if evidence.safe == "failed":
        line += " (MLflow's status *Failed* says so too: the work itself was finished.)"
    steps = "".join(f"{number}. {step}\n" for number, step in enumerate(said.next_steps, start=1))
    rows = [_gate_cells(gate) for gate in gates if gate.status != "passed"]
    table = pipe_table(["gate", "looks at", "value", "interval", "status", "why"], rows) if rows else ""
    passed = ", ".join(f"{gate.name}/{gate.view}" for gate in gates if gate.status == "passed")
    chosen = "" if selection is None else f"\n{_chosen(selection)}\n"
    return f"{line}\n\n{said.cause_sentence}\n\n{steps}\n{table}\nPassed: {passed or 'none'}.\n{chosen}"


def _chosen(selection: Mapping[str, Any]) -> str:
    """How the galaxies were chosen, in a line."""
    words = selection_words(selection)
    shown = (words[name] for name in ("entry", "balance", "unmatched", "lost") if name in words)
    return f"Chosen: {'. '.join(shown)}. Tables: `selection/`."


def study_description(table: pd.DataFrame) -> str:
    """How many variants are safe, the study's table with a row a variant, and what a reader must know of it.

    Parameters
    ----------
    table : DataFrame
        From `arcgate.tracking.results`.
    """
    notes = table.attrs.get("notes", [])
    if table.empty:
        return "\n".join(f"- {note}" for note in notes) or "No variant has a run yet."
    scores = [(name, " ".join(words)) for name, words, _ in SCORES if not name.startswith("diagnostic/") and name in table]
    head = ["variant", "safe?", *(words for _, words in scores), "gates failed", "worst gate", "cause?", "differs by"]
    rows = [
        [
            variant_cell(row),
            _SAFE.get(row["safe"], ABSENT),
            *(_number(row[name], 3) for name, _ in scores),
            _number(row["gates_failed"], 0),
            _text(row["worst_gate"]),
            cause_in_short(row["cause"]),
            differs,
        ]
        for (_, row), differs in zip(table.iterrows(), differences(table), strict=True)
    ]
    said = "".join(f"\n- {note}" for note in notes)
    return f"{_in_a_sentence(table)}\n\n{pipe_table(head, rows)}\n{said}\n"


def model_description(uri: str, imaging: Imaging, view: View, facts: Mapping[str, Any]) -> str:
    """What a network is, what its data set's gates said, what goes in and what comes out, and how it is loaded.

    Parameters
    ----------
    uri : str
        Of the model.
    imaging, view : Imaging, View
        Of its training.
    facts : mapping
        variant, threshold_logit or None, threshold_fpr; safe, cause.
    """
    bands, size, threshold = len(imaging.bands), imaging.size_pix, facts["threshold_logit"]
    given = f"{', '.join(imaging.bands)}; {size} x {size} pixels of {imaging.pixel_scale_arcsec:g} arcsec, nanomaggies per pixel"
    above = (
        "The common test set gives no threshold"
        if threshold is None
        else f"At most {100 * facts['threshold_fpr']:g} % of the negatives of the common test set lie above **{threshold:.3f}**, "
        "its threshold; a higher logit is more like a lens"
    )
    safe, cause = _SAFE.get(facts.get("safe", ""), "not stated"), facts.get("cause", "not stated")
    also = ', "sky_sigma": sky_sigma' if view.normalisation == "noise" else ""
    return (
        f"Network of the variant **{facts['variant']}**. Its data set: safe? {safe}; cause? {cause}.\n\n"
        f"Input: stamps ({given}), seen as {', '.join(view.planes)}, normalisation {view.normalisation}. {above}.\n\n"
        f"```python\n"
        f'network = mlflow.pyfunc.load_model("{uri}")\n'
        f'logit = network.predict({{"image": image, "x_pix": x_pix, "y_pix": y_pix{also}}})\n'
        f"```\n"
        f"`image` (n, {bands}, {size}, {size}); `x_pix`, `y_pix` (n,): centre of the galaxy, 0-based. "
        f"Of a data set: `arcgate predict model={uri} data=<folder>`. Evidence and completeness are among the artifacts.\n"
    )


def pipe_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown; the lines of a cell stand behind each other."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(_cell(cell) for cell in line)} |\n" for line in lines)


def _in_a_sentence(table: pd.DataFrame) -> str:
    """How many variants are safe, which, and how far scores on the own and on the shared test sets reach."""
    safe = list(table.loc[table["safe"] == "passed", "variant"])
    named = f": {', '.join(safe[:_NAMED])}{' ...' if len(safe) > _NAMED else ''}" if safe else ""
    ranges = [
        f"{words} test AUROC {values.min():.3f} to {values.max():.3f}"
        for name, words in (("test/auroc", "own"), ("common/auroc", "common"), ("realistic/auroc", "realistic"))
        if name in table and len(values := table[name].dropna())
    ]
    count = f"**{len(safe)} of {len(table)} variant{'' if len(table) == 1 else 's'} {'is' if len(safe) == 1 else 'are'} safe"
    return "; ".join([f"{count}{named}**", *ranges]) + "."


def _gate_cells(result: GateResult) -> list[str]:
    interval = ABSENT if result.low is None or result.high is None else f"{result.low:.3g} to {result.high:.3g}"
    value = ABSENT if result.value is None else f"{result.value:.3g}"
    status = _LOUD.get(result.status, STATUSES[result.status].word)
    why = textwrap.shorten(what_failed(result), _REASON, placeholder=" ...")
    return [f"`{result.name}`", view_words(result.view), value, interval, status, why]


def _number(value: float, digits: int) -> str:
    return ABSENT if pd.isna(value) else f"{value:.{digits}f}"


def _text(value: object) -> str:
    return value if isinstance(value, str) else ABSENT


def _cell(text: str) -> str:
    return text.replace("\n", " ").replace("|", "\\|")
