"""What the report says about gates, statuses and groups, for a reader who knows lenses and not this code."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from arcgate.gates.core.result import GateResult, Safe, Status


@dataclass(frozen=True)
class Group:
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


@dataclass(frozen=True)
class Wording:
    """How a gate, diagnostic or figure is named.

    Attributes
    ----------
    group : str
        Key of its section.
    title : str
        Name in words.
    asks : str
        Its question, short enough for a table.
    """

    group: str
    title: str
    asks: str


GROUPS: Final = (
    Group(
        "identity",
        "Null injection and identity",
        "An injection of no light must leave a galaxy as it was, and a stored stamp must be its galaxy plus the stored arc.",
        "If this fails, the injection code changes something besides adding an arc, or the galaxies that carry arcs differ from "
        "the controls before any arc is added; a network can learn that difference instead of arcs.",
    ),
    Group(
        "residual",
        "What is left after the arc",
        "The arc that the declared lens, source and PSF predict is taken away, and the rest is compared with the controls.",
        "If this fails, light remains that the declaration does not explain, for example a pedestal, a PSF of the wrong width or "
        "a shifted arc.",
    ),
    Group(
        "mask_edge",
        "Edge of the core mask",
        "Where the arc's light was removed near the galaxy's centre, the rings on both sides of the mask's radius are compared "
        "with those of the controls.",
        "If this fails, the mask leaves a hole or a step that no real lens has, and a network can look for the hole.",
    ),
    Group(
        "normaliser",
        "Normalisation",
        "The numbers that each stamp is shifted and divided by before the network sees it must not depend on whether it holds "
        "an arc.",
        "If this fails, the normalisation writes the label into every pixel, also into those that no arc reaches.",
    ),
    Group(
        "two_sample",
        "Any other difference",
        "General classifiers look at several regions and summaries of stamps without their arcs, for differences that nobody "
        "thought of.",
        "If this fails, the two classes differ in something that is not an arc; the region and the summary say where to look.",
    ),
    Group(
        "metadata",
        "Metadata",
        "Everything but the pixels (PSF, depth, magnitude, brick, and with null rows the size of the compressed stamp) is "
        "given to a classifier.",
        "If this fails, hosts and controls were chosen or stored differently, and pixels that follow those quantities leak "
        "the label.",
    ),
    Group(
        "reference",
        "The renderer against an independent one",
        "A sample of the arcs is drawn again from their declared parameters with other code, and compared with the stored arcs.",
        "If this fails, the arcs are not those of the declared lenses: the physics of the training set is not what its table "
        "says.",
    ),
    Group(
        "splits",
        "Training, validation and test sets",
        "No galaxy, pair, patch of sky or near-identical image may occur in two of the sets.",
        "If this fails, scores on the test set are too good, because the network has seen some of its galaxies before.",
    ),
    Group(
        "canaries",
        "How small a leak the gates notice",
        "Leaks of known sizes are planted among galaxies without arcs, where nothing else can leak, and each gate is asked "
        "again.",
        "A gate that misses a leak of the size that must be heard is blind; the sizes below say what one that passed can miss.",
        decides=False,
    ),
    Group(
        "information",
        "How much could be learnt at all",
        "These figures state how many bits about the label a region holds, and the best that any observer could do with the "
        "known arc in the measured noise.",
        "They never decide; they say how large a leak could be, and how small a leak these data can show.",
        decides=False,
    ),
    Group(
        "published",
        "Published diagnostics",
        "The diagnostics that earlier work used on such training sets are repeated here as they were published.",
        "They never decide: most of them react to the arc itself, which is signal, as much as to a leak.",
        decides=False,
    ),
)
"""The sections, in the report's order."""

