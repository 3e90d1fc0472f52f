"""A data set as torch's own tools take it, for trainings that are not arcgate's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from arcgate.dataset.finding import open_dataset
from arcgate.dataset.shard_reading import StampBatch, read_shard, read_table
from arcgate.learning.looking import columns_for, require_paired, stamps_of_batch
from arcgate.learning.stream import LABELLED_ROLES
from arcgate.views.view import Viewer

if TYPE_CHECKING:
    from arcgate.data_node import Split
    from arcgate.variant import View

_SHARDS_KEPT = 2


class StampDataset(torch.utils.data.Dataset[dict[str, Any]]):
    """The positives and controls of a split, by number.

    Rows of a shard are read together and two shards are kept, so that `DataLoader(..., shuffle=False)` is fast, and a sampler
    that goes through shard after shard is too. Each worker reads for itself.

    Parameters
    ----------
    folder : str or Path
        Of a data set, or its digest (see `arcgate.open_dataset`).
    split : {'train', 'val', 'test'}
    view : View, optional
        What is given of a stamp; without one, nanomaggies per pixel.
    transform : callable, optional
        Applied to each image, (channels, y, x).

    Raises
    ------
    ArcgateError
        There is no such data set, or its controls are other galaxies and the view shows each stamp beside its own.

    Examples
    --------
    >>> from torch.utils.data import DataLoader
    >>> loader = DataLoader(StampDataset("data/sets/3ba1edea393c", "train"), batch_size=64)  # doctest: +SKIP
    """

    def __init__(
        self, folder: str | Path, split: Split, view: View | None = None, transform: Callable[[Tensor], Tensor] | None = None
    ) -> None:
        dataset = open_dataset(folder)
        self.imaging, self._transform = dataset.imaging, transform
        self._viewer = None if view is None else Viewer(view, dataset.imaging)
        if self._viewer is not None:
            require_paired(dataset, self._viewer)
        self._paths = dataset.shards(split, LABELLED_ROLES)
        counts = [len(read_table(path, ["sample_id"], LABELLED_ROLES)) for path in self._paths]
        self._begins = np.concatenate([[0], np.cumsum(counts)])
        self._kept: dict[int, tuple[StampBatch, Tensor]] = {}

    def __len__(self) -> int:
        return int(self._begins[-1])

    def __getitem__(self, index: int) -> dict[str, Any]:
        """A row: image (channels, y, x) float32, label, sample_id, pair_id, host_id."""
        number = range(len(self))[index]
        shard = int(np.searchsorted(self._begins, number, side="right")) - 1
        batch, images = self._shard(shard)
        place = number - int(self._begins[shard])
        row = batch.table.iloc[place]
        image = images[place]
        return {
            "image": image if self._transform is None else self._transform(image),
            "label": int(row["label"]),
            "sample_id": int(row["sample_id"]),
            "pair_id": int(row["pair_id"]),
            "host_id": str(row["host_id"]),
        }

    def _shard(self, number: int) -> tuple[StampBatch, Tensor]:
        if number not in self._kept:
            while len(self._kept) >= _SHARDS_KEPT:
                del self._kept[next(iter(self._kept))]
            wanted = [] if self._viewer is None else columns_for(self._viewer)
            columns = list(dict.fromkeys(["sample_id", "pair_id", "host_id", "label", *wanted]))
            batch = read_shard(self._paths[number], columns, LABELLED_ROLES, arcs=False)
            seen = torch.from_numpy(batch.image) if self._viewer is None else self._viewer(stamps_of_batch(batch, self._viewer))
            self._kept[number] = batch, seen
        return self._kept[number]
