"""Versions of code: a hash of all that a stage computes with, found by reading imports, without comments and docstrings."""

from __future__ import annotations

import ast
import gc
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from arcgate.ground.errors import ArcgateError

PACKAGE: Final = Path(__file__).parents[1]
# Modules that no result follows from, although stages import them: text for people, the keys themselves,
# what imports the modules that settings list (`arcgate.keys` counts those), and who sends work to a cluster.
OUTSIDE: Final = frozenset(
    {
        "arcgate.dataset.describing",
        "arcgate.dataset.finding",
        "arcgate.ground.code_version",
        "arcgate.ground.hashing",
        "arcgate.ground.listed",
        "arcgate.ground.progress",
        "arcgate.injection.engines.choice",
        "arcgate.injection.engines.on_worker",
        "arcgate.injection.engines.spark",
        "arcgate.injection.engines.spark_settings",
        "arcgate.injection.engines.spark_words",
        "arcgate.injection.spec_digest",
        "arcgate.keys",
        "arcgate.learning.own_callbacks",
    }
)
# What is read beside modules, by bytes.
DATA_SUFFIXES: Final = frozenset({".json", ".yaml", ".csv", ".npy", ".npz", ".parquet", ".fits"})
# Ways to run code that reading imports does not find.
_HIDDEN: Final = frozenset({"import_module", "__import__", "spec_from_file_location", "run_module", "run_path", "instantiate"})
# Where a name stands, not what is computed; and what only some versions of Python keep.
_SKIPPED: Final = frozenset({"ctx", "kind", "type_comment", "type_ignores"})


@dataclass(frozen=True)
class _Module:
    """A module's normal form as a digest, and the modules that it imports, wherever in its code."""

    digest: str
    imports: frozenset[str]


@lru_cache(maxsize=64)
def code_version(roots: tuple[str, ...], package: Path = PACKAGE) -> str:
    """Hash of the code that some modules compute with.

    Read once a process: what runs is the code that was there when the process began.

    Parameters
    ----------
    roots : tuple of str
        Names of modules, as `arcgate.gates.core.battery`.
    package : Path
        Folder of the package arcgate.

    Returns
    -------
    str
        SHA-256, hexadecimal, over `closure(roots)`. Comments, docstrings, layout and type-only imports do not count, and
        Python 3.11 to 3.13 agree.

    Raises
    ------
    ArcgateError
        As `closure`.
    """
    lines = [f"{name} {digest}" for name, digest in sorted(closure(roots, package).items())]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def closure(roots: Iterable[str], package: Path = PACKAGE) -> Mapping[str, str]:
    """Every module of arcgate that some modules import, directly or through others, and the data files beside them.

    Imports are read, not run: those inside functions count, those under `if TYPE_CHECKING` do not. A module stands for the
    packages that it lies in, but for arcgate itself, which imports nothing until it is asked to. `OUTSIDE` is left out.

    Parameters
    ----------
    roots : iterable of str
        Names of modules.
    package : Path
        Folder of the package arcgate.

    Returns
    -------
    mapping of str to str
        Name of a module, or a data file's path below the package, to the digest of its content.

    Raises
    ------
    ArcgateError
        A module imports by name at run time, takes something from `arcgate` itself, or imports one that is not there.
    """
    found: dict[str, str] = {}
    waiting = list(roots)
    with _without_collector():
        while waiting:
            name = waiting.pop()
            for part in _with_packages(name):
                if part not in found and part not in OUTSIDE:
                    module = _read(_path_of(part, package), part, package)
                    found[part] = module.digest
                    waiting += module.imports
    folders = {_path_of(name, package).parent for name in found} - {package}
    data = [file for folder in folders for file in folder.iterdir() if file.suffix in DATA_SUFFIXES]
    return found | {file.relative_to(package).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest() for file in data}


def normal_form(tree: ast.Module) -> str:
    """A module's code as text that depends neither on layout nor on the version of Python.

    `ast.dump` and `ast.unparse` differ between versions: which empty fields they show, how they quote an f-string. Here empty
    fields are left out, and with them those that a later version added.
    """
    parts: list[str] = []
    _write(tree, parts.append)
    return "".join(parts)


