"""The published figures beside ours, each with a word."""

from __future__ import annotations

from arcgate.gates.core.exhibit import Exhibit
from arcgate.gates.core.result import GateResult
from arcgate.gates.published.figures import PUBLISHED, STUDIED, PublishedFigure
from arcgate.imaging import Imaging

REPRODUCED = "reproduced"
NOT_REPRODUCED = "not reproduced"
NOT_ASKED = "not asked by this data set"
_OTHER_STAMPS = (
    f"the published stamps are {', '.join(STUDIED.bands)} of {STUDIED.size_pix} x {STUDIED.size_pix} px at "
    f"{STUDIED.pixel_scale_arcsec:g} arcsec; these are others"
)


def published_figures(results: list[GateResult], imaging: Imaging) -> Exhibit:
    """Table of every published figure, ours, and whether it is reproduced.

    Parameters
    ----------
    results : list of GateResult
        Of the published diagnostics.
    imaging : Imaging
        Of the stamps. Where it is not that of the published study, ours stand beside the figures and are not compared.
    """
    found = {(result.name, result.stratum): result for result in results}
    rows = [_row(figure, _ours(figure, found), found.get((figure.negative, figure.stratum)), imaging) for figure in PUBLISHED]
    caption = (
        "A figure is reproduced when our interval, widened by half a unit of the last printed digit, holds it, is not wider "
        "than the figure itself, and a slope has the published sign. Figures that differ are not errors by themselves: the "
        "last column says what is known about them."
    )
    columns = ["quantity", "published", "here", "interval", "n", "answer", "because"]
    return Exhibit("published_figures", "Published figures beside ours", caption, "table", {"columns": columns, "rows": rows})


def answer(figure: PublishedFigure, result: GateResult | None, slope: GateResult | None = None) -> tuple[str, str]:
    """Reproduced, not reproduced or not asked; and the reason, empty where it is reproduced.

    `slope` is the result that `figure.negative` names.
    """
    if figure.value is None:
        return NOT_ASKED, figure.why
    if result is None or result.value is None:
        return NOT_ASKED, "it was not measured" if result is None else result.reason
    low = result.value if result.low is None else result.low
    high = result.value if result.high is None else result.high
    if not low - figure.tolerance <= figure.value <= high + figure.tolerance:
        return NOT_REPRODUCED, figure.why
    if figure.negative and (slope is None or slope.value is None or slope.value >= 0.0):
        return NOT_REPRODUCED, "the slope has the other sign"
    # An interval that holds anything reproduces nothing.
    if (high - low) / 2 > max(2.0 * figure.tolerance, 0.5 * abs(figure.value)):
        return (
            NOT_REPRODUCED,
            f"too few galaxies ({result.n_groups}) to say: the interval holds the published figure, and much else",
        )
    return REPRODUCED, ""


def _ours(figure: PublishedFigure, found: dict[tuple[str, str], GateResult]) -> GateResult | None:
    """The best of the results that a figure is compared with: the first that has a value, else the first."""
    results = [found[name, figure.stratum] for name in figure.names if (name, figure.stratum) in found]
    return next((result for result in results if result.value is not None), results[0] if results else None)


def _row(figure: PublishedFigure, result: GateResult | None, slope: GateResult | None, imaging: Imaging) -> list[str]:
    word, why = answer(figure, result, slope)
    # What needs no rows is the same for stamps of any kind.
    if imaging != STUDIED and word in (REPRODUCED, NOT_REPRODUCED) and result is not None and result.n:
        word, why = NOT_ASKED, _OTHER_STAMPS
    if result is None or result.value is None:
        return [figure.quantity, figure.shown, "", "", "", word, why]
    interval = "" if result.low is None or result.high is None else f"{result.low:.4g} to {result.high:.4g}"
    return [figure.quantity, figure.shown, f"{result.value:.4g}", interval, str(result.n), word, why]
