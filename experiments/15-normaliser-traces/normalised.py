"""One data set, normalised in two ways: with the arc, as the view does it, and by the statistics of the galaxy alone."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.dataset.reader import Dataset, StampBatch
from arcgate.imaging import DECALS
from arcgate.variant import View
from arcgate.views.arrays import ArrayViewer

Pixels = NDArray[np.float32]
# From what a stamp's centre and scale are measured: from itself, or from the control of its pair, which is its own galaxy.
Form = Literal["arc", "host"]
FORMS: tuple[Form, ...] = ("arc", "host")
SKY = ("sky_sigma_g", "sky_sigma_r", "sky_sigma_z")
NEEDED = ("sample_id", "pair_id", "host_id", "role", "label", "host_x_pix", "host_y_pix", *SKY)


def as_given(view: View) -> View:
    """A view that hands on stamps as they are: what `NormalisedDataset` yields is normalised and stretched already."""
    return replace(view, normalisation="raw", stretch="none", raw_scale_nmgy={"g": 1.0, "r": 1.0, "z": 1.0})


def statistics(batch: StampBatch, viewer: ArrayViewer, form: Form) -> tuple[Pixels, Pixels]:
    """Centre and scale by which each row is normalised, (n, band) each.

    Parameters
    ----------
    batch : StampBatch
        Whole pairs: each positive beside its control.
    viewer : ArrayViewer
        The view.
    form : {'arc', 'host'}
        Positives by their own statistics, which hold the arc, or by those of their control. Controls are the same in both.
    """
    table = batch.table
    centre, scale = viewer.normaliser(batch.image, *positions(table))
    if form == "arc":
        return centre, scale
    place = host_rows(table)
    return centre[place], scale[place]


def host_rows(table: pd.DataFrame) -> NDArray[np.int64]:
    """For each row the row of its pair's control; a control is its own."""
    control = np.flatnonzero((table["role"] == "control").to_numpy())
    rows = pd.Series(control, index=table["pair_id"].to_numpy()[control])
    return rows.loc[table["pair_id"].to_numpy()].to_numpy(np.int64)


def positions(table: pd.DataFrame) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Centres of the galaxies, x and y in pixels."""
    return table["host_x_pix"].to_numpy(np.float64), table["host_y_pix"].to_numpy(np.float64)


@dataclass(frozen=True)
class NormalisedDataset(Dataset):
    """A paired data set to train on, normalised and stretched already."""

    view: View
    form: Form

    @property
    def data_digest(self) -> str:
        """That of the data set, with the form."""
        return f"{super().data_digest} normalised from the {self.form}"

    def batches(
        self,
        columns: Sequence[str] | None = None,
        split: str | None = None,
        roles: Collection[str] | None = None,
        arcs: bool = True,
        shard_order: Sequence[int] | None = None,
    ) -> Iterator[StampBatch]:
        """Labelled rows as the network gets them; no arcs."""
        viewer = ArrayViewer(self.view, DECALS)
        for batch in super().batches(NEEDED, split, roles, False, shard_order):
            yield StampBatch(batch.table, viewer.apply(batch.image, *statistics(batch, viewer, self.form)), None)


def normalised(dataset: Dataset, view: View, form: Form) -> NormalisedDataset:
    """The data set in one of the two forms.

    Raises
    ------
    ValueError
        Its controls are other galaxies.
    """
    if dataset.card["data"]["controls"]["name"] != "paired":
        raise ValueError("the statistics of the galaxy alone are those of its paired control")
    return NormalisedDataset(dataset.path, dataset.card, dataset.receipts, view, form)
