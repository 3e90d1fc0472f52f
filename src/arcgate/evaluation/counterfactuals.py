"""What a network finds where the answer is known beforehand: an arc faded in, and light as bright as the arc that is none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from arcgate.dataset.reader import Dataset
from arcgate.dataset.schema import CERTIFYING_ROLES
from arcgate.dataset.shard_reading import StampBatch, whole_pairs
from arcgate.evaluation.metrics import LEVEL, Metrics
from arcgate.evaluation.network import Network
from arcgate.evaluation.predict import inference, network_for
from arcgate.evaluation.rates import Scored, clopper_pearson
from arcgate.evaluation.resampling import interval_of
from arcgate.ground.draws import text_ids
from arcgate.ground.errors import ArcgateError
from arcgate.learning.looking import columns_for, stamps_of_batch
from arcgate.learning.stream import LABELLED_ROLES
from arcgate.views.planes import Stamps

if TYPE_CHECKING:
    from arcgate.data_node import Split
    from arcgate.variant import View

Array = NDArray[np.float64]

SNR_STEPS: Final = (0.0, 1.0, 2.0, 3.0, 5.0, 7.0, 10.0, 15.0, 20.0, 30.0, 50.0, 100.0, 200.0)
"""S/N to which arcs are scaled; it reaches beyond that of most."""
FADED: Final = "faded"
ARC: Final = "arc"
ASKED: Final = (ARC, *CERTIFYING_ROLES)
"""The arc itself, and what is as bright."""
NO_THRESHOLD: Final = "the test set has too few negatives for the threshold at which it would be found"
_COLUMNS: Final = ("sample_id", "host_id", "pair_id", "role", "source_image", "arc_snr_injected")
_OUT: Final = ("pair_id", "host_id", "source_image", "role", "snr", "logit")


def counterfactual_logits(checkpoint: Path, dataset: Dataset, view: View, *, split: Split, threads: int) -> pd.DataFrame:
    """Logits of each positive's own galaxy with its arc scaled to stated S/N, with the arc as it is, and of the certifying rows.

    A faded stamp is the galaxy, which is the stamp less its arc, with the arc times S/N over the arc's own S/N as
    added; noise that an arc carries is scaled with it. Inputs that show a
    control get the true one, the same galaxy without that light, also where the pair has another galaxy as its control.

    Parameters
    ----------
    checkpoint : Path
        From `arcgate.learning.train`.
    dataset : Dataset
        With rows of certifying roles, or without.
    view : View
        Of the training.
    split : {'train', 'val', 'test'}
    threads : int
        Threads of torch.

    Returns
    -------
    DataFrame
        pair_id, host_id, source_image, role (faded, arc, unlensed, ring, shuffled), snr (of the light as added),
        logit. Pairs that the view cannot scale are left out, as are arcs without light.

    Raises
    ------
    ArcgateError
        As `predict`.
    """
    roles = (*LABELLED_ROLES, *CERTIFYING_ROLES)
    with inference(threads):
        network = network_for(checkpoint, view, dataset.imaging)
        columns = list(dict.fromkeys([*_COLUMNS, *columns_for(network.viewer)]))
        parts = [
            part
            for batch in dataset.batches(columns, split=split, roles=roles)
            for part in _of_batch(scalable_pairs(batch, network), network)
        ]
    if not parts:
        raise ArcgateError(f"the split {split!r} has no rows to score", where=dataset.path, todo="build a larger data set")
    together = pd.concat(parts, ignore_index=True)
    return together.sort_values(["role", "snr", "pair_id"], ignore_index=True, kind="stable")


def scalable_pairs(batch: StampBatch, network: Network) -> StampBatch:
    """The pairs whose stamps all have a view, that of the galaxy without its arc included."""
    viewer, rows = network.viewer, _faded_rows(batch)
    stamps = stamps_of_batch(batch, viewer)
    bad = ~viewer.scalable(stamps).numpy()
    host = batch.image[rows] - _arcs(batch)[rows]
    bad[rows] |= ~viewer.scalable(of_rows(stamps, rows, host, host)).numpy()
    whole = whole_pairs(batch.table, bad)
    return replace(batch, table=batch.table[whole].reset_index(drop=True), image=batch.image[whole], arc=_arcs(batch)[whole])


def _of_batch(batch: StampBatch, network: Network) -> Iterator[pd.DataFrame]:
    viewer, table = network.viewer, batch.table
    stamps, rows = stamps_of_batch(batch, viewer), _faded_rows(batch)
    arc = _arcs(batch)[rows]
    host, own = batch.image[rows] - arc, table["arc_snr_injected"].to_numpy(np.float64)[rows]
    for snr in SNR_STEPS:
        image = host + (snr / own).astype(np.float32)[:, None, None, None] * arc
        logit = network.logits(of_rows(stamps, rows, image, host))
        yield table.iloc[rows].assign(role=FADED, snr=snr, logit=logit)[list(_OUT)]
    others = np.concatenate([rows, np.flatnonzero(table["role"].isin(CERTIFYING_ROLES).to_numpy())])
    logit = network.logits(of_rows(stamps, others, batch.image[others], batch.image[others] - _arcs(batch)[others]))
    asked = table.iloc[others]
    role = np.where(asked["role"] == "positive", ARC, asked["role"])
    yield asked.assign(role=role, snr=asked["arc_snr_injected"], logit=logit)[list(_OUT)]


def _faded_rows(batch: StampBatch) -> NDArray[np.intp]:
    """Places of the positives whose arcs have light."""
    positive = (batch.table["role"] == "positive").to_numpy()
    return np.flatnonzero(positive & (batch.table["arc_snr_injected"].to_numpy(np.float64) > 0))


def _arcs(batch: StampBatch) -> NDArray[np.float32]:
    assert batch.arc is not None  # batches come with arcs unless told otherwise
    return batch.arc


def of_rows(stamps: Stamps, rows: NDArray[np.intp], image: NDArray[np.float32], control: NDArray[np.float32]) -> Stamps:
    """Some rows with other pixels, (n, band, y, x), and their true controls, for inputs that show them."""
    index = torch.from_numpy(rows)
    sky = None if stamps.sky is None else stamps.sky[index]
    shown = None if stamps.control is None else torch.from_numpy(control)
    return Stamps(torch.from_numpy(image), stamps.x_pix[index], stamps.y_pix[index], sky, shown)


def counterfactual_metrics(logits: pd.DataFrame, threshold: float | None) -> Metrics:
    """What is found above a threshold.

    Parameters
    ----------
    logits : DataFrame
        From `counterfactual_logits`.
    threshold : float or None
        On the logit; None where the set allows none.

    Returns
    -------
    Metrics
        half_found_snr: S/N at which half of the faded arcs are found, interpolated between the steps, with /low and /high (90 %,
        galaxies and source images drawn anew); found_arc, found_unlensed, found_ring, found_shuffled: shares of the arcs as they
        are and of the certifying rows, with /low and /high (90 %, see `clopper_pearson`). What cannot be had is
        absent, with the reason.
    """
    names = {"half_found_snr": FADED} | {f"found_{role}": role for role in ASKED}
    if threshold is None:
        return Metrics({}, dict.fromkeys(names, NO_THRESHOLD))
    metrics = Metrics()
    for name, role in names.items():
        rows = logits[logits["role"] == role]
        if not len(rows):
            metrics.absent[name] = (
                f"the test set has no {role} rows with light: see data.certifying, evaluation.common.certifying"
            )
        elif role == FADED:
            _add_half(metrics, name, rows, threshold)
        else:
            share, low, high = _share(rows, threshold)
            metrics.values |= {name: share, f"{name}/low": low, f"{name}/high": high}
    return metrics


def fade_in(logits: pd.DataFrame, threshold: float) -> pd.DataFrame:
    """Share of faded arcs found, by S/N: columns snr, n, n_found, found, low, high (90 %, see `clopper_pearson`)."""
    faded = logits[logits["role"] == FADED]
    return _table(faded, "snr", SNR_STEPS, threshold)


def of_roles(logits: pd.DataFrame, threshold: float) -> pd.DataFrame:
    """Share of arcs and certifying rows found: columns role, n, n_found, found, low, high (90 %, see `clopper_pearson`)."""
    return _table(logits, "role", ASKED, threshold)


def _table(logits: pd.DataFrame, by: str, keys: tuple[object, ...], threshold: float) -> pd.DataFrame:
    lines = []
    for key in keys:
        rows = logits[logits[by] == key]
        if len(rows):
            share, low, high = _share(rows, threshold)
            n_found = int((rows["logit"] > threshold).sum())
            lines.append({by: key, "n": len(rows), "n_found": n_found, "found": share, "low": low, "high": high})
    return pd.DataFrame(lines, columns=[by, "n", "n_found", "found", "low", "high"])


def _scored(rows: pd.DataFrame) -> Scored:
    galaxy = text_ids(rows["host_id"].astype(str).tolist())
    source = rows["source_image"].astype("category").cat.codes.to_numpy().astype(np.int64)
    return Scored(rows["logit"].to_numpy(np.float64), np.ones(len(rows), dtype=np.int64), galaxy, source)


def _share(rows: pd.DataFrame, threshold: float) -> tuple[float, float, float]:
    share = float((rows["logit"] > threshold).mean())
    low, high = clopper_pearson(_scored(rows), threshold, (1.0 - LEVEL) / 2.0)
    return share, low, high


def _add_half(metrics: Metrics, name: str, rows: pd.DataFrame, threshold: float) -> None:
    found = (
        rows.assign(found=rows["logit"] > threshold).pivot(index="pair_id", columns="snr", values="found").to_numpy(np.float64)
    )
    first = rows[rows["snr"] == SNR_STEPS[0]].sort_values("pair_id")
    half = float(half_found(found, np.ones((1, len(found))))[0])
    if np.isnan(half):
        share = found.mean(axis=0)
        metrics.absent[name] = (
            f"{share[0]:.0%} are found without any arc"
            if share[0] >= 0.5
            else f"at S/N {SNR_STEPS[-1]:g} {share[-1]:.0%} are found, at no step half"
        )
        return
    metrics.values[name] = half
    if (limits := interval_of(partial(half_found, found), _scored(first).clusters, LEVEL)) is not None:
        metrics.values |= {f"{name}/low": min(limits[0], half), f"{name}/high": max(limits[1], half)}


def half_found(found: Array, weights: Array) -> Array:
    """S/N at which half of the weight is found for the first time.

    Parameters
    ----------
    found : ndarray, shape (n, steps)
        1 where a pair is found at a step of `SNR_STEPS`, else 0.
    weights : ndarray, shape (replicates, n)

    Returns
    -------
    ndarray, shape (replicates,)
        Linear between the last step below one half and the next; NaN where that is none: half are found without an arc, or never.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        share = weights @ found / weights.sum(axis=1, keepdims=True)
    reached = share >= 0.5
    step, row = reached.argmax(axis=1), np.arange(len(share))
    known = reached.any(axis=1) & (step > 0)
    before = np.maximum(step - 1, 0)
    below, above = share[row, before], share[row, step]
    snr = np.asarray(SNR_STEPS)
    with np.errstate(invalid="ignore", divide="ignore"):
        place: Array = snr[before] + (0.5 - below) / (above - below) * (snr[step] - snr[before])
    return np.where(known, place, np.nan)
