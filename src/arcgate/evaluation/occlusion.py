"""Where in a stamp a network sees the arc: its logit as the arc's light is taken out, square by square."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata

from arcgate.dataset.reader import Dataset
from arcgate.dataset.shard_reading import StampBatch
from arcgate.evaluation.counterfactuals import of_rows, scalable_pairs
from arcgate.evaluation.metrics import LEVEL, Metrics
from arcgate.evaluation.network import Network
from arcgate.evaluation.predict import inference, network_for
from arcgate.evaluation.resampling import interval_of
from arcgate.ground.draws import text_ids
from arcgate.learning.looking import columns_for, stamps_of_batch
from arcgate.learning.module import LensFinder
from arcgate.learning.stream import LABELLED_ROLES

if TYPE_CHECKING:
    from arcgate.data_node import Split
    from arcgate.variant import View

Array = NDArray[np.float64]
Images = NDArray[np.float32]

PAIRS: Final = 16
SQUARE_PIX: Final = 5
STRIDE_PIX: Final = 3
LEAST_SHARE: Final = 1e-3
"""Squares with less of their arc's light are left out: nothing is taken away there, and nothing can change."""
MOST_LIGHT: Final = 0.9
NO_ARCS: Final = "no positive of the test set has an arc with light and a view"
DROPS: Final = {"occlusion": "drop", "occlusion_untrained": "drop_untrained"}
"""Metrics' first words, and the columns that they are of."""


def occlusion(checkpoint: Path, dataset: Dataset, view: View, pairs: pd.Series, *, split: Split, threads: int) -> pd.DataFrame:
    """Drop of the logit as squares of positives are replaced by the same galaxy without its arc.

    The positives are the sixteen of the largest arc S/N as added; beside the network stands itself before training, with the
    random weights that its seed gives.

    Parameters
    ----------
    checkpoint : Path
        From `arcgate.learning.train`.
    dataset : Dataset
    view : View
        Of the training.
    pairs : Series of int
        Among which they are.
    split : {'train', 'val', 'test'}
    threads : int
        Threads of torch.

    Returns
    -------
    DataFrame
        A row a square of 5 by 5 pixels, every third pixel: pair_id, host_id, x_pix, y_pix (of its centre, 0-based),
        arc_light (share of the arc's light in it, all bands), drop (logit of the stamp less that without the square's arc
        light), drop_untrained.

    Raises
    ------
    ArcgateError
        As `predict`.
    """
    positives = dataset.table(["pair_id", "arc_snr_injected"], split=split, roles=("positive",))
    wanted = (positives["arc_snr_injected"] > 0) & positives["pair_id"].isin(pairs)
    lit = positives[wanted].sort_values(["arc_snr_injected", "pair_id"], ascending=[False, True])
    chosen = lit["pair_id"].head(PAIRS)
    with inference(threads):
        network = network_for(checkpoint, view, dataset.imaging)
        untrained = _untrained(network)
        columns = list(dict.fromkeys(["host_id", "arc_snr_injected", *columns_for(network.viewer)]))
        parts = [
            part
            for batch in dataset.batches(columns, split=split, roles=LABELLED_ROLES)
            for part in _maps(scalable_pairs(_only(batch, chosen), network), network, untrained)
        ]
    if not parts:
        return pd.DataFrame(
            {"pair_id": [], "host_id": [], "x_pix": [], "y_pix": [], "arc_light": []} | {name: [] for name in DROPS.values()}
        )
    return pd.concat(parts, ignore_index=True)


def _untrained(network: Network) -> Network:
    learning = network.settings["learning"] | {"weights": None}
    finder = LensFinder(network.settings | {"learning": learning}, 1).eval()
    return replace(network, finder=finder.to(network.finder.device))


def _only(batch: StampBatch, pairs: pd.Series) -> StampBatch:
    kept = batch.table["pair_id"].isin(pairs).to_numpy(bool)
    assert batch.arc is not None  # batches come with arcs unless told otherwise
    return replace(batch, table=batch.table[kept].reset_index(drop=True), image=batch.image[kept], arc=batch.arc[kept])