_WORDINGS: Final = {
    "null": Wording(
        "identity", "Null injection", "Do the galaxies chosen as hosts look like the controls before any arc is added?"
    ),
    "null_equal": Wording("identity", "Null injection, bit by bit", "Does an injection of no light return the same galaxy?"),
    "deinjection": Wording("identity", "Stamp = galaxy + arc", "Is the stored arc exactly the light that was added?"),
    "null_pair": Wording(
        "identity", "Null pair of controls", "Is every planted leak noticed where only controls are compared, and nothing else?"
    ),
    "declared_arc": Wording("identity", "Every row against its declared arc", "Is each stamp its galaxy plus the declared arc?"),
    "stored_values": Wording("identity", "How numbers are stored", "Do the classes differ in precision, steps or zeros?"),
    "finite_pixels": Wording("identity", "Missing pixels", "Is every pixel a number?"),
    "scalable_stamps": Wording("normaliser", "Stamps without a spread", "Can the view scale both classes alike?"),
    "residual": Wording("residual", "Residual", "Is there light that the declared arc does not explain?"),
    "residual_core": Wording(
        "residual", "Residual in the core", "Does the core hold light that the declared arc does not explain?"
    ),
    "residual_annulus": Wording("residual", "Residual in the annulus", "Is there unexplained light where the arcs lie?"),
    "residual_border": Wording("residual", "Residual at the border", "Is there unexplained light far from the galaxy?"),
    "tails": Wording("residual", "Tails", "Do a few stamps without their declared arcs show what no control shows?"),
    "tails_stored": Wording(
        "residual", "Tails, stored arcs", "Do a few stamps without their stored arcs show what no control shows?"
    ),
    "mask_edge": Wording("mask_edge", "Edge of the core mask", "Does the core mask leave a step at its radius?"),
    "normaliser": Wording("normaliser", "Normalisation", "Do the numbers used to normalise depend on the label?"),
    "normaliser_null": Wording(
        "normaliser", "Normalisation of the galaxies", "Do hosts and controls differ in what they are divided by?"
    ),
    "normaliser_masked": Wording(
        "normaliser",
        "Normalisation with an arc outside the core",
        "Does an arc outside the core change how the core looks once it is normalised?",
    ),
    "two_sample": Wording("two_sample", "General difference", "Can a general classifier tell the classes apart without arcs?"),
    "metadata": Wording("metadata", "Metadata", "Can the label be told without looking at a pixel?"),
    "reference": Wording("reference", "Against the reference", "Are the arcs those of their declared parameters?"),
    "left_out_rows": Wording("splits", "Rows without a stamp", "Does one class lack more stamps than the other?"),
    "split_integrity": Wording("splits", "Splits", "Does a galaxy, pair, sky cell, PSF or source occur in two sets?"),
    "duplicates": Wording("splits", "Near-duplicates", "Does almost the same image occur in two sets?"),
    "core_published": Wording("published", "Core AUC as published", ""),
    "core_published_refitted": Wording("published", "Core AUC as published, refitted in the stratum", ""),
    "core_corrected": Wording("published", "Core AUC with whole galaxies held out", ""),
    "canaries": Wording("canaries", "Planted leaks", ""),
    "information": Wording("information", "Usable information", "How many bits about the label does it hold?"),
    "usable_information": Wording("information", "Usable information", "How many bits about the label does it hold?"),
    "ideal_observer": Wording("information", "Ideal observer", "How well could a linear rule do with the known arc?"),
    "pixel_auc": Wording("information", "AUC of each pixel", "Which pixels tell the classes apart?"),
}
# Where a name is the beginning of several, the longest decides.
_BY_LENGTH: Final = sorted(_WORDINGS, key=len, reverse=True)
# What follows a known beginning: cells of the two-sample battery, and abbreviations.
_PARTS: Final = {
    "pca": "pixels,",
    "radial": "profile,",
    "power": "power spectrum,",
    "lsb": "last bits,",
    "ridge": "linear rule",
    "trees": "boosted trees",
    "dprime": "d′",
}
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
    "blind": StatusWords(
        "◩", "blind", "The gate did not notice a leak that was planted on purpose, so that its silence means nothing here."
    ),
    "undetermined": StatusWords(
        "?", "undetermined", "No leak was shown, but the interval reaches beyond the margin: more galaxies would decide."
    ),
    "not_run": StatusWords("–", "not run", "The data set lacks what the comparison needs; this is not a pass."),
    "passed": StatusWords("✓", "passed", "The whole interval lies inside the margin, and the planted leak was noticed."),
    "reported": StatusWords("·", "reported", "A diagnostic, which decides nothing."),
}
"""Signs tell statuses apart without colour; in the order of their urgency."""

SAFE_WORDS: Final[dict[Safe, str]] = {"passed": "Yes", "failed": "No", "undetermined": "Cannot be said"}


def wording(name: str) -> Wording:
    """How a gate, diagnostic or figure of that name is called; a diagnostic that is not listed counts as published."""
    if name in _WORDINGS:
        return _WORDINGS[name]
    for start in _BY_LENGTH:
        if name.startswith(f"{start}_"):
            known = _WORDINGS[start]
            rest = " ".join(_PARTS.get(part, part) for part in name.removeprefix(f"{start}_").split("_"))
            return Wording(known.group, f"{known.title}: {rest}", known.asks)
    return Wording("published", _sentence_case(name.replace("_", " ")), "")


def group_of(result: GateResult) -> str:
    """Section of a result. A gate is never filed among the published diagnostics, which decide nothing."""
    group = wording(result.name).group
    return "two_sample" if group == "published" and result.role == "gate" else group


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


def _sentence_case(text: str) -> str:
    return text[:1].upper() + text[1:]
