"""A data set of arcgate as another maker would write it: a stamp and its own control in cells, arcs declared, not stored."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from arcgate.dataset.reader import open_dataset

# Given by the layout, or known to arcgate alone.
LEFT_OUT = ("pair_id", "role", "label", "sample_id", "control_kind", "provenance", "seed")
ROWS = 200


def as_foreign(folder: Path, path: Path) -> Path:
    """Write the pairs of a finished set with paired controls as one Parquet file."""
    writer = None
    for batch in open_dataset(folder).batches(roles=["positive", "control"]):
        rows = batch.table.reset_index(drop=True)
        positive, control = (rows[rows["role"] == role].sort_values("pair_id").index for role in ("positive", "control"))
        table = rows.loc[positive].drop(columns=list(LEFT_OUT)).assign(
            is_control=0, stamp_npz=cells(batch.image[positive]), ctrl_stamp_npz=cells(batch.image[control])
        )  # fmt: skip
        content = pa.Table.from_pandas(pd.DataFrame(table), preserve_index=False)
        writer = writer or pq.ParquetWriter(path, content.schema)
        writer.write_table(content.cast(writer.schema), row_group_size=ROWS)
    if writer is None:
        raise SystemExit(f"{folder} holds no rows")
    writer.close()
    return path


def cells(stamps: np.ndarray) -> list[bytes]:
    """Numpy bytes of each stamp, bands last."""
    out = []
    for stamp in stamps:
        file = io.BytesIO()
        np.savez(file, np.moveaxis(stamp, 0, -1))
        out.append(file.getvalue())
    return out
