"""Which variants of which studies a data set belongs to, as the studies' tables tell."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Final

_LISTED: Final = 3


def used_by(data_digest: str, data_dir: Path) -> str:
    """Studies and their variants that have a data set, in words; nothing where no table names it.

    Parameters
    ----------
    data_digest : str
        Of the data set.
    data_dir : Path
        Folder of artifacts; each study's table lies in `studies/<study>` under it.
    """
    studies = data_dir / "studies"
    found = []
    for table in sorted(studies.rglob("*.csv")):
        variants = _variants(table, data_digest)
        if variants:
            more = f" and {len(variants) - _LISTED} more" if len(variants) > _LISTED else ""
            found.append(f"study {table.parent.relative_to(studies)}: {', '.join(variants[:_LISTED])}{more}")
    return "; ".join(found)


def _variants(table: Path, data_digest: str) -> list[str]:
    with table.open(newline="", encoding="utf-8") as lines:
        return [row["variant"] for row in csv.DictReader(lines) if row.get("data_digest") == data_digest]
