"""Run the notebooks of this folder and keep what they show: `python notebooks/renew.py [name ...]`, after `make pilot`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

FOLDER = Path(__file__).parent
SECONDS_A_CELL = 600
# tqdm, which MLflow brings, asks for widgets in a notebook, and says so with the path of its file.
QUIET = {"PYTHONWARNINGS": "ignore:IProgress not found"}


def executed(path: Path) -> NotebookNode:
    """Run a notebook from top to bottom in its folder; an error in a cell is raised.

    What differs from run to run without being a result (times, versions of the kernel) is not kept.
    """
    notebook = nbformat.read(path, as_version=4)
    place = {"metadata": {"path": str(path.parent)}}
    client = NotebookClient(notebook, timeout=SECONDS_A_CELL, kernel_name="python3", resources=place, record_timing=False)
    client.execute(env=os.environ | QUIET)
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    return notebook


def main(names: list[str]) -> None:
    """Renew the named notebooks, or all."""
    for path in sorted(FOLDER.glob("*.ipynb")):
        if not names or path.name in names:
            print(path.name, flush=True)
            nbformat.write(executed(path), path)


if __name__ == "__main__":
    main(sys.argv[1:])
