"""Logits of a trained network for the positives and controls of a data set."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
import torch

from arcgate.dataset.reader import Dataset
from arcgate.dataset.shard_reading import whole_pairs
from arcgate.evaluation.network import Network
from arcgate.ground.errors import ArcgateError
from arcgate.ground.progress import say
from arcgate.imaging import Imaging
from arcgate.learning.looking import columns_for, stamps_of_batch
from arcgate.learning.stream import LABELLED_ROLES
from arcgate.views.view import Viewer

if TYPE_CHECKING:
    from arcgate.data_node import Split
    from arcgate.variant import View

ROW_COLUMNS: Final = ("sample_id", "host_id", "pair_id", "role", "label", "split", "source_image")
PAIR_COLUMNS: Final = ("theta_e_arcsec", "theta_e_over_psf", "arc_snr", "arc_snr_injected", "source_reff_arcsec")
# In the reference band.
MAGNITUDES: Final = ("host_mag", "source_mag")


def predict(
    checkpoint: Path,
    dataset: Dataset,
    view: View,
    *,
    split: Split,
    threads: int,
    mask_radius_pix: float | None = None,
) -> pd.DataFrame:
    """Score one split.

    Parameters
    ----------
    checkpoint : Path
        From `arcgate.learning.train`.
    dataset : Dataset
        Positives and controls are scored; null rows are not.
    view : View
        Must be the one the network was trained on.
    split : {'train', 'val', 'test'}
        Which rows.
    threads : int
        Threads of torch.
    mask_radius_pix : float, optional
        Test-time core mask: in both classes r < this radius is set to the median of the annulus, after normalisation.

    Returns
    -------
    DataFrame
        sample_id, host_id, pair_id, role, label, split, source_image, logit, and of the pair's positive (controls too)
        theta_e_arcsec, theta_e_over_psf, arc_snr (before the training set's own mask), arc_snr_injected, source_reff_arcsec,
        host_mag and source_mag of the reference band. Ordered by
        sample_id.

    Raises
    ------
    ArcgateError
        For a checkpoint that is missing or was trained on another view, a split without rows of either class, or logits
        that are not finite.
    """
    viewer, tables, flat = Viewer(view, dataset.imaging), [], []
    columns = list(dict.fromkeys([*ROW_COLUMNS, *columns_for(viewer)]))
    with inference(threads):
        network = network_for(checkpoint, view, dataset.imaging)
        for batch in dataset.batches(columns, split=split, roles=LABELLED_ROLES, arcs=False):
            scalable = viewer.scalable(stamps_of_batch(batch, viewer)).numpy()
            flat.append(batch.table.loc[~scalable, "role"])
            whole = whole_pairs(batch.table, ~scalable)
            stamps = stamps_of_batch(replace(batch, table=batch.table[whole], image=batch.image[whole]), viewer)
            seen = viewer(stamps) if mask_radius_pix is None else viewer.masked(stamps, mask_radius_pix)
            tables.append(batch.table.loc[whole, list(ROW_COLUMNS)].assign(logit=network.of_seen(seen)))
    if not tables:
        raise ArcgateError(f"the split {split!r} has no rows to score", where=dataset.path, todo="build a larger data set")
    _tell_of(pd.concat(flat), split)
    predictions = _with_pair(pd.concat(tables), dataset, split)
    _check_classes(predictions, dataset)
    _check_values(predictions, dataset)
    return predictions


def network_for(checkpoint: Path, view: View, imaging: Imaging) -> Network:
    """The network of a checkpoint, for stamps of an imaging; ArcgateError where it saw others, and as `Network.load`."""
    network = Network.load(checkpoint, view, "cuda" if torch.cuda.is_available() else "cpu")
    if (trained := network.viewer.imaging) != imaging:
        raise ArcgateError(
            f"the network was trained on stamps in {trained}, and is to be scored on stamps in {imaging}",
            where=checkpoint,
            todo="score it on a data set of the same imaging",
        )
    return network


def _tell_of(flat: pd.Series, split: Split) -> None:
    """Say how many rows the view cannot scale, whose pairs are left out as in gates and training."""
    if len(flat):
        counts = ", ".join(f"{rows} {role}" for role, rows in flat.value_counts().sort_index().items())
        say(f"not scored in {split}: the pairs of {counts} rows without a spread that the view could divide by")


def _with_pair(table: pd.DataFrame, dataset: Dataset, split: Split) -> pd.DataFrame:
    """Join the lens of the pair's positive to every member of the pair."""
    band = dataset.imaging.reference_band
    magnitudes = {f"{name}_{band}": name for name in MAGNITUDES}
    columns = ["pair_id", *PAIR_COLUMNS, *magnitudes]
    positives = dataset.table(columns, split=split, roles=("positive",)).rename(columns=magnitudes)
    joined = table.merge(positives, on="pair_id", how="left", validate="many_to_one")
    return joined.astype({"label": "int64"}).sort_values("sample_id", ignore_index=True)


def _check_classes(predictions: pd.DataFrame, dataset: Dataset) -> None:
    missing = [name for label, name in ((1, "positives"), (0, "controls")) if label not in set(predictions["label"])]
    if missing:
        raise ArcgateError(
            f"the split {predictions['split'].iloc[0]!r} lacks {' and '.join(missing)}",
            where=dataset.path,
            todo="build a larger data set",
        )


def _check_values(predictions: pd.DataFrame, dataset: Dataset) -> None:
    bad = ~np.isfinite(predictions["logit"])
    if bad.any():
        raise ArcgateError(
            f"the network's logit for sample_id {predictions.loc[bad, 'sample_id'].iloc[0]} is not finite",
            where=dataset.path,
            todo="train again with a lower learning.lr",
        )
    bad = predictions["theta_e_arcsec"].isna()
    if bad.any():
        raise ArcgateError(
            f"sample_id {predictions.loc[bad, 'sample_id'].iloc[0]} has no positive in its pair with a theta_E",
            where=dataset.path,
            todo="rebuild the data set",
        )


@contextmanager
def inference(threads: int) -> Iterator[None]:
    """Without gradients, on a number of threads, for as long as a `with` block lasts."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with torch.inference_mode():
            yield
    finally:
        torch.set_num_threads(before)
