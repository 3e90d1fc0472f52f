"""Other makers' counts as nanomaggies: converted where they are read, and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.dataset.digests import Pixels
from arcgate.foreign.foreign_source import StampStore
from arcgate.imaging import Imaging

# Powers of the factor to nanomaggies in columns whose unit is the pixels'.
_POWERS = {"sky_sigma": 1, "arc_flux": 1, "gain": -1, "ivar": -2}


@dataclass(frozen=True)
class InNanomaggies:
    """Stamps whose counts are converted as they are read.

    Attributes
    ----------
    store : StampStore
    factor : float
        Nanomaggies per count.
    """

    store: StampStore
    factor: float

    def stamps(self, rows: NDArray[np.int64], own: NDArray[np.bool_]) -> tuple[Pixels, Pixels | None]:
        """As those of `store`, in nanomaggies."""
        image, arc = self.store.stamps(rows, own)
        return image * np.float32(self.factor), None if arc is None else arc * np.float32(self.factor)


def converted(table: pd.DataFrame, imaging: Imaging) -> pd.DataFrame:
    """Columns in the pixels' unit as nanomaggies; magnitudes have none."""
    factor = imaging.nanomaggies_per_count
    changed = {name: table[name] * factor ** _POWERS[stem] for name, stem in _in_counts(list(map(str, table)))}
    return table.assign(**changed)


def _in_counts(names: Sequence[str]) -> list[tuple[str, str]]:
    return [(name, stem) for name in names for stem in _POWERS if name.startswith(f"{stem}_")]


def unit_notes(table: pd.DataFrame, imaging: Imaging) -> list[str]:
    """Say what was converted."""
    columns = ", ".join(name for name, _ in _in_counts(list(map(str, table)))) or "no column"
    return [
        f"counts of zero point {imaging.zero_point:g} are converted to nanomaggies (times {imaging.nanomaggies_per_count:.4g}), "
        f"and with them {columns}"
    ]
