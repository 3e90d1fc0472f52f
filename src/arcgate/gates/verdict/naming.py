"""From refit and explanations to a name: physics, a bug, an unknown bug, or undetermined."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from arcgate.gates.core.result import Cause, RefitParameter
from arcgate.gates.verdict.evenness import uneven_level
from arcgate.gates.verdict.refit import LEVEL, estimates
from arcgate.gates.verdict.rows import Rows
from arcgate.gates.verdict.search import Finding, alarms_of, findings_of, mostly_left, odd_rows
from arcgate.gates.verdict.wording import in_words, listed
from arcgate.injection.arcs import kernels_named

_UNKNOWN: Final = "unknown_bug"
_SHOWN: Final = 3
_HALF: Final = 0.5


def name_cause(rows: Rows, unseen: Sequence[str] = ()) -> Cause:
    """The cause of what the rows' light holds beyond the declared arcs.

    Parameters
    ----------
    rows : Rows
        From `differences` or `between_galaxies`.
    unseen : sequence of str
        Quantities that the light at hand cannot show. They are not said to be measured, unless they are found there after all.

    Returns
    -------
    Cause
        With its alarm: whether anything was found.
    """
    estimated = estimates(rows)
    alarms = alarms_of(rows, estimated)
    measured = tuple(estimate.parameter(LEVEL, rows.hosts_hide) for estimate in estimated)
    measured = tuple(each for each in measured if each.name not in unseen or each in alarms)
    findings, left = findings_of(rows, alarms)
    said = _named(rows, findings, left) + _noises(rows, _noise_left(alarms, left))
    unexplained = _unexplained(rows, findings, left)
    if unexplained or (alarms and not said):
        said.append((_UNKNOWN, "no known bug explains " + (unexplained or "what was measured: " + listed(alarms))))
    if said:
        names = dict.fromkeys(name for name, _ in said)
        return Cause(" + ".join(names), "; ".join(sentence for _, sentence in said), measured, alarm=True)
    if wide := [nuisance for nuisance in measured if not nuisance.inside]:
        return Cause("undetermined", "more galaxies are needed to bound " + listed(wide), measured)
    sentence = (
        "the light added is what the declared lenses, sources and PSFs predict; every quantity refitted lies within its margin"
    )
    if unseen:
        sentence += f"; not run, since only arcs are stored and no stamps without them: {', '.join(unseen)}"
    return Cause("physics", sentence, measured)


def _named(rows: Rows, findings: Sequence[Finding], left: Rows) -> list[tuple[str, str]]:
    """Names and sentences of what was found; no name where most rows stay unexplained, or for a level that is none."""
    sentences = [in_words(finding.explained, rows.imaging, finding.words) for finding in findings]
    names = [_bug(rows, finding) for finding in findings]
    unlike, odd = mostly_left(rows, left)
    if findings and unlike > _HALF * odd:
        closest = "; ".join(sentences)
        return [(_UNKNOWN, f"no known bug explains most of the light of {unlike} of {odd} rows; the closest is: {closest}")]
    if set(names) == {"pedestal"} and (uneven := uneven_level(rows)):
        return [(_UNKNOWN, f"positives carry light that their galaxies do not, and it is no constant level: {uneven}")]
    return list(zip(names, sentences, strict=True))


def _bug(rows: Rows, finding: Finding) -> str:
    """Name of a finding. A width that is off has one where PSFs were measured: several mistakes make Moffats too wide."""
    family = finding.explained.family
    if family.label == "psf_width" and rows.scene is not None and kernels_named(rows.scene.table, rows.imaging).all():
        return "kernel_width"
    return family.bug


def _noise_left(alarms: Sequence[RefitParameter], left: Rows) -> list[RefitParameter]:
    """Alarms of noise that is there without arcs that landed in the border."""
    noise = {alarm.band for alarm in alarms if alarm.name == "noise"}
    return [alarm for alarm in alarms_of(left) if alarm.name == "noise" and alarm.band in noise] if noise else []


def _noises(rows: Rows, alarms: Sequence[RefitParameter]) -> list[tuple[str, str]]:
    """What is to be said of noise. More of it is a known bug; less, and other noise of the same size, have no name."""
    said = []
    noise = [alarm for alarm in alarms if alarm.name == "noise"]
    gained = (
        None if rows.noise_gained is None else dict(zip(rows.imaging.bands, np.median(rows.noise_gained, axis=0), strict=True))
    )
    change = {each.band: each.value if gained is None else float(gained[each.band]) for each in noise}
    if more := [each for each in noise if change[each.band] > _HALF * abs(each.value)]:
        said.append(("extra_sky_noise", "positives carry noise that their controls do not: " + listed(more)))
    if less := [each for each in noise if change[each.band] < -_HALF * abs(each.value)]:
        said.append((_UNKNOWN, "positives carry less noise than their controls, as if smoothed or rounded: " + listed(less)))
    if other := [each for each in noise if each not in more and each not in less]:
        said.append((_UNKNOWN, "the noise of positives is not that of their galaxies, and no more of it: " + listed(other)))
    return said


def _unexplained(rows: Rows, findings: Sequence[Finding], left: Rows) -> str:
    """What the explanations leave, in words; empty if nothing."""
    if any(finding.explained.family.bug == _UNKNOWN for finding in findings):
        return ""
    said = []
    exact = all(finding.exact for finding in findings)
    alarms = [alarm for alarm in alarms_of(left) if alarm.name != "noise"] if findings else []
    if alarms and exact:
        said.append("what is left: " + listed(alarms))
    odd = odd_rows(rows, left, exact)
    if odd.any():
        galaxies = rows.groups[odd]
        more = ", ..." if len(galaxies) > _SHOWN else ""
        said.append(f"the light of {len(galaxies)} rows (galaxies {', '.join(galaxies[:_SHOWN])}{more})")
    return "; nor ".join(said)
