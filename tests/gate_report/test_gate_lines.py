"""What a terminal shows of a battery: answers first, a line a gate, and nothing wider than the terminal."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from arcgate.gate_report.gate_lines import diagnostic_lines, gate_lines
from arcgate.gate_report.verdict_lines import answer_lines, failed_lines
from arcgate.gates.core.result import Cause, Evidence, GateResult
from arcgate.gates.core.words import Words


@pytest.fixture
def small_evidence(make_gate: Callable[..., GateResult]) -> Evidence:
    """Six gates, of which one failed, and a diagnostic."""
    results = (
        make_gate("ring", value=0.61, low=0.58, high=0.64, status="failed"),
        *(make_gate(f"gate_{n}", status="passed") for n in range(5)),
        make_gate("core_published", role="diagnostic", value=0.9, low=None, high=None, margin=None, status="reported"),
    )
    cause = Cause("sigma_for_fwhm + mask_edge", "The arcs are 2.35 times as wide as declared.")
    return Evidence(key="e", safe="failed", cause=cause, results=results, words={"ring": Words("mask_edge", "Ring")})


@pytest.mark.parametrize("wide", [80, 100, 120])
def test_nothing_is_wider_than_the_terminal(evidence: Evidence, wide: int) -> None:
    lines = [*answer_lines(evidence, wide), *failed_lines(evidence, wide, 2), *gate_lines(evidence, wide, 0.9)]
    lines += diagnostic_lines(evidence, wide, 0.9)
    assert max(map(len, lines)) <= wide
    # What is searched for with grep lies in one line, in plain characters.
    assert all(character.isascii() or character in "éσ″" for line in lines for character in line)


def test_every_gate_has_a_line_whatever_its_status(evidence: Evidence) -> None:
    gates = [result for result in evidence.results if result.role == "gate"]
    lines = gate_lines(evidence, 100, 0.9)
    assert lines[0].split() == ["gate", "view", "value", "90", "%", "interval", "n", "status"]
    assert len(lines) == 1 + len(gates)
    order = ["failed", "insensitive", "undetermined", "not run", "passed"]
    statuses = [next(status for status in order if line.endswith(status)) for line in lines[1:]]
    assert statuses == sorted(statuses, key=order.index)
    assert set(statuses) == {result.status.replace("_", " ") for result in gates}
    for result in gates:
        assert any(line.startswith(result.name) for line in lines[1:])


def test_a_line_of_a_gate_and_of_a_diagnostic(small_evidence: Evidence) -> None:
    (line,) = (line for line in gate_lines(small_evidence, 100, 0.9) if line.startswith("ring"))
    assert line.split("  ")[-1] == "failed"
    assert re.fullmatch(r"ring +raw +0\.610 +\[0\.580, 0\.640\] +4,000 +failed", line)
    assert [line.split()[0] for line in diagnostic_lines(small_evidence, 100, 0.9)] == ["diagnostic", "core_published"]
    assert "core_published" not in "\n".join(gate_lines(small_evidence, 100, 0.9))


def test_names_that_begin_alike_are_cut_in_their_middle(small_evidence: Evidence) -> None:
    results = tuple(replace(small_evidence.results[0], name=f"two_sample_of_everything_{end}") for end in ("ridge", "trees"))
    lines = gate_lines(replace(small_evidence, results=results), 60, 0.9)
    assert [line.split()[0][-8:] for line in lines[1:]] == [".._ridge", ".._trees"]


def test_the_verdict_comes_in_words(small_evidence: Evidence) -> None:
    lines = answer_lines(small_evidence, 100)
    assert lines[0] == "safe? failed: a network could tell the classes apart without seeing an arc; 1 of 6 gates failed"
    assert lines[1] == "cause? sigma_for_fwhm + mask_edge: The arcs are 2.35 times as wide as declared."
    undetermined = "\n".join(answer_lines(replace(small_evidence, safe="undetermined"), 100))
    assert undetermined.startswith("safe? undetermined: 1 of 6 gates failed, namely Ring")


def test_the_first_failures_and_how_many_more(small_evidence: Evidence) -> None:
    gate = next(result for result in small_evidence.results if result.status == "failed")
    many = replace(small_evidence, results=tuple(replace(gate, name=f"ring_{n}", reason="x " * 200) for n in range(5)))
    lines = failed_lines(many, 100, lines_each=1, first=3)
    assert [line.split()[0] for line in lines] == ["ring_0", "ring_1", "ring_2", "and"]
    assert all(line.endswith(" ...") for line in lines[:3])
    assert lines[-1] == "  and 2 more"
    assert failed_lines(small_evidence, 100, lines_each=1, first=3) == ["  ring (raw): too few"]
    assert failed_lines(replace(small_evidence, results=()), 100, 1) == []


def test_without_gates_it_says_so(small_evidence: Evidence) -> None:
    empty = replace(small_evidence, results=())
    assert gate_lines(empty, 100, 0.9) == ["no gate could be run on this data set"]
    assert diagnostic_lines(empty, 100, 0.9) == ["no diagnostic was made"]
