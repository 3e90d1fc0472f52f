"""*safe?* from statuses, what a pass needs, and which two answers may stand side by side."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from composing import composed
from hypothesis import given
from hypothesis import strategies as st
from made_shards import PAIRED

from arcgate.dataset.source import Facts
from arcgate.gates import declared_arc, deinjection, null, null_equal, null_pair, split_integrity
from arcgate.gates.core.listing import gates_of
from arcgate.gates.core.required import required_of, unmet
from arcgate.gates.core.result import Cause, GateResult, Judged, Requirement
from arcgate.gates.core.safe import ALLOWED, beyond_chance, check_allowed, is_safe, kinds_of
from arcgate.gates.tails import DECLARED, STORED
from arcgate.gates.verdict.conclude import conclude
from arcgate.imaging import DECALS

LEVEL = 0.9
SPEC = composed("gates=quick", "view=annulus_robust")
LISTED = gates_of(SPEC.gates.listed)
ALL = required_of(LISTED, replace(PAIRED, several_splits=True), SPEC.view, SPEC.gates)
STATUSES = ("passed", "failed", "undetermined", "insensitive", "not_run")
# What the results of the required gates name, as the battery tells it.
LEAKS = {
    key.split("/")[0]: each.cause
    for each in LISTED
    if each.cause is not None
    for key in each.needed(replace(PAIRED, several_splits=True), SPEC.view, SPEC.gates) or [each.name]
}
DESIGN = {leak.name for leak in LEAKS.values()}
BOUNDING = tuple(each.name for each in LISTED if each.bounds_light)


def gate(key: str, status: str, *, below: bool = False) -> GateResult:
    """A result by name and view; AUCs are those whose name says so."""
    name, view = key.split("/")
    exact = name.startswith(("tails", "null_", "deinjection", "declared", "stored", "finite", "scalable", "split", "duplicates"))
    null = 0.0 if exact else 0.5
    value = {"failed": 0.3 if below and not exact else null + 0.2, "not_run": None}.get(status, null)
    low, high = (None, None) if value is None else (value - 0.02, value + 0.02)
    numbers = {"value": value, "low": low, "high": high, "null": null, "margin": 0.05, "n": 9, "n_groups": 9}
    return GateResult(name=name, view=view, status=status, reason="", **numbers)


def results_of(status: dict[str, str] | None = None) -> list[GateResult]:
    """Every required gate passed, but for those of `status`, which may be others."""
    keys = {key: "passed" for requirement in ALL for key in requirement.gates}
    return [gate(key, found) for key, found in (keys | (status or {})).items()]


def test_a_set_with_all_that_a_pass_needs_passes():
    assert is_safe(results_of(), LEVEL, ALL, alarm=False) == "passed"
    assert is_safe(results_of({"reference/raw": "not_run"}), LEVEL, ALL, alarm=False) == "passed"
    assert is_safe([], LEVEL, ALL, alarm=False) == "undetermined"
    assert is_safe(results_of(), LEVEL, (), alarm=False) == "undetermined"


@pytest.mark.parametrize("key", [key for requirement in ALL for key in requirement.gates])
@pytest.mark.parametrize("status", ["not_run", "undetermined", "insensitive"])
def test_what_is_in_the_list_must_have_passed(key, status):
    results = results_of({key: status})
    assert is_safe(results, LEVEL, ALL, alarm=False) == "undetermined"
    [(_, still)] = unmet(ALL, results).items()
    assert still == {key: status}
    gone = [result for result in results if f"{result.name}/{result.view}" != key]
    assert is_safe(gone, LEVEL, ALL, alarm=False) == "undetermined"


def test_a_gate_beside_the_list_decides_only_if_it_fails():
    answers = {status: is_safe(results_of({"reference/raw": status}), LEVEL, ALL, alarm=False) for status in STATUSES}
    assert answers.pop("failed") == "failed"
    assert set(answers.values()) == {"passed"}


def test_an_alarm_of_the_refit_keeps_a_set_from_passing():
    """A bright pixel in a tenth of the positives: every gate passed, beside a bug of confidence 1."""
    assert is_safe(results_of(), LEVEL, ALL, alarm=True) == "undetermined"
    assert is_safe(results_of({"tails/raw": "failed"}), LEVEL, ALL, alarm=True) == "failed"


def test_holm_is_over_aucs_alone():
    """Counts have their own allowance for chance, however wide their interval; an AUC of as much may be chance among so many."""
    many = [gate(f"residual_{number}/raw", "passed") for number in range(20)]
    share = replace(gate("tails/raw", "failed"), value=0.02, low=0.0, high=0.3)
    assert beyond_chance([*many, share], LEVEL) == [share]
    auc = replace(gate("metadata_trees/table", "failed"), value=0.54, low=0.501, high=0.58)
    assert beyond_chance([*many, auc], LEVEL) == []


def words_of(needed):
    return {requirement.what for requirement in needed}


def stated(module, facts):
    """What a gate requires by itself."""
    return Requirement(module.GATE.requires, tuple(module.GATE.needed(facts, SPEC.view, SPEC.gates)))


@pytest.mark.parametrize(
    ("changes", "arc", "of_null"),
    [
        ({}, deinjection, null_equal),
        ({"paired": False}, deinjection, null),
        ({"has_arc": False, "has_null": False}, declared_arc, null_pair),
        ({"has_null": False}, deinjection, null_pair),
        ({"has_arc": False, "has_null": False, "paired": False}, declared_arc, null_pair),
    ],
)
def test_each_layout_has_its_list(changes, arc, of_null):
    facts = replace(PAIRED, **changes)
    needed = required_of(LISTED, facts, SPEC.view, SPEC.gates)
    assert {stated(arc, facts), stated(declared_arc, facts)} <= set(needed)
    assert [module for module in (null_equal, null, null_pair) if module.GATE.requires in words_of(needed)] == [of_null]
    assert stated(of_null, facts) in needed
    assert (deinjection.GATE.requires in words_of(needed)) == facts.has_arc
    assert split_integrity.GATE.requires not in words_of(needed)
    gates = {key for requirement in needed for key in requirement.gates}
    assert ("normaliser_null/network" in gates) == facts.has_null
    assert {f"{DECLARED}/raw", "residual_core/raw", "metadata_trees/table"} <= gates
    assert (f"{STORED}/raw" in gates) == facts.has_arc
    raw = required_of(LISTED, replace(facts, several_splits=True), composed("view=raw").view, SPEC.gates)
    assert stated(split_integrity, replace(facts, several_splits=True)) in raw
    assert not {key for requirement in raw for key in requirement.gates if key.startswith("normaliser")}


def test_without_declared_arcs_nothing_passes():
    bare = Facts("arrays", paired=True, has_arc=True, has_null=False, declared=False, columns=frozenset(), imaging=DECALS)
    needed = required_of(LISTED, bare, SPEC.view, SPEC.gates)
    keys = {key for requirement in needed for key in requirement.gates}
    cannot_run = dict.fromkeys([key for key in keys if key.startswith(("residual_", "declared_arc"))], "not_run")
    assert len(cannot_run) >= 2
    results = [gate(key, cannot_run.get(key, "passed")) for key in sorted(keys)]
    assert is_safe(results, LEVEL, needed, alarm=False) == "undetermined"
    assert is_safe([gate(key, "passed") for key in sorted(keys)], LEVEL, needed, alarm=False) == "passed"


NAMES = ("physics", "undetermined", "unknown_bug", "pedestal", "pedestal + unknown_bug")
GATES = sorted({key for requirement in ALL for key in requirement.gates} | {"duplicates/table", "reference/raw"})


@given(
    found=st.dictionaries(st.sampled_from(GATES), st.sampled_from([*STATUSES, "below"])),
    light=st.sampled_from(NAMES),
)
def test_two_answers_never_contradict_each_other(found, light):
    """Whatever gates and refit say; a bug that the refit names rests on its alarm."""
    results = [
        gate(result.key.removesuffix("/overall"), "failed", below=True)
        if found.get(f"{result.name}/{result.view}") == "below"
        else result
        for result in results_of({key: status for key, status in found.items() if status != "below"})
    ]
    cause = Cause(light, "light", alarm=light not in ("physics", "undetermined"), rows_refitted=30)
    judged = Judged(tuple(results), (), replace(cause, rows_judged=100), LEVEL, ALL, {}, LEAKS, BOUNDING, {})
    evidence = conclude("key", judged)
    assert kinds_of(evidence.cause, DESIGN) <= set(ALLOWED[evidence.safe])
    assert not (evidence.safe == "passed" and "bug" in kinds_of(evidence.cause, DESIGN))
    assert (evidence.cause.rows_refitted, evidence.cause.rows_judged) == (30, 100)
    assert evidence.required == ALL


def test_pairs_that_are_not_allowed_are_refused():
    kinds = {"physics": "physics", "undetermined": "undetermined", "selection": "design", "flux_unit": "bug"}
    for safe, (name, kind) in product(ALLOWED, kinds.items()):
        if kind in ALLOWED[safe]:
            check_allowed(safe, Cause(name, ""), DESIGN)
        else:
            with pytest.raises(RuntimeError, match="contradict"):
                check_allowed(safe, Cause(name, ""), DESIGN)
    with pytest.raises(RuntimeError, match="contradict"):
        check_allowed("passed", Cause("physics", "", alarm=True), DESIGN)


def test_a_leak_that_a_gate_names_is_one_of_design():
    assert {"selection", "split", "normalisation"} <= DESIGN
    for name in DESIGN:
        assert kinds_of(Cause(name, ""), DESIGN) == {"design"}
        assert kinds_of(Cause(name, ""), ()) == {"bug"}
