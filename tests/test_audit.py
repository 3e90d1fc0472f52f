"""The audit around the battery: where evidence goes, when it is made again, what is printed, tracked and refused."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, replace

import numpy as np
import pytest
from composing import audited
from layouts import arrays_of, paired_rows, write_arrays, write_rows

from arcgate import audit as audit_module
from arcgate import cli, keys
from arcgate.audit import audit, print_audit_plan
from arcgate.dataset.card import read_card
from arcgate.foreign import foreign_source
from arcgate.gates.core import battery
from arcgate.gates.core.exhibit import Exhibit
from arcgate.gates.core.gate import Judgement, StatedGate
from arcgate.gates.core.listing import gate_of
from arcgate.gates.core.result import Status, read_evidence
from arcgate.ground.errors import ArcgateError


@dataclass(frozen=True, kw_only=True)
class MeanLight(StatedGate):
    """A stand-in for all gates: one on the mean of the controls."""

    status: Status
    judged: list[str]

    def extract(self, shard):
        return {"light": shard.control.image.mean(axis=(1, 2, 3), dtype=np.float64)}

    def judge(self, arrays, context):
        self.judged.append(self.status)
        value, n = float(np.mean(arrays["light"])), len(arrays["light"])
        result = self.result_of(
            self.status, "a stand-in", value=value, low=value, high=value, null=0.0, margin=0.05, n=n, n_groups=n
        )
        content = {"x_label": "x", "y_label": "y", "series": [{"label": "one", "x": [0, 1], "y": [0, 1]}], "marks": []}
        return Judgement([result], [Exhibit("line", "A line", "It rises.", "lines", content)], [])


@pytest.fixture
def stub(monkeypatch):
    """Replace the gates; gives a function that sets the status they find, and counts how often they judged."""
    judged = []

    def use(status="passed"):
        gate = MeanLight(name="mean_light", section="residual", title="Mean light", status=status, judged=judged)
        monkeypatch.setattr(battery, "gate_of", lambda name: gate if name.endswith(f".{gate.name}") else gate_of(name))
        monkeypatch.setattr(battery, "gates_of", lambda names: [battery.gate_of(name) for name in names])
        monkeypatch.setattr(battery, "shipped_gates", lambda: [gate])
        monkeypatch.setattr(keys, "source_file", lambda *name_and_setting: None)
        # Keys follow the sources, and somebody may edit them while the tests run.
        monkeypatch.setattr(keys, "code_version", lambda roots: "0")
        return judged

    use()
    return use


@pytest.fixture
def spec(built, tmp_path):
    """Settings of an audit of a small data set, written into the test's folder."""

    def make(*overrides, data=None):
        path = built().path if data is None else data
        places = (f"runtime.data_dir={tmp_path / 'data'}", f"runtime.mlruns_dir={tmp_path / 'mlruns'}", "runtime.workers=1")
        few = ("gates=quick", "gates.listed=[mean_light]", "gates.max_pairs=20", "gates.verdict_pairs=1")
        return audited(f"data={path}", *few, "track=false", *places, *overrides)

    return make


def test_evidence_and_report_are_written_under_their_key(spec, stub, tmp_path, capsys):
    safe = audit(spec())
    evidence = read_evidence(next((tmp_path / "data/audits").glob("*/evidence.json")))
    assert evidence.safe == safe
    assert [(result.name, result.status) for result in evidence.results if result.name == "mean_light"] == [
        ("mean_light", "passed")
    ]
    folder = tmp_path / "data/audits" / evidence.key
    page = (folder / "report.html").read_text()
    assert "mean_light" in page
    out = capsys.readouterr().out
    assert "safe?" in out
    assert "cause?" in out
    assert out.splitlines()[-1].strip() in (str(folder / "report.html"), f"{folder.parent}/{folder.name[:12]}*/report.html")
    assert out.index("safe?") < out.index("cause?") < out.index("mean_light  ")


def test_diagnostics_are_printed_on_request(spec, stub, capsys):
    audit(spec())
    out = capsys.readouterr().out
    assert "diagnostics, which decide nothing: diagnostics=true" in out
    assert "\ndiagnostic " not in out
    audit(spec("diagnostics=true"))
    assert "no diagnostic was made" in capsys.readouterr().out


def test_a_data_set_is_found_by_its_digest(spec, stub, built, capsys):
    place = built().path
    digest = read_card(place)["data_digest"]
    found = replace(spec(data=digest[:9]), runtime=replace(spec().runtime, data_dir=str(place.parents[1])))
    print_audit_plan(found)
    assert f"data digest {digest[:12]}" in capsys.readouterr().out


