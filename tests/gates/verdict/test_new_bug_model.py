"""The walk-through of CONTRIBUTING.md, as it stands there: a new bug model in one file, one test and one line."""

from __future__ import annotations

import ast
import importlib
import re
import runpy
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from composing import audited
from declared_rows import declared
from shipped_models import MODELS, NAMES

from arcgate.config import from_dict
from arcgate.dataset.source import Facts
from arcgate.gate_report.report import report_page
from arcgate.gates.core.result import Evidence, Judged
from arcgate.gates.core.words import CauseWords
from arcgate.gates.verdict.bug_model import BugModel, Explanation, OtherPsfs, explanations_of
from arcgate.gates.verdict.conclude import conclude
from arcgate.gates.verdict.identifiability import identifiability
from arcgate.gates.verdict.listed import bug_models
from arcgate.gates.verdict.naming import name_cause
from arcgate.gates.verdict.rows import differences
from arcgate.ground.errors import ArcgateError
from arcgate.ground.hashing import as_plain
from arcgate.imaging import DECALS
from arcgate.injection.arcs import declared_psfs, render_arcs
from arcgate.keys import evidence_key
from arcgate.variant import Gates

GUIDE = Path(__file__).resolve().parents[3] / "CONTRIBUTING.md"
NAME = "psf_of_next_band"


@pytest.fixture
def guide():
    """The blocks of the section: module, line of the settings, test."""
    section = GUIDE.read_text().split("## A new bug model\n")[1].split("\n## ")[0]
    module, test = re.findall(r"```python\n(.*?)```", section, flags=re.DOTALL)
    (line,) = re.findall(r"```yaml\n(.*?)```", section, flags=re.DOTALL)
    return module, yaml.safe_load(line)["own_bug_models"], test


@pytest.fixture
def package(guide, tmp_path, monkeypatch):
    """A package beside arcgate that holds the module of the walk-through."""
    folder = tmp_path / "my_survey"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / f"{NAME}.py").write_text(guide[0])
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    yield folder
    bug_models.cache_clear()
    for name in [name for name in sys.modules if name.split(".")[0] == "my_survey"]:
        del sys.modules[name]


@pytest.fixture
def models(guide, package):
    """Arcgate's own models and the new one, listed as a setting lists it."""
    gates = from_dict(as_plain(audited("data=here").gates) | {"own_bug_models": guide[1]}, Gates)
    return bug_models(gates.bug_model_modules)


@pytest.fixture(scope="module")
def light():
    """Rows, and their arcs with the PSF of the next band."""
    table = declared(DECALS, 1.1, 24)
    return table, render_arcs(table, [(*row[1:], row[0]) for row in declared_psfs(table, DECALS)], DECALS)[0]


def test_the_walk_through_is_what_runs(guide, package):
    found: dict = {}
    exec(guide[2], found)  # our own document
    (test,) = [value for name, value in found.items() if name.startswith("test_")]
    test()


def test_the_tests_of_the_walk_through_import_what_the_documented_folders_hold(guide):
    gate = GUIDE.read_text().split("## A new gate\n")[1]
    tests = (guide[2], re.findall(r"```python\n(.*?)```", gate, flags=re.DOTALL)[1])
    needed = {
        node.module.split(".")[0] for test in tests for node in ast.walk(ast.parse(test)) if isinstance(node, ast.ImportFrom)
    }
    folders = (GUIDE.parent / "tests", GUIDE.parent / "tests" / "gates")
    assert f"PYTHONPATH={':'.join(f'<checkout>/{folder.relative_to(GUIDE.parent)}' for folder in folders)}" in gate
    held = {file.stem for folder in folders for file in folder.glob("*.py") if not file.stem.startswith("test_")}
    assert needed - held == {"arcgate"}


