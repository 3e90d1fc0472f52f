from __future__ import annotations

import re

import pytest
from demo_evidence import gate

from arcgate.gate_report.bars import WIDTH, interval_bar
from arcgate.gate_report.words import group_of, stratum_words, wording


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


def test_the_longest_known_beginning_names_a_gate() -> None:
    assert wording("null_equal").title == "Null injection, bit by bit"
    assert wording("two_sample_core_power_trees").title == "General difference: core power spectrum, boosted trees"
    assert wording("nullable").group == "published"


def test_a_diagnostic_that_is_unknown_is_published_and_a_gate_is_not() -> None:
    assert group_of(gate("new", "raw", "reported", 0.1, None, "", role="diagnostic")) == "published"
    assert group_of(gate("new", "raw", "passed", 0.1, None, "")) == "two_sample"


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
