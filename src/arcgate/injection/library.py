"""The measured PSFs and source images that a data set may draw on, and those that it did."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pandas as pd

from arcgate.data_node import Data
from arcgate.dataset.references import IMAGE_COLUMNS, KERNEL_COLUMNS, write_references
from arcgate.survey.places import Parents
from arcgate.survey.source_images import source_images


@dataclass(frozen=True, eq=False)
class Library:
    """Tables of `arcgate.dataset.references`; empty where there is nothing to refer to."""

    kernels: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(KERNEL_COLUMNS)))
    images: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(IMAGE_COLUMNS)))

    def write(self, manifest: pd.DataFrame, bands: tuple[str, ...], folder: Path) -> None:
        """Write what rows of a manifest name into the folder of their data set."""
        columns = [f"{stem}_{band}" for stem in ("kernel_declared", "kernel_used") for band in bands]
        named = pd.unique(manifest[columns].to_numpy().ravel())
        kernels = self.kernels[self.kernels["name"].isin(named)].drop_duplicates("name").sort_values("name")
        images = self.images[self.images["name"].isin(manifest["source_image"])].sort_values("name")
        write_references(folder, *(table if len(table) else None for table in (kernels, images)))


EMPTY: Final = Library()


def library_of(data: Data, parents: Parents, data_dir: Path) -> Library:
    """What a specification refers to; ArcgateError where images cannot be read."""
    kernels = EMPTY.kernels if parents.kernels is None else parents.kernels
    images = source_images(data.source, data_dir)
    return Library(kernels) if images is None else Library(kernels, images)
