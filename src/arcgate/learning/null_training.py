"""A training on data in which there is nothing to learn: stamps without an arc against stamps without an arc.

The network, the batches and the scores are those of any training. With drawn labels, controls against other controls, whatever
AUROC it reaches beyond chance on galaxies that it has not seen, the training or its scores make up by themselves. Null rows
against their own controls ask what the injection leaves behind where it adds no light; there each galaxy stands in both classes,
so that light planted in one of them is found at sizes which the variety of galaxies hides otherwise.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

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
from arcgate.imaging import Imaging
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
_NULL: Final = ("null",)
_KEYS: Final = ("host_id", "pair_id", "role")
_SCORED_AT_ONCE: Final = 256
_LEAST: Final = 2


@dataclass(frozen=True)
class NullPairs(Dataset):
    """Rows of a data set that hold no arc, with other labels (see `null_pairs`).

    Attributes
    ----------
    drawn : int or None
        Seed of labels that are drawn by galaxy for the controls; None: null rows have label 1, their controls 0.
    pedestal_sky_sigma : float
        Light planted in the core of label 1, sky sigma a pixel.
    """

    drawn: int | None
    pedestal_sky_sigma: float

    @property
    def data_digest(self) -> str:
        """Of the data set, with what is made of it."""
        labels = "null rows" if self.drawn is None else f"null {self.drawn}"
        return f"{super().data_digest} {labels}, core pedestal {self.pedestal_sky_sigma:g}"

    @property
    def _roles(self) -> tuple[str, ...]:
        return _CONTROL if self.drawn is not None else (*_CONTROL, *_NULL)

    def shards(self, split: str | None = None, roles: Collection[str] | None = None) -> list[Path]:
        """Files that hold such rows, whatever roles are asked for; a null row lies in the file of its control."""
        return super().shards(split, _NULL if self.drawn is None else _CONTROL)

    def table(
        self, columns: Sequence[str] | None = None, split: str | None = None, roles: Collection[str] | None = None
    ) -> pd.DataFrame:
        """Scalar columns, with the new label, and the role that goes with it."""
        names = list(self.schema.names if columns is None else columns)
        table = self._relabelled(super().table(list(dict.fromkeys((*names, *_KEYS))), split, self._roles))
        kept = table if roles is None else table[table["role"].isin(list(roles))]
        return kept[names].reset_index(drop=True)

    def batches(
        self,
        columns: Sequence[str] | None = None,
        split: str | None = None,
        roles: Collection[str] | None = None,
        arcs: bool = True,
        shard_order: Sequence[int] | None = None,
    ) -> Iterator[StampBatch]:
        """Stamps, with the light in those of label 1; arcs are none."""
        names = list(self.schema.names if columns is None else columns)
        sky = [f"sky_sigma_{band}" for band in self.imaging.bands]
        needed = list(dict.fromkeys((*names, *_KEYS, "host_x_pix", "host_y_pix", *sky)))
        for batch in super().batches(needed, split, self._roles, False, shard_order):
            table = self._relabelled(batch.table)
            image = self._lit(batch.image[table.index.to_numpy()], table, table[sky].to_numpy(np.float64))
            yield StampBatch(table[names].reset_index(drop=True), image, None)

    def _relabelled(self, table: pd.DataFrame) -> pd.DataFrame:
        """Rows that take part, by their places in the table."""
        if self.drawn is not None:
            label = null_labels(table["host_id"].astype(str).tolist(), self.drawn)
        else:
            table = table[table["pair_id"].isin(table.loc[table["role"] == _NULL[0], "pair_id"])]
            label = (table["role"] == _NULL[0]).to_numpy().astype(np.int64)
        role = np.where(label == 1, *LABELLED_ROLES)
        return table.assign(**{"role": role, **({"label": label} if "label" in table else {})})

    def _lit(self, image: NDArray[np.float32], table: pd.DataFrame, sky: NDArray[np.float64]) -> NDArray[np.float32]:
        x, y = (table[name].to_numpy(np.float64) for name in ("host_x_pix", "host_y_pix"))
        lit = (table["role"] == "positive").to_numpy()
        light = core_light(x, y, sky, self.pedestal_sky_sigma, self.imaging) * lit[:, None, None, None]
        return np.asarray(image + light.astype(np.float32), dtype=np.float32)


def core_light(
    x_pix: NDArray[np.float64], y_pix: NDArray[np.float64], sky: NDArray[np.float64], size: float, imaging: Imaging
) -> NDArray[np.float64]:
    """The light that is planted: `size` times the sky's standard deviation in each pixel at r < `core_pix`.

    Parameters
    ----------
    x_pix, y_pix : ndarray, shape (n,)
        Centres of the galaxies.
    sky : ndarray, shape (n, band)
        Nanomaggies per pixel.
    size : float
    imaging : Imaging

    Returns
    -------
    ndarray, shape (n, band, y, x)
    """
    inside = radii_pix(x_pix, y_pix, imaging.size_pix) < imaging.core_pix
    return np.asarray(size * sky[:, :, None, None] * inside[:, None], dtype=np.float64)


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


def null_pairs(dataset: Dataset, drawn: int | None = None, pedestal_sky_sigma: float = 0.0) -> NullPairs:
    """Rows without an arc as both classes of a training.

    Parameters
    ----------
    dataset : Dataset
        Its controls are taken, and its null rows where labels are not drawn.
    drawn : int, optional
        Seed of labels that are drawn for the galaxies of the controls, one row a pair. By default null rows, which run through
        the injection with flux 0, have label 1, and the controls of their pairs label 0.
    pedestal_sky_sigma : float
        Light planted at r < `core_pix` in the stamps of label 1, in units of the sky's standard deviation a pixel; 0 plants none.

    Returns
    -------
    NullPairs
        A data set to train on.

    Raises
    ------
    ArcgateError
        A split in which a class has fewer than two galaxies, or light that is not a finite number of 0 or more.
    """
    if not (np.isfinite(pedestal_sky_sigma) and pedestal_sky_sigma >= 0.0):
        raise ArcgateError(
            f"light of {pedestal_sky_sigma} sky sigma cannot be planted", where="pedestal_sky_sigma", todo="give 0 or more"
        )
    nulls = NullPairs(dataset.path, dataset.card, dataset.receipts, drawn, float(pedestal_sky_sigma))
    counts = {split: _counted(nulls, split) for split in SPLITS}
    return replace(nulls, card=dataset.card | {"counts": counts})


def _counted(nulls: NullPairs, split: str) -> dict[str, int]:
    """Rows of each class in a split."""
    table = nulls.table(["role", "host_id"], split)
    galaxies = table.groupby("role")["host_id"].nunique().reindex(list(LABELLED_ROLES), fill_value=0)
    if galaxies.min() < _LEAST:
        what, more = ("null rows", "data.null_rows") if nulls.drawn is None else ("controls", "data.n_pairs")
        raise ArcgateError(
            f"the split {split!r} has {table['host_id'].nunique()} galaxies among its {what}, "
            f"{galaxies.iloc[0]} of them with label 1",
            where=nulls.path,
            todo=f"give a larger data set ({more}): each class needs two galaxies in each split",
        )
    return {str(role): int(count) for role, count in table["role"].value_counts().items()}


def null_training(
    dataset: Dataset,
    view: View,
    learning: Learning,
    *,
    folder: Path,
    threads: int,
    drawn: bool = False,
    pedestal_sky_sigma: float = 0.0,
    level: float = 0.9,
) -> Interval:
    """Train on null pairs and score the galaxies of the test split.

    Parameters
    ----------
    dataset : Dataset
        See `null_pairs`.
    view, learning : View, Learning
        As of any training. Sampling and objective must not ask for pairs or arcs.
    folder : Path
        Of the training, which is resumed or skipped as any other.
    threads : int
    drawn : bool
        Whether labels are drawn, by `learning.seed`.
    pedestal_sky_sigma : float
        See `null_pairs`.
    level : float
        Coverage of the interval.

    Returns
    -------
    Interval
        AUROC on the test split, clustered by galaxy: 0.5 within its interval where no light is planted. Null rows that are their
        controls to the last bit give 0.5 exactly.

    Raises
    ------
    ArcgateError
        As `null_pairs` and `train`; or an input, sampling or objective that looks at pairs or arcs, of which there are none.
    """
    _check_null(view, learning)
    nulls = null_pairs(dataset, learning.seed if drawn else None, pedestal_sky_sigma)
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
    sampling = learning.sampling
    strangers = [
        *([] if view.deployable else [f"the input {' + '.join(view.planes)}"]),
        # A curriculum leaves no row out in the end, but goes by arcs.
        *([] if sampling.whole and sampling.curriculum is None else [f"the sampling {sampling.name!r}"]),
        *([f"the objective {learning.objective.module}"] if minimised(learning.objective).needs_pairs else []),
    ]
    if strangers:
        raise ArcgateError(
            f"null pairs have no arcs and no controls of their own, which is what is looked at by {', '.join(strangers)}",
            where="null training",
            todo="take view/input=stamp, learning/sampling=everything and learning/objective=cross_entropy",
        )
