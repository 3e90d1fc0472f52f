"""Opening finished data sets: tables, batches of stamps, verification."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from arcgate.dataset.card import CARD, imaging_of, read_card, receipts_of, tables_of
from arcgate.dataset.describing import describe
from arcgate.dataset.digests import ROW_DIGEST, data_digest, row_digests
from arcgate.dataset.receipts import Receipt, file_digest
from arcgate.dataset.references import REFERRING, references_of
from arcgate.dataset.schema import ROLES, SPLITS, Schema, schema_of
from arcgate.dataset.shard_reading import REBUILD, StampBatch, read_shard, read_table, shard_imaging
from arcgate.ground.errors import ArcgateError
from arcgate.imaging import Imaging

__all__ = ["Dataset", "StampBatch", "open_dataset"]


@dataclass(frozen=True)
class Dataset:
    """A finished data set on disk (see `open_dataset`).

    Attributes
    ----------
    path : Path
        Its folder.
    card : dict
        `dataset.json`: data node, hosts, counts by split and role, digests, device.
    receipts : tuple of Receipt
        Its shards, in order.
    """

    path: Path
    card: dict[str, Any]
    receipts: tuple[Receipt, ...]

    @property
    def data_digest(self) -> str:
        """SHA-256 of the content, hexadecimal; the same for every layout on disk."""
        return str(self.card["data_digest"])

    @property
    def imaging(self) -> Imaging:
        """Bands and pixels of the stamps."""
        return imaging_of(self.card)

    @property
    def schema(self) -> Schema:
        """Its columns."""
        return schema_of(self.imaging)

    def shards(self, split: str | None = None, roles: Collection[str] | None = None) -> list[Path]:
        """Files of the shards, in the card's order.

        Parameters
        ----------
        split : {'train', 'val', 'test'}, optional
            Only shards of this split.
        roles : collection of str, optional
            Only shards with at least one row of these roles.

        Raises
        ------
        ArcgateError
            For an unknown split or role.
        """
        _check_known("split", [] if split is None else [split], SPLITS)
        _check_known("role", roles or [], ROLES)
        return [self.path / receipt.file for receipt in self.receipts if _selected(receipt, split, roles)]

    def table(
        self, columns: Sequence[str] | None = None, split: str | None = None, roles: Collection[str] | None = None
    ) -> pd.DataFrame:
        """Scalar columns without images.

        Parameters
        ----------
        columns : sequence of str, optional
            Columns of the schema; all by default.
        split, roles : optional
            Only rows of this split and these roles.

        Returns
        -------
        DataFrame
            int64 (Int64 where null is allowed), float64 (NaN for null) and text; index from 0, rows in shard order.

        Raises
        ------
        ArcgateError
            For an unknown column, split or role, or a missing or corrupt shard.
        """
        if paths := self.shards(split, roles):
            return pd.concat([read_table(path, columns, roles) for path in paths], ignore_index=True)
        return read_table(self.path / self.receipts[0].file, columns, roles=())

    def batches(
        self,
        columns: Sequence[str] | None = None,
        split: str | None = None,
        roles: Collection[str] | None = None,
        arcs: bool = True,
        shard_order: Sequence[int] | None = None,
    ) -> Iterator[StampBatch]:
        """Rows with images, one batch a shard; shards without a row of the wanted roles are passed over.

        Parameters
        ----------
        columns, split, roles
            As in `table`.
        arcs : bool
            Whether to read the arcs; half the bytes without.
        shard_order : sequence of int, optional
            Positions in `shards(split, roles)`: which shards to read and in which order. All by default.

        Yields
        ------
        StampBatch

        Raises
        ------
        ArcgateError
            As `table`.
        """
        paths = self.shards(split, roles)
        for position in range(len(paths)) if shard_order is None else shard_order:
            yield read_shard(paths[position], columns, roles, arcs)

    def verify(self) -> None:
        """Recompute every checksum: files, row digests, data digest, and the names of kernels and images, which must be there.

        Raises
        ------
        ArcgateError
            Naming the first shard or row that is not what the card says.
        """
        ids: list[int] = []
        digests: list[bytes] = []
        for receipt in self.receipts:
            shard_ids, shard_digests = _verified(self.path, receipt, self.schema)
            ids += shard_ids
            digests += shard_digests
        if (tables := tables_of(self.path)) != self.card["tables"]:
            differ = sorted(name for name, _ in tables.items() ^ self.card["tables"].items())
            raise ArcgateError(
                "the file is missing, or another than the card says",
                where=self.path / differ[0],
                todo="copy the whole folder of the data set, or delete it and run again: it is rebuilt",
            )
        references_of(self.path).check(self.table(self.referring))
        found = data_digest(ids, digests)
        if found != self.data_digest:
            raise ArcgateError(f"the rows give the data digest {found}, the card says {self.data_digest}", where=self.path / CARD)

    @property
    def referring(self) -> list[str]:
        """Columns in which rows name kernels and images."""
        return [name for name in self.schema.names if name.startswith(REFERRING)]

    def describe(self) -> str:
        """Text of several lines: imaging, rows by role and split, hosts, PSFs, sources, Einstein radii, digests, size on disk."""
        columns = ["host_id", "role", "theta_e_arcsec", "theta_e_over_psf", "arc_snr_injected", *self.referring]
        return describe(self.path, self.card, self.receipts, self.table(columns))


def open_dataset(path: str | Path) -> Dataset:
    """Open a finished data set.

    Parameters
    ----------
    path : str or Path
        Its folder.

    Returns
    -------
    Dataset

    Raises
    ------
    ArcgateError
        If the folder holds no finished data set, one of a newer arcgate, or a shard that is missing or whose size
        is not that of its receipt.
    """
    folder = Path(path)
    card = read_card(folder)
    receipts = receipts_of(folder, card)
    for receipt in receipts:
        _check_size(folder / receipt.file, receipt)
    return Dataset(folder, card, tuple(receipts))


def _check_known(kind: str, wanted: Collection[str], known: Sequence[str]) -> None:
    strangers = [name for name in wanted if name not in known]
    if strangers:
        raise ArcgateError(f"no such {kind}: {strangers}", todo=f"choose from {', '.join(known)}")


def _selected(receipt: Receipt, split: str | None, roles: Collection[str] | None) -> bool:
    return split in (None, receipt.split) and (roles is None or any(receipt.roles.get(role) for role in roles))


def _check_size(shard: Path, receipt: Receipt) -> None:
    try:
        size = shard.stat().st_size
    except FileNotFoundError as error:
        raise ArcgateError("a shard of the data set is missing", where=shard, todo=REBUILD) from error
    if size != receipt.bytes:
        raise ArcgateError(f"the shard has {size} bytes, its receipt says {receipt.bytes}", where=shard, todo=REBUILD)


def _verified(folder: Path, receipt: Receipt, schema: Schema) -> tuple[list[int], list[bytes]]:
    """Sample ids and row digests of a shard after checking file and rows."""
    shard = folder / receipt.file
    _check_size(shard, receipt)
    if (found := file_digest(shard)) != receipt.sha256:
        raise ArcgateError(f"the shard's checksum is {found}, its receipt says {receipt.sha256}", where=shard, todo=REBUILD)
    if (stated := shard_imaging(shard)) != schema.imaging:
        raise ArcgateError(f"the shard holds stamps in {stated}; the card says {schema.imaging}", where=shard, todo=REBUILD)
    batch = read_shard(shard, [*schema.names, ROW_DIGEST])
    assert batch.arc is not None  # read_shard reads arcs unless told otherwise
    ids = [int(value) for value in batch.table["sample_id"]]
    stored = list(batch.table[ROW_DIGEST])
    recomputed = row_digests(batch.table, batch.image, batch.arc, schema)
    wrong = np.flatnonzero([before != now for before, now in zip(stored, recomputed, strict=True)])
    if wrong.size:
        raise ArcgateError("the row is not what its digest says", where=f"{shard}, sample_id {ids[wrong[0]]}", todo=REBUILD)
    return ids, recomputed
