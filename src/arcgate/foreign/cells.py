"""Stamps in the cells of a table: numpy bytes or nested lists, bands together or by their names."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from typing import Final, TypeGuard

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from arcgate.ground.errors import ArcgateError
from arcgate.imaging import Imaging

_BAND_NAME: Final = re.compile(r"(?:(?:image|img|stamp|cutout|flux|data)_?)?([a-z0-9]+)", re.IGNORECASE)
_NPY, _ZIP = b"\x93NUMPY", b"PK"
# Protocols 2 to 5 of Python's pickle begin with this and their number.
_PICKLE: Final = b"\x80"
_TO_DO: Final = "write square stamps of one size, or state their imaging (imaging=... on the command line)"

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


def stamp_of(cell: pa.Scalar, imaging: Imaging, where: str) -> Stamp:
    """A stamp (band, y, x), in the type in which it was written; nothing is ever unpickled.

    Parameters
    ----------
    cell : Scalar of pyarrow
        Bytes of `np.savez`, `np.savez_compressed` or `np.save`, of one array (y, x, band) or (band, y, x), or of an
        array (y, x) for each band whose names end in the bands; or nested lists of numbers of these shapes.
    imaging : Imaging
        Of the stamp.
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
        return decoded(cell.as_py(), imaging, where)
    values = _nested(cell, where)
    if values is None:
        raise ArcgateError("the cell holds no stamp", where=where)
    return _bands_first({"the list": values}, imaging, where)


def decoded(blob: bytes, imaging: Imaging, where: str) -> Stamp:
    """A stamp from numpy bytes, as `stamp_of`."""
    return _bands_first(_arrays(blob, imaging.bands, where), imaging, where)


def shape_of(cell: pa.Scalar, bands: Sequence[str], where: str) -> tuple[int, ...]:
    """Shape of the stamp in a cell, whatever it is: of one array, or of a plane for each of the bands."""
    if isinstance(cell, pa.BinaryScalar | pa.LargeBinaryScalar | pa.FixedSizeBinaryScalar):
        arrays = [*_arrays(cell.as_py(), bands, where).values()]
        planes = len(arrays) > 1 or (len(arrays) == 1 and arrays[0].ndim == 2)
        return (len(arrays), *arrays[0].shape) if planes else arrays[0].shape if arrays else ()
    values = _nested(cell, where)
    return () if values is None else values.shape


def _arrays(blob: bytes, bands: Sequence[str], where: str) -> dict[str, NDArray[np.generic]]:
    if not blob.startswith((_NPY, _ZIP)):
        raise _no_numpy_bytes(blob, where)
    try:
        loaded = np.load(io.BytesIO(blob), allow_pickle=False)
        if isinstance(loaded, np.lib.npyio.NpzFile):
            return {name: loaded[name] for name in _image_names(loaded.files, bands)}
        return {"the array": loaded}
    except (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise unreadable(error, where) from error


def _image_names(names: list[str], bands: Sequence[str]) -> list[str]:
    """The arrays of the bands in their order, where they are there; else all arrays."""
    found = {match[1].lower(): name for name in names if (match := _BAND_NAME.fullmatch(name))}
    return [found[band] for band in bands] if set(bands) <= set(found) else names


def _bands_first(arrays: Mapping[str, NDArray[np.generic]], imaging: Imaging, where: str) -> Stamp:
    first, plane = imaging.shape, imaging.shape[1:]
    last = (*plane, len(imaging.bands))
    shapes = [array.shape for array in arrays.values()]
    numbers = [array.astype(array.dtype.newbyteorder("="), copy=False) for array in arrays.values() if _is_float(array)]
    if len(numbers) == len(arrays):
        bands = [match[1].lower() for name in arrays if (match := _BAND_NAME.fullmatch(name))]
        if shapes == [plane] * len(imaging.bands) and bands == list(imaging.bands):
            return np.stack(numbers)
        if shapes in ([last], [first]):
            return np.moveaxis(numbers[0], -1, 0) if shapes == [last] else numbers[0]
    found = ", ".join(f"{name}: {array.dtype} of shape {array.shape}" for name, array in arrays.items())
    raise ArcgateError(
        f"a stamp is one floating-point array of shape {last} or {first}, or one of shape {plane} for each band, called "
        f"{', '.join(f'image_{band}' for band in imaging.bands)}; found is {found or 'nothing'}",
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