def _maps(batch: StampBatch, network: Network, untrained: Network) -> Iterator[pd.DataFrame]:
    assert batch.arc is not None
    stamps = stamps_of_batch(batch, network.viewer)
    for row in np.flatnonzero((batch.table["role"] == "positive").to_numpy()):
        arc = batch.arc[row]
        if not arc.any():
            continue
        y, x, light = squares(arc)
        # The stamp as it is comes first.
        images = np.repeat(batch.image[row][None], 1 + len(light), axis=0)
        for k, (top, left) in enumerate(zip(y, x, strict=True), start=1):
            place = (slice(None), slice(top, top + SQUARE_PIX), slice(left, left + SQUARE_PIX))
            images[k][place] -= arc[place]
        host = np.repeat((batch.image[row] - arc)[None], len(images), axis=0)
        seen = network.viewer(of_rows(stamps, np.full(len(images), row), images, host))
        logits = {column: each.of_seen(seen) for column, each in zip(DROPS.values(), (network, untrained), strict=True)}
        middle = (SQUARE_PIX - 1) / 2
        known = {"x_pix": x + middle, "y_pix": y + middle, "arc_light": light}
        drops = {column: logit[0] - logit[1:] for column, logit in logits.items()}
        yield pd.DataFrame(batch.table.loc[row, ["pair_id", "host_id"]].to_dict() | known | drops)


def squares(arc: Images) -> tuple[NDArray[np.int64], NDArray[np.int64], Array]:
    """First pixels in y and x of the squares that hold a thousandth of an arc's light or more, and their shares of it.

    Parameters
    ----------
    arc : ndarray of float32, shape (band, y, x)
    """
    light = arc.sum(axis=0, dtype=np.float64)
    windows = np.lib.stride_tricks.sliding_window_view(light, (SQUARE_PIX, SQUARE_PIX))[::STRIDE_PIX, ::STRIDE_PIX]
    share = windows.sum(axis=(2, 3)) / light.sum()
    rows, columns = np.nonzero(share >= LEAST_SHARE)
    return rows * STRIDE_PIX, columns * STRIDE_PIX, share[rows, columns]


def occlusion_metrics(table: pd.DataFrame) -> Metrics:
    """How far a network's drops follow the arc.

    Parameters
    ----------
    table : DataFrame
        From `occlusion`.

    Returns
    -------
    Metrics
        occlusion_correlation: Spearman's rank correlation of a map's drops with the arc's light, mean over maps;
        occlusion_in_arc: share of what a map drops by that lies in its brightest squares, those with 90 % of the light of all
        squares, mean over the maps that drop anywhere. Both with /low and /high (90 %, galaxies drawn anew), and as
        occlusion_untrained_... of the untrained network.
    """
    metrics = Metrics()
    for name, column in DROPS.items():
        for what, of_map in (("correlation", _correlation), ("in_arc", _in_arc)):
            maps = [(host, of_map(part, column)) for (_, host), part in table.groupby(["pair_id", "host_id"])]
            known = [(str(host), value) for host, value in maps if np.isfinite(value)]
            if not known:
                metrics.absent[f"{name}_{what}"] = NO_ARCS if not len(table) else "nothing changes the logit anywhere"
                continue
            values = np.array([value for _, value in known])
            metrics.values[f"{name}_{what}"] = float(values.mean())
            galaxies = text_ids([host for host, _ in known])
            if (limits := interval_of(partial(_mean, values), (galaxies,), LEVEL)) is not None:
                metrics.values |= {f"{name}_{what}/low": limits[0], f"{name}_{what}/high": limits[1]}
    return metrics


def _mean(values: Array, weights: Array) -> Array:
    with np.errstate(invalid="ignore", divide="ignore"):
        mean: Array = weights @ values / weights.sum(axis=1)
    return mean


def _correlation(part: pd.DataFrame, column: str) -> float:
    """Spearman's; NaN where either is the same everywhere."""
    ranks = [rankdata(part[name].to_numpy(np.float64)) for name in (column, "arc_light")]
    if min(np.ptp(each) for each in ranks) == 0:
        return float("nan")
    return float(np.corrcoef(*ranks)[0, 1])


def _in_arc(part: pd.DataFrame, column: str) -> float:
    """Share of the drops in the brightest squares; NaN where nothing drops."""
    brightest = part.sort_values("arc_light", ascending=False)
    before = brightest["arc_light"].cumsum() - brightest["arc_light"]
    drops = brightest[column].clip(lower=0.0)
    if not drops.sum() > 0:
        return float("nan")
    return float(drops[before < MOST_LIGHT * brightest["arc_light"].sum()].sum() / drops.sum())
