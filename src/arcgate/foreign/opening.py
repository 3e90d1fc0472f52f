"""Opening whatever can be judged: a data set of arcgate, a table of the older layout, or a bare .npz file."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from arcgate.dataset.card import CARD
from arcgate.dataset.reader import open_dataset
from arcgate.dataset.receipts import file_digest
from arcgate.dataset.shard_reading import REBUILD
from arcgate.dataset.source import DatasetSource, Source
from arcgate.foreign.arrays import open_arrays
from arcgate.foreign.column_files import is_column_file, stored_names
from arcgate.foreign.foreign_source import ForeignSource
from arcgate.foreign.older_layouts import open_stamp_npz
from arcgate.foreign.positions_only import PositionsSource, holds_positions, open_positions
from arcgate.foreign.stamp_cells import STAMP
from arcgate.foreign.table_files import parquet_files
from arcgate.ground.errors import ArcgateError
from arcgate.imaging import Imaging


def open_source(path: str | Path, imaging: Imaging | None = None) -> Source:
    """Open a data set of any layout that arcgate can judge.

    Parameters
    ----------
    path : str or Path
        A folder with `dataset.json`; a Parquet file or folder with the columns `stamp_npz`, `ctrl_stamp_npz`, `is_control`;
        a `.npz` file with `stamps`, `labels` and `groups`; or a table of positions without stamps: CSV, TSV, FITS, Parquet.
    imaging : Imaging, optional
        Of another maker's stamps; None: what the file states, else that of DECaLS.

    Returns
    -------
    Source

    Raises
    ------
    ArcgateError
        If nothing of the kind is there, or it is damaged.
    """
    place = Path(path)
    if place.suffix == ".npz" and place.is_file():
        return open_arrays(place, imaging)
    if (place.is_file() and place.suffix == ".parquet") or _older(place):
        return open_positions(place, imaging) if _without_stamps(place) else open_stamp_npz(place, imaging)
    if place.is_file() and is_column_file(place):
        return open_positions(place, imaging)
    if place.is_file():
        raise ArcgateError(
            f"a file that ends in {place.suffix or 'nothing'}; sought is .npz, .parquet, the folder of a data set, or a table of "
            "positions (.csv, .tsv, .fits, .parquet)",
            where=place,
        )
    dataset = open_dataset(place)
    if imaging is not None and imaging.in_nanomaggies != dataset.imaging:
        raise ArcgateError(
            f"the imaging of the command line is {imaging}, that of the data set is {dataset.imaging}",
            where=place,
            todo="leave imaging out: a data set of arcgate states its own",
        )
    return DatasetSource(dataset)


def notes_of(source: Source) -> tuple[str, ...]:
    """What was measured, assumed or left out when a source was opened; nothing for a data set of arcgate."""
    return source.notes if isinstance(source, ForeignSource | PositionsSource) else ()


def check_unchanged(source: Source, workers: int) -> None:
    """Compare a data set's shards with the checksums of its card; other sources have none: their digest is of what they hold.

    Raises
    ------
    ArcgateError
        Naming the first shard that is not what it was when the card was written.
    """
    if not isinstance(source, DatasetSource):
        return
    receipts = source.dataset.receipts
    # Hashing releases the interpreter's lock, so that threads are enough.
    with ThreadPoolExecutor(workers) as pool:
        digests = pool.map(lambda receipt: file_digest(source.path / receipt.file), receipts)
        for receipt, found in zip(receipts, digests, strict=True):
            if found != receipt.sha256:
                raise ArcgateError(
                    f"the shard changed since the card was written: its checksum is {found[:12]}..., the card says "
                    f"{receipt.sha256[:12]}...",
                    where=source.path / receipt.file,
                    todo=REBUILD,
                )


def _without_stamps(place: Path) -> bool:
    """Whether Parquet files hold positions and no stamps."""
    file = parquet_files(place)[0]
    return STAMP not in stored_names(file) and holds_positions(place)


def _older(place: Path) -> bool:
    """Whether a folder without a card holds Parquet files that are no shards of arcgate."""
    if not place.is_dir() or (place / CARD).exists():
        return False
    files = parquet_files(place)
    return bool(files) and not any(file.with_suffix(".receipt.json").exists() for file in files)
