"""Each stage's key covers all code that computes its result, and nothing that only prints or keeps books."""

from __future__ import annotations

import ast
import importlib
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from composing import composed

from arcgate import audit, keys, pipeline
from arcgate.ground.code_version import DATA_SUFFIXES, OUTSIDE, PACKAGE, closure, code_version, normal_form
from arcgate.ground.listed import modules_of as room_modules
from arcgate.injection.spec_digest import PIXELS
from arcgate.learning_node import OBJECTIVES
from arcgate.survey.catalogue.inputs import CATALOGUE, PART
from arcgate.survey.legacy.parents import LEGACY
from arcgate.survey.mmu import MMU
from arcgate.survey.mock.parents import SURVEY
from arcgate.survey.mock.sky.claim import CODE as MOCK_SKY
from arcgate.survey.pack import PACK
from arcgate.survey.viewer_cutouts import CUTOUTS

SETTINGS = composed().gates
STAGES = {
    "pixels": PIXELS,
    "survey": SURVEY,
    "pack": PACK,
    "legacy": LEGACY,
    "cutouts": CUTOUTS,
    "mmu": MMU,
    "mock files": MOCK_SKY,
    "parents": (*PART, *CATALOGUE),
    "judging": keys.judging_modules(SETTINGS),
    "learning": (*keys.LEARNING, *room_modules(OBJECTIVES)),
    "scoring": keys.SCORING,
    "figures": keys.FIGURES,
}
# Packages in which results are computed, and their modules that no stage uses: tools for survey files, exchange and others'
# trainings, and what looks ahead for dry runs.
COMPUTING = ("dataset", "evaluation", "gates", "injection", "learning", "lensing", "survey", "views")
TOOLS = {
    "arcgate.injection.asked_first",
    "arcgate.injection.coolest",
    "arcgate.injection.exchange",
    "arcgate.learning.asked_first",
    "arcgate.learning.null_training",
    "arcgate.learning.torch_dataset",
    "arcgate.lensing.caustics",
    "arcgate.survey.foreseen",
    "arcgate.survey.mock.sky.job",
    *(f"arcgate.survey.catalogue.{name}" for name in ("card", "inputs", "making", "planning", "showing", "spec")),
}
# What prints, lays out or keeps books.
SAYING = ("cli", "audit", "pipeline", "plan", "report", "sweep", "config", "gate_report", "figures", "tracking")
# Constants of modules that a stage reaches through others, and the stages that use them.
CONSTANTS = [
    ("variant.py", "REQUIRED_SKY_SIGMA", {"judging"}),
    ("foreign/recorded.py", "CENTRE", {"judging"}),
    ("gates/core/rules.py", "COMPONENTS", {"judging"}),
    ("gates/verdict/bug_models/pixel_scale.py", "_SMALL", {"judging"}),
    ("ground/statistics.py", "NEARLY_SEPARATED", {"judging", "scoring", "pixels"}),
    ("imaging.py", "CORE_RADIUS_ARCSEC", set(STAGES) - {"parents"}),
    ("evaluation/metrics.py", "LEVEL", {"scoring"}),
    ("learning/stream.py", "MEMORY_BUDGET_BYTES", {"learning", "scoring"}),
    ("imaging.py", "ZERO_POINT", set(STAGES) - {"parents"}),
    ("survey/native.py", "TOO_MANY", {"pixels", "legacy", "cutouts", "mmu"}),
    ("survey/catalogue/twins.py", "RULE", {"parents"}),
    ("survey/mock/sky/settings.py", "ODD_KINDS", {"mock files"}),
    ("figures/style.py", None, {"figures"}),
    ("cli.py", "EXIT_CODES", set()),
]


def modules_of(stage: str) -> set[str]:
    return {name for name in closure(STAGES[stage]) if name.startswith("arcgate.")}


def every_module() -> Iterator[str]:
    for file in PACKAGE.rglob("*.py"):
        parts = file.relative_to(PACKAGE).with_suffix("").parts
        yield ".".join(("arcgate", *(parts[:-1] if parts[-1] == "__init__" else parts)))


