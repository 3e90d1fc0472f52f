"""`arcgate train`: refused, warned, forced, and found finished by `arcgate run` afterwards."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from composing import Compose, audited

from arcgate import pipeline
from arcgate.audit_command import audit_settings
from arcgate.dataset.reader import Dataset
from arcgate.finished import Keys, Record, found, keys_of
from arcgate.gates.core.result import Evidence, Safe, read_evidence, write_evidence
from arcgate.ground.errors import ArcgateError
from arcgate.keys import evidence_key
from arcgate.planned import Planned
from arcgate.tracking import names
from arcgate.tracking.runs import experiment_runs
from arcgate.tracking.store import Store
from arcgate.training import MISSING, judging_command, print_train_plan, train_variant
from arcgate.training_spec import Training
from arcgate.variant import Variant

SCORES = {"test/auroc": 0.9, "common/auroc": 0.8}
Trains = Callable[..., Training]
Judges = Callable[..., Path]


@pytest.fixture
def spec(small: Compose, built: Callable[..., Dataset], store: Store, work: Path, tmp_path: Path) -> Trains:
    """Settings of a training on the small set; what follows the data sets lies in the test's folder."""
    built()
    data = tmp_path / "data"
    data.mkdir()
    for shared in ("hosts", "sets"):
        (data / shared).symlink_to(work / "data" / shared)

    def make(*overrides: str, force: bool = False) -> Training:
        places = f"runtime.mlruns_dir={store.folder}", f"runtime.data_dir={data}"
        variant = small(*places, "gates=quick", "learning.epochs=1", "study=guarded", *overrides)
        command = shlex.join(["arcgate", "train", *overrides])
        return Training(
            **{each.name: getattr(variant, each.name) for each in fields(Variant)} | {"command": command}, force=force
        )

    return make


@pytest.fixture
def keys(spec: Trains) -> Keys:
    """Of the small set's training, whose data sets are there."""
    return pipeline.prepare(spec()).keys


@pytest.fixture
def judged(keys: Keys, evidence: Evidence, tmp_path: Path) -> Judges:
    """Leave evidence of the small set where a run or an audit does."""

    def make(safe: Safe, folder: str = "runs") -> Path:
        place = tmp_path / "data" / folder / keys.evidence
        place.mkdir(parents=True)
        passed = tuple(replace(gate, status="passed") for gate in evidence.results if gate.status == "failed")
        said = evidence if safe == "failed" else replace(evidence, results=passed)
        write_evidence(replace(said, key=keys.evidence, safe=safe), place / "evidence.json")
        return place

    return make


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let no network be trained in earnest; gives *safe?* of each that would be."""
    calls: list[str] = []

    def learn(prepared: pipeline.Prepared, store: Store, run_id: str, evidence: Evidence) -> Record:
        calls.append(evidence.safe)
        prepared.figures.mkdir(parents=True)
        return Record(run_id, evidence.safe, SCORES, [])

    monkeypatch.setattr(pipeline, "learn_and_score", learn)
    return calls


def tags_of(store: Store) -> dict[str, str]:
    """Tags of the study's only variant."""
    experiment = store.client.get_experiment_by_name("guarded")
    assert experiment is not None
    runs = experiment_runs(store, experiment)
    (run,) = [run for run in runs if run.data.tags[names.KIND] == names.KIND_VARIANT]
    tags: dict[str, str] = run.data.tags
    return tags


def test_a_set_that_nothing_judged_is_refused_with_the_command_that_judges_it(
    spec: Trains, keys: Keys, trained: list[str], store: Store
) -> None:
    with pytest.raises(ArcgateError, match=f"its gates have not judged the data set {keys.data[:12]}") as refused:
        train_variant(spec())
    assert f"`arcgate audit data={keys.data[:12]} view=stamp_robust gates=quick " in str(refused.value)
    assert "force=true" in str(refused.value)
    assert not trained
    assert store.client.get_experiment_by_name("guarded") is None


def test_a_set_that_failed_is_refused_with_its_worst_gate(spec: Trains, judged: Judges, trained: list[str], store: Store) -> None:
    place = judged("failed")
    with pytest.raises(ArcgateError, match=r"failed 1 of 6 gates, worst of all ring \(raw\): too few") as refused:
        train_variant(spec())
    assert refused.value.where == place / "report.html"
    assert "force=true trains on it all the same" in str(refused.value)
    assert not trained
    assert store.client.get_experiment_by_name("guarded") is None


