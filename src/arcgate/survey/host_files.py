"""The files of a hosts artifact: Parquet, a row a galaxy of one place, with what was measured of it and its pixels."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from arcgate.ground.atomic import atomically
from arcgate.ground.errors import ArcgateError
from arcgate.imaging import Imaging
from arcgate.survey.columns import compared_columns, measured_columns
from arcgate.survey.places import Cut, Unusable

_VERSION: Final = {"arcgate.hosts_version": "2"}
_IMAGING: Final = "arcgate.imaging"
# Shards take galaxies in the order of a hash: what lies in a group with one of them is read along.
_ROW_GROUP: Final = 4


def write_hosts(path: Path, host_ids: Sequence[str], made: Sequence[Cut | Unusable], imaging: Imaging) -> None:
    """Write the galaxies of one place, atomically.

    Parameters
    ----------
    path : Path
        Its folder must exist.
    host_ids : sequence of str, n
    made : sequence of Cut or Unusable, n
    imaging : Imaging
        Of the images.

    Raises
    ------
    ArcgateError
        An image is of another shape than the imaging's or not finite, or the disk refuses.
    """
    rows = [_row(name, one, imaging) for name, one in zip(host_ids, made, strict=True)]
    table = pa.Table.from_pylist(rows, schema=_schema(imaging))
    with atomically(path) as temporary:
        pq.write_table(
            table,
            temporary,
            row_group_size=_ROW_GROUP,
            compression="none",
            use_dictionary=False,
            write_statistics=False,
            write_page_checksum=True,
        )


def read_hosts(path: Path, imaging: Imaging) -> pd.DataFrame:
    """Everything but pixels: `host_id`, measured and compared columns, `reason`, `found` (null of usable galaxies), `row_digest`.

    Raises
    ------
    ArcgateError
        The file is missing, ends early, or holds galaxies of another imaging.
    """
    with _opened(path, imaging) as file:
        table: pd.DataFrame = file.read(columns=[name for name in file.schema_arrow.names if name != "image"]).to_pandas()
        return table


def read_images(path: Path, rows: NDArray[np.int64], imaging: Imaging) -> NDArray[np.float32]:
    """Pixels of some rows of a file, float32 (n, band, y, x), nanomaggies per pixel; errors as `read_hosts`."""
    out = np.empty((len(rows), *imaging.shape), dtype=np.float32)
    groups = rows // _ROW_GROUP
    with _opened(path, imaging) as file:
        for group in np.unique(groups):
            images = file.read_row_group(int(group), columns=["image"]).column(0)
            for place in np.flatnonzero(groups == group):
                content = images[int(rows[place]) % _ROW_GROUP].as_buffer()
                out[place] = np.frombuffer(content, dtype="<f4").reshape(imaging.shape)
    return out


def _schema(imaging: Imaging) -> pa.Schema:
    fields = [pa.field("host_id", pa.string(), nullable=False)]
    for name, kind in (measured_columns(imaging) | compared_columns(imaging)).items():
        fields.append(pa.field(name, pa.string() if kind == "str" else pa.float64()))
    fields += [pa.field("reason", pa.string()), pa.field("found", pa.string())]
    fields.append(pa.field("row_digest", pa.binary(32), nullable=False))
    fields.append(pa.field("image", pa.binary(4 * int(np.prod(imaging.shape)))))
    stated = json.dumps(dataclasses.asdict(imaging), sort_keys=True)
    return pa.schema(fields, metadata=_VERSION | {_IMAGING: stated})


def _row(host_id: str, made: Cut | Unusable, imaging: Imaging) -> dict[str, object]:
    if isinstance(made, Unusable):
        row: dict[str, object] = {"host_id": host_id, "reason": made.reason, "found": made.found}
        return row | {"row_digest": _digest(row, b"")}
    if made.image.shape != imaging.shape or made.image.dtype != np.float32:
        raise ArcgateError(f"the image of {host_id} is {made.image.dtype} {made.image.shape}, sought is float32 {imaging.shape}")
    if not np.isfinite(made.image).all():
        raise ArcgateError(f"the image of {host_id} is not finite", todo="leave this galaxy out, or repair its pixels")
    pixels = np.ascontiguousarray(made.image, dtype="<f4").tobytes()
    row = {"host_id": host_id} | {name: made.measured[name] for name in measured_columns(imaging)}
    row |= {name: made.compared.get(name, math.nan) for name in compared_columns(imaging)}
    return row | {"row_digest": _digest(row, pixels), "image": pixels}


def _digest(row: dict[str, object], pixels: bytes) -> bytes:
    return hashlib.sha256(json.dumps(row, sort_keys=True).encode() + b"\0" + pixels).digest()


@contextmanager
def _opened(path: Path, imaging: Imaging) -> Iterator[pq.ParquetFile]:
    rebuild = "delete the file and run again: its galaxies are cut out anew"
    try:
        with pq.ParquetFile(path, page_checksum_verification=True, pre_buffer=False) as file:
            if not file.schema_arrow.equals(_schema(imaging), check_metadata=True):
                raise ArcgateError("the file holds galaxies of another imaging or version of arcgate", where=path, todo=rebuild)
            yield file
    except (OSError, pa.ArrowException) as error:
        raise ArcgateError(f"galaxies that were cut out cannot be read: {error}", where=path, todo=rebuild) from error
