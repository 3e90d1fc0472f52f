"""What is committed of each notebook, and that each runs from top to bottom on a study of another size."""

from __future__ import annotations

import ast
import re
import runpy
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

from arcgate.dataset.schema import schema_of
from arcgate.imaging import DECALS

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
NAMES = ("01_reading_a_study", "02_anatomy_of_a_leak", "03_comparing_ablations", "04_auditing_your_own_training_set")
MOST_BYTES = 400_000
# Where an installation or a home lies, on any system.
OF_A_MACHINE = re.compile(r"site-packages|/(?:home|root|tmp|Users|usr|opt|mnt|work)/|[A-Z]:\\\\|file://")


def read(name: str) -> NotebookNode:
    return nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)


def code_of(notebook: NotebookNode) -> list[str]:
    """Sources of the code cells, without the lines that are IPython's and not Python's."""
    sources = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    return ["\n".join(line for line in source.splitlines() if not line.startswith("%")) for source in sources]


def test_there_are_these_and_no_others() -> None:
    assert sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb")) == sorted(NAMES)
    table = (NOTEBOOKS / "README.md").read_text()
    assert all(f"`{name}.ipynb`" in table for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_committed_notebook_is_valid_small_and_of_no_machine(name: str) -> None:
    path = NOTEBOOKS / f"{name}.ipynb"
    nbformat.validate(read(name))
    assert path.stat().st_size < MOST_BYTES
    text = path.read_text()
    assert OF_A_MACHINE.findall(text) == []
    assert '"iopub.' not in text
    assert set(read(name).metadata) == {"kernelspec", "language_info"}
    assert read(name).metadata.language_info == {"name": "python"}


@pytest.mark.parametrize("name", NAMES)
def test_a_committed_notebook_was_run_from_top_to_bottom_without_an_error(name: str) -> None:
    cells = [cell for cell in read(name).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert {output.output_type for output in outputs} <= {"stream", "execute_result", "display_data"}
    assert all(output.name == "stdout" for output in outputs if output.output_type == "stream")
    assert sum("image/png" in output.get("data", {}) for output in outputs) >= 2


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_opens_with_what_it_answers_and_its_code_compiles(name: str) -> None:
    notebook = read(name)
    first = notebook.cells[0]
    assert first.cell_type == "markdown"
    assert first.source.startswith(f"# {int(name[:2])}. ")
    assert "?" in first.source.splitlines()[2]
    for source in code_of(notebook):
        compile(source, name, "exec")


def test_the_columns_of_an_own_file_are_those_of_the_schema() -> None:
    assigned = [node for source in code_of(read(NAMES[3])) for node in ast.parse(source).body if isinstance(node, ast.Assign)]
    (columns,) = (node.value for node in assigned if ast.unparse(node.targets[0]) == "DECLARED")
    declared = [part.value for part in ast.walk(columns) if isinstance(part, ast.Constant)]
    assert len(declared) > 20
    assert set(declared) <= set(schema_of(DECALS).names)


@pytest.mark.long
@pytest.mark.timeout(2400)
def test_every_notebook_runs_on_a_small_study(small_pilot: Path) -> None:
    executed = runpy.run_path(str(NOTEBOOKS / "renew.py"))["executed"]
    for name in NAMES:
        notebook = executed(small_pilot / "notebooks" / f"{name}.ipynb")
        cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
        assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
        printed = [output.text for cell in cells for output in cell.outputs if output.output_type == "stream"]
        assert not any("Error" in text or "Warning" in text for text in printed), (name, printed)
        # The figures and tables of this study, not those that were committed.
        assert [cell.outputs for cell in cells] != [cell.outputs for cell in read(name).cells if cell.cell_type == "code"]
