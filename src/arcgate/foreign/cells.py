"""Stamps in the cells of a table: numpy bytes or nested lists, bands together or by their names."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Mapping
from typing import Final, TypeGuard

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from arcgate.dataset.schema import BANDS, IMAGE_SHAPE, STAMP_SIZE
from arcgate.ground.errors import ArcgateError

LAST: Final = (STAMP_SIZE, STAMP_SIZE, len(BANDS))
_PLANE: Final = (STAMP_SIZE, STAMP_SIZE)
_BAND_NAME: Final = re.compile(rf"(?:(?:image|img|stamp|cutout|flux|data)_?)?({'|'.join(BANDS)})", re.IGNORECASE)
_NPY, _ZIP = b"\x93NUMPY", b"PK"
# Protocols 2 to 5 of Python's pickle begin with this and their number.
_PICKLE: Final = b"\x80"
_TO_DO: Final = "cut or pad stamps to 64 x 64 pixels, bands g, r, z, before the audit"

Stamp = NDArray[np.floating]


def cell_bytes(cell: pa.Scalar) -> bytes | None:
    """What a digest takes of a cell; None where it holds nothing."""
    if not cell.is_valid:
        return None
    if isinstance(cell, pa.BinaryScalar | pa.LargeBinaryScalar | pa.FixedSizeBinaryScalar):
        return cell.as_py() or None
    if isinstance(cell, pa.FixedShapeTensorScalar):
        return bytes(cell.to_numpy().tobytes())
    shape, _, values = _levels(cell)
    return repr(shape).encode() + values.to_numpy(zero_copy_only=False).tobytes() if len(values) else None


def is_image_type(kind: pa.DataType) -> bool:
    """Whether cells of this type can hold a stamp."""
    if isinstance(kind, pa.FixedShapeTensorType):
        return bool(pa.types.is_floating(kind.value_type))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return is_image_type(kind.value_type) or bool(pa.types.is_floating(kind.value_type))
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind))


def stamp_of(cell: pa.Scalar, where: str) -> Stamp:
    """A stamp (3, 64, 64) in the order g, r, z, in the type in which it was written; nothing is ever unpickled.

    Parameters
    ----------
    cell : Scalar of pyarrow
        Bytes of `np.savez`, `np.savez_compressed` or `np.save`, of one array (64, 64, 3) or (3, 64, 64), or of three arrays
        (64, 64) whose names end in the bands; or nested lists of numbers of these shapes.
    where : str
        For messages.

    Raises
    ------
    ArcgateError
        For an empty cell, bytes that are no numeric arrays, another shape, or missing bands.
    """
    if not cell.is_valid:
        raise ArcgateError("the cell holds no stamp", where=where)
    if isinstance(cell, pa.BinaryScalar | pa.LargeBinaryScalar | pa.FixedSizeBinaryScalar):
        return decoded(cell.as_py(), where)
    values = _nested(cell, where)
    if values is None:
        raise ArcgateError("the cell holds no stamp", where=where)
    return _bands_first({"the list": values}, where)


def decoded(blob: bytes, where: str) -> Stamp:
    """A stamp from numpy bytes, as `stamp_of`."""
    if not blob.startswith((_NPY, _ZIP)):
        raise _no_numpy_bytes(blob, where)
    try:
        loaded = np.load(io.BytesIO(blob), allow_pickle=False)
        if isinstance(loaded, np.lib.npyio.NpzFile):
            arrays = {name: loaded[name] for name in _image_names(loaded.files)}
        else:
            arrays = {"the array": loaded}
    except (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise unreadable(error, where) from error
    return _bands_first(arrays, where)


def _image_names(names: list[str]) -> list[str]:
    """The arrays of the three bands in their order, where all three are there; else all arrays."""
    found = {match[1].lower(): name for name in names if (match := _BAND_NAME.fullmatch(name))}
    return [found[band] for band in BANDS] if set(found) == set(BANDS) else names


def _bands_first(arrays: Mapping[str, NDArray[np.generic]], where: str) -> Stamp:
    shapes = [array.shape for array in arrays.values()]
    numbers = [array.astype(array.dtype.newbyteorder("="), copy=False) for array in arrays.values() if _is_float(array)]
    if len(numbers) == len(arrays):
        bands = [match[1].lower() for name in arrays if (match := _BAND_NAME.fullmatch(name))]
        if shapes == [_PLANE] * len(BANDS) and bands == list(BANDS):
            return np.stack(numbers)
        if shapes in ([LAST], [IMAGE_SHAPE]):
            return np.moveaxis(numbers[0], -1, 0) if shapes == [LAST] else numbers[0]
    found = ", ".join(f"{name}: {array.dtype} of shape {array.shape}" for name, array in arrays.items())
    raise ArcgateError(
        f"a stamp is one floating-point array of shape {LAST} or {IMAGE_SHAPE}, or three of shape {_PLANE} called image_g, "
        f"image_r and image_z; found is {found or 'nothing'}",
        where=where,
        todo=_TO_DO,
    )


def _is_float(array: NDArray[np.generic]) -> TypeGuard[Stamp]:
    return array.dtype.kind == "f"


def _nested(cell: pa.Scalar, where: str) -> NDArray[np.floating] | None:
    """Array of nested lists of one length a level; None for an empty list."""
    if isinstance(cell, pa.FixedShapeTensorScalar):
        return np.asarray(cell.to_numpy())
    shape, even, values = _levels(cell)
    if not len(values):
        return None
    if not even or values.null_count:
        raise ArcgateError("lists of different lengths, or with empty places, in one stamp", where=where, todo=_TO_DO)
    return np.asarray(values.to_numpy(zero_copy_only=False)).reshape(shape)


def _levels(cell: pa.Scalar) -> tuple[list[int], bool, pa.Array]:
    """Lengths of nested lists level by level, whether all of a level share theirs, and the numbers in them."""
    values, even = cell.values, True
    shape = [len(values)]
    while pa.types.is_nested(values.type):
        even &= len(pc.list_value_length(values).unique()) == 1
        total = len(values)
        values = values.flatten()
        shape.append(len(values) // max(total, 1))
    return shape, even, values


def _no_numpy_bytes(blob: bytes, where: str) -> ArcgateError:
    if blob[:1] == _PICKLE and blob[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return ArcgateError(
            "a pickled Python object, which arcgate never loads: it can run code",
            where=where,
            todo="write the bytes of np.savez_compressed(file, stamp.astype('float32'))",
        )
    return ArcgateError(
        f"no numpy bytes: they begin with {blob[:6]!r}", where=where, todo="write the bytes of np.savez_compressed(file, stamp)"
    )


def unreadable(error: Exception, where: object) -> ArcgateError:
    """What to say of numpy bytes that do not load."""
    if "Object arrays" in str(error):
        return pickled(where, "array.astype('float32')")
    return ArcgateError(f"cannot be read as numpy bytes: {error}", where=where, todo="write it again with np.savez_compressed")


def pickled(where: object, instead: str) -> ArcgateError:
    """What to say of an array of dtype object, and what to save instead."""
    return ArcgateError(
        "an array of dtype object, which holds pickled Python objects: arcgate never loads them, since they can run code",
        where=where,
        todo=f"save {instead} instead",
    )
