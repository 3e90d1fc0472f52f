"""What the report says about statuses and sections, for a reader who knows lenses and not this code."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from arcgate.gates.core.result import Evidence, Safe, Status
from arcgate.gates.core.words import PLANTED_LEAKS, Words


@dataclass(frozen=True)
class Section:
    """A section of the report.

    Attributes
    ----------
    key : str
        Anchor in the page.
    title : str
        Heading.
    asks, failing : str
        What its gates ask, and what it means when one fails; a sentence each.
    decides : bool
        Whether it holds gates; diagnostics alone decide nothing.
    """

    key: str
    title: str
    asks: str
    failing: str
    decides: bool = True


SECTIONS: Final = (
    Section(
        "identity",
        "Null injection and identity",
        "An injection of no light must leave a galaxy as it was, and a stored stamp must be its galaxy plus the stored arc.",
        "If this fails, the injection code changes something besides adding an arc, or the galaxies that carry arcs differ from "
        "the controls before any arc is added; a network can learn that difference instead of arcs.",
    ),
    Section(
        "residual",
        "What is left after the arc",
        "The arc that the declared lens, source and PSF predict is taken away, and the rest is compared with the controls.",
        "If this fails, light remains that the declaration does not explain, for example a pedestal, a PSF of the wrong width or "
        "a shifted arc.",
    ),
    Section(
        "mask_edge",
        "Edge of the core mask",
        "Where the arc's light was removed near the galaxy's centre, the rings on both sides of the mask's radius are compared "
        "with those of the controls.",
        "If this fails, the mask leaves a hole or a step that no real lens has, and a network can look for the hole.",
    ),
    Section(
        "normaliser",
        "Normalisation",
        "The numbers that each stamp is shifted and divided by before the network sees it must not depend on whether it holds "
        "an arc.",
        "If this fails, the normalisation writes the label into every pixel, also into those that no arc reaches.",
    ),
    Section(
        "two_sample",
        "Any other difference",
        "General classifiers look at several regions and summaries of stamps without their arcs, for differences that nobody "
        "thought of.",
        "If this fails, the two classes differ in something that is not an arc; the region and the summary say where to look.",
    ),
    Section(
        "metadata",
        "Metadata",
        "Everything but the pixels (PSF, depth, magnitude, brick, and with null rows the size of the compressed stamp) is "
        "given to a classifier.",
        "If this fails, hosts and controls were chosen or stored differently, and pixels that follow those quantities leak "
        "the label.",
    ),
    Section(
        "reference",
        "The renderer against an independent one",
        "A sample of the arcs is drawn again from their declared parameters with other code, and compared with the stored arcs.",
        "If this fails, the arcs are not those of the declared lenses: the physics of the training set is not what its table "
        "says.",
    ),
    Section(
        "splits",
        "Training, validation and test sets",
        "No galaxy, pair, patch of sky or near-identical image may occur in two of the sets.",
        "If this fails, scores on the test set are too good, because the network has seen some of its galaxies before.",
    ),
    Section(
        "positions",
        "Positions on the sky",
        "Where the galaxies lie is held against splits, classes, surveys, and lists of known lenses.",
        "If this fails, sets share pixels of the sky, a negative is a lens, or the part of the sky tells the label.",
    ),
    Section(
        PLANTED_LEAKS,
        "How small a leak the gates detect",
        "Leaks of known sizes are planted among galaxies without arcs, where nothing else can leak, and each gate is asked "
        "again.",
        "A gate that misses a leak of the size that must be detected is insensitive; the sizes below say what one that passed "
        "can miss.",
        decides=False,
    ),
    Section(
        "information",
        "How much could be learnt at all",
        "These figures state how many bits about the label a region holds, and the best that any observer could do with the "
        "known arc in the measured noise.",
        "They never decide; they say how large a leak could be, and how small a leak these data can show.",
        decides=False,
    ),
    Section(
        "published",
        "Published diagnostics",
        "The diagnostics that earlier work used on such training sets are repeated here as they were published.",
        "They never decide: most of them react to the arc itself, which is signal, as much as to a leak.",
        decides=False,
    ),
)
"""The sections, in the report's order; gates name theirs by its key."""
UNFILED: Final = "two_sample"
"""Section of what names none."""

VIEWS: Final = {"raw": "pixels as stored", "network": "as the network sees it", "table": "table of the data set"}
_THETA_E: Final = re.compile(r"theta_e_(lt|ge|[\d.]+)_([\d.]+)")


@dataclass(frozen=True)
class StatusWords:
    """A status: its sign and word, and a sentence on what it means."""

    sign: str
    word: str
    meaning: str


STATUSES: Final[dict[Status, StatusWords]] = {
    "failed": StatusWords("✕", "failed", "The interval shows a leak, and it may be larger than the margin."),
    "insensitive": StatusWords(
        "◩",
        "insensitive",
        "The gate did not detect a leak that was planted on purpose, or it raised an alarm between two classes without arcs in "
        "which nothing was planted: what it says means nothing here.",
    ),
    "undetermined": StatusWords(
        "?", "undetermined", "No leak was shown, but the interval reaches beyond the margin: more galaxies would decide."
    ),
    "not_run": StatusWords(
        "–", "not run", "It was left out, or the data set lacks what the comparison needs; this is not a pass."
    ),
    "not_applicable": StatusWords(
        "∅",
        "not applicable",
        "The network's input does not show what this gate looks for, so that it can do no harm there; a pass does not need it.",
    ),
    "passed": StatusWords("✓", "passed", "The whole interval lies inside the margin, and the planted leaks were detected."),
    "reported": StatusWords("·", "reported", "A diagnostic, which decides nothing."),
}
"""Signs tell statuses apart without colour; in the order of their urgency."""

SAFE_WORDS: Final[dict[Safe, str]] = {"passed": "Yes", "failed": "No", "undetermined": "Cannot be said"}


def words_of(evidence: Evidence, name: str) -> Words:
    """What a result is called: gates say so themselves, and the evidence keeps it."""
    spoken = name.replace("_", " ")
    return evidence.words.get(name, Words(UNFILED, f"{spoken[:1].upper()}{spoken[1:]}"))


def view_words(view: str) -> str:
    """A view in words."""
    return VIEWS.get(view, view.replace("_", " "))


def stratum_words(stratum: str) -> str:
    """A stratum in words."""
    if (found := _THETA_E.fullmatch(stratum)) is None:
        return "all rows" if stratum == "overall" else stratum.replace("_", " ")
    low, high = found.groups()
    limits = {"lt": f"below {high}″", "ge": f"{high}″ and more"}
    return f"Einstein radius {limits.get(low, f'{low}″ to {high}″')}"
