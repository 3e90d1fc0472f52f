"""What the reading of pixels raises is damage of the file, but for too little memory."""

from __future__ import annotations

import pytest

from arcgate.survey.fits_file import decoding


class OfADecoderError(Exception):
    """As astropy's decoders raise: of no class that says what it is."""


def test_whatever_a_decoder_raises_is_an_error_of_the_file() -> None:
    with pytest.raises(OSError, match="hit end of compressed byte stream"), decoding():
        raise OfADecoderError("hit end of compressed byte stream")


def test_too_little_memory_is_no_damage() -> None:
    with pytest.raises(MemoryError), decoding():
        raise MemoryError
