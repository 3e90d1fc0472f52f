"""Rows of a data set as a view takes them."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.dataset.reader import Dataset
from arcgate.dataset.shard_reading import StampBatch
from arcgate.ground.errors import ArcgateError
from arcgate.views.arrays import stamps_of
from arcgate.views.planes import Stamps
from arcgate.views.view import Viewer

if TYPE_CHECKING:
    from arcgate.variant import View


def columns_for(viewer: Viewer) -> list[str]:
    """Columns that a view needs of every row."""
    return ["pair_id", "role", "host_x_pix", "host_y_pix", *(f"sky_sigma_{band}" for band in viewer.imaging.bands)]


def stamps_of_batch(batch: StampBatch, viewer: Viewer) -> Stamps:
    """Rows of a shard, in their order; of views that need them with the controls of their pairs.

    Parameters
    ----------
    batch : StampBatch
        With `columns_for` the view; pairs are whole.
    viewer : Viewer
    """
    table = batch.table
    x, y = (table[name].to_numpy(np.float64) for name in ("host_x_pix", "host_y_pix"))
    sky = table[[f"sky_sigma_{band}" for band in viewer.imaging.bands]].to_numpy(np.float32)
    return stamps_of(batch.image, x, y, sky, batch.image[_controls(table)] if viewer.needs_control else None)


def require_paired(dataset: Dataset, viewer: Viewer) -> None:
    """Refuse a set whose controls are other galaxies, for a view that shows a stamp beside its own control."""
    if not viewer.needs_control:
        return
    kinds = set(dataset.table(["control_kind"], roles=("control",))["control_kind"].astype(str))
    if kinds != {"paired"}:
        raise beside_others(viewer.view, kinds, dataset.path)


def beside_others(view: View, kinds: Collection[str], where: object) -> ArcgateError:
    """What is said where a view would show a stamp beside another galaxy as its control."""
    return ArcgateError(
        f"the input {' + '.join(view.planes)} shows each stamp beside its true control, and controls of this set are "
        f"{', '.join(sorted(kinds))}",
        where=where,
        todo="build a set with controls=paired, or take an input that any stamp has: view/input=stamp",
    )


def _controls(table: pd.DataFrame) -> NDArray[np.int64]:
    """Place of the control of each row's pair."""
    controls = np.flatnonzero((table["role"] == "control").to_numpy())
    known = pd.Series(controls, index=table["pair_id"].to_numpy()[controls])
    return known.loc[table["pair_id"]].to_numpy(np.int64)
