"""Names that users give to studies and variants: what a folder and the tracking database can both hold."""

from __future__ import annotations

import posixpath
from typing import Annotated, Final

from pydantic import AfterValidator

# MLflow's limit for an experiment's name, and that of file systems for one part of a path, in bytes.
STUDY_LENGTH: Final = 500
PART_BYTES: Final = 255


def _printable(name: str) -> str:
    odd = sorted({character for character in name if not character.isprintable()})
    if odd:
        raise ValueError(f"a name holds no control characters, found {', '.join(map(repr, odd))}")
    if not name.strip():
        raise ValueError("a name is needed")
    return name


def _folder(name: str) -> str:
    """Refuse a study whose table would lie outside `<data_dir>/studies`, or that a file system or MLflow cannot name."""
    normal = posixpath.normpath(name)
    if normal != name or name.startswith(("/", "../")) or name in (".", "..") or "\\" in name:
        raise ValueError(
            "the name of a study is that of a folder too, and must not leave it: "
            "no slash at its beginning or end, no backslash, and no part '..', '.' or without a name"
        )
    if name != name.strip():
        raise ValueError("the name of a study neither begins nor ends with a blank")
    if len(name) > STUDY_LENGTH:
        raise ValueError(f"the name has {len(name)} characters, MLflow allows {STUDY_LENGTH}")
    longest = max(len(part.encode()) for part in name.split("/"))
    if longest > PART_BYTES:
        raise ValueError(f"the name has {longest} bytes, a folder's may have {PART_BYTES}")
    return name


Name = Annotated[str, AfterValidator(_printable)]
"""Text that can be printed; of any length (`tracking` shortens it where MLflow allows less)."""
StudyName = Annotated[str, AfterValidator(_printable), AfterValidator(_folder)]
"""Name of a study: of its folder under `<data_dir>/studies` and of its experiment in MLflow."""
