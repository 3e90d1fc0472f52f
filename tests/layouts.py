"""Data sets of arcgate written out as others keep theirs: compressed numpy bytes in Parquet, or bare arrays."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from arcgate.dataset.reader import Dataset
from arcgate.dataset.shard_reading import StampBatch
from arcgate.foreign.recorded import CENTRE, NOISE, lens_and_source
from arcgate.imaging import DECALS, Imaging


def blob(array: np.ndarray) -> bytes:
    """Compressed numpy bytes."""
    file = io.BytesIO()
    np.savez_compressed(file, array)
    return file.getvalue()


def declared_names(imaging: Imaging = DECALS) -> tuple[str, ...]:
    """Columns that declare arcs in full: lens, source, the survey's PSF, noise and place."""
    psf = [f"{stem}_{band}" for stem in ("psfsize", "psf_beta_declared") for band in imaging.bands]
    return *lens_and_source(imaging), *psf, NOISE, *CENTRE


def hwc(stamp: np.ndarray) -> np.ndarray:
    """Bands last, as the older layout has them."""
    return np.moveaxis(stamp, 0, -1)


def pairs_of(dataset: Dataset) -> StampBatch:
    """Positives and controls of all shards, members of a pair adjacent."""
    batches = list(dataset.batches(roles=["positive", "control"]))
    table = pd.concat([batch.table for batch in batches], ignore_index=True)
    order = table.sort_values(["pair_id", "role"], ascending=[True, False]).index.to_numpy()
    return StampBatch(
        table.iloc[order].reset_index(drop=True),
        np.concatenate([batch.image for batch in batches])[order],
        np.concatenate([batch.arc for batch in batches])[order],
    )


def paired_rows(dataset: Dataset) -> pd.DataFrame:
    """The older layout with a control of its own beside each positive."""
    batch = pairs_of(dataset)
    positive, control = batch.image[::2], batch.image[1::2]
    table = batch.table[::2]
    return pd.DataFrame(
        {
            "stamp_npz": [blob(hwc(stamp)) for stamp in positive],
            "ctrl_stamp_npz": [blob(hwc(stamp)) for stamp in control],
            "is_control": 0,
            "objid": table["host_id"].to_numpy(),
            "theta_e_arcsec": table["theta_e_arcsec"].to_numpy(),
            "psf_fwhm_used_r": table["psf_fwhm_used_r"].to_numpy(),
            "psfsize_r": table["psfsize_r"].to_numpy(),
            "arc_snr": table["arc_snr"].to_numpy(),
            "region_split": table["split"].to_numpy(),
            "brickname": "0001m002",
            "cutout_ok": True,
        }
    )


def unpaired_rows(dataset: Dataset) -> pd.DataFrame:
    """The older layout with controls as rows of their own."""
    batch = pairs_of(dataset)
    table = batch.table
    return pd.DataFrame(
        {
            "stamp_npz": [blob(hwc(stamp)) for stamp in batch.image],
            "is_control": (table["role"] == "control").astype(int).to_numpy(),
            "objid": table["host_id"].to_numpy(),
            "theta_e_arcsec": table["theta_e_arcsec"].fillna(0.0).to_numpy(),
            "psfsize_r": table["psfsize_r"].to_numpy(),
            "split": table["split"].to_numpy(),
        }
    )


def write_rows(rows: pd.DataFrame, path: Path, row_group_size: int = 50) -> Path:
    """Rows as a Parquet file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pandas(rows, preserve_index=False), path, row_group_size=row_group_size)
    return path


def arrays_of(dataset: Dataset, bands_last: bool = False) -> dict[str, np.ndarray]:
    """Stamps, labels and groups."""
    batch = pairs_of(dataset)
    return {
        "stamps": np.moveaxis(batch.image, 1, -1) if bands_last else batch.image,
        "labels": (batch.table["role"] == "positive").to_numpy().astype(np.int64),
        "groups": batch.table["host_id"].to_numpy().astype(str),
    }


def write_arrays(arrays: Mapping[str, np.ndarray], path: Path, save: Callable[..., None] = np.savez) -> Path:
    """Arrays as one file."""
    save(path, **arrays)
    return path
