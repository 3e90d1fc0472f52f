"""A bare .npz file as a source: stamps, labels and groups, with controls, arcs and centres where they are given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.dataset.schema import schema_of
from arcgate.foreign.array_file import ARCS, CONTROLS, STAMPS, ArrayStore, Header, digest_of_arrays, headers_of, whole_array
from arcgate.foreign.assembling import Kept, Stored, assembled
from arcgate.foreign.cells import pickled
from arcgate.foreign.foreign_source import ForeignSource
from arcgate.foreign.identity import PAIR, SPLIT_NAMES
from arcgate.foreign.left_out import FLAGS, flagged, leave_out
from arcgate.foreign.recorded import CENTRE, STRUCTURAL, require_inside
from arcgate.foreign.rows import recorded, unused_note
from arcgate.foreign.same_look import compare, namesakes, stored_types, type_notes
from arcgate.foreign.stated_imaging import BANDS, PIXEL_SCALE, REFERENCE, ZERO, Stated, imaging_of, stated_by
from arcgate.ground.counting import count_of
from arcgate.ground.errors import ArcgateError
from arcgate.imaging import ZERO_POINT, Imaging

LAYOUT = "arrays"
LABELS, GROUPS = "labels", "groups"
_CENTRES = dict(zip(("x", "y"), CENTRE, strict=True))
_KNOWN = (STAMPS, LABELS, GROUPS, CONTROLS, ARCS, *_CENTRES)
_IMAGES = (STAMPS, CONTROLS, ARCS)
# Columns of the schema that hold words.
_TEXTS = ("provenance", "arc_noise", "core_mask_kind", "psf_profile_used")
# Whose absence changes the answer without a trace.
_VALUES = {GROUPS, *_CENTRES, *SPLIT_NAMES, PAIR, PIXEL_SCALE, *FLAGS}
_EXPECTED = (
    f"save {STAMPS} (n, band, y, x) or (n, y, x, band), {LABELS} (1 with arc, 0 without) and {GROUPS} (the galaxy of each one); "
    f"if there are any, {CONTROLS} (each stamp without its arc), {ARCS}, x, y (centre of the galaxy, pixels), and columns of the "
    "schema, one value a stamp"
)


def open_arrays(path: Path, imaging: Imaging | None = None) -> ForeignSource:
    """Open a .npz file of stamps.

    Parameters
    ----------
    path : Path
        Holds `stamps`, `labels` and `groups`; optionally `controls` (the galaxy of each stamp without its arc; then stamps
        with label 0 are not needed), `arcs` (light as added), `x` and `y` (centre of the galaxy), `split`, `pair_id`,
        and any column of the schema, one value a stamp; `bands`, `reference_band`, `pixel_scale_arcsec` and `zero_point`.
        Pixels are taken as nanomaggies where no zero point is stated.
    imaging : Imaging, optional
        Of the stamps; None: what the file states, else that of DECaLS.

    Returns
    -------
    ForeignSource

    Raises
    ------
    ArcgateError
        For a missing array, a wrong shape or type, labels other than 0 and 1, pickled objects, or one class only.
    """
    found = headers_of(path)
    _require_known(found, path)
    imaging, taken = imaging_of(found[STAMPS].shape[1:], f"{path}, array {STAMPS}", _stated(found, path), imaging)
    # Where one of these is there, it is read: it cannot be passed over because of how it was saved.
    needed = {*_KNOWN, *_VALUES, BANDS, REFERENCE, ZERO, *(name for name in schema_of(imaging).names if name not in STRUCTURAL)}
    headers = {name: header for name, header in found.items() if not header.dtype.hasobject or name in needed}
    n = _checked(headers, needed, path)
    raw = pd.DataFrame({name: _column(path, header, n) for name, header in headers.items() if _is_column(name, header, n)})
    is_control = _labels(whole_array(path, headers[LABELS]), path) == 0
    place = _Place(path)
    failed, flags = flagged(raw, place)
    left = leave_out(is_control, failed, None, flags)
    rows = left.kept
    centred = _with_centres(raw, imaging, place).iloc[rows]
    known = recorded(centred, lambda row: place(int(rows[row])), imaging, (GROUPS,))
    used = {
        **dict.fromkeys(_KNOWN),
        **dict.fromkeys(known.used),
        **dict.fromkeys(flags),
        **dict.fromkeys((BANDS, REFERENCE, ZERO)),
    }
    store = ArrayStore(path, {name: header for name, header in headers.items() if name in used}, imaging)
    read = {name: header for name, header in headers.items() if name in store.headers or name in raw}
    own = CONTROLS in headers
    namesake = rows[namesakes(pd.factorize(known.table["host_id"])[0])]
    types: dict[str, set[str]] = {name: stored_types([np.empty(0, headers[name].dtype)]) for name in _IMAGES if name in headers}
    kept = Kept(
        recorded=known,
        is_control=is_control[rows],
        own=CONTROLS if own else None,
        left=left,
        runs={"split": known.table["split"].to_numpy(np.str_)} if "split" in known.table else {},
        look=compare(namesake, store.some(CONTROLS if own else STAMPS, np.unique(namesake))),
        place=place,
    )
    stored = Stored(
        layout=LAYOUT,
        path=path,
        digest=digest_of_arrays(path, read, imaging),
        store=store,
        has_arc=ARCS in headers,
        types=frozenset().union(*types.values()),
    )
    notes = [
        *(["pixels are taken as nanomaggies"] if imaging.zero_point == ZERO_POINT else []),
        *taken,
        *type_notes(types),
        *_passed_over(found, used, n, imaging),
    ]
    if known.table["host_id"].is_unique and not own:
        notes.append(f"every stamp has a group of its own: if galaxies repeat, give them the same value in {GROUPS}")
    return assembled(kept, stored, notes)


@dataclass(frozen=True)
class _Place:
    """Names a row of the file."""

    path: Path

    def __call__(self, row: int) -> str:
        return f"{self.path}, row {row}"


def _stated(found: dict[str, Header], path: Path) -> Stated:
    """What arrays say of the imaging: names of bands, the reference band, one pixel scale or one a stamp."""
    said: dict[str, set[str]] = {}
    for name in (name for name in (BANDS, REFERENCE, ZERO) if name in found):
        _require_plain(found[name], path)
        words = np.atleast_1d(whole_array(path, found[name])).astype(np.str_).ravel().tolist()
        said[name] = {",".join(words)} if name == BANDS else {*words}
    raw = pd.DataFrame()
    if PIXEL_SCALE in found:
        _require_plain(found[PIXEL_SCALE], path)
        raw = pd.DataFrame({PIXEL_SCALE: np.atleast_1d(whole_array(path, found[PIXEL_SCALE]))})
    return stated_by(raw, said, _Place(path))


def _with_centres(raw: pd.DataFrame, imaging: Imaging, place: _Place) -> pd.DataFrame:
    """With x and y by the schema's names, which they override."""
    for name, column in _CENTRES.items():
        if name in raw:
            require_inside(pd.to_numeric(raw[name], errors="coerce"), name, imaging, place)
            raw = raw.drop(columns=[column], errors="ignore").rename(columns={name: column})
    return raw


