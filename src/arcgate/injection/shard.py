"""One shard: read its galaxies, inject, write. The unit of work of every engine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from arcgate.dataset.receipts import Receipt, finished
from arcgate.dataset.references import references_of
from arcgate.dataset.schema import schema_of
from arcgate.dataset.shards import shard_path, write_shard
from arcgate.ground.draws import uniform
from arcgate.imaging import Imaging
from arcgate.injection.inject import Injected, inject
from arcgate.survey.hosts import HostRows, Hosts


@dataclass(frozen=True)
class ShardTask:
    """What a worker needs to make one shard.

    Attributes
    ----------
    path : Path
        The shard's file.
    rows : DataFrame
        Its manifest rows in their final order.
    hosts : HostRows
        Where its galaxies lie, row by row.
    batch_rows : int
        Rows rendered at a time; bounds the memory and changes nothing else.
    """

    path: Path
    rows: pd.DataFrame
    hosts: HostRows
    batch_rows: int


def plan_shards(manifest: pd.DataFrame, hosts: Hosts, folder: Path, rows_per_shard: int, batch_rows: int) -> list[ShardTask]:
    """Divide a manifest into shards: one split each, pairs in hash order and never divided.

    Parameters
    ----------
    manifest : DataFrame
        From `build_manifest`.
    hosts : Hosts
        Its galaxies, cut out.
    folder : Path
        Of the data set.
    rows_per_shard : int
        Rows of a shard, at most (a pair and its null row are three, with certifying rows up to six).

    Returns
    -------
    list of ShardTask
    """
    tasks = []
    for split in sorted(manifest["split"].unique()):
        rows = manifest[manifest["split"] == split]
        shuffled = uniform(int(rows["seed"].iloc[0]), "shard_order", rows["pair_id"].to_numpy(np.int64))
        rows = rows.iloc[np.lexsort((rows["sample_id"].to_numpy(np.int64), shuffled))]
        for number, part in enumerate(_chunks(rows, rows_per_shard)):
            galaxies = hosts.of(part["catalogue_row"].to_numpy(np.int64))
            tasks.append(ShardTask(shard_path(folder, split, number), part.drop(columns="catalogue_row"), galaxies, batch_rows))
    return tasks


def _chunks(rows: pd.DataFrame, rows_per_shard: int) -> list[pd.DataFrame]:
    pair_starts = np.flatnonzero(np.r_[True, np.diff(rows["pair_id"].to_numpy(np.int64)) != 0])
    starts: list[int] = pair_starts.tolist()
    ends = [*starts[1:], len(rows)]
    cuts, begin = [], 0
    for start, end in zip(starts, ends, strict=True):
        if end - begin > rows_per_shard and start > begin:
            cuts.append((begin, start))
            begin = start
    cuts.append((begin, len(rows)))
    return [rows.iloc[a:b].reset_index(drop=True) for a, b in cuts]


def run_shard(task: ShardTask) -> Receipt:
    """Make one shard, or return the receipt of a finished one.

    Linear algebra runs on one thread here, so that the last bits do not depend on the number of workers.
    """
    done = finished(task.path, task.rows["sample_id"].tolist())
    if done is not None:
        return done
    imaging, references = task.hosts.imaging, references_of(task.path.parent)
    measured, image = task.hosts.read()
    arc = np.empty_like(image)
    tables = []
    with threadpool_limits(1):
        for places in _batches(task):
            rows, hosts = (table.iloc[places].reset_index(drop=True) for table in (task.rows, measured))
            injected = inject(pd.concat([rows, hosts], axis=1), image[places], imaging, references)
            # Stamps take the place of their cutouts: memory for both would cost as much time as rendering.
            image[places], arc[places] = injected.image, injected.arc
            tables.append(_table(rows, hosts, injected, imaging))
    return write_shard(task.path, pd.concat(tables, ignore_index=True), image, arc, imaging)


def _batches(task: ShardTask) -> list[slice]:
    """Stretches of about so many rows, of whole pairs."""
    sizes = [len(part) for part in _chunks(task.rows, task.batch_rows)]
    ends = np.cumsum(sizes).tolist()
    return [slice(end - size, end) for size, end in zip(sizes, ends, strict=True)]


def _table(rows: pd.DataFrame, hosts: pd.DataFrame, injected: Injected, imaging: Imaging) -> pd.DataFrame:
    ivar = [f"ivar_{band}" for band in imaging.bands]
    # The arc's own noise lowers the inverse variance of the rows that have it.
    changed = injected.measured.reindex(columns=ivar).astype(np.float64).fillna(hosts[ivar])
    unchanged = hosts.drop(columns=ivar)
    measured = injected.measured.drop(columns=ivar, errors="ignore")
    # A row is as bright as its arc was made, whatever it asked for.
    declared = rows.drop(columns=measured.columns.intersection(rows.columns))
    table = pd.concat([declared, unchanged, changed, measured], axis=1)
    return table.reindex(columns=list(schema_of(imaging).names))
