"""One brick of one survey, from its objects to its files: a function of (settings, pointing) alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from astropy.io import fits
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from arcgate.ground.atomic import atomically
from arcgate.ground.draws import generator
from arcgate.imaging import ZERO_POINT
from arcgate.lensing.noise import photon_noise
from arcgate.survey.legacy.layout import BRICK_PIX, MASKBITS, PIXEL_SCALE_ARCSEC, SurveyFolder
from arcgate.survey.mock.noise import sky_noise
from arcgate.survey.mock.sky.catalogue import GALDEPTH_REFF_ARCSEC, Observed, catalogue_rows
from arcgate.survey.mock.sky.choosing import Pointing
from arcgate.survey.mock.sky.coadd_files import CoaddWriter
from arcgate.survey.mock.sky.conditions import BandConditions, conditions
from arcgate.survey.mock.sky.objects import SkyObject, objects_of, seen_from_outside
from arcgate.survey.mock.sky.painting import Image, Painted, galaxy_ivar_share, paint
from arcgate.survey.mock.sky.planes import SATURATION, MaskedStar, exposures, mask_bits
from arcgate.survey.mock.sky.settings import MockSky
from arcgate.survey.mock.sky.truth import part_file, truth_table
from arcgate.survey.mock.sky.wcs import BrickWcs

Array = NDArray[np.float64]

# The two surveys' coordinates differ by hundredths of an arcsecond; here the north's declinations do.
_NORTH_OFFSET_DEG: Final = 0.03 / 3600.0
_KERNEL_PIX: Final = 63


@dataclass(frozen=True)
class BrickTask:
    """What a worker needs to make a brick."""

    settings: MockSky
    pointing: Pointing
    root: Path

    @property
    def done(self) -> bool:
        """Whether an earlier run finished it: the list of checksums is written last."""
        return SurveyFolder(self.root, self.pointing.footprint).checksums(self.pointing.brick.name).is_file()


def write_brick(task: BrickTask) -> int:
    """Paint a brick and write its images, catalogue, coadd PSF and truth; give the number of its rows."""
    # Several threads neither pay off nor give the same last bits for every number of threads.
    with threadpool_limits(limits=1):
        return _write_brick(task.settings, task.pointing, task.root)


def _write_brick(settings: MockSky, pointing: Pointing, root: Path) -> int:
    own = [_in_survey(one, pointing) for one in objects_of(settings, pointing.brick)]
    others = [_in_survey(one, pointing) for one in seen_from_outside(settings, pointing.brick)]
    on_sky = [one for one in (*own, *others) if one.flux]
    painted = _placed(on_sky, pointing, settings.bands)
    observed_with = conditions(settings, pointing)
    sigma = settings.scatter_over_invvar / np.sqrt([one.pixel_ivar for one in observed_with.values()])
    light = np.zeros((len(settings.bands), BRICK_PIX, BRICK_PIX), dtype=np.float32)
    paint(light, painted, [one.psf for one in observed_with.values()], sigma)
    seen, saturated = exposures(settings, pointing, observed_with), light > SATURATION
    bits = mask_bits(pointing.brick, settings.bands, saturated, _masked_stars(painted, settings.bands))
    galdepth = {
        band: one.pixel_ivar * galaxy_ivar_share(one.psf, GALDEPTH_REFF_ARCSEC) for band, one in observed_with.items()
    }
    observed = Observed(observed_with, galdepth, seen, saturated, bits)
    writer = CoaddWriter(root, pointing, settings.bands)
    _write_planes(writer, settings, pointing, light, observed)
    x, y = BrickWcs.of(pointing.brick).pixels(*(np.array([getattr(one, axis) for one in own]) for axis in ("ra", "dec")))
    rows = catalogue_rows(settings, pointing, own, x, y, observed)
    _write_tractor(writer, rows, x, y, observed)
    _write_coadd_psf(writer, pointing, observed_with)
    is_own = [place for place, one in enumerate(on_sky) if one.brick.number == pointing.brick.number]
    table = truth_table(settings, pointing, [on_sky[place] for place in is_own], [painted[place] for place in is_own], observed, sigma)
    _write_truth(part_file(root, pointing), table)
    writer.finish()
    return len(rows)


def _in_survey(one: SkyObject, pointing: Pointing) -> SkyObject:
    return replace(one, dec=one.dec + _NORTH_OFFSET_DEG) if pointing.footprint == "north" else one


def _placed(objects: Sequence[SkyObject], pointing: Pointing, bands: tuple[str, ...]) -> list[Painted]:
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


def _write_planes(writer: CoaddWriter, settings: MockSky, pointing: Pointing, light: Image, observed: Observed) -> None:
    for number, (band, one) in enumerate(observed.conditions.items()):
        usable = np.where(observed.saturated[number], 0, observed.exposures[number]).astype(np.int16)
        share = usable.astype(np.float32) / np.float32(one.exposures)
        if "image" in settings.planes:
            writer.write(_image(settings, pointing, band, light[number], share, one), "image", band)
        planes = {
            "invvar": lambda share=share, one=one: share * np.float32(one.pixel_ivar),
            "nexp": lambda usable=usable: usable,
            "psfsize": lambda share=share, one=one: np.where(share > 0, np.float32(one.psfsize_arcsec), np.float32(0.0)),
            "depth": lambda share=share, one=one: share * np.float32(one.psf_ivar),
            "galdepth": lambda share=share, band=band: share * np.float32(observed.galdepth[band]),
        }
        for kind, plane in planes.items():
            if kind in settings.planes:
                writer.write(plane(), kind, band)
    if MASKBITS in settings.planes:
        writer.write(observed.bits, MASKBITS)


def _image(settings: MockSky, pointing: Pointing, band: str, light: Image, share: Image, one: BandConditions) -> Image:
    """Light with noise; nothing where no exposure is usable."""
    usable = share > 0
    light = np.where(usable, light, np.float32(0.0))
    if not settings.noise:
        return light
    rng = generator(settings.seed, f"mock sky noise {pointing.footprint} {band}", pointing.brick.number)
    sigma = settings.scatter_over_invvar / np.sqrt(one.pixel_ivar * np.where(usable, share, 1.0))
    noise = sky_noise(rng, 1.0, settings.noise_lag1, BRICK_PIX) * sigma
    noise += photon_noise(rng, light.astype(np.float64), one.gain * np.where(usable, share, 1.0))
    return np.where(usable, light + noise, 0.0).astype(np.float32)


def _write_tractor(writer: CoaddWriter, rows: NDArray[np.void], x: Array, y: Array, observed: Observed) -> None:
    """The brick's own catalogue: columns of the sweeps in lower case, and what only it has."""
    more = {"brick_primary": np.ones(len(rows), dtype=bool), "bx": x.astype(np.float32), "by": y.astype(np.float32)}
    column, row = (np.clip(np.rint(np.nan_to_num(at)), 0, BRICK_PIX - 1).astype(np.int64) for at in (x, y))
    for number, band in enumerate(observed.conditions):
        masked = observed.saturated[number][row, column]
        more[f"ngood_{band}"] = np.where(masked, 0, observed.exposures[number][row, column]).astype(np.int16)
    table = np.empty(len(rows), dtype=[*_lower(rows.dtype), *((name, values.dtype, ()) for name, values in more.items())])
    for name in rows.dtype.names or ():
        table[name.lower()] = rows[name]
    for name, values in more.items():
        table[name] = values
    brick = writer.pointing.brick.name
    path = writer.folder.checksums(brick).with_name(f"tractor-{brick}.fits")
    writer.keep_table(path, fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU(table)]))