def _write(node: object, out: Callable[[str], None]) -> None:
    if isinstance(node, ast.AST):
        out(f"{type(node).__name__}(")
        for field in node._fields:
            value = getattr(node, field, None)
            if isinstance(node, ast.JoinedStr):
                value = _joined(node.values)
            if value is not None and value != [] and field not in _SKIPPED:
                out(field)
                _write(value, out)
        out(")")
    elif isinstance(node, list):
        out("[")
        for item in node:
            if not _says_nothing(item):
                _write(item, out)
        out("]")
    else:
        out(repr(node))


def _joined(parts: list[ast.expr]) -> list[object]:
    """The parts of an f-string, text beside text as one: Python 3.12.1 leaves some of it in pieces."""
    merged: list[object] = []
    for part in parts:
        text = part.value if isinstance(part, ast.Constant) else part
        if isinstance(text, str) and merged and isinstance(merged[-1], str):
            merged[-1] += text
        elif text != "":
            merged.append(text)
    return merged


def _says_nothing(node: object) -> bool:
    """Docstrings, and imports for types alone."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    return isinstance(node, ast.If) and _only_types(node) and not node.orelse


def _only_types(node: ast.If) -> bool:
    test = node.test
    return (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING") or (
        isinstance(test, ast.Attribute) and test.attr == "TYPE_CHECKING"
    )


@lru_cache(maxsize=1024)
def _read(path: Path, name: str, package: Path) -> _Module:
    tree = ast.parse(path.read_bytes())
    text = normal_form(tree)
    if any(hidden in text for hidden in _HIDDEN) and (hidden := _hidden_in(tree)) is not None:
        raise ArcgateError(
            f"{name} runs code that its imports do not show ({hidden}), so that no key can follow it",
            where=path,
            todo="import what it needs by an import statement",
        )
    imports = frozenset(target for node in _statements(tree.body) for target in _imported(node, name, path, package))
    return _Module(hashlib.sha256(text.encode()).hexdigest(), imports)


def _hidden_in(tree: ast.Module) -> str | None:
    for node in ast.walk(tree):
        named = getattr(node, "id", None), getattr(node, "attr", None), node.name if isinstance(node, ast.alias) else None
        if hidden := next((word for word in named if word in _HIDDEN), None):
            return hidden
    return None


def _statements(body: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Statements and the statements in them, but for those that only type checkers read."""
    for node in body:
        yield node
        only_types = isinstance(node, ast.If) and _only_types(node)
        for field in ("body", "orelse", "finalbody", "handlers", "cases"):
            if not (only_types and field == "body") and isinstance(inner := getattr(node, field, None), list):
                yield from _statements(inner)


def _imported(node: ast.AST, name: str, path: Path, package: Path) -> Iterator[str]:
    """Modules of arcgate that a statement imports."""
    if isinstance(node, ast.Import):
        targets = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        base = _absolute(node, name, path)
        inside = [f"{base}.{alias.name}" for alias in node.names]
        modules = [target for target in inside if _is_ours(target) and _found(target, package) is not None]
        # What a package does not hold as a module is defined in its __init__, which counts in either case.
        targets = modules if len(modules) == len(inside) else [base, *modules]
    else:
        return
    for target in targets:
        if _is_ours(target):
            if target == "arcgate":
                raise ArcgateError(
                    f"{name} takes what the package arcgate imports when it is asked, so that no key can follow it",
                    where=path,
                    todo="import it from the module that defines it",
                )
            yield target


def _absolute(node: ast.ImportFrom, name: str, path: Path) -> str:
    if not node.level:
        return node.module or ""
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    return ".".join([*package[: len(package) + 1 - node.level], *([node.module] if node.module else [])])


def _is_ours(name: str) -> bool:
    return name == "arcgate" or name.startswith("arcgate.")


def _with_packages(name: str) -> list[str]:
    """A module and the packages that it lies in, but for arcgate."""
    parts = name.split(".")
    return [".".join(parts[:length]) for length in range(2, len(parts) + 1)]


def _path_of(name: str, package: Path) -> Path:
    path = _found(name, package)
    if path is None:
        raise ArcgateError(f"there is no module {name}", where=package, todo="correct the import or the key's list in keys.py")
    return path


def _found(name: str, package: Path) -> Path | None:
    place = package.joinpath(*name.split(".")[1:])
    for path in (place / "__init__.py", place.with_name(f"{place.name}.py")):
        if path.is_file():
            return path
    return None


@contextmanager
def _without_collector() -> Iterator[None]:
    """Syntax trees are many small objects and no garbage; looking for some among them takes longer than parsing."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()