def test_name_words_and_table_come_from_the_module(models, light):
    table, arcs = light
    cause = name_cause(differences(table, arcs, DECALS, models))
    assert cause.name == NAME, cause.sentence
    assert "PSFs of the next band in each band's place explains what is not the declared arc, in all rows" in cause.sentence
    # Without the model the same light has no such name.
    assert NAME not in name_cause(differences(table, arcs, DECALS, MODELS)).name
    facts = Facts("arcgate", paired=True, has_arc=True, has_null=True, declared=True, columns=frozenset(), imaging=DECALS)
    exhibit = identifiability(facts, models)
    assert [NAME, "identifiable", "identifiable", "bounded"] in exhibit.content["rows"]
    bugs = {model.name: CauseWords(model.heading, model.advice) for model in models}
    evidence = conclude("k", Judged((), (exhibit,), cause, 0.9, (), {}, {}, (), bugs))
    page = report_page(evidence, {})
    for words in ("Bug: arcs have the PSF of the next band", "Check the order of the bands in the file of the PSFs."):
        assert words in page
    assert re.search(rf">\s*{NAME}\s*</t[hd]>", page)
    documents = runpy.run_path(str(GUIDE.parent / "docs" / "bug_models.py"))
    assert f"| `{NAME}` | arcs have the PSF of the next band | identifiable |" in documents["table"](models)


@pytest.mark.long
def test_the_name_reaches_the_tracking_database(models, light, tmp_path):
    from arcgate.tracking import names, runs
    from arcgate.tracking.record import log_evidence
    from arcgate.tracking.store import open_store

    cause = name_cause(differences(*light, DECALS, models))
    store = open_store(str(tmp_path / "mlruns"))
    run = runs.variant_run(store, "study", "variant", "key")
    log_evidence(store, run, Evidence("k", "undetermined", cause, ()))
    assert store.client.get_run(run).data.tags[names.CAUSE] == NAME


def test_evidence_depends_on_the_listed_models_and_on_their_files(guide, package):
    spec = audited("data=here")
    more = replace(spec, gates=replace(spec.gates, own_bug_models=tuple(guide[1])))
    keys = [evidence_key("d", spec), evidence_key("d", more)]
    (package / f"{NAME}.py").write_text(guide[0].replace("psfs[1:]", "psfs[2:]"))
    keys.append(evidence_key("d", more))
    fewer = replace(spec, gates=replace(spec.gates, bug_models=NAMES[1:]))
    keys.append(evidence_key("d", fewer))
    assert len(set(keys)) == len(keys)
    (package / f"{NAME}.py").write_text(guide[0])
    assert evidence_key("d", more) == keys[1]


@pytest.mark.parametrize("name", ["no_such_bug", "my_survey.no_such_bug", "no_such_package.bug"])
def test_a_model_that_is_not_there_is_named_before_anything_is_read(package, name):
    spec = audited("data=here")
    with pytest.raises(ArcgateError, match=f"there is no module (arcgate.gates.verdict.bug_models.)?{name}"):
        evidence_key("d", replace(spec, gates=replace(spec.gates, bug_models=(name,))))
    with pytest.raises(ArcgateError, match="there is no module"):
        bug_models((name,))


def test_what_is_no_model_and_what_is_listed_twice_are_refused(package):
    (package / "empty.py").write_text("")
    importlib.invalidate_caches()
    with pytest.raises(ArcgateError, match=r"my_survey\.empty exports no bug model"):
        bug_models(("my_survey.empty",))
    with pytest.raises(ArcgateError, match="two bug models are called pedestal"):
        bug_models(("pedestal", "arcgate.gates.verdict.bug_models.pedestal"))
    plain = as_plain(audited("data=here").gates)
    for names, says in (
        (["pedestal", "pedestal"], "listed twice: arcgate.gates.verdict.bug_models.pedestal"),
        (["../pedestal"], "should match pattern"),
    ):
        with pytest.raises(ArcgateError, match=says):
            from_dict(plain | {"bug_models": names}, Gates)


@pytest.mark.parametrize(
    ("explanation", "says"),
    [
        (
            Explanation("double_psf", "words", ("rotation",)),
            "double_psf, second have an explanation of the same label",
        ),
        (Explanation("mine", "words"), "explanation 'mine' of bug model second has both or neither"),
        (Explanation("mine", "words", ("colour",)), "has unknown parameters colour"),
        (Explanation("rotation", "words", prediction=OtherPsfs(lambda declared: declared.psfs)), "the name of a refit parameter"),
        (Explanation("mine", "words", ("pedestal",), partial=True), "is partial, and no factor of the flux"),
    ],
)
def test_what_cannot_be_fitted_is_refused(explanation, says):
    others = tuple(model for model in MODELS if model.name in ("double_psf", "pedestal"))
    with pytest.raises(ArcgateError, match=says):
        explanations_of((*others, BugModel("second", "title", "advice", explanations=(explanation,))), DECALS)