def _is_column(name: str, header: Header, n: int) -> bool:
    """Whether an array holds one value a stamp, or one for all, that may say something of the rows."""
    alone = name == PIXEL_SCALE and header.shape in ((), (1,))
    return (
        (header.shape == (n,) or alone)
        and name not in (*_IMAGES, LABELS, BANDS, REFERENCE, ZERO)
        and header.dtype.kind in "biufUS"
    )


def _column(path: Path, header: Header, n: int) -> NDArray[np.generic]:
    values = whole_array(path, header)
    native = values.astype(values.dtype.newbyteorder("="))
    return native if header.shape == (n,) else np.repeat(native.reshape(1), n)


def _passed_over(found: dict[str, Header], used: Mapping[str, object], n: int, imaging: Imaging) -> list[str]:
    """List the arrays that are not used, and why."""
    reasons = {
        header.name: "dtype object, unread" if header.dtype.hasobject else f"{header.dtype} of shape {header.shape}"
        for name, header in found.items()
        if name not in used and (header.dtype.hasobject or header.shape != (n,))
    }
    plain = {name for name, header in found.items() if header.name not in reasons}
    return unused_note("arrays", plain, {*used}, reasons, imaging)


def _require_known(headers: dict[str, Header], path: Path) -> None:
    missing = [name for name in (STAMPS, LABELS, GROUPS) if name not in headers]
    if missing:
        found = ", ".join(headers) or "nothing"
        raise ArcgateError(f"no array {' and no array '.join(missing)}; the file holds {found}", where=path, todo=_EXPECTED)


def _checked(headers: dict[str, Header], needed: set[str], path: Path) -> int:
    """Number of stamps, after checking the shapes of what is there."""
    n = headers[LABELS].shape[0] if len(headers[LABELS].shape) == 1 else -1
    for name in (name for name in headers if name in needed):
        _require_plain(headers[name], path)
    for name in (name for name in _KNOWN if name in headers):
        header = headers[name]
        images = name in _IMAGES
        right = header.shape[0:1] == (n,) and (images or len(header.shape) == 1)
        if not right or (images and (header.dtype.kind != "f" or header.shape != headers[STAMPS].shape)):
            raise ArcgateError(
                f"{name} is {header.dtype} of shape {header.shape}, beside {LABELS} of shape {headers[LABELS].shape}",
                where=path,
                todo=_EXPECTED,
            )
    for name in (name for name in headers if name in _VALUES):
        _require_values(name, headers[name], headers[LABELS], path)
    return n


def _require_plain(header: Header, path: Path) -> None:
    """Raise ArcgateError for an array that is needed and was pickled, or is not stored row by row."""
    where = f"{path}, array {header.name}"
    if header.dtype.hasobject:
        words = header.name.lower() in (GROUPS, PAIR, BANDS, REFERENCE, *SPLIT_NAMES) or header.name.lower() in _TEXTS
        raise pickled(where, f"{header.name}.astype({'str' if words else 'float'})")
    if header.fortran:
        raise ArcgateError("the array is stored in Fortran order", where=where, todo="save np.ascontiguousarray(array)")


def _require_values(name: str, header: Header, labels: Header, path: Path) -> None:
    """Raise ArcgateError for an array that would be passed over for its shape or type, and with it what it says of the rows."""
    if _is_column(name, header, labels.shape[0] if labels.shape else -1):
        return
    raise ArcgateError(
        f"{header.name} is {header.dtype} of shape {header.shape}, beside {LABELS} of shape {labels.shape}",
        where=f"{path}, array {header.name}",
        todo="give one number or text a stamp",
    )


def _labels(values: NDArray[np.generic], path: Path) -> NDArray[np.int64]:
    strange = ~np.isin(values, [0, 1])
    if strange.any():
        raise ArcgateError(
            f"{LABELS} hold {values[strange][0]!s} "
            f"in {count_of(int(strange.sum()), 'row')}; they are 1 (with arc) or 0 (without)",
            where=f"{path}, row {int(np.argmax(strange))}",
        )
    return values.astype(np.int64)
