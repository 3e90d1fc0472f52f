"""The two answers of a battery: *safe?* from the gates, *cause?* from refit and gates together."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from arcgate.gates.core.design_leaks import NORMALISATION
from arcgate.gates.core.result import RAW, Cause, Evidence, Judged
from arcgate.gates.core.safe import below_half, beyond_chance, check_allowed, is_safe
from arcgate.gates.core.words import CauseWords

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
    safe = is_safe(judged.results, judged.level, judged.required, judged.cause.alarm)
    cause = joined(judged)
    design = {leak.name: CauseWords(leak.title, leak.advice) for leak in judged.leaks.values()}
    check_allowed(safe, cause, design)
    known = design | judged.bugs
    causes = {name: known[name] for name in cause.name.split(" + ") if name in known}
    return Evidence(key, safe, cause, judged.results, judged.exhibits, judged.required, judged.words, causes)


def joined(judged: Judged) -> Cause:
    """The refit's cause together with what the gates found.

    A gate has a say if it failed and chance does not account for that (`beyond_chance`), and its AUC does not lie below one half.
    Physics stands only if no such gate is left over and every gate on residual pixels as stored has passed.
    """
    results, light, leaks = judged.results, judged.cause, judged.leaks
    gates = [result for result in results if result.role == "gate"]
    failed = beyond_chance(gates, judged.level)
    below = [each for each in failed if below_half(each)]
    failed = [result for result in failed if result not in below]
    names = list(dict.fromkeys(leaks[result.name].name for result in failed if result.name in leaks))
    # In the network's view a normaliser's leak shows up in everything that is divided.
    absorbed = NORMALISATION.name in names
    unexplained = [result for result in failed if result.name not in leaks]
    if not absorbed and unexplained and all(result.view != RAW for result in unexplained):
        # With too few galaxies to speak by itself, a normaliser's gate still tells why only the network's view shows something.
        absorbed = any(leaks.get(gate.name) == NORMALISATION and gate.status == "failed" for gate in gates)
        names += [NORMALISATION.name] if absorbed else []
    others = [result for result in unexplained if not (absorbed and result.view != RAW)]
    says = {leak.name: leak.says for leak in leaks.values()}
    if light.name not in (_PHYSICS, _UNDETERMINED):
        sentences = [light.sentence, *[says[name] for name in names]]
        return replace(light, name=" + ".join([light.name, *names]), sentence="; ".join(sentences))
    sentences = [says[name] for name in names]
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
    bounding = [gate for gate in gates if gate.name in judged.bounding and gate.view == RAW]
    unsure = [gate for gate in bounding if gate.status != "passed"]
    if light.name == _PHYSICS and unsure:
        what = ", ".join(f"{result.name} ({result.status})" for result in unsure)
        sentence = f"{light.sentence}; whether anything else was added cannot be said: {what}"
        return replace(light, name=_UNDETERMINED, sentence=sentence)
    if chance := [gate.name for gate in gates if gate.status == "failed"]:
        what = ", ".join(dict.fromkeys(chance))
        return replace(light, sentence=f"{light.sentence}; {what} failed, which chance alone can do among so many gates")
    return light