def path_of(name: str) -> Path:
    place = PACKAGE.joinpath(*name.split(".")[1:])
    return place / "__init__.py" if place.is_dir() else place.with_suffix(".py")


def test_every_module_that_computes_lies_in_a_key() -> None:
    covered = set().union(*map(modules_of, STAGES))
    computing = {name for name in every_module() if name != "arcgate" and name.split(".")[1] in COMPUTING}
    assert computing - covered - OUTSIDE == TOOLS


@pytest.mark.parametrize(("package", "stage"), [("gates", "judging"), ("learning", "learning"), ("evaluation", "scoring")])
def test_the_modules_of_a_package_lie_in_the_key_of_its_stage(package: str, stage: str) -> None:
    inside = {name for name in every_module() if f"{name}.".startswith(f"arcgate.{package}.")}
    assert len(inside) > 4
    assert inside - OUTSIDE - TOOLS <= modules_of(stage)


@pytest.mark.parametrize("stage", STAGES)
def test_what_only_says_lies_in_no_key_but_that_of_figures(stage: str) -> None:
    saying = {name.split(".")[1] for name in modules_of(stage)} & set(SAYING)
    assert saying == ({"figures", "tracking"} if stage == "figures" else set())
    assert not modules_of(stage) & OUTSIDE


def judging(**listed: tuple[str, ...]) -> set[str]:
    """The modules of the key of evidence where these gates and bug models are listed."""
    return set(closure(keys.judging_modules(replace(SETTINGS, **listed))))


def test_a_bug_model_that_is_listed_lies_in_the_key() -> None:
    module, other = "arcgate.gates.verdict.bug_models.extra_sky_noise", "pedestal"
    assert module in judging(bug_models=(other, "extra_sky_noise"))
    assert module in judging(bug_models=(module,))
    assert module not in judging(bug_models=(other,))


def test_the_refit_and_all_gates_lie_in_the_key_whatever_is_listed() -> None:
    inside = judging(listed=("null_pair",), bug_models=())
    assert {"arcgate.gates.verdict.refitted", "arcgate.gates.verdict.naming", "arcgate.gates.mask_edge"} <= inside


def test_settings_of_one_stage_lie_in_no_key_of_another() -> None:
    for stage in ("pixels", "survey", "parents", "learning", "scoring"):
        assert "arcgate.variant" not in modules_of(stage)
    for stage in ("learning", "scoring"):
        assert not {"arcgate.data_node", "arcgate.hosts_node", "arcgate.selection_node"} & modules_of(stage)


def test_what_is_left_out_is_there_and_imported() -> None:
    imported = {word for file in PACKAGE.rglob("*.py") for word in re.findall(r"from (arcgate[\w.]+) import", file.read_text())}
    assert imported >= OUTSIDE


@pytest.mark.parametrize("stage", STAGES)
def test_no_module_holds_code_of_ours_from_beyond_its_key(stage: str) -> None:
    """What reading imports finds, against what the modules hold once they are imported."""
    inside = modules_of(stage) | OUTSIDE
    seen = 0
    for name in modules_of(stage):
        for word, value in vars(importlib.import_module(name)).items():
            origin = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None)
            # A package holds each of its modules once anybody has imported it.
            if isinstance(origin, str) and origin.startswith("arcgate.") and origin != f"{name}.{word}":
                seen += 1
                assert origin in inside, f"{name} holds {value} of {origin}"
    assert seen > 50


@pytest.mark.parametrize(
    ("stage", "called"),
    [
        ("judging", (pipeline.run_battery, pipeline.conclude, pipeline.DatasetSource, audit.open_source)),
        ("judging", (audit.run_battery, audit.conclude)),
        ("learning", (pipeline.train,)),
        ("scoring", (pipeline.evaluate,)),
        ("pixels", (pipeline.build_dataset,)),
        ("figures", (pipeline.figures_of,)),
    ],
)
def test_what_the_verbs_call_lies_in_the_key(stage: str, called: tuple[Callable[..., object], ...]) -> None:
    assert {one.__module__ for one in called} <= modules_of(stage)


