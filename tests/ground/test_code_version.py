"""Imports are found however they are written, and code that cannot be followed is refused."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

import pytest

from arcgate.ground.code_version import closure, code_version, normal_form
from arcgate.ground.errors import ArcgateError

Package = Callable[..., Path]


@pytest.fixture
def package(tmp_path: Path) -> Package:
    """A package arcgate of these files."""

    def make(**files: str) -> Path:
        folder = tmp_path / f"{len(list(tmp_path.iterdir()))}" / "arcgate"
        for name, text in files.items():
            path = folder.joinpath(*name.split("__")).with_suffix(".py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        for inner in {path.parent for path in folder.rglob("*.py")}:
            (inner / "__init__.py").touch()
        return folder

    return make


def found(folder: Path, *roots: str) -> set[str]:
    return {name.removeprefix("arcgate.") for name in closure(roots or ("arcgate.root",), folder)}


@pytest.mark.parametrize(
    "text",
    [
        "import arcgate.a.one",
        "import arcgate.a.one as other",
        "from arcgate.a import one",
        "from arcgate.a.one import X",
        "from arcgate.a.one import *",
        "from .a import one",
        "from .a.one import X",
        "def f():\n    from arcgate.a.one import X",
        "class C:\n    def f(self):\n        with open('x'):\n            import arcgate.a.one",
        "try:\n    pass\nexcept ValueError:\n    from arcgate.a import one",
        "match 1:\n    case 1:\n        from arcgate.a import one",
        "if TYPE_CHECKING:\n    pass\nelse:\n    from arcgate.a import one",
        "for _ in ():\n    pass\nelse:\n    from arcgate.a import one",
    ],
)
def test_an_import_is_found_with_the_packages_it_lies_in(package: Package, text: str) -> None:
    assert found(package(root=text, a__one="X = 1", a__two="X = 2")) == {"root", "a", "a.one"}


@pytest.mark.parametrize(
    "text",
    [
        "import os\nfrom numpy import linalg\nimport arcgate_else",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from arcgate.a import one",
        "import typing\nif typing.TYPE_CHECKING:\n    from arcgate.a import one",
        "text = 'from arcgate.a import one'",
    ],
)
def test_what_is_no_import_at_run_time_is_not(package: Package, text: str) -> None:
    assert found(package(root=text, a__one="X = 1")) == {"root"}


def test_imports_are_followed_through_modules_and_packages(package: Package) -> None:
    folder = package(root="from arcgate.a import one", a__one="from . import two", a__two="from ..b import X", b__three="Y = 1")
    (folder / "b" / "__init__.py").write_text("from arcgate.b.three import Y as X")
    assert found(folder) == {"root", "a", "a.one", "a.two", "b", "b.three"}
    assert found(folder, "arcgate.a.two") == {"a", "a.two", "b", "b.three"}


def test_circles_end(package: Package) -> None:
    assert found(package(root="from arcgate import a", a="from arcgate import root")) == {"root", "a"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("import importlib\nimportlib.import_module('arcgate.' + name)", "import_module"),
        ("from importlib import import_module as load", "import_module"),
        ("__import__('arcgate.a')", "__import__"),
        ("from hydra.utils import instantiate", "instantiate"),
        ("import hydra\nhydra.utils.instantiate({})", "instantiate"),
        ("import runpy\nrunpy.run_path('x')", "run_path"),
    ],
)
def test_code_that_imports_do_not_show_is_refused(package: Package, text: str, says: str) -> None:
    folder = package(root="from arcgate import a", a=text)
    with pytest.raises(ArcgateError) as caught:
        code_version(("arcgate.root",), folder)
    assert says in str(caught.value)
    assert "a.py" in str(caught.value)


@pytest.mark.parametrize("text", ["import arcgate", "from arcgate import open_dataset"])
def test_what_arcgate_gives_only_when_asked_is_refused(package: Package, text: str) -> None:
    with pytest.raises(ArcgateError, match="import it from the module that defines it"):
        found(package(root=text))


def test_a_root_that_is_not_there_is_named(package: Package) -> None:
    with pytest.raises(ArcgateError, match=r"no module arcgate\.b"):
        found(package(root=""), "arcgate.b")


def test_a_word_in_a_text_is_not_refused(package: Package) -> None:
    assert found(package(root="text = 'instantiate'")) == {"root"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = 1", "x = 2"),
        ("x = 1", "x = 1.0"),
        ("x = 'a'", "x = b'a'"),
        ("x = a + b", "x = a - b"),
        ("x = a", "x = b"),
        ("def f(a): return a", "def f(a=None): return a"),
        ("def f(a, b): pass", "def f(a, *, b): pass"),
        ("x = f'{a:.2f}'", "x = f'{a:.3f}'"),
        ("x = [1, 2]", "x = [2, 1]"),
        ("x = [[1], 2]", "x = [1, [2]]"),
        ("x = not a", "x = a"),
        ("x: Annotated[int, Field(gt=0)]", "x: Annotated[int, Field(ge=0)]"),
        ("@f\ndef g(): pass", "def g(): pass"),
        ("for a in b: pass", "async def f():\n    async for a in b: pass"),
    ],
)
def test_another_computation_has_another_form(one: str, other: str) -> None:
    assert normal_form(ast.parse(one)) != normal_form(ast.parse(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = 1", "x = 1  # one"),
        ("x = (1,\n     2)", "x = 1, 2"),
        ("x = 'a'", 'x = "a"'),
        ("x = 'a' 'b'", "x = 'ab'"),
        ("x = f'{{a}} {b}'", "x = '{a}' f' {b}'"),
        ("x = f'a{b:c}d' f'e'", "x = 'a' f'{b:c}' 'd' 'e'"),
        ("def f():\n    return 1", 'def f():\n    """Give one."""\n\n    return 1'),
        ("X = 1", 'X = 1\n"""What X is."""'),
        ("x = 1", "x = 1\nif TYPE_CHECKING:\n    import a"),
    ],
)
def test_other_words_and_another_layout_have_the_same_form(one: str, other: str) -> None:
    assert normal_form(ast.parse(one)) == normal_form(ast.parse(other))
