"""The attack is silent where only chance differs, finds light in the core, and says that it was not run where it was not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from composing import composed
from judging import by_name, judgement
from made_shards import PAIRED, VIEW, against, made_context, made_shard, made_stamps

from arcgate.gate_report.answers import safe_sentence
from arcgate.gates import attack
from arcgate.gates.attack import DEINJECTED, GATE
from arcgate.gates.core import small_network
from arcgate.gates.core.predicted import Predicted
from arcgate.gates.core.result import NOT_ATTACKED, Cause, Evidence, GateResult, Requirement
from arcgate.gates.core.safe import is_safe
from arcgate.gates.core.shard import Shard
from arcgate.gates.core.small_network import SmallNetwork, trained
from arcgate.gates.core.stamps import Stamps
from arcgate.gates.features.regions import Regions
from arcgate.imaging import DECALS

GALAXIES = 160
SETTINGS = replace(composed("gates=full").gates, margin=0.1)
SEEN = replace(VIEW, stretch="asinh")


@pytest.fixture(scope="module")
def control() -> Stamps:
    return made_stamps(GALAXIES, seed=1)


@pytest.fixture
def shard_of(control: Stamps, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Shard]:
    """A shard of a class of stamps against the controls; fewer steps, since stamps as smooth as these need no more."""
    monkeypatch.setattr(small_network, "STEPS", 60)
    monkeypatch.setattr(small_network, "HALF_BATCH", 12)
    context = made_context(SETTINGS, [control], SEEN)
    return lambda subject: made_shard(context, control, {DEINJECTED: against(subject, control)})


def lit(stamps: Stamps, size: float) -> Stamps:
    """A core pedestal, sky sigma a pixel."""
    return stamps.with_light(size * stamps.sky * (stamps.radius < 5)[:, None])


def test_it_is_silent_on_a_clean_set_and_fails_on_a_core_pedestal(control: Stamps, shard_of: Callable[..., Shard]) -> None:
    clean, leaking = (judgement(GATE, [shard_of(subject)]) for subject in (control, lit(control, 2.0)))
    sound = by_name(clean.results)["attack", "network"]
    assert sound.value == pytest.approx(0.5, abs=1e-9)
    assert [curve.in_null_pair for curve in clean.curves] == [True, True]
    found = by_name(leaking.results)["attack", "network"]
    assert found.status == "failed", found.reason
    assert found.value is not None
    assert found.value > 0.8
    assert found.n_groups == GALAXIES // 2
    # Planted in the null pair, which is the same for both.
    assert [curve.leak for curve in clean.curves] == ["light added at r < 5 px of", "light added in one half of the core of"]
    assert [curve.measured for curve in clean.curves] == [curve.measured for curve in leaking.curves]


def test_a_planted_leak_that_it_misses_leaves_it_insensitive(
    control: Stamps, shard_of: Callable[..., Shard], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(small_network, "STEPS", 1)
    found = by_name(judgement(GATE, [shard_of(control)]).results)["attack", "network"]
    assert (found.status, found.value) == ("insensitive", pytest.approx(0.5, abs=1e-9))
    assert "not detected, although so large: light added at r < 5 px of 0.5 sky sigma a pixel" in found.reason


def test_arcs_are_taken_away_and_stamps_normalised_by_what_is_left(control: Stamps) -> None:
    arcs = np.zeros_like(control.image)
    arcs[:, :, 10:16, 10:16] = 1.0
    stamp = control.with_light(arcs)
    for facts, name in ((PAIRED, "predicted"), (replace(PAIRED, declared=False), "arc")):
        shard = made_shard(made_context(SETTINGS, [control], SEEN, facts), control, positive=stamp, arc=arcs)
        shard.__dict__["predicted"] = Predicted(arcs, arcs, None) if name == "predicted" else None
        compared = DEINJECTED.of(shard)
        assert np.allclose(shard.viewed(compared.subject), shard.viewed(control), atol=1e-4), name
        assert compared.reference is control


def test_what_cannot_be_attacked_says_why() -> None:
    bare = replace(PAIRED, declared=False, has_arc=False, has_null=False)
    assert DEINJECTED.missing(bare).startswith("arcs are neither stored nor declared")
    assert not DEINJECTED.missing(replace(bare, has_null=True))


def test_at_most_so_many_pairs_are_kept(control: Stamps, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attack, "ATTACKED_PAIRS", GALAXIES // 4)
    shard = made_shard(made_context(SETTINGS, [control], SEEN, replace(PAIRED, declared=False)), control, arc=control.image)
    compared = DEINJECTED.of(shard)
    assert GALAXIES / 8 < len(compared.subject) < GALAXIES / 2
    assert compared.subject.pair.tolist() == compared.reference.pair.tolist()
    assert compared.null_subject is compared.null_reference


def test_a_light_that_the_input_does_not_show_is_not_asked_for() -> None:
    azimuthal = replace(SEEN, planes=("azimuthal_residual",))
    [look] = GATE.looks
    assert [leak.named(Regions(DECALS)) for leak in look.leaks_under(azimuthal)] == ["light added in one half of the core of"]


def test_no_pass_needs_it_and_where_it_was_not_run_it_says_so() -> None:
    assert GATE.needed(PAIRED, SEEN, SETTINGS) == []
    assert (GATE.left_out().status, GATE.left_out().reason) == ("not_run", NOT_ATTACKED)
    listed = {name: composed(f"gates={name}").gates.attacks for name in ("quick", "default", "full")}
    assert listed == {"quick": (), "default": (), "full": ("attack",)}


def test_a_set_that_passed_is_said_not_to_have_been_attacked() -> None:
    passed = GateResult(name="tails", view="raw", status="passed", reason="")
    evidence = Evidence("k", "passed", Cause("physics", ""), (passed, GATE.left_out()), words={"attack": GATE.words("attack")})
    assert safe_sentence(evidence).endswith(
        "No network was trained against the set to see whether it can tell the classes apart: gates=full does that."
    )
    assert is_safe((passed, GATE.left_out()), 0.9, [Requirement("rows", ("tails/raw",))], alarm=False) == "passed"
    failed = replace(
        passed, name="attack", view="network", status="failed", value=0.7, low=0.68, high=0.72, null=0.5, margin=0.05
    )
    assert is_safe((passed, failed), 0.9, [Requirement("rows", ("tails/raw",))], alarm=False) == "failed"


def test_the_network_is_the_same_whatever_threads_and_generator_there_are(control: Stamps) -> None:
    images = np.concatenate([lit(control, 1.0).image, control.image])[:, :, 16:48, 16:48] / control.sky[0]
    images, label = images.astype(np.float32), np.repeat([1, 0], GALAXIES)
    before, state = torch.get_num_threads(), torch.get_rng_state()
    first = trained(images, label).decision_function(images)
    torch.manual_seed(3)
    torch.set_num_threads(2)
    again = trained(images, label).decision_function(images)
    assert torch.get_num_threads() == 2
    torch.set_num_threads(before)
    torch.set_rng_state(state)
    assert np.array_equal(first, again)
    assert 2000 < sum(weight.numel() for weight in SmallNetwork(3, 64).parameters()) < 6000
