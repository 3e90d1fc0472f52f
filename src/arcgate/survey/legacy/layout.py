"""Where the Legacy Surveys keep what: folders and names as on the survey's own server, below one folder of the user's.

    <root>/survey-bricks.fits.gz                                     geometry of all bricks
    <root>/<footprint>/sweep/<version>/sweep-*.fits                  catalogues
    <root>/<footprint>/coadd/<AAA>/<brick>/legacysurvey-<brick>-<kind>-<band>.fits.fz
    <root>/<footprint>/tractor/<AAA>/brick-<brick>.sha256sum         checksums of a brick's outputs

AAA are the first three digits of the brick's name. Source: data model of DR9 and DR10, legacysurvey.org.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

Footprint = Literal["south", "north"]

BRICKS_FILE: Final = "survey-bricks.fits.gz"
BRICK_PIX: Final = 3600
"""Width of a brick's images."""
OVERLAP_PIX: Final = 130
"""About what neighbouring bricks share on each side."""
PIXEL_SCALE_ARCSEC: Final = 0.262
# Kinds of images of which there is one a band; `maskbits` is one a brick.
PER_BAND: Final = ("image", "invvar", "psfsize", "nexp", "depth", "galdepth")
MASKBITS: Final = "maskbits"


@dataclass(frozen=True)
class SurveyFolder:
    """A copy of a part of a survey's files.

    Attributes
    ----------
    root : Path
        Folder with `survey-bricks.fits.gz`, `south/` and `north/`.
    footprint : {'south', 'north'}
        Which of the two surveys: they see a stripe of the sky in common, in pixels of their own.
    """

    root: Path
    footprint: Footprint

    @property
    def bricks(self) -> Path:
        """Geometry of all bricks."""
        return self.root / BRICKS_FILE

    def sweeps(self, version: str) -> Path:
        """Folder of the sweep catalogues, such as `10.1`."""
        return self.root / self.footprint / "sweep" / version

    def brick(self, name: str) -> Path:
        """Folder of a brick's images."""
        return self.root / self.footprint / "coadd" / name[:3] / name

    def coadd(self, name: str, kind: str, band: str | None = None) -> Path:
        """File of a brick's images of a kind; without a band those that are one a brick."""
        ending = kind if band is None else f"{kind}-{band}"
        return self.brick(name) / f"legacysurvey-{name}-{ending}.fits.fz"

    def checksums(self, name: str) -> Path:
        """List of SHA-256 of a brick's outputs."""
        return self.root / self.footprint / "tractor" / name[:3] / f"brick-{name}.sha256sum"
