"""Small FITS files read whole, with errors that say what to do; and what reading pixels of any FITS file can raise."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from astropy.io import fits
from astropy.utils.exceptions import AstropyUserWarning

from arcgate.ground.errors import ArcgateError


def read_hdus(path: Path, what: str) -> list[Any]:
    """All parts of a FITS file, in memory.

    Parameters
    ----------
    path : Path
        The file.
    what : str
        What it should be, for the error message.

    Returns
    -------
    list of astropy HDUs
        Their data are loaded and the file is closed.

    Raises
    ------
    ArcgateError
        If the file is missing, is not FITS or ends early.
    """
    if not path.is_file():
        raise ArcgateError(
            f"no file {path.name}, sought is {what}", where=path.parent, todo="check the name, or copy the file there"
        )
    with warnings.catch_warnings():
        # astropy only warns about a file that ends early, and fails later with the error of whatever it tried to read.
        warnings.filterwarnings("error", message=".*truncated.*", category=AstropyUserWarning)
        try:
            with path.open("rb") as stream, fits.open(stream, memmap=False, lazy_load_hdus=False) as file:
                hdus = list(file)
                for hdu in hdus:
                    # Reading happens at the first access to the data.
                    with decoding():
                        _ = hdu.data
        except (OSError, fits.VerifyError, AstropyUserWarning) as error:
            raise ArcgateError(
                f"{path.name} is not a complete FITS file ({error}), sought is {what}",
                where=path,
                todo="copy or download it again",
            ) from error
    return hdus


@contextmanager
def decoding() -> Iterator[None]:
    """Around the reading of pixels alone: whatever is raised comes out as OSError, and the caller says of which file.

    Damaged pixels are found by what unpacks them, and astropy's decoders raise anything then, also a class that is not public and
    has no base but Exception. Too little memory is no damage, and goes through as it is.
    """
    try:
        yield
    except MemoryError:
        raise
    except Exception as error:
        raise OSError(str(error) or type(error).__name__) from error
