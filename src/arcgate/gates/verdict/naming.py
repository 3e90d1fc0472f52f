"""From refit and explanations to a name: physics, a bug, an unknown bug, or undetermined."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from arcgate.gates.core.result import Cause, RefitParameter
from arcgate.gates.verdict.bug_model import UNKNOWN, Explanation, NoiseChange
from arcgate.gates.verdict.explaining import Explained
from arcgate.gates.verdict.refit import LEVEL, estimates
from arcgate.gates.verdict.rows import RefitRows
from arcgate.gates.verdict.search import alarms_of, findings_of, mostly_left, odd_rows
from arcgate.gates.verdict.wording import in_words, listed

_SHOWN: Final = 3
_HALF: Final = 0.5


def name_cause(rows: RefitRows, unseen: Sequence[str] = ()) -> Cause:
    """The cause of what the rows' light holds beyond the declared arcs.

    Parameters
    ----------
    rows : RefitRows
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
        said.append((UNKNOWN, "no known bug explains " + (unexplained or "what was measured: " + listed(alarms))))
    if said:
        names = dict.fromkeys(name for name, _ in said)
        return Cause(" + ".join(names), "; ".join(sentence for _, sentence in said), measured, alarm=True)
    if wide := [each for each in measured if not each.inside]:
        return Cause("undetermined", "more galaxies are needed to bound " + listed(wide), measured)
    sentence = (
        "the light added is what the declared lenses, sources and PSFs predict; every quantity refitted lies within its margin"
    )
    if unseen:
        sentence += f"; not run, since only arcs are stored and no stamps without them: {', '.join(unseen)}"
    return Cause("physics", sentence, measured)


def _named(rows: RefitRows, findings: Sequence[Explained], left: RefitRows) -> list[tuple[str, str]]:
    """Names and sentences of what was found; no name where most rows stay unexplained, or something speaks against it."""
    sentences = [in_words(finding) for finding in findings]
    names = [_bug(rows, finding.explanation) for finding in findings]
    unlike, odd = mostly_left(rows, left)
    if findings and unlike > _HALF * odd:
        closest = "; ".join(sentences)
        return [(UNKNOWN, f"no known bug explains most of the light of {unlike} of {odd} rows; the closest is: {closest}")]
    if against := _contradiction(rows, names):
        return [(UNKNOWN, against)]
    return list(zip(names, sentences, strict=True))


def _bug(rows: RefitRows, explanation: Explanation) -> str:
    """Name of the bug that an explanation shows. Some that have none are claimed by a model for rows like these."""
    if explanation.bug != UNKNOWN:
        return explanation.bug
    claimed = (model.name for model in rows.models if model.claims is not None and model.claims(explanation, rows))
    return next(claimed, UNKNOWN)


def _contradiction(rows: RefitRows, names: Sequence[str]) -> str:
    """What speaks against the one bug that was found, as a sentence; empty if nothing does."""
    for model in rows.models:
        if model.contradicted is not None and set(names) == {model.name}:
            return model.contradicted(rows)
    return ""


def _noise_left(alarms: Sequence[RefitParameter], left: RefitRows) -> list[RefitParameter]:
    """Alarms of noise that is there without arcs that landed in the border."""
    noise = {alarm.band for alarm in alarms if alarm.name == "noise"}
    return [alarm for alarm in alarms_of(left) if alarm.name == "noise" and alarm.band in noise] if noise else []


def _noises(rows: RefitRows, alarms: Sequence[RefitParameter]) -> list[tuple[str, str]]:
    """What is to be said of noise: more of it, less, or other noise of the same size."""
    noise = [alarm for alarm in alarms if alarm.name == "noise"]
    gained = (
        None if rows.noise_gained is None else dict(zip(rows.imaging.bands, np.median(rows.noise_gained, axis=0), strict=True))
    )
    change = {each.band: each.value if gained is None else float(gained[each.band]) for each in noise}
    more = [each for each in noise if change[each.band] > _HALF * abs(each.value)]
    less = [each for each in noise if change[each.band] < -_HALF * abs(each.value)]
    other = [each for each in noise if each not in more and each not in less]
    kinds: tuple[tuple[NoiseChange, list[RefitParameter]], ...] = (("more", more), ("less", less), ("other", other))
    return [_noise_said(rows, kind, some) for kind, some in kinds if some]


def _noise_said(rows: RefitRows, change: NoiseChange, alarms: Sequence[RefitParameter]) -> tuple[str, str]:
    """The name and words that a bug model has for noise that changed so; no name if none of those looked for has one."""
    known = ((model.name, model.noise[change]) for model in rows.models if change in model.noise)
    name, words = next(known, (UNKNOWN, "the noise of positives is not that of their controls"))
    return name, f"{words}: {listed(alarms)}"


def _unexplained(rows: RefitRows, findings: Sequence[Explained], left: RefitRows) -> str:
    """What the explanations leave, in words; empty if nothing."""
    if any(finding.explanation.bug == UNKNOWN for finding in findings):
        return ""
    said = []
    exact = all(finding.explanation.exact for finding in findings)
    alarms = [alarm for alarm in alarms_of(left) if alarm.name != "noise"] if findings else []
    if alarms and exact:
        said.append("what is left: " + listed(alarms))
    odd = odd_rows(rows, left, exact)
    if odd.any():
        galaxies = rows.groups[odd]
        more = ", ..." if len(galaxies) > _SHOWN else ""
        said.append(f"the light of {len(galaxies)} rows (galaxies {', '.join(galaxies[:_SHOWN])}{more})")
    return "; nor ".join(said)
