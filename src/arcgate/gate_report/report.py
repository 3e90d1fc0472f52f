"""From evidence to the page."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from matplotlib.figure import Figure

from arcgate.figures.drawings import REFIT_CHART, REFIT_TITLE, drawings_of
from arcgate.figures.refit import marker_words
from arcgate.gate_report.about import HEAD
from arcgate.gate_report.answers import answers, still_words
from arcgate.gate_report.chosen import Choice
from arcgate.gate_report.rows import Row, refit_rows, row_of
from arcgate.gate_report.svg import inline_svg
from arcgate.gate_report.words import SECTIONS, STATUSES, Section, words_of
from arcgate.gates.core.exhibit import Exhibit
from arcgate.gates.core.required import unmet
from arcgate.gates.core.result import Evidence, Status
from arcgate.ground.atomic import atomically

PUBLISHED_FIGURES: Final = "published_figures"
IDENTIFIABILITY: Final = "identifiability"
_REFIT: Final = "refit"
_OPEN: Final[tuple[Status, ...]] = ("not_run", "insensitive", "undetermined")
_URGENCY: Final = tuple(STATUSES)


@dataclass(frozen=True)
class Shown:
    """An exhibit in the page: a drawing, or the columns and rows of a table."""

    anchor: str
    title: str
    caption: str
    drawing: Markup | None
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class Filled:
    """A section with its rows and figures."""

    section: Section
    rows: tuple[Row, ...]
    shown: tuple[Shown, ...]
    tally: str


def write_report(
    evidence: Evidence,
    about: dict[str, str],
    path: Path,
    drawings: Mapping[str, Figure] | None = None,
    choice: Choice | None = None,
) -> None:
    """Write the report as one HTML file that needs no other file and no network.

    Parameters
    ----------
    evidence : Evidence
        Results, the two answers and the exhibits.
    about : dict of str to str
        What was audited and how, in the order to be shown (data set, rows, view, level of the intervals, digests, versions):
        those of `HEAD` stand below the title, all of them at the end.
    path : Path
        The file; its folder is made if it is missing.
    drawings : mapping of str to Figure, optional
        From `drawings_of`, where they are used elsewhere too; else they are made here.
    choice : Choice, optional
        How the set was chosen, from `choice_of`, where that is recorded.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    page = report_page(evidence, about, drawings, choice)
    with atomically(path) as unfinished:
        unfinished.write_text(page, encoding="utf-8")


def report_page(
    evidence: Evidence,
    about: dict[str, str],
    drawings: Mapping[str, Figure] | None = None,
    choice: Choice | None = None,
) -> str:
    """Compose the page; the same evidence gives the same text."""
    environment = Environment(
        loader=PackageLoader("arcgate.gate_report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    rows = [row_of(result, words_of(evidence, result.name)) for result in evidence.results]
    drawn = drawings_of(evidence) if drawings is None else drawings
    exhibits = {name: [show(one, drawn) for one in chosen] for name, chosen in _sorted_exhibits(evidence.exhibits).items()}
    style, _, _ = environment.loader.get_source(environment, "style.css")  # type: ignore[union-attr]  # the loader is set above
    return environment.get_template("page.html.j2").render(
        style=Markup(style),
        about=about,
        head={name: about[name] for name in HEAD if name in about},
        evidence=evidence,
        answers=answers(evidence),
        needed=_needed(evidence),
        statuses=STATUSES,
        gates=sorted((row for row in rows if row.is_gate), key=lambda row: _URGENCY.index(row.status)),
        tally=_tally(row.status for row in rows if row.is_gate),
        sections=_sections(rows, exhibits),
        choice=choice,
        refit=refit_rows(evidence.cause.measured),
        refit_chart=_refit_drawing(drawn),
        refit_markers=marker_words(evidence.cause.measured),
        refit_shown=exhibits.get(_REFIT, []),
        published=exhibits.get(PUBLISHED_FIGURES, []),
        identifiability=exhibits.get(IDENTIFIABILITY, []),
        open_rows={status: [row for row in rows if row.status == status] for status in _OPEN},
    )


def _needed(evidence: Evidence) -> list[tuple[Status, str, str]]:
    """What a pass needs on this data set: the most urgent status of its gates, what it is, and which of them did not pass."""
    still = unmet(evidence.required, evidence.results)
    return [
        (min(open_.values(), key=_URGENCY.index, default="passed"), requirement.what, still_words(open_, evidence))
        for requirement in evidence.required
        for open_ in [still.get(requirement, {})]
    ]


def show(exhibit: Exhibit, drawings: Mapping[str, Figure]) -> Shown:
    """Put an exhibit's drawing into the page, or write its table's cells as text."""
    anchor = f"x-{re.sub('[^a-z0-9]+', '-', exhibit.name.lower())}"
    if exhibit.name in drawings:
        drawing = inline_svg(drawings[exhibit.name], anchor, exhibit.title)
        return Shown(anchor, exhibit.title, exhibit.caption, drawing)
    columns = tuple(str(column) for column in exhibit.content["columns"])
    cells = tuple(tuple(_cell(value) for value in row) for row in exhibit.content["rows"])
    return Shown(anchor, exhibit.title, exhibit.caption, None, columns, cells)


def _sorted_exhibits(exhibits: Sequence[Exhibit]) -> dict[str, list[Exhibit]]:
    """Exhibits by the section that shows them."""
    placed: dict[str, list[Exhibit]] = {}
    for exhibit in exhibits:
        own_place = exhibit.name in (PUBLISHED_FIGURES, IDENTIFIABILITY)
        refit = exhibit.name.startswith(_REFIT)
        place = exhibit.name if own_place else _REFIT if refit else exhibit.section
        placed.setdefault(place, []).append(exhibit)
    return placed


def _sections(rows: Sequence[Row], exhibits: dict[str, list[Shown]]) -> list[Filled]:
    """The sections that have something to show, in the report's order; gates before diagnostics."""
    sections = []
    for section in SECTIONS:
        own = [row for row in rows if row.section == section.key]
        shown = exhibits.get(section.key, [])
        if own or shown:
            ordered = tuple(sorted(own, key=lambda row: not row.is_gate))
            sections.append(Filled(section, ordered, tuple(shown), _tally(row.status for row in own)))
    return sections


def _refit_drawing(drawings: Mapping[str, Figure]) -> Markup | None:
    if REFIT_CHART not in drawings:
        return None
    return inline_svg(drawings[REFIT_CHART], "x-refit-chart", REFIT_TITLE)


def _tally(statuses: Iterable[Status]) -> str:
    """How many of each status, the urgent ones first."""
    counts = Counter(statuses)
    return ", ".join(f"{counts[status]} {words.word}" for status, words in STATUSES.items() if counts[status])


def _cell(value: object) -> str:
    if value is None:
        return "–"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
