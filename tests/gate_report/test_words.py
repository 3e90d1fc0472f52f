from __future__ import annotations

import re

import pytest
from shipped_gates import NAMES

from arcgate.gate_report.bars import WIDTH, interval_bar
from arcgate.gate_report.words import SECTIONS, stratum_words, words_of
from arcgate.gates.core.listing import gate_of, gates_of
from arcgate.gates.core.result import Cause, Evidence
from arcgate.gates.core.words import SECTIONS as KEYS
from arcgate.gates.core.words import Words


@pytest.mark.parametrize(
    ("stratum", "says"),
    [
        ("overall", "all rows"),
        ("theta_e_lt_0.75", "Einstein radius below 0.75″"),
        ("theta_e_1_1.5", "Einstein radius 1″ to 1.5″"),
        ("theta_e_ge_2", "Einstein radius 2″ and more"),
        ("blue_hosts", "blue hosts"),
    ],
)
def test_strata_in_words(stratum: str, says: str) -> None:
    assert stratum_words(stratum) == says


@pytest.mark.parametrize(
    ("gate", "result", "section", "title"),
    [
        ("null_equal", "null_equal", "identity", "Null injection, bit by bit"),
        (
            "two_sample",
            "two_sample_core_power_trees",
            "two_sample",
            "General difference: core power spectrum, boosted trees",
        ),
        ("published", "core_offset_theta_e", "published", "Core offset theta e"),
    ],
)
def test_gates_call_their_results_themselves(gate: str, result: str, section: str, title: str) -> None:
    words = gate_of(gate).words(result)
    assert (words.section, words.title) == (section, title)
    kept = Evidence("k", "undetermined", Cause("undetermined", ""), (), words={result: words})
    assert words_of(kept, result) == words


def test_a_result_without_words_is_shown_under_its_name() -> None:
    none = Evidence("k", "undetermined", Cause("undetermined", ""), ())
    assert words_of(none, "brand_new_gate") == Words("two_sample", "Brand new gate")


def test_every_gate_names_a_section_of_the_report_and_says_what_it_asks() -> None:
    sections = {section.key: section for section in SECTIONS}
    assert list(sections) == list(KEYS)
    for gate in gates_of(NAMES):
        words = gate.words(gate.name)
        assert words.section in sections
        assert words.title
        # What decides says what it asks, what its failure means and what to do then.
        if gate.requires:
            assert sections[words.section].decides
            assert all((words.asks, words.failing, words.advice)), gate.name


def test_a_bar_keeps_interval_and_margin_inside_and_the_null_in_the_middle() -> None:
    bar = str(interval_bar(0.9, 0.85, 0.95, 0.5, 0.02, "failed", 'a "quoted" <text>'))
    assert f'class="null" x1="{WIDTH / 2:.1f}"' in bar
    assert 'aria-label="a &#34;quoted&#34; &lt;text&gt;"' in bar
    (found,) = re.findall(r'class="interval" x1="([\d.]+)" x2="([\d.]+)"', bar)
    low, high = map(float, found)
    assert WIDTH / 2 < low < high < WIDTH
    # 0.9 lies 0.4 from the null, four widths of the interval; places are rounded to a tenth of a pixel.
    assert (low + high - WIDTH) / 2 / (high - low) == pytest.approx(4.0, rel=0.02)


def test_a_bar_of_an_equality_has_no_margin() -> None:
    assert 'class="margin"' not in interval_bar(0.0, 0.0, 0.0, 0.0, 0.0, "passed", "none")
