"""A brick's images as files, each kind compressed and described as the Legacy Surveys do it.

Images by RICE in absolute steps of 1e-4 nanomaggies with dither, inverse variances by RICE in steps of a sixteenth of their
noise without dither, counts and bits by HCOMPRESS, all else without loss by GZIP; tiles of 100 x 100 pixels. The data lie in the
second HDU, which has no name. Sources: legacypipe (survey.py), and a genuine brick, with which tests compare.
"""

from __future__ import annotations

import hashlib
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from arcgate.ground.atomic import atomically
from arcgate.imaging import ZERO_POINT
from arcgate.survey.legacy.layout import MASKBITS, SurveyFolder
from arcgate.survey.mock.sky.catalogue import RELEASE
from arcgate.survey.mock.sky.choosing import Pointing
from arcgate.survey.mock.sky.wcs import BrickWcs

Plane = NDArray[Any]

_LOSSLESS: Final = {"compression_type": "GZIP_1", "quantize_level": 0.0}
_WHOLE_NUMBERS: Final = {"compression_type": "HCOMPRESS_1"}
# astropy's numbers of the ways to dither.
_NO_DITHER, _SUBTRACTIVE_DITHER_2 = -1, 2
_COMPRESSION: Final[dict[str, dict[str, Any]]] = {
    "image": {"compression_type": "RICE_1", "quantize_level": -1e-4, "quantize_method": _SUBTRACTIVE_DITHER_2},
    "invvar": {"compression_type": "RICE_1", "quantize_level": 16.0, "quantize_method": _NO_DITHER},
    "psfsize": _LOSSLESS,
    "depth": _LOSSLESS,
    "galdepth": _LOSSLESS,
    "nexp": _WHOLE_NUMBERS,
    "maskbits": _WHOLE_NUMBERS,
}
_TILE: Final = (100, 100)
_UNITS: Final = {
    "image": "nanomaggy",
    "invvar": "1/nanomaggy^2",
    "depth": "1/nanomaggy^2",
    "galdepth": "1/nanomaggy^2",
    "psfsize": "arcsec",
}
_PRODUCTS: Final = {"image": "image", "invvar": "wtmap", "nexp": "expmap", "maskbits": "maskbits"}
_DITHER_SEEDS: Final = 10_000
# Bytes of a FITS file's blocks and cards; no header here is longer than some blocks.
_BLOCK, _CARD, _LONGEST_HEADER = 2880, 80, 40 * 2880


