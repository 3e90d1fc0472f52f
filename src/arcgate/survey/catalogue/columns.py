"""The columns of a parents catalogue: what they are made from in a sweep, and how they lie in Parquet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from arcgate.survey.catalogue.rows import Rows, ab_magnitude
from arcgate.survey.legacy.layout import Footprint

PARENTS: Final = "parents.parquet"
_VERSION: Final = {"arcgate.parents_version": "1"}
# Of a point source at the depth of an image.
_SIGNIFICANCE: Final = 5.0
_WHOLE: Final = {"release": "RELEASE", "brickid": "BRICKID", "objid": "OBJID", "maskbits": "MASKBITS"}
_REAL: Final = {
    **{name: name.upper() for name in ("ra", "dec", "ebv")},
    **{name: name.upper() for name in ("shape_r", "shape_e1", "shape_e2", "sersic")},
}
# Of each band, as they stand in the file; magnitudes and depths are made from them.
_OF_BAND: Final = ("flux", "mw_transmission", "psfsize", "psfdepth", "galdepth", "fracmasked")
_ORDER: Final = ("flux", "mw_transmission", "host_mag", "psfsize", "psfdepth", "galdepth", "depth", "nobs", "fracmasked")


def needed_columns(bands: Sequence[str]) -> tuple[str, ...]:
    """Columns that a sweep must have for the catalogue, whatever is selected."""
    of_bands = [f"{stem.upper()}_{band.upper()}" for band in bands for stem in (*_OF_BAND, "nobs")]
    return ("BRICKNAME", "TYPE", *_WHOLE.values(), *_REAL.values(), *of_bands)


def schema(bands: Sequence[str]) -> pa.Schema:
    """Columns of a parents catalogue and their types; none is null, what is not known of a number is NaN."""
    kinds = {
        "host_id": pa.string(),
        "release": pa.int32(),
        "brickid": pa.int32(),
        "objid": pa.int32(),
        "brick": pa.string(),
        "footprint": pa.string(),
        "type": pa.string(),
        "ra": pa.float64(),
        "dec": pa.float64(),
        "ebv": pa.float64(),
        "maskbits": pa.int32(),
        **{name: pa.float64() for name in ("shape_r", "shape_e1", "shape_e2", "sersic")},
        **{f"{stem}_{band}": pa.int32() if stem == "nobs" else pa.float64() for band in bands for stem in _ORDER},
    }
    return pa.schema([pa.field(name, kind, nullable=False) for name, kind in kinds.items()], metadata=_VERSION)


def as_table(rows: Rows, footprint: Footprint, bands: Sequence[str]) -> pa.Table:
    """The catalogue's columns of some rows of a sweep, copied."""
    found: dict[str, NDArray[np.generic]] = {name: rows[source].astype(np.int32) for name, source in _WHOLE.items()}
    found |= {name: rows[source].astype(np.float64) for name, source in _REAL.items()}
    for band in bands:
        for stem in _OF_BAND:
            found[f"{stem}_{band}"] = rows[f"{stem.upper()}_{band.upper()}"].astype(np.float64)
        found[f"nobs_{band}"] = rows[f"NOBS_{band.upper()}"].astype(np.int32)
        found[f"host_mag_{band}"] = ab_magnitude(found[f"flux_{band}"].astype(np.float64))
        found[f"depth_{band}"] = _depth(found[f"psfdepth_{band}"].astype(np.float64))
    text = {
        "brick": _text(rows["BRICKNAME"]),
        "footprint": np.full(rows.size, footprint),
        "type": _text(rows["TYPE"]),
    }
    keys = zip(found["release"].tolist(), found["brickid"].tolist(), found["objid"].tolist(), strict=True)
    names = [f"ls-{release}-{brickid}-{objid}" for release, brickid, objid in keys]
    columns: dict[str, object] = {**found, **text, "host_id": names}
    target = schema(bands)
    return pa.table([pa.array(columns[field.name], type=field.type) for field in target], schema=target)


def row_bytes(table: pa.Table) -> bytes:
    """Content of rows in their order, the same however they are cut into tables: for a digest."""
    kinds = [(field.name, _PACKED.get(field.type, "S32")) for field in table.schema]
    packed = np.zeros(table.num_rows, dtype=kinds)
    for field in table.schema:
        values = table.column(field.name).to_numpy()
        packed[field.name] = values.astype(str).astype("S32") if pa.types.is_string(field.type) else values
    return packed.tobytes()


_PACKED: Final = {pa.int32(): "<i4", pa.float64(): "<f8"}


def _depth(inverse_variance: NDArray[np.float64]) -> NDArray[np.float64]:
    """5-sigma depth for point sources, AB, from the inverse variance that a sweep states; NaN where there is none."""
    known = np.isfinite(inverse_variance) & (inverse_variance > 0)
    return ab_magnitude(_SIGNIFICANCE / np.sqrt(np.where(known, inverse_variance, np.nan)))


def _text(column: NDArray[np.generic]) -> NDArray[np.str_]:
    """Text of FITS, without the blanks or zeros that fill it up."""
    return np.char.strip(column.astype("U"))
