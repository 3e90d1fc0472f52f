"""What a table's file begins with, where its name says otherwise: nothing, something compressed, another separator."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from arcgate.ground.errors import ArcgateError

# First bytes of compressed files, by what compresses and undoes them.
_COMPRESSED: Final = {
    b"\x1f\x8b": ("gzip", "gunzip"),
    b"BZh": ("bzip2", "bunzip2"),
    b"\xfd7zXZ\x00": ("xz", "unxz"),
    b"\x28\xb5\x2f\xfd": ("zstd", "unzstd"),
    b"PK\x03\x04": ("zip", "unzip"),
}
_PACKED: Final = (".gz", ".bz2", ".xz", ".zst", ".zip")
_SEPARATORS: Final = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}


def require_bytes(path: Path) -> None:
    """Refuse a file without a byte: ArcgateError; OSError where it cannot be read at all."""
    with path.open("rb") as file:
        if file.read(1):
            return
    raise ArcgateError(f"{path.name} is empty: it does not hold a single byte", where=path, todo="write or download it again")


def require_plain(path: Path, *, takes_gz: bool = False) -> None:
    """Refuse a file that is empty, or compressed under a plain name.

    Parameters
    ----------
    path : Path
    takes_gz : bool
        Whether its reader reads files that end in .gz, so that the right name is enough.

    Raises
    ------
    ArcgateError
    OSError
        The file cannot be read at all.
    """
    require_bytes(path)
    with path.open("rb") as file:
        begins = file.read(8)
    if path.suffix.lower() in _PACKED:
        return
    found = next((words for mark, words in _COMPRESSED.items() if begins.startswith(mark)), None)
    if found is not None:
        renamed = f", or call it {path.name}.gz" if takes_gz and found[0] == "gzip" else ""
        raise ArcgateError(
            f"{path.name} is compressed ({found[0]}) under a plain name",
            where=path,
            todo=f"decompress it ({found[1]}){renamed}",
        )


def require_separated(path: Path, separator: str, head: str | None = None) -> None:
    """Refuse a table in text that is empty, compressed under a plain name, or parted by something else than its name says.

    Parameters
    ----------
    path : Path
    separator : str
        What parts columns in a file of this name.
    head : str, optional
        Its first line, where that takes more than to open the file as it is.

    Raises
    ------
    ArcgateError
    OSError, UnicodeDecodeError
        The file cannot be read at all, or is no text.
    """
    if head is None:
        require_plain(path)
        with path.open(encoding="utf-8-sig") as lines:
            head = lines.readline()
    if separator in head:
        return
    other = next((sign for sign in _SEPARATORS if sign != separator and sign in head), None)
    if other is not None:
        also = {"\t": ", or call it .tsv", ";": " and decimal points"}.get(other, "")
        raise ArcgateError(
            f"the columns of {path.name} are parted by {_SEPARATORS[other]}, sought are {_SEPARATORS[separator]}",
            where=f"{path}, line 1",
            todo=f"write it with {_SEPARATORS[separator]}{also}",
        )
