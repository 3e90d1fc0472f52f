"""The walk-through of CONTRIBUTING.md, as it stands there: a new gate in one file, one test and one line."""

from __future__ import annotations

import importlib
import re
import runpy
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from composing import audited
from judging import by_name
from made_shards import PAIRED, against, made_context, made_shard, made_stamps

from arcgate.dataset.source import DatasetSource
from arcgate.edge import ERROR, code_of_job
from arcgate.gate_report.report import report_page
from arcgate.gates.core import battery
from arcgate.gates.core.battery import run_battery
from arcgate.gates.core.comparisons import WITHOUT_ARC
from arcgate.gates.core.gate import Judgement
from arcgate.gates.core.listing import gate_of, gates_of, shipped_gates
from arcgate.gates.core.required import required_of
from arcgate.gates.verdict.conclude import conclude
from arcgate.ground.errors import ArcgateError
from arcgate.keys import evidence_key

GUIDE = Path(__file__).resolve().parents[2] / "CONTRIBUTING.md"
NAME = "sky_slope"
# A few gates beside it: the others are the same with it and without it.
BESIDE = ("residual_core", "finite_pixels", "scalable_stamps")
SOUND = ("psf=moffat_converted", "view=annulus_robust", "gates=quick", "data.n_pairs=150")


@pytest.fixture(scope="module")
def guide():
    """The blocks of the section: module, lines of the settings, test."""
    section = GUIDE.read_text().split("## A new gate\n")[1].split("\n## ")[0]
    module, test = re.findall(r"```python\n(.*?)```", section, flags=re.DOTALL)
    (line,) = re.findall(r"```yaml\n(.*?)```", section, flags=re.DOTALL)
    return module, tuple(yaml.safe_load(line)["own_gates"]), test


@pytest.fixture(scope="module")
def package(guide, tmp_path_factory):
    """A package beside arcgate that holds the module of the walk-through."""
    root = tmp_path_factory.mktemp("beside")
    folder = root / "my_survey"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / f"{NAME}.py").write_text(guide[0])
    sys.path.insert(0, str(root))
    importlib.invalidate_caches()
    yield folder
    sys.path.remove(str(root))
    gate_of.cache_clear()
    for name in [name for name in sys.modules if name.split(".")[0] == "my_survey"]:
        del sys.modules[name]


@pytest.fixture(scope="module")
def settings(small, guide, package):
    """Settings that list the gate of the walk-through beside a few others."""
    return replace(small(*SOUND).gates, listed=BESIDE, own_gates=guide[1])


@pytest.fixture(scope="module")
def evidence(small, built, settings):
    """What the battery finds on a sound set with it."""
    judged = run_battery(DatasetSource(built(*SOUND)), small(*SOUND).view, settings)
    return conclude("key", judged)


def test_the_walk_through_is_what_runs(guide, package):
    found: dict = {}
    exec(guide[2], found)  # our own document
    (test,) = [value for name, value in found.items() if name.startswith("test_")]
    test()


def test_the_battery_judges_it_and_safe_asks_for_it(evidence):
    result = by_name(list(evidence.results))[NAME, "raw"]
    assert result.status == "passed", result.reason
    assert 0.1 <= result.detected_sensitivity <= result.required_sensitivity == 0.3
    assert "slope across the stamp of" in result.reason
    (needed,) = [requirement for requirement in evidence.required if f"{NAME}/raw" in requirement.gates]
    assert needed.what == "stamps without their arcs are told from controls by nothing"


def test_a_leak_fails_it_with_its_words_in_the_report(small, built, rewritten, settings):
    def tilted(table, image):
        positive = (table["role"] == "positive").to_numpy()[:, None, None, None]
        sky = table[[f"sky_sigma_{band}" for band in "grz"]].to_numpy()[:, :, None, None]
        ramp = [pixel / 63 - 0.5 for pixel in range(64)]
        return table, (image + positive * sky * ramp).astype("float32")

    judged = run_battery(DatasetSource(rewritten(built(*SOUND), tilted)), small(*SOUND).view, settings)
    evidence = conclude("key", judged)
    result = by_name(list(evidence.results))[NAME, "raw"]
    assert (result.status, evidence.safe) == ("failed", "failed"), result.reason
    page = report_page(evidence, {"data set": "tilted"})
    for words in (
        "Slope of the sky",
        "Does the sky slope in one class only?",
        "Subtract the background of positives and controls",
    ):
        assert words in page
    section = page.split('<section id="residual">')[1].split("</section>")[0]
    assert "Slope of the sky" in section


