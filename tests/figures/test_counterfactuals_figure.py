"""Arcs faded in, and the certifying rows, as a figure."""

from __future__ import annotations

import numpy as np
import pandas as pd
from apart import assert_words_apart
from matplotlib.text import Text

from arcgate.figures.counterfactuals import counterfactuals

SNR = [0.0, 1.0, 2.0, 3.0, 5.0, 7.0, 10.0, 15.0, 20.0, 30.0, 50.0, 100.0, 200.0]
FOUND = np.linspace(0.1, 0.95, len(SNR))
FADE_IN = pd.DataFrame({"snr": SNR, "n": 300, "found": FOUND, "low": FOUND - 0.04, "high": FOUND + 0.04})
SHARE = np.array([0.8, 0.1, 0.9, 0.4])
ROLES = pd.DataFrame(
    {"role": ["arc", "unlensed", "ring", "shuffled"], "n": 300, "found": SHARE, "low": SHARE - 0.05, "high": SHARE + 0.05}
)


def test_both_panels_show_their_numbers_and_their_words_are_apart() -> None:
    figure = counterfactuals(FADE_IN, ROLES, 12.34, 0.1)
    faded, bars = figure.axes
    np.testing.assert_allclose(np.asarray(faded.lines[0].get_ydata(), dtype=float), FOUND)
    np.testing.assert_allclose(np.asarray(bars.lines[0].get_ydata(), dtype=float), ROLES["found"])
    words = " ".join(artist.get_text() for artist in figure.findobj(Text) if isinstance(artist, Text))
    assert "half found at S/N 12.3" in words
    assert "n = 300" in words
    assert_words_apart(figure)


def test_a_set_without_such_rows_says_so() -> None:
    figure = counterfactuals(FADE_IN, ROLES.head(0), None, 0.1)
    words = " ".join(artist.get_text() for artist in figure.findobj(Text) if isinstance(artist, Text))
    assert "no such rows in this set" in words
    assert "half found" not in words
