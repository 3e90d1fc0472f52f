"""Cards of data sets whose galaxies are invented."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from arcgate.dataset.card import write_card
from arcgate.dataset.receipts import Receipt
from arcgate.imaging import DECALS


def write_invented_card(folder: Path, receipts: Sequence[Receipt], data: Mapping[str, Any] | None = None) -> None:
    """Finish a data set of DECaLS stamps that no survey and no specification made."""
    write_card(
        folder,
        imaging=DECALS,
        data=data or {},
        hosts="invented galaxies",
        parents_digest="2" * 64,
        hosts_digest="3" * 64,
        images_digest=None,
        spec_digest="0" * 64,
        code_version="1" * 64,
        receipts=receipts,
    )
