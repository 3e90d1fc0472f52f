"""How a process takes memory for large arrays."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

# M_MMAP_MAX, M_TRIM_THRESHOLD and M_TOP_PAD of glibc's malloc.h: no array apart from the heap, and the heap stays as large as it
# became; and what they are otherwise.
_KEPT: Final = {-4: 0, -1: 2**31 - 1, -2: 2**26}
_ORDINARY: Final = {-4: 65536, -1: 2**17, -2: 2**17}


def keep_memory() -> None:
    """Take large arrays from memory that the process already has, where the C library is glibc; elsewhere nothing is done.

    It would ask the kernel for each array of tens of megabytes anew, and the kernel clears every page once more: a seventh of the
    time of a process that does little but go through stamps.
    """
    library = _glibc()
    for option, value in _KEPT.items() if library is not None else ():
        library.mallopt(option, value)


@contextmanager
def kept_memory() -> Iterator[None]:
    """The same for as long as a `with` block lasts; what is left is given back then."""
    keep_memory()
    try:
        yield
    finally:
        library = _glibc()
        for option, value in _ORDINARY.items() if library is not None else ():
            library.mallopt(option, value)
        if library is not None:
            library.malloc_trim(0)


def _glibc() -> Any:
    library = ctypes.CDLL(None) if sys.platform == "linux" else None
    return library if library is not None and hasattr(library, "mallopt") else None
