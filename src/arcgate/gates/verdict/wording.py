"""What explanations and measured quantities are called in a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from arcgate.gates.core.result import RefitParameter
from arcgate.gates.verdict.explaining import Explained

_MOST_ROWS: Final = 0.9


def in_words(fit: Explained) -> str:
    """An explanation, its amplitudes and its share of the rows."""
    words = fit.explanation.words
    if fit.explanation.free:
        amplitude = fit.amplitude if fit.explanation.by_band else fit.amplitude[:1]
        words += " " + ", ".join(f"{value:+.3g}" for value in amplitude.ravel())
    where = "all rows" if fit.share > _MOST_ROWS else f"{100 * fit.share:.0f} % of the rows"
    return f"{words} explains what is not the declared arc, in {where}"


def listed(parameters: Sequence[RefitParameter]) -> str:
    """Quantities with their intervals."""
    return ", ".join(
        f"{each.name} ({each.band}) {each.value:+.3g} [{each.low:+.3g}, {each.high:+.3g}] {each.unit}" for each in parameters
    )