def _lower(dtype: np.dtype[np.void]) -> list[tuple[str, np.dtype[np.generic], tuple[int, ...]]]:
    fields = dtype.fields or {}
    return [(name.lower(), fields[name][0].base, fields[name][0].shape) for name in dtype.names or ()]


def _write_coadd_psf(writer: CoaddWriter, pointing: Pointing, observed: dict[str, BandConditions]) -> None:
    """The PSF at the brick's centre, as the cutout service delivers it: an image a band, of sum 1."""
    brick, hdus = pointing.brick, []
    for number, (band, one) in enumerate(observed.items()):
        kernel = one.psf.on(_KERNEL_PIX, PIXEL_SCALE_ARCSEC)
        image = (kernel / kernel.sum()).astype(np.float32)
        hdu = fits.PrimaryHDU(image) if number == 0 else fits.ImageHDU(image)
        if number == 0:
            hdu.header["BANDS"] = "".join(observed)
            for place, each in enumerate(observed):
                hdu.header[f"BAND{place}"] = each
        hdu.header["BAND"] = band
        hdus.append(hdu)
    folder = writer.folder.root / pointing.footprint / "coadd-psf" / brick.name[:3]
    writer.keep_table(folder / f"copsf_{brick.ra:.4f}_{brick.dec:.4f}.fits", fits.HDUList(hdus))


def _write_truth(path: Path, table: pd.DataFrame) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomically(path) as temporary:
        table.to_parquet(temporary, index=False)
