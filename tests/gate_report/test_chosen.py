"""How the set was chosen: the section of the report, the love plot, words for inspect and runs."""

from __future__ import annotations

from typing import Any

import demo_evidence
import pytest
from reading import Reader

from arcgate.dataset.selection_words import balance_words, entry_words, lost_words, selection_tables, selection_words
from arcgate.figures.balance import love_plot
from arcgate.gate_report.chosen import choice
from arcgate.gate_report.report import report_page
from arcgate.gates.core.result import Evidence
from arcgate.tracking.descriptions import run_description


def line(column: str, before: float | None, after: float | None) -> dict[str, Any]:
    ends = {"before": before, "after": after}
    found: dict[str, Any] = {"column": column}
    for when, value in ends.items():
        found |= {when: value, f"{when}_low": None if value is None else value - 0.05}
        found |= {f"{when}_high": None if value is None else value + 0.05}
    return found


@pytest.fixture
def selection() -> dict[str, Any]:
    return {
        "cut_flow": [{"cut": "all <rows>", "left": 4000}, {"cut": "17 < r < 21", "left": 1000}],
        "galaxies": {"parents": 1000, "may carry arcs": 400, "positives": 100, "controls": 99},
        "entry": {
            "name": "resolvable",
            "hosts": {"host_mag_r": [None, 20.0], "depth_r": [24.5, None], "ebv": [0.0, 0.1], "dec": [None, None]},
            "least_theta_e_over_psf": 0.5,
            "least_images": 2,
            "drops": "positive",
            "refused": {"theta_E / psfsize_r below 0.5": 12},
        },
        "resolvability": [
            {"theta_e_over_psf": "below 0.5", "before": 0.25, "after": 0.0},
            {"theta_e_over_psf": "0.5 to 1", "before": 0.25, "after": 0.4},
            {"theta_e_over_psf": "1 and more", "before": 0.5, "after": 0.6},
        ],
        "balance": [line("host_mag_r", -0.8, -0.21), line("depth_r", 0.4, 0.02), line("ebv", None, None)],
        "unmatched": 3,
        "left_out": {"pixels <masked>": {"host": 30, "control": 2}},
        "left_out_p": 1e-6,
        "cut_out": {"host": 130, "control": 102},
        "core": {"core": "r within 5 px", "caliper": 0.05, "cut out for a pair": 2.5, "arcs rendered beforehand": 130},
        "noise": None,
    }


def test_the_section_shows_the_flow_the_rules_the_plot_and_what_was_lost(evidence: Evidence, selection: dict[str, Any]) -> None:
    page = report_page(evidence, demo_evidence.ABOUT, choice=choice(selection))
    read = Reader(page)
    text = " ".join(read.text("choice").split())
    assert "all <rows> 4,000" in text
    assert "17 < r < 21 1,000 25.0 %" in text
    assert "of which may carry arcs 400" in text
    assert "hosts with host_mag_r up to 20, depth_r from 24.5, ebv 0 to 0.1, dec known" in text
    assert "what does not meet them leaves alone, and its control stays" in text
    assert "12 with theta_E / psfsize_r below 0.5" in text
    assert "pixels <masked>: 30 hosts, 2 controls (of 130 and 102 cut out; p = 1e-06) FINDING" in text
    assert "below 0.5 25.0 % 0.0 %" in text
    assert "2.5 galaxies cut out for a pair, 130 arcs rendered beforehand" in text
    assert page.index('id="gates"') < page.index('id="choice"')
    assert read.unnamed == []
    assert "x-balance" in page
    assert "host_mag_r" in page
    assert 'href="#choice"' in page
    without = report_page(evidence, demo_evidence.ABOUT)
    assert 'id="choice"' not in without
    assert 'href="#choice"' not in without


def test_the_plot_leaves_out_what_is_not_known(selection: dict[str, Any]) -> None:
    figure = love_plot(selection["balance"])
    assert figure is not None
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["host_mag_r", "depth_r"]
    assert love_plot([line("ebv", None, None)]) is None


def test_phrases_are_short_and_those_with_nothing_to_tell_are_left_out(selection: dict[str, Any]) -> None:
    words = selection_words(selection)
    assert list(words) == ["entry", "refused", "unmatched", "balance", "resolved", "lost", "cores"]
    assert words["balance"] == (
        "1 of 2 quantities differ by more than 0.1 standard deviations; most in host_mag_r: -0.210 [-0.260, -0.160]"
    )
    plain = selection | {"entry": {"name": "everything", "refused": {}}, "unmatched": 0, "left_out": {}, "left_out_p": None}
    assert list(selection_words(plain | {"core": None, "balance": []})) == ["entry", "resolved"]
    assert entry_words(plain["entry"]) == "everything (whatever the grid draws)"
    assert balance_words([]) == lost_words(plain) == ""
    assert "FINDING" not in lost_words(selection | {"left_out_p": 0.2})


def test_tables_for_a_run_and_a_line_for_its_page(evidence: Evidence, selection: dict[str, Any]) -> None:
    tables = selection_tables(selection)
    assert list(tables) == ["cut_flow", "galaxies", "balance", "resolvability", "left_out"]
    assert tables["left_out"].to_dict("records") == [{"reason": "pixels <masked>", "host": 30, "control": 2}]
    assert "cut_flow" not in selection_tables(selection | {"cut_flow": []})
    page = run_description(evidence, selection)
    assert "Chosen: resolvable (hosts with" in page
    assert "Tables: `selection/`." in page
    assert "Chosen" not in run_description(evidence)
