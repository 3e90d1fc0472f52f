"""Every import points down: rooms and the modules beside them in the order in which they may use each other."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import arcgate

PACKAGE = Path(arcgate.__file__).parent
# From the ground floor up. What stands in one line may not import each other; `arcgate` itself is the door.
FLOORS = (
    ("ground", "lensing", "naming", "settings"),
    ("colours", "imaging"),
    ("dataset",),
    ("hosts_node", "learning_node", "selection_node"),
    ("data_node",),
    ("evaluation_node",),
    ("variant",),
    ("grounds",),
    ("keys", "prediction_spec", "sampling", "survey", "views"),
    ("sampled",),
    ("injection",),
    ("foreign",),
    ("gates",),
    ("learning",),
    ("evaluation",),
    ("factors",),
    ("figures",),
    ("children", "gate_report", "used_by"),
    ("tracking",),
    ("planned", "finished", "optimized", "study", "training_spec"),
    ("plan", "report", "audit", "pipeline", "predicting"),
    ("composing", "config", "variant_names"),
    ("audit_command", "clean", "completion", "edge", "ending", "judging", "sweep"),
    ("jobs", "training"),
    ("running",),
    ("cli",),
)
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}


def imports() -> Iterator[tuple[str, str, str]]:
    """Module, its room, and the room that it imports from; what only types need included."""
    for file in sorted(PACKAGE.rglob("*.py")):
        place = file.relative_to(PACKAGE)
        room = place.parts[0].removesuffix(".py")
        for node in ast.walk(ast.parse(file.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                assert not node.level, f"{place}: relative import"
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            for name in names:
                if name.startswith("arcgate."):
                    yield place.as_posix(), room, name.split(".")[1]


def test_every_import_points_down() -> None:
    upward = {
        f"{module} -> {other}"
        for module, room, other in imports()
        if room not in ("__init__", other) and FLOOR[other] >= FLOOR[room]
    }
    assert upward == set()
    assert ("survey/pack.py", "survey", "imaging") in set(imports())


def test_every_room_has_its_floor() -> None:
    rooms = {
        path.name.removesuffix(".py") for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert rooms - {"__init__"} == set(FLOOR)


def test_spark_stays_in_its_engine() -> None:
    importing = {
        file.relative_to(PACKAGE).as_posix()
        for file in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        for name in (
            [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in getattr(node, "names", [])]
        )
        if name.split(".")[0] in ("pyspark", "py4j")
    }
    assert importing == {"injection/engines/spark.py"}