def test_the_tracking_database_and_its_tables_have_it(evidence, tmp_path):
    from arcgate.tracking import names, runs
    from arcgate.tracking.leading_gates import leading_gates
    from arcgate.tracking.record import log_evidence
    from arcgate.tracking.results import results
    from arcgate.tracking.store import open_store

    store = open_store(str(tmp_path / "mlruns"))
    run = runs.variant_run(store, "study", "variant", "key")
    log_evidence(store, run, evidence)
    stem = f"gate/{NAME}/raw/overall"
    logged = store.client.get_run(run).data
    assert logged.tags[stem] == "passed"
    assert stem in logged.metrics
    table = results("study", str(tmp_path / "mlruns"), full=True)
    assert table[f"{stem}/{names.REQUIRED}"].tolist() == [0.3]
    assert table[f"{stem}/status"].tolist() == ["passed"]
    assert leading_gates(table, [stem]) == [stem]


def test_the_table_of_the_documents_has_it(guide, settings):
    documents = runpy.run_path(str(GUIDE.parent / "docs" / "gates_table.py"))
    row = next(line for line in documents["table"](gates_of(settings.gate_modules), settings).split("\n") if f"`{NAME}`" in line)
    assert "positives without their declared arcs against controls" in row
    assert "slope across the stamp of 0.3 sky sigma a pixel" in row


def test_evidence_depends_on_the_listed_gates_and_on_their_files(guide, package):
    spec = audited("data=here")
    more = replace(spec, gates=replace(spec.gates, own_gates=guide[1]))
    keys = [evidence_key("d", spec), evidence_key("d", more)]
    file = package / f"{NAME}.py"
    file.write_text(guide[0].replace("-4:", "-3:"))
    keys.append(evidence_key("d", more))
    file.write_text(guide[0])
    # So does what it may import from its package.
    for helper in ("helper.py", "limits.json"):
        (package / helper).write_text("3")
        keys.append(evidence_key("d", more))
        (package / helper).unlink()
    fewer = replace(spec, gates=replace(spec.gates, listed=spec.gates.listed[1:]))
    keys.append(evidence_key("d", fewer))
    assert len(set(keys)) == len(keys)
    assert evidence_key("d", more) == keys[1]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere", "there is no module nowhere"),
        ("core.gate", "there is no module core.gate"),
        ("os.path", "there is no module os.path"),
        ("arcgate.gatez.tails", "there is no module arcgate.gatez.tails"),
        ("arcgate.gates.tails.more", "there is no module arcgate.gates.tails.more"),
    ],
)
def test_a_gate_that_is_not_there_is_told(name, message):
    with pytest.raises(ArcgateError, match=message):
        gate_of(name)


def test_a_module_without_a_gate_is_told():
    with pytest.raises(ArcgateError, match="exports no gate"):
        gate_of("arcgate.gates.core.gate")


def test_a_section_that_the_report_does_not_have_is_told(guide, package):
    (package / "stray.py").write_text(guide[0].replace('section="residual"', 'section="sky"'))
    importlib.invalidate_caches()
    with pytest.raises(ArcgateError, match="section 'sky', which the report does not have") as refused:
        gate_of("my_survey.stray")
    assert "one of identity, residual" in str(refused.value)


def test_a_module_that_is_no_gate_is_told(package):
    (package / "five.py").write_text("GATE = 5")
    importlib.invalidate_caches()
    with pytest.raises(ArcgateError, match=r"my_survey\.five exports no gate"):
        gate_of("my_survey.five")


def test_a_name_that_is_nearly_one_of_arcgates_is_told_before_anything_is_read():
    spec = audited("data=here", "gates.listed=[metadat]")
    with pytest.raises(ArcgateError, match=r"gates\.metadat\b") as refused:
        evidence_key("d", spec)
    assert "metadata is meant?" in str(refused.value)
    assert "gates.listed" in str(refused.value)