def test_an_undetermined_set_is_trained_on_with_a_warning(
    spec: Trains, judged: Judges, trained: list[str], store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    judged("undetermined")
    assert train_variant(spec()).safe == "undetermined"
    assert "warning: safe? undetermined: " in capsys.readouterr().out
    assert trained == ["undetermined"]
    assert names.FORCED not in tags_of(store)


@pytest.mark.parametrize("folder", ["runs", "audits"])
def test_a_set_that_passed_is_trained_on_whoever_judged_it(
    spec: Trains, keys: Keys, judged: Judges, trained: list[str], store: Store, folder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    place = judged("passed", folder)
    assert train_variant(spec()).safe == "passed"
    out = capsys.readouterr().out
    assert "gates reused: safe? passed" in out
    assert "warning" not in out
    own = place.parents[1] / "runs" / keys.evidence
    assert read_evidence(own / "evidence.json").safe == "passed"
    assert (own / "report.html").is_file()
    assert tags_of(store)[names.OUTCOME] == "finished"
    assert names.FORCED not in tags_of(store)


def test_force_trains_on_a_set_that_failed_and_notes_it(
    spec: Trains, judged: Judges, trained: list[str], store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    judged("failed")
    assert train_variant(spec(force=True)).safe == "failed"
    assert trained == ["failed"]
    assert tags_of(store)[names.FORCED] == "failed, worst ring/raw"
    assert "warning: forced, although the data set" in capsys.readouterr().out


def test_force_makes_the_evidence_that_is_missing(
    spec: Trains, keys: Keys, evidence: Evidence, trained: list[str], store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "run_battery", lambda *_: SimpleNamespace(attack_s=0.0))
    monkeypatch.setattr(pipeline, "conclude", lambda key, _: replace(evidence, key=key))
    assert train_variant(spec(force=True)).safe == "failed"
    assert trained == ["failed"]
    assert tags_of(store)[names.FORCED] == MISSING
    # Now it is there, and would be refused.
    with pytest.raises(ArcgateError, match="worst of all ring"):
        train_variant(spec())


def test_a_dry_run_says_whether_it_would_be_refused(
    spec: Trains, judged: Judges, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    print_train_plan(spec("data.seed=17"), Planned())
    assert "train: whether it would be refused is known when its data sets are there" in capsys.readouterr().out
    print_train_plan(spec(), Planned())
    assert "train: refused, since its gates have not judged the data set" in capsys.readouterr().out
    place = judged("failed")
    for force, word in ((False, "refused"), (True, "forced")):
        print_train_plan(spec(force=force), Planned())
        assert f"train: {word}, since the data set" in capsys.readouterr().out
    (place / "evidence.json").unlink()
    place.rmdir()
    judged("passed")
    print_train_plan(spec(), Planned())
    assert "train: its gates let it be trained" in capsys.readouterr().out
    assert {path.name for path in (tmp_path / "data").iterdir()} == {"hosts", "sets", "runs"}


@pytest.mark.parametrize(
    "overrides",
    [
        (),
        (
            *("view=noise", "view/input=rotation_residual", "view.annulus=0.7", "+view.raw_scale_nmgy.y=0.1"),
            *("gates=default", "gates.margin=0.03", "gates.known_lenses=[my lenses.csv,'2024']", "gates.whole_bricks=true"),
            "gates.cells=[{region: core, summary: pca, probe: ridge}]",
        ),
    ],
)
def test_the_audit_that_is_printed_makes_the_very_evidence(spec: Trains, overrides: tuple[str, ...]) -> None:
    variant = spec(*overrides)
    words = shlex.split(judging_command(variant, "0123456789ab"))
    assert words[:3] == ["arcgate", "audit", "data=0123456789ab"]
    settings = audit_settings(variant)
    assert words[3 : 3 + len(settings)] == settings
    assert evidence_key("d", audited("data=x", *settings)) == evidence_key("d", variant)
    assert len(settings) <= max(2, len(overrides))


def test_where_a_policy_leaves_rows_out_a_run_judges_what_the_network_gets(spec: Trains) -> None:
    variant = spec("learning/sampling=visible_arcs", "learning.lr=0.01")
    assert judging_command(variant, "0123456789ab") == "arcgate run learning/sampling=visible_arcs learning.lr=0.01"


def as_run(spec: Training) -> Variant:
    """The same as `arcgate run` has it."""
    return Variant(**{each.name: getattr(spec, each.name) for each in fields(Variant)} | {"command": "arcgate run"})


def test_a_run_finds_finished_what_was_trained(spec: Trains, keys: Keys, judged: Judges, trained: list[str]) -> None:
    judged("failed")
    record = train_variant(spec(force=True))
    assert keys_of(as_run(spec())) == keys
    assert found(as_run(spec())) == record


@pytest.mark.long
def test_what_was_trained_in_earnest_is_whole(spec: Trains, keys: Keys, judged: Judges, store: Store, tmp_path: Path) -> None:
    judged("passed", "audits")
    record = train_variant(spec())
    assert {"test/auroc", "common/auroc"} <= set(record.scores)
    assert found(as_run(spec())) == record
    assert names.MODEL in tags_of(store)
    (tmp_path / "data/runs" / keys.training / "best.ckpt").unlink()
    assert found(as_run(spec())) is None
