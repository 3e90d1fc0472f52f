"""Figures of matplotlib as SVG inside a page."""

from __future__ import annotations

import io
import re
from typing import Final

import matplotlib
from markupsafe import Markup, escape
from matplotlib.figure import Figure

_START: Final = re.compile(r"^.*?<svg\b[^>]*?viewBox=\"([^\"]*)\"[^>]*>", re.DOTALL)
_METADATA: Final = re.compile(r"<metadata>.*?</metadata>", re.DOTALL)
_NAMED: Final = re.compile(r'\bid="')
_POINTED: Final = re.compile(r'(href="|url\()#')
_SPACE: Final = re.compile(r"\n\s*")


def inline_svg(figure: Figure, name: str, described: str) -> Markup:
    """SVG of a figure that can stand beside others in one page: text stays text, and the same figure gives the same bytes.

    Parameters
    ----------
    figure : Figure
        Drawn here.
    name : str
        Begins every id, so that no two figures of a page share one; letters, digits and dashes.
    described : str
        For readers who do not see it.

    Returns
    -------
    Markup
        An `svg` element without a fixed size.
    """
    text = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
    drawn = _METADATA.sub("", text.getvalue())
    start = _START.match(drawn)
    assert start is not None  # matplotlib always writes a viewBox
    body = drawn[start.end() :]
    body = _NAMED.sub(f'id="{name}-', body)
    body = _POINTED.sub(rf"\g<1>#{name}-", body)
    opening = f'<svg class="drawn" viewBox="{start[1]}" role="img" aria-label="{escape(described)}">'
    return Markup(opening + _SPACE.sub("\n", body).strip())