def test_two_gates_of_one_name_are_refused(guide, package):
    (package / "twin.py").write_text(guide[0])
    importlib.invalidate_caches()
    with pytest.raises(ArcgateError, match=r"called sky_slope: those of my_survey\.sky_slope and my_survey\.twin"):
        gates_of(["my_survey.sky_slope", "my_survey.twin"])


@pytest.mark.parametrize(
    ("new", "message"),
    [
        ('name="residual_core"', "residual_core, as arcgate.gates.residual_core does"),
        ('name="sky slope"', "calls a gate or a result 'sky slope'"),
        ('name="gate/x"', "calls a gate or a result 'gate/x'"),
        ('name="Slope"', "calls a gate or a result 'Slope'"),
    ],
)
def test_names_that_will_not_do_are_told_with_both_modules(guide, package, new, message):
    name = f"called_{sum(map(ord, new))}"
    (package / f"{name}.py").write_text(guide[0].replace('name="sky_slope"', new))
    importlib.invalidate_caches()
    with pytest.raises(ArcgateError, match=rf"my_survey\.{name} calls (.|\n)*{re.escape(message.split('result ')[-1])}"):
        gate_of(f"my_survey.{name}")


def test_two_results_of_one_name_are_told_with_their_modules(guide, package, small):
    gate, control = gate_of("my_survey.sky_slope"), made_stamps(6, seed=1)
    context = made_context(replace(small(*SOUND).gates, own_gates=guide[1]), [control])
    judgement = Judgement([gate.result_of("passed", "")], [], [])
    with pytest.raises(ArcgateError, match=r"sky_slope/raw/overall: of my_survey\.sky_slope and of arcgate\.gates\.tails"):
        battery._evidence([(gate, judgement), (gate_of("tails"), judgement)], 6, context)


def test_a_module_in_one_file_is_found_by_its_own_name(guide, tmp_path, monkeypatch):
    (tmp_path / "lone_slope.py").write_text(guide[0])
    (tmp_path / "tails.py").write_text(guide[0])
    monkeypatch.syspath_prepend(tmp_path)
    spec = audited("data=here", "gates.own_gates=[lone_slope]")
    key = evidence_key("d", spec)
    assert gate_of(spec.gates.gate_modules[-1]).name == NAME
    (tmp_path / "lone_slope.py").write_text(guide[0] + "\n")
    assert evidence_key("d", spec) != key
    with pytest.raises(ArcgateError, match=r"arcgate has a module arcgate\.gates\.tails; give yours, tails, another name"):
        audited("data=here", "gates.own_gates=[tails]")
    with pytest.raises(ArcgateError, match=r"there is no module nowhere\n  where: gates\.own_gates\n"):
        evidence_key("d", audited("data=here", "gates.own_gates=[nowhere]"))
    sys.modules.pop("lone_slope")


def test_both_folders_of_a_package_count_and_one_in_an_archive_is_refused(guide, tmp_path, monkeypatch):
    for folder in ("one", "two"):
        (tmp_path / folder / "split_survey").mkdir(parents=True)
        monkeypatch.syspath_prepend(tmp_path / folder)
    (tmp_path / "one/split_survey/sky_slope.py").write_text(guide[0])
    spec = audited("data=here", "gates.own_gates=[split_survey.sky_slope]")
    key = evidence_key("d", spec)
    (tmp_path / "two/split_survey/helper.py").write_text("")
    assert evidence_key("d", spec) != key
    with zipfile.ZipFile(tmp_path / "packed.zip", "w") as packed:
        packed.writestr("packed_survey/__init__.py", "")
        packed.writestr("packed_survey/sky_slope.py", guide[0])
    monkeypatch.syspath_prepend(tmp_path / "packed.zip")
    with pytest.raises(ArcgateError, match=r"packed_survey\.sky_slope lies in no file of its own"):
        evidence_key("d", audited("data=here", "gates.own_gates=[packed_survey.sky_slope]"))


def test_what_a_pass_needs_does_not_depend_on_the_list(evidence, small):
    """A shorter list leaves the set undetermined, and names what it leaves out."""
    assert evidence.safe == "undetermined"
    left_out = {result.name for result in evidence.results if result.reason == "gates.listed leaves it out"}
    assert {"declared_arc", "stored_values", "tails", "metadata_trees", "two_sample_core_pca_ridge"} <= left_out
    assert all(result.status == "not_run" for result in evidence.results if result.name in left_out)
    every = required_of(shipped_gates(), PAIRED, small(*SOUND).view, small(*SOUND).gates)
    assert {requirement.what for requirement in every} <= {requirement.what for requirement in evidence.required}


