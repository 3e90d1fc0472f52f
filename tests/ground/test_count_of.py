"""One is singular; none and several are not."""

from __future__ import annotations

import pytest

from arcgate.ground.counting import count_of


@pytest.mark.parametrize(
    ("number", "what", "said"),
    [
        (1, "brick", "1 brick"),
        (0, "brick", "0 bricks"),
        (1, "galaxy", "1 galaxy"),
        (12_345, "galaxy", "12,345 galaxies"),
        (2, "survey", "2 surveys"),
        (1, "process", "1 process"),
        (3, "process", "3 processes"),
        (2, "catalogue row", "2 catalogue rows"),
    ],
)
def test_a_number_goes_with_what_it_counts(number, what, said):
    assert count_of(number, what) == said
