"""The report: whole, self-contained, escaped, and complete."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from demo_evidence import ABOUT, LONG, gate, words
from demo_evidence import evidence as made
from reading import Reader

from arcgate.gate_report.answers import answers
from arcgate.gate_report.report import report_page, write_report
from arcgate.gate_report.rows import figure_text, row_of
from arcgate.gate_report.words import STATUSES
from arcgate.gates.core.exhibit import Exhibit
from arcgate.gates.core.result import Cause, Evidence, RefitParameter, Requirement, Safe, left_out_by
from arcgate.gates.core.words import Words


@pytest.fixture(scope="session")
def read(page: str) -> Reader:
    return Reader(page)


def test_every_element_is_closed_and_headings_do_not_jump(page: str, read: Reader) -> None:
    assert read.tags["h1"] == read.tags["main"] == read.tags["title"] == 1
    levels = [int(level) for level in re.findall(r"<h([1-6])\b", page)]
    assert {1, 2} <= set(levels)
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))


def test_nothing_is_fetched(page: str, read: Reader) -> None:
    assert [link for link in read.links if not link.startswith("data:")] == []
    assert "http" not in page
    assert "@import" not in page
    assert read.tags["script"] == 0


def test_texts_are_escaped(page: str, read: Reader) -> None:
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "Figures of earlier work <script>alert(1)</script>" in read.text("published-figures")
    assert "<nobs_z>" in read.text("metadata")
    assert ABOUT["data set"] in read.text("reproduce")


def test_ids_are_unique_and_what_points_to_one_finds_it(read: Reader) -> None:
    assert [name for name, count in Counter(read.ids).items() if count > 1] == []
    assert {target.removeprefix("#") for target in read.targets} <= set(read.ids)
    # Two drawings with clipped lines and markers, so that ids could have clashed.
    assert sum(name.startswith("x-mask-edge-profile-") for name in read.ids) > 3
    assert sum(name.startswith("x-annulus-pedestal-") for name in read.ids) > 3


def test_every_drawing_has_a_text_for_those_who_do_not_see_it(read: Reader) -> None:
    assert read.unnamed == []


def test_the_verdict_comes_first_in_words(read: Reader, page: str) -> None:
    verdict = read.text("verdict")
    assert "✕ No" in verdict
    assert "3 of 18 gates failed, namely Residual in the core (pixels as stored), Edge of the core mask" in verdict
    assert "Design: the core mask leaves an edge, Bug: FWHM used as σ" in verdict
    assert "The arc's light is cut off at 5 px, which leaves an edge that no lens has" in verdict
    assert "Do not cut the arc's light off at a radius" in verdict
    assert page.index('id="verdict"') < page.index('id="gates"') < page.index('id="identity"')


def test_each_result_appears_with_its_figure_and_reason(read: Reader, evidence: Evidence) -> None:
    everything = " ".join(" ".join(text.split()) for text in read.texts.values())
    for result in evidence.results:
        assert result.key in everything
        assert figure_text(result) in everything
        assert result.reason in everything
    assert LONG in read.text("mask_edge")


def test_the_table_of_gates_lists_failures_first_and_leaves_diagnostics_out(read: Reader) -> None:
    gates = read.text("gates")
    assert gates.startswith("All gates 3 failed, 1 insensitive, 2 undetermined, 2 not run, 10 passed.")
    assert gates.index("0.953 [0.949, 0.957]") < gates.index("0.503 [0.495, 0.511]")
    assert "Core AUC as published" not in gates
    assert "10 % of the stamps" in gates
    assert "2 % of a column's spread" in gates


def test_a_gate_that_no_section_knows_is_shown_among_the_gates(read: Reader) -> None:
    assert "brand_new_gate/raw/overall" in read.text("two_sample")
    assert "brand_new_gate" not in read.text("published")


def test_what_could_not_be_judged_is_listed_with_its_reason(read: Reader) -> None:
    text = read.text("open")
    assert "Against the reference (pixels as stored): the stored arcs are missing & so cannot be compared" in text
    assert "Alignment centroid (pixels as stored; a diagnostic): no recorded centres" in text
    assert "no planted leak fired: passing would mean nothing" in text
    assert "General difference: stamp power spectrum, boosted trees (pixels as stored)" in text
    assert "Metadata" not in text


def test_the_refit_names_what_leaves_its_margin(read: Reader) -> None:
    text = read.text("refit")
    assert "width of the PSF r 2.330 [2.280, 2.400] ratio 1.000 ± 0.030 ✕ outside" in text
    assert "flux g 1.000 [0.994, 1.006] ratio 1.000 ± 0.020 ✓ inside" in text
    assert "shift in x z 0.010 [-0.030, 0.070] px 0.000 ± 0.050 ? cannot be said" in text


def test_tables_of_exhibits_keep_every_cell(read: Reader) -> None:
    assert "core AUC, overall 0.9497 0.951 [0.949, 0.953] reproduced" in read.text("published-figures")
    assert "phase-correlation shift [px] 0.0 ± 0.0 – not run" in read.text("published-figures")
    assert "flux_unit identifiable bounded impossible" in read.text("identifiability")


def test_the_same_evidence_gives_the_same_file(page: str, tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "report.html"
    write_report(made(), ABOUT, path)
    assert path.read_text(encoding="utf-8") == page
    assert [entry.name for entry in path.parent.iterdir()] == ["report.html"]


@pytest.mark.parametrize(
    ("safe", "results", "says"),
    [
        ("passed", (gate("null", "raw", "passed", 0.5, 0.01, "inside"),), "Every gate that a pass needs here passed"),
        (
            "undetermined",
            (gate("null", "raw", "undetermined", 0.5, 0.1, "few"),),
            "The only gate could not decide: Null injection",
        ),
        ("undetermined", (), "No gate could be run"),
        ("undetermined", (gate("null", "raw", "failed", 0.56, 0.05, "chance"),), "failed, namely Null injection"),
    ],
)
def test_evidence_with_little_in_it(safe: Safe, results: tuple, says: str) -> None:
    little = Evidence("k", safe, Cause("undetermined", "the refit needs arcs"), results, words=words(results))
    read = Reader(report_page(little, {}))
    assert says in read.text("verdict")
    assert "The refit needs arcs." in read.text("verdict")
    assert "The refit could not be made" in read.text("refit")
    if safe == "passed":
        assert "Nothing: every gate" in read.text("open")
        assert "Train on it." in read.text("verdict")


def test_of_many_failed_gates_the_first_few_are_named() -> None:
    many = tuple(
        gate(name, view, "failed", 0.7, 0.01, "light")
        for name in ("residual_core", "residual_annulus", "residual_border", "normaliser")
        for view in ("raw", "network")
    )
    evidence = Evidence("k", "failed", Cause("unknown_bug", "light"), many, words=words(many))
    said = Reader(report_page(evidence, {})).text("verdict")
    assert f"{len(many)} of {len(many)} gates failed" in said
    assert f"and {len(many) - 6} more." in said


def test_numbers_far_outside_and_odd_names_do_no_harm(evidence: Evidence) -> None:
    far = RefitParameter("psf_width", "g", 1e9, 1e8, 1e10, 1.0, 0.03, "<ratio> $x_")
    odd = Exhibit("Odd name / θ", "Odd <b>", "", "lines", evidence.exhibits[0].content, "published")
    cause = replace(evidence.cause, name="something_new", measured=(far,))
    read = Reader(report_page(replace(evidence, cause=cause, exhibits=(odd,)), {}))
    assert "something new" in read.text("verdict")
    assert "<ratio> $x_" in read.text("refit")
    assert "Odd <b>." in read.text("published")


def test_the_list_of_what_a_pass_needs_and_the_share_that_was_refitted_are_shown() -> None:
    passed, open_ = gate("tails", "raw", "passed", 0.0, 0.01, "inside"), gate("null_pair", "raw", "not_run", 0.0, 0.1, "nothing")
    failed = gate("finite_pixels", "raw", "failed", 0.1, 0.0, "not numbers", margin=0.0)
    required = (
        Requirement("no tails", ("tails/raw",)),
        Requirement("a null pair", ("null_pair/raw", "null/raw")),
        Requirement("pixels alike", ("finite_pixels/raw",)),
    )
    cause = Cause("unknown_bug", "light", alarm=True, rows_refitted=60, rows_judged=1000)
    results = (passed, open_, failed)
    evidence = Evidence(
        "k",
        "undetermined",
        cause,
        results,
        required=required,
        words=words([*results, gate("null", "raw", "not_run", None, None, "")]),
    )
    read = Reader(report_page(evidence, {}))
    verdict = read.text("verdict")
    assert "The refit found light that is not the declared arcs" in verdict
    null = "Null pair of controls (pixels as stored): not run, Null injection (pixels as stored): not run"
    assert f"A pass needs, and does not have: a null pair ({null}); pixels alike (Missing pixels" in verdict
    assert "Refitted: 60 of 1,000 rows (6 %)." in verdict
    needed = read.text("needed")
    assert "✓ no tails" in needed
    assert f"– a null pair {null}" in needed
    assert "✕ pixels alike Missing pixels (pixels as stored): failed" in needed


def test_a_share_is_written_in_per_cent() -> None:
    share = gate("tails", "raw", "passed", 0.001, None, "few", leak=0.016, unit="of the positives")
    known = Words("identity", "A gate")
    row = row_of(replace(share, low=5.13e-5, high=0.00473, null=0.0), known)
    assert (row.figure, row.margin, row.sensitivity) == ("0.1 % [0.01, 0.47]", "at most 2 %", "1.6 % of the positives")
    assert row_of(replace(share, value=2e-6, low=None, null=0.0), known).figure == "0.0002 %"
    none_may = row_of(gate("deinjection", "raw", "failed", 0.25, 0.0, "differ", margin=0.0, leak=0.02), known)
    assert (none_may.figure, none_may.margin, none_may.sensitivity) == ("25 %", "none may", "0.02 sky sigma a pixel")


def test_gates_that_a_setting_leaves_out_are_to_be_listed_not_supplied() -> None:
    out = gate("tails", "raw", "not_run", 0.0, 0.1, left_out_by("gates.listed"))
    lacking = gate("null", "raw", "not_run", 0.0, 0.1, "no rows")
    required = tuple(Requirement(name, (f"{name}/raw",)) for name in ("tails", "null"))
    evidence = Evidence("k", "undetermined", Cause("physics", ""), (out, lacking), required=required, words=words([out, lacking]))
    (listing, supplying) = [step for step in answers(evidence).next_steps if "gates" in step]
    assert listing.startswith("List these gates (gates.listed): ")
    assert supplying.startswith("Supply what these gates need")
    assert words([out])["tails"].title in listing
    assert words([out])["tails"].title not in supplying
    assert "left out" in STATUSES["not_run"].meaning
    assert "alarm" in STATUSES["insensitive"].meaning
