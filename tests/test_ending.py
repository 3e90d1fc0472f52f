"""What a run of one variant ends with."""

from __future__ import annotations

from dataclasses import replace

import pytest
from composing import composed

from arcgate.ending import ending_lines
from arcgate.finished import OWN, Keys, Record

KEYS = Keys("0123456789ab" + "d" * 52, "e" * 64, "t" * 64, "s" * 64)
RECORD = Record("run", "failed", {OWN: 0.937, "common/auroc": 0.616}, [])


@pytest.fixture
def many(evidence):
    """Evidence with ten failed gates whose reasons are long."""
    gate = next(result for result in evidence.results if result.status == "failed")
    failed = tuple(replace(gate, name=f"ring_{n}", reason="light that no arc brings " * 20) for n in range(10))
    cause = replace(evidence.cause, sentence="the arcs are wider than they are declared to be, " * 20)
    return replace(evidence, results=(*evidence.results, *failed), cause=cause)


@pytest.mark.parametrize("wide", [80, 100, 120])
def test_about_fifteen_lines_that_fit(many, wide):
    lines = ending_lines(composed("study=quick"), KEYS, RECORD, many, wide)
    assert max(map(len, lines)) <= wide
    assert len(lines) <= 17


def test_answers_failures_scores_places_and_what_to_type(many):
    lines = ending_lines(composed("study=quick"), KEYS, RECORD, many, 100)
    text = "\n".join(lines)
    assert lines[1].startswith("safe? failed: ")
    assert any(line.startswith("cause? sigma_for_fwhm + mask_edge: ") for line in lines)
    assert [line.split()[0] for line in lines if line.startswith("  r")] == ["ring", "ring_0", "ring_1"]
    assert "  and 8 more" in lines
    assert "scores   test AUROC 0.937, common set 0.616" in lines
    assert f"report   data/runs/{'e' * 64}/report.html" in lines
    assert "digest 0123456789ab" in text
    assert lines[-1] == "next     arcgate report study=quick; arcgate inspect data=0123456789ab; arcgate ui study=quick"


def test_folders_of_ones_own_are_part_of_what_to_type(evidence):
    spec = composed("study=quick", "runtime.data_dir=mine/data", "runtime.mlruns_dir=mine/runs")
    text = " ".join(" ".join(ending_lines(spec, KEYS, RECORD, evidence, 120)).split())
    assert "arcgate report study=quick runtime.data_dir=mine/data runtime.mlruns_dir=mine/runs;" in text
    assert "arcgate inspect data=0123456789ab runtime.data_dir=mine/data;" in text
    assert text.endswith("arcgate ui study=quick runtime.mlruns_dir=mine/runs")


def test_a_set_that_passed_has_no_failures_to_list(evidence):
    passed = replace(evidence, safe="passed", results=tuple(one for one in evidence.results if one.status == "passed"))
    lines = ending_lines(composed("study=quick"), KEYS, replace(RECORD, safe="passed"), passed, 100)
    assert lines[1].startswith("safe? passed: Every gate that a pass needs here passed")
    assert not any("more" in line for line in lines)
    assert any(line.startswith("advice   ") for line in lines)
