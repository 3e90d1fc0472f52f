"""A training on data in which there is nothing to learn: controls against controls.

The network, the batches and the scores are those of any training; only the labels are drawn, galaxy by galaxy. Whatever AUROC it
reaches beyond chance on galaxies that it has not seen, the training or its scores make up by themselves. With light planted in
the galaxies of label 1 it asks whether the same training finds a leak of that size.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from arcgate.dataset.reader import Dataset
from arcgate.dataset.schema import SPLITS
from arcgate.dataset.shard_reading import StampBatch
from arcgate.ground.draws import text_ids, uniform
from arcgate.ground.errors import ArcgateError
from arcgate.ground.statistics import Interval, clustered_auc
from arcgate.learning.checkpoints import load_checkpoint
from arcgate.learning.module import load_finder
from arcgate.learning.objective import minimised
from arcgate.learning.stream import LABELLED_ROLES, Blocks
from arcgate.learning.train import train
from arcgate.learning_node import EVERYTHING
from arcgate.views.robust import radii_pix
from arcgate.views.view import Viewer

if TYPE_CHECKING:
    from arcgate.learning_node import Learning
    from arcgate.variant import View

_CONTROL: Final = ("control",)
_SCORED_AT_ONCE: Final = 256
_LEAST: Final = 2


@dataclass(frozen=True)
class NullPairs(Dataset):
    """The controls of a data set with labels drawn by their galaxies (see `null_pairs`).

    Attributes
    ----------
    seed : int
        Of the labels.
    pedestal_sky_sigma : float
        Light planted in the core of label 1, sky sigma a pixel.
    """

    seed: int
    pedestal_sky_sigma: float

    @property
    def data_digest(self) -> str:
        """Of the data set, with what is made of it."""
        return f"{super().data_digest} null {self.seed}, core pedestal {self.pedestal_sky_sigma:g}"

    def shards(self, split: str | None = None, roles: Collection[str] | None = None) -> list[Path]:
        """Files that hold controls, whatever roles are asked for: they stand for both classes."""
        return super().shards(split, _CONTROL)

    def table(
        self, columns: Sequence[str] | None = None, split: str | None = None, roles: Collection[str] | None = None
    ) -> pd.DataFrame:
        """Scalar columns of the controls, with the drawn label, and the role that goes with it."""
        names = list(self.schema.names if columns is None else columns)
        table = super().table(list(dict.fromkeys((*names, "host_id"))), split, _CONTROL)
        relabelled = self._relabelled(table.assign(role="control"))
        kept = relabelled if roles is None else relabelled[relabelled["role"].isin(list(roles))]
        return kept[names].reset_index(drop=True)

    def batches(
        self,
        columns: Sequence[str] | None = None,
        split: str | None = None,
        roles: Collection[str] | None = None,
        arcs: bool = True,
        shard_order: Sequence[int] | None = None,
    ) -> Iterator[StampBatch]:
        """Stamps of the controls, with the light in those of label 1; arcs are none."""
        names = list(self.schema.names if columns is None else columns)
        sky = [f"sky_sigma_{band}" for band in self.imaging.bands]
        needed = list(dict.fromkeys((*names, "host_id", "host_x_pix", "host_y_pix", *sky)))
        for batch in super().batches(needed, split, _CONTROL, False, shard_order):
            table = self._relabelled(batch.table.assign(role="control"))
            yield StampBatch(table[names], self._lit(batch.image, table, table[sky].to_numpy(np.float64)), None)

    def _relabelled(self, table: pd.DataFrame) -> pd.DataFrame:
        label = null_labels(table["host_id"].astype(str).tolist(), self.seed)
        role = np.where(label == 1, *LABELLED_ROLES)
        return table.assign(**{"role": role, **({"label": label} if "label" in table else {})})

    def _lit(self, image: NDArray[np.float32], table: pd.DataFrame, sky: NDArray[np.float64]) -> NDArray[np.float32]:
        x, y = (table[name].to_numpy(np.float64) for name in ("host_x_pix", "host_y_pix"))
        inside = radii_pix(x, y, self.imaging.size_pix) < self.imaging.core_pix
        lit = inside & (table["role"] == "positive").to_numpy()[:, None, None]
        light = self.pedestal_sky_sigma * sky[:, :, None, None] * lit[:, None]
        return np.asarray(image + light.astype(np.float32), dtype=np.float32)


def null_labels(galaxies: Sequence[str], seed: int) -> NDArray[np.int64]:
    """A label for each galaxy, 0 or 1, by a keyed hash of its name: all rows of one galaxy have the same.

    Parameters
    ----------
    galaxies : sequence of str
        host_id of each row.
    seed : int
        Other labels for another seed.

    Returns
    -------
    ndarray of 0 and 1, shape (n,)
    """
    drawn: NDArray[np.int64] = (uniform(seed, "null label", text_ids(list(galaxies))) < 0.5).astype(np.int64)
    return drawn


def null_pairs(dataset: Dataset, seed: int, pedestal_sky_sigma: float = 0.0) -> NullPairs:
    """The controls of a data set as both classes of a training.

    Parameters
    ----------
    dataset : Dataset
        Its controls are taken; arcs are in none of them.
    seed : int
        Of the labels.
    pedestal_sky_sigma : float
        Light planted at r < `core_pix` in the stamps of label 1, in units of the sky's standard deviation a pixel; 0 plants none.

    Returns
    -------
    NullPairs
        A data set to train on, of half the rows: each of its pairs has one row.

    Raises
    ------
    ArcgateError
        A split in which a class has fewer than two galaxies, or light that is not a finite number of 0 or more.
    """
    if not (np.isfinite(pedestal_sky_sigma) and pedestal_sky_sigma >= 0.0):
        raise ArcgateError(
            f"light of {pedestal_sky_sigma} sky sigma cannot be planted", where="pedestal_sky_sigma", todo="give 0 or more"
        )
    counts: dict[str, dict[str, int]] = {}
    for split in SPLITS:
        names = dataset.table(["host_id"], split, _CONTROL)["host_id"].astype(str).drop_duplicates().tolist()
        of_one = int(null_labels(names, seed).sum()) if names else 0
        counts[split] = dict(zip(LABELLED_ROLES, (of_one, len(names) - of_one), strict=True))
        if min(counts[split].values()) < _LEAST:
            raise ArcgateError(
                f"the split {split!r} has {len(names)} galaxies among its controls, {of_one} of them with label 1",
                where=dataset.path,
                todo="give a larger data set (data.n_pairs): each class needs two galaxies in each split",
            )
    card: dict[str, Any] = dataset.card | {"counts": counts}
    return NullPairs(dataset.path, card, dataset.receipts, seed, float(pedestal_sky_sigma))


def null_training(
    dataset: Dataset,
    view: View,
    learning: Learning,
    *,
    folder: Path,
    threads: int,
    pedestal_sky_sigma: float = 0.0,
    level: float = 0.9,
) -> Interval:
    """Train on null pairs and score the galaxies of the test split.

    Parameters
    ----------
    dataset : Dataset
        See `null_pairs`.
    view, learning : View, Learning
        As of any training; labels follow `learning.seed`. Sampling and objective must not ask for pairs or arcs.
    folder : Path
        Of the training, which is resumed or skipped as any other.
    threads : int
    pedestal_sky_sigma : float
        See `null_pairs`.
    level : float
        Coverage of the interval.

    Returns
    -------
    Interval
        AUROC on the test split, clustered by galaxy: 0.5 within its interval where no light is planted.

    Raises
    ------
    ArcgateError
        As `null_pairs` and `train`; or an input, sampling or objective that looks at pairs or arcs, of which there are none.
    """
    _check_null(view, learning)
    nulls = null_pairs(dataset, learning.seed, pedestal_sky_sigma)
    result = train(nulls, view, learning, folder=folder, threads=threads)
    finder = load_finder(load_checkpoint(result.best_checkpoint))
    blocks = Blocks(nulls, "test", Viewer(view, nulls.imaging), EVERYTHING)
    parts = [blocks.load(number) for number in range(len(blocks))]
    with torch.inference_mode():
        logits = torch.cat([finder(images) for part in parts for images in torch.split(part.images, _SCORED_AT_ONCE)])
    label, galaxy = (torch.cat([getattr(part, name) for part in parts]).long().numpy() for name in ("labels", "galaxy"))
    return clustered_auc(logits.double().numpy(), label, galaxy, level)


def _check_null(view: View, learning: Learning) -> None:
    """Refuse what there is none of among controls."""
    strangers = [
        *([] if view.deployable else [f"the input {' + '.join(view.planes)}"]),
        *([] if learning.sampling.whole else [f"the sampling {learning.sampling.name!r}"]),
        *([f"the objective {learning.objective.module}"] if minimised(learning.objective).needs_pairs else []),
    ]
    if strangers:
        raise ArcgateError(
            f"null pairs have no arcs and no controls of their own, which is what is looked at by {', '.join(strangers)}",
            where="null training",
            todo="take view/input=stamp, learning/sampling=everything and learning/objective=cross_entropy",
        )