class OtherNumbers(ast.NodeTransformer):
    """Every number one more."""

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        return ast.Constant(node.value + 1) if type(node.value) in (int, float) else node


class OtherDocstrings(ast.NodeTransformer):
    """Other words in every docstring."""

    def visit_Expr(self, node: ast.Expr) -> ast.Expr:
        says = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        return ast.Expr(ast.Constant("Other words.")) if says else node


def test_every_constant_of_every_module_counts_and_no_comment_or_docstring() -> None:
    changed = 0
    for name in sorted(set().union(*map(modules_of, STAGES))):
        text = path_of(name).read_text()
        form = normal_form(tree := ast.parse(text))
        numbers = any(isinstance(node, ast.Constant) and type(node.value) in (int, float) for node in ast.walk(tree))
        # Without comments, and each statement on one line; then with other docstrings, then with other numbers too.
        other = ast.parse(ast.unparse(tree))
        assert normal_form(other) == form, name
        assert normal_form(other := OtherDocstrings().visit(other)) == form, name
        assert (normal_form(OtherNumbers().visit(other)) != form) == numbers, name
        changed += numbers
    assert changed > 60


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """Makes a copy of the package; a new one each time, since code is read once a process."""

    def make() -> Path:
        folder = tmp_path_factory.mktemp("copy") / "arcgate"
        shutil.copytree(PACKAGE, folder, ignore=shutil.ignore_patterns("__pycache__"))
        return folder

    return make


def changed_stages(folder: Path) -> set[str]:
    return {stage for stage, roots in STAGES.items() if code_version(roots, folder) != code_version(roots)}


def test_the_place_of_the_code_does_not_count(copied: Callable[[], Path]) -> None:
    assert changed_stages(copied()) == set()


@pytest.mark.parametrize(("file", "constant", "stages"), CONSTANTS)
def test_a_changed_constant_changes_the_keys_of_the_stages_that_use_it(
    copied: Callable[[], Path], file: str, constant: str | None, stages: set[str]
) -> None:
    path = copied() / file
    text = path.read_text()
    found = re.search(rf"^({constant or '[A-Z_]{3,}'})(: Final\S*)? = ", text, re.MULTILINE)
    assert found, f"{file} has no such constant"
    path.write_text(f"{text}\n{found[1]} = 17\n")
    assert changed_stages(path.parents[len(Path(file).parents) - 1]) == stages


def test_a_comment_and_a_docstring_change_no_key(copied: Callable[[], Path]) -> None:
    folder = copied()
    for file in folder.rglob("*.py"):
        file.write_text("# A comment.\n" + file.read_text().replace('"""', '"""Other words: ', 1))
    assert changed_stages(folder) == set()


def test_a_data_file_counts(copied: Callable[[], Path]) -> None:
    folder = copied()
    (file,) = folder.rglob("lrg_population.json")
    file.write_bytes(file.read_bytes() + b"\n")
    assert changed_stages(folder) == {"pixels", "survey", "mock files"}


def test_every_file_beside_computing_modules_is_code_or_is_read() -> None:
    folders = {path_of(name).parent for stage in STAGES for name in modules_of(stage)} - {PACKAGE}
    assert {file.suffix for folder in folders for file in folder.iterdir() if file.is_file()} <= DATA_SUFFIXES | {".py"}


def test_keys_of_what_is_finished_need_no_heavy_library() -> None:
    """They import the packages in which listed modules lie: those must import nothing themselves."""
    command = (
        "import sys\nfrom composing import composed\nfrom arcgate.keys import evidence_key\nimport arcgate.ending\n"
        "evidence_key('d', composed())\n"
        "print([name for name in ('torch', 'numba', 'sklearn', 'matplotlib') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", command], cwd=Path(__file__).parent, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[]"]
