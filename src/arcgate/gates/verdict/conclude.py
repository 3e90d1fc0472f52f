"""The two answers of a battery: *safe?* from the gates, *cause?* from refit and gates together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from arcgate.gates.result import RAW, Cause, Evidence, GateResult, Judged
from arcgate.gates.safe import below_half, beyond_chance, check_allowed, is_safe

# Gates whose failure is a design leak by itself.
_LEAK_OF: Final = {
    "mask_edge": "mask_edge",
    "normaliser_masked": "normalisation",
    "normaliser_null": "selection",
    "null": "selection",
    "metadata_ridge": "selection",
    "metadata_trees": "selection",
    "left_out_rows": "selection",
    "split_integrity": "split",
    "duplicates": "split",
}
_SAYS: Final = {
    "mask_edge": "the core mask leaves an edge at its radius: rings on its two sides tell stamps from controls, no arc needed",
    "normalisation": "the statistics that the view divides by contain the arc, and so carry the label into every pixel",
    "selection": "positives and controls differ before any arc is added, in their galaxies or in columns beside the pixels",
    "split": "the same galaxy, sky cell, pair, PSF kernel or source image is on two sides of a split, or a galaxy has two names",
}
_PHYSICS: Final = "physics"
_UNDETERMINED: Final = "undetermined"


def conclude(key: str, judged: Judged) -> Evidence:
    """Both answers, which never contradict each other (`safe.ALLOWED`).

    Parameters
    ----------
    key : str
        Of the evidence.
    judged : Judged
        Results, exhibits and the refit's cause.
    """
    light = judged.cause
    safe = is_safe(judged.results, judged.level, judged.required, light.alarm)
    cause = joined(judged.results, light, judged.level)
    check_allowed(safe, cause)
    return Evidence(key, safe, cause, judged.results, judged.exhibits, judged.required)


def joined(results: Sequence[GateResult], light: Cause, level: float) -> Cause:
    """The refit's cause together with what the gates found.

    A gate has a say if it failed and chance does not account for that (`beyond_chance`), and its AUC does not lie below one half.
    Physics stands only if no such gate is left over and every gate on residual pixels as stored has passed.
    """
    gates = [result for result in results if result.role == "gate"]
    failed = beyond_chance(gates, level)
    below = [each for each in failed if below_half(each)]
    failed = [result for result in failed if result not in below]
    names = list(dict.fromkeys(_LEAK_OF[result.name] for result in failed if result.name in _LEAK_OF))
    # In the network's view a normaliser's leak shows up in everything that is divided.
    absorbed = "normalisation" in names
    unexplained = [result for result in failed if result.name not in _LEAK_OF]
    if not absorbed and unexplained and all(result.view != RAW for result in unexplained):
        # With too few galaxies to speak by itself, a normaliser's gate still tells why only the network's view shows something.
        absorbed = any(gate.name == "normaliser_masked" and gate.status == "failed" for gate in gates)
        names += ["normalisation"] if absorbed else []
    others = [result for result in unexplained if not (absorbed and result.view != RAW)]
    if light.name not in (_PHYSICS, _UNDETERMINED):
        sentences = [light.sentence, *[_SAYS[name] for name in names]]
        return replace(light, name=" + ".join([light.name, *names]), sentence="; ".join(sentences))
    sentences = [_SAYS[name] for name in names]
    if others:
        what = ", ".join(dict.fromkeys(result.name for result in others))
        sentence = f"{what} failed, and no known bug or design leak accounts for it"
        return replace(light, name=" + ".join(["unknown_bug", *names]), sentence="; ".join([sentence, *sentences]))
    if names:
        return replace(light, name=" + ".join(names), sentence="; ".join(sentences))
    if light.name == _PHYSICS and below:
        what = ", ".join(dict.fromkeys(f"{result.name} ({result.value:.3f})" for result in below))
        sentence = (
            f"{light.sentence}; but rows or galaxies may not be what they claim, or controls are matched: {what} lies below 0.5"
        )
        return replace(light, name=_UNDETERMINED, sentence=sentence)
    unsure = [
        result for result in results if result.name.startswith("residual_") and result.view == RAW and result.role == "gate"
    ]
    unsure = [result for result in unsure if result.status != "passed"]
    if light.name == _PHYSICS and unsure:
        what = ", ".join(f"{result.name} ({result.status})" for result in unsure)
        sentence = f"{light.sentence}; whether anything else was added cannot be said: {what}"
        return replace(light, name=_UNDETERMINED, sentence=sentence)
    if chance := [gate.name for gate in gates if gate.status == "failed"]:
        what = ", ".join(dict.fromkeys(chance))
        return replace(light, sentence=f"{light.sentence}; {what} failed, which chance alone can do among so many gates")
    return light
