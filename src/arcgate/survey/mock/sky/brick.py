"""One brick of one survey, from its objects to its files: a function of (settings, pointing) alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from arcgate.ground.atomic import atomically
from arcgate.imaging import ZERO_POINT
from arcgate.survey.legacy.layout import BRICK_PIX, SurveyFolder
from arcgate.survey.mock.sky.brick_tables import write_coadd_psf, write_tractor
from arcgate.survey.mock.sky.catalogue import GALDEPTH_REFF_ARCSEC, Observed, catalogue_rows
from arcgate.survey.mock.sky.choosing import Pointing
from arcgate.survey.mock.sky.coadd_files import CoaddWriter
from arcgate.survey.mock.sky.conditions import conditions
from arcgate.survey.mock.sky.images import planes_of
from arcgate.survey.mock.sky.objects import SkyObject, objects_of, seen_from_outside
from arcgate.survey.mock.sky.painting import Painted, galaxy_ivar_share, paint
from arcgate.survey.mock.sky.planes import SATURATION, MaskedStar, exposures, mask_bits
from arcgate.survey.mock.sky.settings import MockSky
from arcgate.survey.mock.sky.truth import part_file, truth_table
from arcgate.survey.mock.sky.wcs import BrickWcs

Array = NDArray[np.float64]

# The two surveys' coordinates differ by hundredths of an arcsecond; here the north's declinations do.
_NORTH_OFFSET_DEG: Final = 0.03 / 3600.0


@dataclass(frozen=True)
class BrickTask:
    """What a worker needs to make a brick."""

    settings: MockSky
    pointing: Pointing
    root: Path

    @property
    def done(self) -> bool:
        """Whether an earlier run finished it, and all of it is still there: the list of checksums is written last."""
        listed = SurveyFolder(self.root, self.pointing.footprint).checksums(self.pointing.brick.name)
        if not (listed.is_file() and part_file(self.root, self.pointing).is_file()):
            return False
        places = (line.partition(" *")[2] for line in listed.read_text(encoding="utf-8").splitlines())
        return all((self.root / self.pointing.footprint / place).is_file() for place in places)


def write_brick(task: BrickTask) -> int:
    """Paint a brick and write its images, catalogue, coadd PSF and truth; give the number of its rows."""
    # Several threads neither pay off nor give the same last bits for every number of threads.
    with threadpool_limits(limits=1):
        return _write_brick(task.settings, task.pointing, task.root)


def _write_brick(settings: MockSky, pointing: Pointing, root: Path) -> int:
    own = [_in_survey(one, pointing) for one in objects_of(settings, pointing.brick)]
    others = [_in_survey(one, pointing) for one in seen_from_outside(settings, pointing.brick)]
    on_sky = [one for one in (*own, *others) if one.flux]
    painted = placed(on_sky, pointing, settings.bands)
    observed_with = conditions(settings, pointing)
    sigma = settings.scatter_over_invvar / np.sqrt([one.pixel_ivar for one in observed_with.values()])
    light = np.zeros((len(settings.bands), BRICK_PIX, BRICK_PIX), dtype=np.float32)
    paint(light, painted, [one.psf for one in observed_with.values()], sigma)
    seen, saturated = exposures(settings, pointing, observed_with), light > SATURATION
    bits = mask_bits(pointing.brick, settings.bands, saturated, _masked_stars(painted, settings.bands))
    galdepth = {band: one.pixel_ivar * galaxy_ivar_share(one.psf, GALDEPTH_REFF_ARCSEC) for band, one in observed_with.items()}
    observed = Observed(observed_with, galdepth, seen, saturated, bits)
    writer = CoaddWriter(root, pointing, settings.bands)
    for plane, kind, band in planes_of(settings, pointing, light, observed):
        writer.write(plane, kind, band)
    x, y = BrickWcs.of(pointing.brick).pixels(*(np.array([getattr(one, axis) for one in own]) for axis in ("ra", "dec")))
    rows = catalogue_rows(settings, pointing, own, x, y, observed)
    write_tractor(writer, rows, x, y, observed)
    write_coadd_psf(writer, observed_with)
    is_own = [place for place, one in enumerate(on_sky) if one.brick.number == pointing.brick.number]
    table = truth_table(
        settings, pointing, [on_sky[place] for place in is_own], [painted[place] for place in is_own], observed, sigma
    )
    _write_truth(part_file(root, pointing), table)
    writer.finish()
    return len(rows)


def _in_survey(one: SkyObject, pointing: Pointing) -> SkyObject:
    return replace(one, dec=one.dec + _NORTH_OFFSET_DEG) if pointing.footprint == "north" else one


def placed(objects: Sequence[SkyObject], pointing: Pointing, bands: tuple[str, ...]) -> list[Painted]:
    """Objects at their pixels; position angles become angles on the image."""
    wcs = BrickWcs.of(pointing.brick)
    ra, dec = (np.array([getattr(one, axis) for one in objects], dtype=np.float64) for axis in ("ra", "dec"))
    (x, y), north = wcs.pixels(ra, dec), wcs.north_rad(ra, dec)
    placed = []
    for place, one in enumerate(objects):
        # East lies at -x, so that an angle from north towards east turns as angles on the image do.
        shape = one.profile and replace(one.profile, phi_rad=(one.profile.phi_rad + float(north[place])) % np.pi)
        flux = np.array([one.flux[band] for band in bands])
        placed.append(Painted(float(x[place]), float(y[place]), flux, shape))
    return placed


def _masked_stars(painted: Sequence[Painted], bands: tuple[str, ...]) -> list[MaskedStar]:
    red = bands.index("r")
    return [
        MaskedStar(one.x_pix, one.y_pix, float(ZERO_POINT - 2.5 * np.log10(one.flux[red])))
        for one in painted
        if one.profile is None
    ]


def _write_truth(path: Path, table: pd.DataFrame) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomically(path) as temporary:
        table.to_parquet(temporary, index=False)
