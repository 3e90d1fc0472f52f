"""The checksum of a FITS table's rows, summed up while they are read (FITS 4.0, section 4.4.2.7 and appendix J)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

_WORD: Final = 4


@dataclass
class DataSum:
    """A ones'-complement sum of big-endian 32-bit words, over bytes that come in parts of any length.

    Attributes
    ----------
    total : int
        Of whole words so far, without end-around carries.
    rest : bytes
        What was left of a word that the next part goes on with.
    """

    total: int = 0
    rest: bytes = b""

    def add(self, part: memoryview) -> None:
        """Sum up what follows."""
        if self.rest:
            lacking = _WORD - len(self.rest)
            start, part = self.rest + bytes(part[:lacking]), part[lacking:]
            if len(start) < _WORD:
                self.rest = start
                return
            self.total += int.from_bytes(start, "big")
        whole = len(part) - len(part) % _WORD
        words = np.frombuffer(part[:whole], dtype=">u4")
        # 64 bits hold the sum of four thousand million words.
        self.total += int(words.sum(dtype=np.uint64))
        self.rest = bytes(part[whole:])

    @property
    def value(self) -> int:
        """As the keyword DATASUM states it. What fills the last block of a file up is zeros, and adds nothing."""
        total = self.total + int.from_bytes(self.rest.ljust(_WORD, b"\0"), "big")
        while total >> 32:
            total = (total & 0xFFFFFFFF) + (total >> 32)
        return total