def test_evidence_of_the_same_key_is_not_made_again_but_its_report_is(spec, stub, tmp_path, capsys):
    made = stub()
    first = audit(spec())
    page = next((tmp_path / "data/audits").glob("*/report.html"))
    page.write_text("old")
    assert audit(spec()) == first
    assert len(made) == 1
    assert page.read_text() != "old"
    assert "evidence found" in capsys.readouterr().out
    audit(spec("view=raw"))
    audit(spec("gates.margin=0.04"))
    assert len(made) == 3
    assert len(list((tmp_path / "data/audits").glob("*/evidence.json"))) == 3


def test_output_names_the_folder_and_evidence_of_another_key_there_is_replaced(spec, stub, tmp_path):
    out = tmp_path / "mine"
    audit(spec(f"output={out}"))
    before = read_evidence(out / "evidence.json").key
    audit(spec(f"output={out}", "view=raw"))
    assert read_evidence(out / "evidence.json").key != before
    assert not (tmp_path / "data").exists()


def test_nothing_depends_on_workers_or_on_the_size_of_parts(spec, stub, built, tmp_path, monkeypatch):
    whole = spec(data=write_rows(paired_rows(built()), tmp_path / "set.parquet"))
    audit(replace(whole, output=str(tmp_path / "one")))
    monkeypatch.setattr(foreign_source, "ROWS_PER_PART", 90)
    audit(replace(whole, output=str(tmp_path / "two"), runtime=replace(whole.runtime, workers=2)))
    one, two = (json.loads((tmp_path / name / "evidence.json").read_text()) for name in ("one", "two"))
    assert one == two


def test_other_layouts_say_what_was_assumed(spec, stub, built, tmp_path, capsys):
    audit(spec(data=write_arrays(arrays_of(built()), tmp_path / "set.npz")))
    out = capsys.readouterr().out
    assert "note: pixels are taken as nanomaggies" in out
    assert "centres are not recorded" in out
    assert "centres are not recorded" in next((tmp_path / "data/audits").glob("*/report.html")).read_text().replace("&#39;", "'")


def test_the_same_run_in_mlflow_is_reopened(spec, stub, tmp_path):
    from mlflow.tracking import MlflowClient

    from arcgate.tracking.store import open_store

    tracked = replace(spec(), track=True)
    safe = audit(tracked)
    assert audit(tracked) == safe
    client: MlflowClient = open_store(tracked.runtime.mlruns_dir).client
    runs = client.search_runs([client.get_experiment_by_name("audits").experiment_id])
    (run,) = [run for run in runs if run.data.tags.get("arcgate.kind") == "variant"]
    assert run.data.tags["arcgate.outcome"] == "finished"
    assert "gate/mean_light/raw/overall" in run.data.metrics
    assert run.data.params["layout"] == "arcgate"
    assert run.data.tags["arcgate.safe"] == safe
    names = {item.path for item in client.list_artifacts(run.info.run_id)}
    assert names == {"evidence.json", "report.html", "figures", "selection"}
    assert "figures/gates.png" in {item.path for item in client.list_artifacts(run.info.run_id, "figures")}
    assert "figures/gates/line.png" in {item.path for item in client.list_artifacts(run.info.run_id, "figures/gates")}


def test_a_dry_run_writes_nothing(spec, stub, tmp_path, capsys):
    made = stub()
    print_audit_plan(spec())
    assert "would be made" in capsys.readouterr().out
    assert not made
    assert not (tmp_path / "data").exists()
    audit(spec())
    print_audit_plan(spec())
    assert "is there" in capsys.readouterr().out


def test_a_shard_that_changed_stops_even_an_audit_whose_evidence_exists(spec, stub, built, tmp_path):
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(built().path, copy)
    audit(spec(data=copy))
    shard = next(copy.glob("*.parquet"))
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1
    shard.write_bytes(content)
    with pytest.raises(ArcgateError, match="changed since the card was written"):
        audit(spec(data=copy))


@pytest.mark.parametrize(("status", "code"), [("passed", 0), ("failed", 3), ("undetermined", 4), ("not_run", 4)])
def test_exit_codes(spec, monkeypatch, tmp_path, status, code):
    monkeypatch.setattr(audit_module, "audit", lambda _: {"not_run": "undetermined"}.get(status, status))
    monkeypatch.setattr(sys, "argv", ["arcgate", "audit", f"data={tmp_path}"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == code