class CoaddWriter:
    """Writes a brick's files and keeps their checksums.

    Parameters
    ----------
    root : Path
        Of the survey.
    pointing : Pointing
    bands : tuple of str
    """

    def __init__(self, root: Path, pointing: Pointing, bands: tuple[str, ...]) -> None:
        self.folder, self.pointing, self.bands = SurveyFolder(root, pointing.footprint), pointing, bands
        self._sums: dict[str, str] = {}
        self.folder.brick(pointing.brick.name).mkdir(parents=True, exist_ok=True)

    def write(self, plane: Plane, kind: str, band: str | None = None) -> None:
        """Write the image of a kind (y, x)."""
        name = self.pointing.brick.name
        settings = dict(_COMPRESSION[kind])
        if kind == "image":
            # The dither of a file is a function of what it is, and differs between files.
            settings["dither_seed"] = 1 + (self.pointing.brick.number * 7 + self.bands.index(str(band))) % _DITHER_SEEDS
        hdus = [fits.PrimaryHDU(), _compressed(plane, self._header(kind, band), settings)]
        if kind == MASKBITS:
            hdus[1].header["EXTNAME"] = "MASKBITS"
            for wise in ("WISEM1", "WISEM2"):
                hdu = _compressed(np.zeros(plane.shape, dtype=np.uint8), self._header(kind, None), settings)
                hdu.header["EXTNAME"] = wise
                hdus.append(hdu)
        self._keep(self.folder.coadd(name, kind, band), _bytes(fits.HDUList(hdus), unnamed=kind != MASKBITS))

    def keep_table(self, path: Path, hdus: fits.HDUList) -> None:
        """Write another of the brick's outputs."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._keep(path, _bytes(hdus, unnamed=False))

    def finish(self) -> None:
        """Write the list of checksums, which says that the brick is complete."""
        path = self.folder.checksums(self.pointing.brick.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomically(path) as temporary:
            temporary.write_text("".join(f"{digest} *{place}\n" for place, digest in self._sums.items()), encoding="utf-8")

    def _keep(self, path: Path, content: bytes) -> None:
        with atomically(path) as temporary:
            temporary.write_bytes(content)
        self._sums[path.relative_to(self.folder.root / self.folder.footprint).as_posix()] = hashlib.sha256(content).hexdigest()

    def _header(self, kind: str, band: str | None) -> fits.Header:
        brick, release = self.pointing.brick, RELEASE[self.pointing.footprint]
        cards: list[tuple[str, object, str]] = [
            ("LEGPIPEV", "arcgate mock", "made, not observed"),
            ("SURVEY", "DECaLS" if self.pointing.footprint == "south" else "BASS MzLS", "survey whose files these are like"),
            ("DRVERSIO", release // 1000 * 1000, "Survey data release number"),
            ("OBSTYPE", "object", "Observation type"),
            ("PROCTYPE", "tile", "Processing type"),
            ("BRICKNAM", brick.name, "LegacySurvey brick RRRr[pm]DDd"),
            ("BRICKID", brick.number, "LegacySurvey brick id"),
            ("RAMIN", brick.ra1, "Brick RA min"),
            ("RAMAX", brick.ra2, "Brick RA max"),
            ("DECMIN", brick.dec1, "Brick Dec min"),
            ("DECMAX", brick.dec2, "Brick Dec max"),
            ("BRICKRA", brick.ra, "Brick center"),
            ("BRICKDEC", brick.dec, "Brick center"),
            *((f"BRICK_{each.upper()}", True, f"Does band {each} touch this brick?") for each in self.bands),
            ("BRICKBND", "".join(self.bands), "Bands touching this brick"),
            *BrickWcs.of(brick).cards(),
            ("IMTYPE", kind, "LegacySurvey image type"),
            ("PRODTYPE", _PRODUCTS.get(kind, kind), "NOAO image type"),
        ]
        if band is not None:
            cards += [("FILTER", band, ""), ("BAND", band, "")]
        if kind == "image":
            cards += [("MAGZERO", ZERO_POINT, "Magnitude zeropoint"), (f"COSKY_{str(band).upper()}", 0.0, "Sky level estimate")]
        if kind in _UNITS:
            cards.append(("BUNIT", _UNITS[kind], "AB mag = 22.5 - 2.5*log10(nanomaggy)"))
        return fits.Header([fits.Card(*card) for card in cards])


def _compressed(plane: Plane, header: fits.Header, settings: dict[str, Any]) -> fits.CompImageHDU:
    return fits.CompImageHDU(plane, header, tile_shape=_TILE, **settings)


def _bytes(hdus: fits.HDUList, unnamed: bool) -> bytes:
    content = BytesIO()
    hdus.writeto(content)
    return _without_name(content.getvalue()) if unnamed else content.getvalue()


def _without_name(content: bytes) -> bytes:
    """A file without the name that astropy gives to compressed images, which the survey's have not.

    Reading and writing it again to take the name out would take longer than compressing.
    """
    end = _BLOCK + _length_of_header(content[_BLOCK : _BLOCK + _LONGEST_HEADER])
    header = fits.Header.fromstring(content[_BLOCK:end].decode("ascii"))
    del header["EXTNAME"]
    bare: bytes = header.tostring().encode("ascii")
    return content[:_BLOCK] + bare + content[end:]


def _length_of_header(content: bytes) -> int:
    """Bytes of the header with which this begins: whole blocks, up to the one that holds END."""
    end = next(at for at in range(0, len(content), _CARD) if content[at : at + _CARD].rstrip() == b"END")
    return (end // _BLOCK + 1) * _BLOCK