def run_as_a_command(work, folder, capsys):
    """What a command says of whatever its work raises."""
    assert code_of_job(work, folder) == ERROR
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("image = stamps.in_sky", "image = stamps.in_the_sky", "AttributeError: 'Stamps' object has no attribute 'in_the_sky'"),
        ("import numpy as np", "import numpy as np, no_such_library", "ModuleNotFoundError: No module named 'no_such_library'"),
        ("required=0.3, plant=tilted),)", "required=0.3, plant=tilted))", "a tuple of one has a comma"),
        ("(0.1, 0.3, 1.0)", "(1.0, 0.3, 0.1)", "must ascend"),
        ('view="raw"', 'view="stored"', "view is raw or network"),
        ('view="raw"', 'view="raw", rule="forest"', "rule is one of logistic, ridge, trees, network, got 'forest'"),
        ("slope across the stamp", "slope of {x}", "holds no braces but"),
        ("    looks=(\n", "    looks=() and (\n", "looks of a gate are a tuple of one or more"),
    ],
)
def test_what_goes_wrong_in_a_gate_of_another_package_is_told_with_its_line(
    guide, package, small, built, tmp_path, capsys, old, new, message
):
    assert old in guide[0]
    name = f"wrong_{sum(map(ord, new))}"
    (package / f"{name}.py").write_text(guide[0].replace(old, new))
    importlib.invalidate_caches()
    settings = replace(small(*SOUND).gates, listed=("finite_pixels",), own_gates=(f"my_survey.{name}",))
    said = run_as_a_command(lambda: run_battery(DatasetSource(built(*SOUND)), small(*SOUND).view, settings), tmp_path, capsys)
    assert message in said
    assert "its own fault" not in said
    assert re.search(rf"mend \S*{name}\.py:\d+", said), said


SHAPE = r"no array of real numbers with a row a stamp\n  where: my_survey\.\w+\.slopes"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("along_y], axis=2)", "along_y], axis=2).ravel()", SHAPE),
        ("along_y], axis=2)", "along_y], axis=2)[1:]", SHAPE),
        ("along_y], axis=2)", "along_y], axis=2).astype(complex)", f"an array of complex128 of shape .*{SHAPE}"),
        ("along_y], axis=2)", "along_y], axis=2).astype(str)", SHAPE),
        ("along_y], axis=2)", "along_y], axis=2).astype(object)", SHAPE),
        ("return np.stack([along_x, along_y], axis=2)", "return None", f"are NoneType, {SHAPE}"),
        ("return np.stack([along_x, along_y], axis=2)", "return 0.5", f"are float, {SHAPE}"),
        ("return np.stack([along_x, along_y], axis=2)", "return (row for row in along_x)", f"are generator, {SHAPE}"),
        ("return stamps.with_light", "stamps.with_light", r"my_survey\.\w+\.tilted gives no stamps"),
    ],
)
def test_features_that_are_no_rows_of_numbers_are_told(guide, package, small, tmp_path, capsys, old, new, message):
    assert old in guide[0]
    name = f"shape_{sum(map(ord, new))}"
    (package / f"{name}.py").write_text(guide[0].replace(old, new))
    importlib.invalidate_caches()
    settings, control = small(*SOUND).gates, made_stamps(8, seed=1)
    context = made_context(settings, [control])
    shard = made_shard(context, control, {WITHOUT_ARC: against(control, control)})
    said = run_as_a_command(lambda: len(battery._measured(gate_of(f"my_survey.{name}"), shard, name).arrays), tmp_path, capsys)
    assert re.search(message, said), said


def test_columns_that_differ_between_shards_are_told_with_the_gate():
    parts = [battery._Kept({"0/subject": np.zeros((3, columns))}) for columns in (4, 5)]
    with pytest.raises(ArcgateError, match=r"my_survey\.sky_slope keeps rows of different shapes .*\(4,\) and \(5,\)"):
        battery._all(parts, "my_survey.sky_slope")
