"""A corner of a survey on disk for tests: small bricks with noise and Gaussian galaxies, compressed as the survey's are."""

from __future__ import annotations

import gzip
import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS
from numpy.typing import NDArray

from arcgate.hosts_node import LegacyHosts
from arcgate.survey.legacy.layout import Footprint, SurveyFolder

SCALE = 0.262
SIGMA = {"g": 0.004, "r": 0.006, "z": 0.015}
FLUX = {"g": 10.0, "r": 30.0, "z": 60.0}
WIDTH_PIX = 2.5
BANDS = ("g", "r", "z")


@dataclass
class SmallBrick:
    """A brick of `side` pixels about a place on the sky, with galaxies at pixels (x, y).

    Planes are made when they are first asked for, and may be changed before they are written.
    """

    name: str = "0500m300"
    ra: float = 50.0
    dec: float = -30.0
    side: int = 400
    seed: int = 1
    footprint: Footprint = "south"
    places: list[tuple[float, float]] = field(default_factory=list)
    header: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        random = np.random.default_rng(self.seed)
        shape = (self.side, self.side)
        rows, columns = np.indices(shape, dtype=np.float64)
        self.images: dict[str, NDArray[np.float32]] = {}
        self.ivars = {band: np.full(shape, SIGMA[band] ** -2, dtype=np.float32) for band in BANDS}
        self.bits = np.zeros(shape, dtype=np.int32)
        for band in BANDS:
            image = random.normal(0.0, SIGMA[band], shape)
            for x, y in self.places:
                light = np.exp(-0.5 * ((columns - x) ** 2 + (rows - y) ** 2) / WIDTH_PIX**2)
                image += FLUX[band] * light / (2.0 * np.pi * WIDTH_PIX**2)
            self.images[band] = image.astype(np.float32)

    @property
    def wcs_header(self) -> fits.Header:
        """North up, east left, the brick's centre in its middle."""
        header = fits.Header()
        for axis, (kind, value) in enumerate((("RA---TAN", self.ra), ("DEC--TAN", self.dec)), start=1):
            header[f"CTYPE{axis}"], header[f"CRVAL{axis}"], header[f"CRPIX{axis}"] = kind, value, (self.side + 1) / 2.0
        header["CD1_1"], header["CD1_2"], header["CD2_1"], header["CD2_2"] = -SCALE / 3600, 0.0, 0.0, SCALE / 3600
        return header

    def on_sky(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Right ascension and declination of the galaxies, by astropy's own pix2world."""
        x, y = np.array(self.places, dtype=np.float64).reshape(-1, 2).T
        ra, dec = WCS(self.wcs_header).all_pix2world(x, y, 0)
        return np.asarray(ra), np.asarray(dec)

    def write(self, root: Path, checksums: bool = True) -> SurveyFolder:
        """All planes, and the list of their checksums."""
        folder = SurveyFolder(root, self.footprint)
        folder.brick(self.name).mkdir(parents=True, exist_ok=True)
        for band in BANDS:
            unit = {"IMTYPE": "image", "BUNIT": "nanomaggy", "MAGZERO": 22.5}
            self.write_plane(folder.coadd(self.name, "image", band), self.images[band], unit, quantize_level=-1e-4, dither_seed=3)
            unit = {"IMTYPE": "invvar", "BUNIT": "1/nanomaggy^2"}
            self.write_plane(
                folder.coadd(self.name, "invvar", band), self.ivars[band], unit, quantize_level=16, quantize_method=-1
            )
        path = folder.coadd(self.name, "maskbits")
        self.write_plane(path, self.bits, {"IMTYPE": "maskbits"}, compression_type="HCOMPRESS_1")
        if checksums:
            self.write_checksums(folder)
        return folder

    def write_plane(self, path: Path, pixels: NDArray[Any], keys: dict[str, Any], **compression: Any) -> None:
        """One file: an empty first part, and a compressed image without a name."""
        header = self.wcs_header
        header.update({"BRICKNAM": self.name} | keys | self.header)
        settings = {"compression_type": "RICE_1", "tile_shape": (100, 100), "quantize_method": 2} | compression
        hdu = fits.CompImageHDU(pixels, header, **settings)
        hdu.header.pop("EXTNAME", None)
        fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path, overwrite=True)

    def write_checksums(self, folder: SurveyFolder) -> None:
        """As `sha256sum` writes them."""
        path = folder.checksums(self.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        files = sorted(folder.brick(self.name).glob("*.fz"))
        lines = [
            f"{hashlib.sha256(file.read_bytes()).hexdigest()} *coadd/{self.name[:3]}/{self.name}/{file.name}" for file in files
        ]
        path.write_text("\n".join(lines) + "\n")

    def rows(self, first: int = 0) -> pd.DataFrame:
        """A catalogue of its galaxies, as `arcgate parents` writes it."""
        ra, dec = self.on_sky()
        number = np.arange(first, first + len(ra))
        table = pd.DataFrame({"host_id": [f"ls-10000-{self.name}-{one}" for one in number], "ra": ra, "dec": dec})
        table["release"], table["brick"], table["footprint"] = np.int32(10000), self.name, self.footprint
        table["ebv"], table["shape_r"] = 0.03, 1.2
        for band in BANDS:
            table[f"host_mag_{band}"] = 22.5 - 2.5 * np.log10(FLUX[band])
            table[f"psfsize_{band}"], table[f"depth_{band}"] = 1.3, 24.0
        return table


def slipped(path: Path) -> None:
    """70 bytes are lost among a file's compressed pixels, and as many follow at the end: every header is sound."""
    with fits.open(path, disable_image_compression=True) as file:
        header, first = file[1].header, int(file[1].fileinfo()["datLoc"])
    heap = first + header["NAXIS1"] * header["NAXIS2"]
    lost, end = heap + header["PCOUNT"] // 3, heap + header["PCOUNT"]
    content = path.read_bytes()
    path.write_bytes(content[:lost] + content[lost + 70 : end] + bytes(70) + content[end:])


def write_survey(root: Path, bricks: list[SmallBrick], checksums: bool = True) -> pd.DataFrame:
    """Bricks, their geometry, and the catalogue of all their galaxies, which is returned."""
    root.mkdir(parents=True, exist_ok=True)
    for brick in bricks:
        brick.write(root, checksums)
    table = pd.concat([brick.rows() for brick in bricks], ignore_index=True)
    names = sorted({(brick.name, brick.ra, brick.dec) for brick in bricks})
    geometry = Table(rows=names, names=("BRICKNAME", "RA", "DEC"))
    plain = root / "survey-bricks.fits"
    geometry.write(plain, overwrite=True)
    # Without the time of writing, so that equal surveys have equal files.
    (root / "survey-bricks.fits.gz").write_bytes(gzip.compress(plain.read_bytes(), mtime=0))
    plain.unlink()
    write_parents(root / "parents", table)
    return table


def write_parents(folder: Path, table: pd.DataFrame) -> None:
    """A finished catalogue of parents."""
    folder.mkdir(parents=True, exist_ok=True)
    table.to_parquet(folder / "parents.parquet")
    digest = hashlib.sha256((folder / "parents.parquet").read_bytes()).hexdigest()
    (folder / "card.json").write_text(json.dumps({"digest": digest, "cut_flow": [{"cut": "all rows", "left": len(table)}]}))


def legacy_hosts(root: Path, **changes: Any) -> LegacyHosts:
    """Hosts of such a survey."""
    values: dict[str, Any] = {
        "parents": str(root / "parents"),
        "survey": str(root),
        "n_hosts": None,
        "plan": "whole_bricks",
        "seed": 1,
        "psf_beta": dict.fromkeys(BANDS, 3.0),
        "gain": dict.fromkeys(BANDS, 7500.0),
        "most_unmeasured": 0.005,
        "masks": "maskbits",
        "verify": "none",
        "missing_bricks": "refuse",
    }
    return LegacyHosts("legacy", **(values | changes))
