"""A study's table in the terminal."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from arcgate.tracking.results import results
from arcgate.tracking.table import print_table


def print_study(study: str, mlruns_dir: str, data_dir: str) -> None:
    """Print a study's table and say where its files are.

    Raises
    ------
    ArcgateError
        Unknown study.
    """
    table = results(study, mlruns_dir)
    console = Console(soft_wrap=False) if Console().is_terminal else Console(width=170)
    print_table(table, console, title=f"study {study}: {len(table)} variants")
    console.print(f"files: {Path(data_dir) / 'studies' / study}; in MLflow: `make ui`, experiment {study}", soft_wrap=True)
