"""Small data sets with a known defect, or none: arcgate's own way from manifest to stamps, with the defect built in."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from hydra import compose, initialize_config_module
from numpy.typing import NDArray
from scipy.signal import fftconvolve

from arcgate.config import from_config
from arcgate.data_node import Data
from arcgate.gates.verdict.bug_model import BugModel
from arcgate.gates.verdict.listed import bug_models
from arcgate.ground.engine import Local
from arcgate.imaging import DECALS
from arcgate.injection.inject import inject
from arcgate.injection.manifest import build_manifest
from arcgate.lensing.psf import FWHM_PER_SIGMA, Psf
from arcgate.survey.columns import measured_columns
from arcgate.survey.hosts import Hosts, cut_out
from arcgate.survey.parents import open_parents

Array = NDArray[np.float64]
Pixels = NDArray[np.float32]

PAIRS = 48
# Galaxies from which each set draws its own; neighbours included, exponents of the PSF over the range of real ones.
POOL = ("data.hosts.n_hosts=3000", "data.hosts.psf_beta_min=2.1", "data.hosts.psf_beta_max=4.5", "psf=moffat_converted")
# A defect of yes or no touches this share of the rows; others grow from the size that half of the sets reveal.
SHARES = {"small": 0.05, "medium": 0.25, "large": 1.0}
MULTIPLES = {"small": 1.0, "medium": 2.0, "large": 5.0}
YES_OR_NO = ("sigma_for_fwhm", "psfsize_as_moffat_fwhm", "double_psf", "angular_unit", "band_swap", "flux_unit")
# Geometry: of all quantities together, of some columns, arcs that land tens of pixels away, and pixels of slightly another size,
# where the light is known.
TURNED = ("orientation", "angle_convention", "landing")
SMALL_SCALE, SCALES = "small_scale", {"small": 0.002, "medium": 0.004, "large": 0.02}
GEOMETRY = (*TURNED, SMALL_SCALE)
# What a verdict calls them, where that is another name.
CALLED = {"landing": "centre_offset", SMALL_SCALE: "pixel_scale"}
CONTINUOUS = ("pedestal", "centre_offset", "pixel_scale", "extra_sky_noise")
BUGS = (*YES_OR_NO, *CONTINUOUS)
# A defect without a name: PSFs 15 % too wide.
OUTSIDE, OUTSIDE_WIDTH = "psf_too_wide", 1.15
# Defects of identifiability.py alone: a Gaussian of the declared psfsize; and galaxies cut out a pixel away from where the table
# says that they are, those of positives or those of both classes.
GAUSSIAN, CUTOUT, CUTOUT_OF_BOTH = "gaussian_for_moffat", "cutout_of_positives", "cutout_of_both"
# The margins of each quantity, at which the verdict raises its alarm in about half of the sets: what is small here.
HALF_POWER = {
    "paired": {"pedestal": 0.02, "centre_offset": 0.05, "pixel_scale": 0.01, "extra_sky_noise": 0.01},
    "unpaired": {"pedestal": 0.3, "centre_offset": 0.12, "pixel_scale": 0.02, "extra_sky_noise": 0.08},
}
# Ratios that mistaken units bring: microjansky, nanojansky and zero points 25 and 30 for nanomaggies; light per square arcsec.
FLUX_RATIOS = (3.631, 1 / 3.631, 10.0, 0.1, DECALS.pixel_scale_arcsec**2, 1 / DECALS.pixel_scale_arcsec**2)


@dataclass(frozen=True)
class Planted:
    """A small data set.

    Attributes
    ----------
    table : DataFrame
        Positives as declared, with their hosts' columns.
    stamps : ndarray, float32 (n, 3, 64, 64)
        Positives.
    controls : DataFrame
    control_stamps : ndarray, float32 (n, 3, 64, 64)
    arcs : ndarray, float32 (n, 3, 64, 64)
        What the renderer made of the positives' rows, before anything else happened to the stamps.
    paired : bool
    """

    table: pd.DataFrame
    stamps: Pixels
    controls: pd.DataFrame
    control_stamps: Pixels
    arcs: Pixels
    paired: bool


@dataclass(frozen=True)
class Survey:
    """All galaxies of the mock survey: declared and measured columns, and where their pixels lie."""

    catalogue: pd.DataFrame
    hosts: Hosts

    def cutouts(self, rows: NDArray[np.int64]) -> Pixels:
        """Pixels of galaxies by catalogue row."""
        return self.hosts.cutouts(rows)


def pool(data_dir: str, workers: int) -> tuple[Survey, Data]:
    """The galaxies of all sets, and the specification that sets vary."""
    with initialize_config_module(config_module="arcgate.conf", version_base="1.3"):
        spec = from_config(compose("config", overrides=[*POOL, f"data.n_pairs={PAIRS}", f"runtime.data_dir={data_dir}"]))
    parents = open_parents(spec.data.hosts, DECALS, data_dir=Path(data_dir), workers=workers)
    hosts = cut_out(parents, np.arange(len(parents.catalogue)), data_dir=Path(data_dir), engine=Local(workers))
    return Survey(pd.concat([parents.catalogue, hosts.table[list(measured_columns(DECALS))]], axis=1), hosts), spec.data


@cache
def models() -> tuple[BugModel, ...]:
    """The bugs that the settings look for."""
    with initialize_config_module(config_module="arcgate.conf", version_base="1.3"):
        return bug_models(from_config(compose("config")).gates.bug_models)


def make(
    survey: Survey,
    data: Data,
    seed: int,
    paired: bool,
    bugs: tuple[str, ...],
    size: str,
    single_image: bool = False,
    pairs: int = PAIRS,
) -> Planted:
    """A set: positives and controls of galaxies drawn by `seed`, with the defects planted.

    Parameters
    ----------
    survey, data
        From `pool`.
    seed : int
        Of galaxies, arcs and the defect's details.
    paired : bool
        Controls are the positives' own galaxies.
    bugs : tuple of str
        None, one or several of `BUGS`.
    size : {'small', 'medium', 'large'}
    single_image : bool
        Only sources with one image.
    pairs : int
        Positives, and controls.
    """
    rng = np.random.default_rng([seed, 11])
    chosen = np.sort(rng.choice(len(survey.catalogue), 5 * pairs, replace=False))
    catalogue = survey.catalogue.iloc[chosen].reset_index(drop=True)
    kind = replace(data.controls, name="paired" if paired else "unpaired", match_on=() if paired else ("psfsize_r", "depth_r"))
    grid = replace(data.grid, theta_e_arcsec=(0.5, 0.75)) if single_image else data.grid
    wanted = replace(data, seed=seed, n_pairs=pairs, null_rows=1, only_split="train", controls=kind, grid=grid)
    manifest = build_manifest(wanted, catalogue)
    positive, control = (manifest[manifest["role"] == role].reset_index(drop=True) for role in ("positive", "control"))
    if single_image:
        positive = _sent_outside(positive, rng)
    hosts = [_joined(rows, catalogue) for rows in (positive, control)]
    pixels = [survey.cutouts(chosen[rows["catalogue_row"].to_numpy(np.int64)]) for rows in (positive, control)]
    arc, extra = _with(hosts[0], bugs, size, paired, rng)
    if CUTOUT in bugs or CUTOUT_OF_BOTH in bugs:
        pixels[0] = np.roll(pixels[0], 1, axis=3)
    if CUTOUT_OF_BOTH in bugs:
        pixels[1] = np.roll(pixels[1], 1, axis=3)
    stamps = pixels[0] + (arc + extra).astype(np.float32)
    return Planted(hosts[0], stamps, hosts[1], pixels[1], arc.astype(np.float32), paired)


def _joined(rows: pd.DataFrame, catalogue: pd.DataFrame) -> pd.DataFrame:
    hosts = catalogue.iloc[rows["catalogue_row"].to_numpy(np.int64)][list(measured_columns(DECALS))].reset_index(drop=True)
    return pd.concat([rows, hosts], axis=1)


def _sent_outside(rows: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Sources moved to where a lens of theta_E <= 0.75 arcsec makes one image of them."""
    angle = rng.uniform(0.0, 2.0 * np.pi, len(rows))
    radius = rows["theta_e_arcsec"].to_numpy() * rng.uniform(1.5, 2.5, len(rows))
    return rows.assign(source_x_arcsec=radius * np.cos(angle), source_y_arcsec=radius * np.sin(angle), n_images=1)


def _arcs(rows: pd.DataFrame) -> Array:
    return inject(
        rows, np.zeros((len(rows), len(DECALS.bands), DECALS.size_pix, DECALS.size_pix), dtype=np.float32), DECALS
    ).arc.astype(np.float64)


def _with(rows: pd.DataFrame, bugs: tuple[str, ...], size: str, paired: bool, rng: np.random.Generator) -> tuple[Array, Array]:
    """Arcs and other light of positives with the defects."""
    used, after, extra = rows.copy(), [], np.zeros((len(rows), len(DECALS.bands), DECALS.size_pix, DECALS.size_pix))
    sky = rows[[f"sky_sigma_{band}" for band in DECALS.bands]].to_numpy(np.float64)[:, :, None, None]
    for bug in bugs:
        touched = _touched(len(rows), SHARES[size] if bug in (*YES_OR_NO, *TURNED) else 1.0, rng)
        amplitude = MULTIPLES[size] * HALF_POWER["paired" if paired else "unpaired"].get(bug, 0.0)
        amplitude = SCALES[size] if bug == SMALL_SCALE else amplitude
        amplitude *= rng.choice([-1.0, 1.0]) if bug != "extra_sky_noise" else 1.0
        if bug == "pedestal":
            extra = extra + amplitude * sky
        elif bug == "extra_sky_noise":
            extra = extra + rng.standard_normal(extra.shape) * sky * np.sqrt(amplitude)
        elif bug in (CUTOUT, CUTOUT_OF_BOTH):
            continue
        elif bug in _AFTER:
            after.append((bug, touched, rng.integers(1 << 30)))
        else:
            used = _misread(used, bug, touched, amplitude, rng)
    arc = _arcs(used)
    for bug, touched, choice in after:
        arc[touched] = _AFTER[bug](rows, arc, int(choice))[touched]
    return arc, extra


def _touched(n: int, share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    marked = np.zeros(n, dtype=bool)
    marked[rng.permutation(n)[: round(share * n)]] = True
    return marked


def _misread(
    rows: pd.DataFrame, bug: str, touched: NDArray[np.bool_], amplitude: float, rng: np.random.Generator
) -> pd.DataFrame:
    """Rows as a renderer with the bug reads them."""
    wrong = rows.copy()
    widths = [f"psf_fwhm_used_{band}" for band in DECALS.bands]
    if bug == "sigma_for_fwhm":
        wrong[widths] *= FWHM_PER_SIGMA
    elif bug == "psfsize_as_moffat_fwhm":
        wrong[widths] = rows[[f"psfsize_{band}" for band in DECALS.bands]].to_numpy()
    elif bug == "centre_offset":
        angle = rng.uniform(0.0, 2.0 * np.pi)
        wrong["host_x_pix"] += amplitude * np.cos(angle)
        wrong["host_y_pix"] += amplitude * np.sin(angle)
    elif bug in ("pixel_scale", SMALL_SCALE):
        lengths = [*widths, "theta_e_arcsec", "source_reff_arcsec", "source_x_arcsec", "source_y_arcsec"]
        wrong[lengths] *= 1.0 + amplitude
    elif bug == GAUSSIAN:
        wrong["psf_profile_used"] = "gaussian"
        wrong[widths] = rows[[f"psfsize_{band}" for band in DECALS.bands]].to_numpy()
        wrong[[f"psf_beta_used_{band}" for band in DECALS.bands]] = np.nan
    elif bug == OUTSIDE:
        wrong[widths] *= OUTSIDE_WIDTH
    elif bug == "angle_convention":
        for name, values in CONVENTIONS[int(rng.integers(len(CONVENTIONS)))](rows).items():
            wrong[name] = values
    elif bug == "angular_unit":
        factor = rng.choice([np.pi / 180.0, 180.0 / np.pi])
        wrong[["lens_phi_rad", "source_phi_rad"]] *= factor
        size, angle = np.hypot(rows["gamma1"], rows["gamma2"]), 0.5 * np.arctan2(rows["gamma2"], rows["gamma1"])
        wrong["gamma1"], wrong["gamma2"] = size * np.cos(2.0 * factor * angle), size * np.sin(2.0 * factor * angle)
    else:
        raise ValueError(f"no such bug: {bug}")
    return wrong.where(pd.Series(touched), rows)


def _twice_convolved(rows: pd.DataFrame, arc: Array, choice: int) -> Array:
    pixel = np.arange(-DECALS.size_pix + 1, DECALS.size_pix) * DECALS.pixel_scale_arcsec
    radius = np.hypot(pixel[None, :], pixel[:, None])
    out = np.empty_like(arc)
    for i, row in enumerate(rows.to_dict("records")):
        for j, band in enumerate(DECALS.bands):
            psf = Psf("moffat", row[f"psf_fwhm_used_{band}"], row[f"psf_beta_used_{band}"])
            out[i, j] = fftconvolve(arc[i, j], psf.density(radius) * DECALS.pixel_scale_arcsec**2, mode="same")
    return out


def _bands_swapped(rows: pd.DataFrame, arc: Array, choice: int) -> Array:
    orders = [(1, 0, 2), (0, 2, 1), (2, 1, 0)]
    return arc[:, list(orders[choice % len(orders)])]


def _other_unit(rows: pd.DataFrame, arc: Array, choice: int) -> Array:
    return arc * FLUX_RATIOS[choice % len(FLUX_RATIOS)]


def _turned(rows: pd.DataFrame, arc: Array, choice: int) -> Array:
    """Stamps' arcs turned about the middle of the stamp: three turns, and the same of their mirror images but one."""
    image = arc[..., ::-1] if choice % 7 >= 3 else arc
    return np.rot90(image, (choice % 7 + 1) % 4, axes=(2, 3))


def _landed(rows: pd.DataFrame, arc: Array, choice: int) -> Array:
    """Arcs as after an ifftshift, half a stamp away, 5 to 31 px away, or in each band at another place."""
    rng = np.random.default_rng(choice)
    kind = choice % 4
    if kind < 2:
        return np.roll(arc, -23 if kind == 0 else 32, axis=(2, 3))
    away = [np.rint(rng.uniform(5.0, 31.0 if kind == 2 else 15.0) * np.array(_direction(rng))).astype(int) for _ in DECALS.bands]
    out = np.zeros_like(arc)
    for band, (x, y) in enumerate([away[0]] * len(DECALS.bands) if kind == 2 else away):
        padded = np.pad(arc[:, band], ((0, 0), (DECALS.size_pix, DECALS.size_pix), (DECALS.size_pix, DECALS.size_pix)))
        out[:, band] = padded[:, DECALS.size_pix - y : 2 * DECALS.size_pix - y, DECALS.size_pix - x : 2 * DECALS.size_pix - x]
    return out


def _direction(rng: np.random.Generator) -> tuple[float, float]:
    angle = rng.uniform(0.0, 2.0 * np.pi)
    return np.cos(angle), np.sin(angle)


# Columns as renderers with other conventions read them.
CONVENTIONS = (
    lambda rows: {"lens_phi_rad": rows["lens_phi_rad"] + np.pi / 2},
    lambda rows: {name: rows[name] + np.pi / 2 for name in ("lens_phi_rad", "source_phi_rad")},
    lambda rows: {name: np.pi / 2 - rows[name] for name in ("lens_phi_rad", "source_phi_rad")},
    lambda rows: {"lens_phi_rad": -rows["lens_phi_rad"]},
    lambda rows: {name: -rows[name] for name in ("lens_phi_rad", "source_phi_rad")},
    lambda rows: {"lens_phi_rad": 2.0 * rows["lens_phi_rad"]},
    lambda rows: {"source_phi_rad": rows["source_phi_rad"] + np.pi / 2},
    lambda rows: {"gamma2": -rows["gamma2"]},
    lambda rows: {"source_x_arcsec": -rows["source_x_arcsec"]},
    lambda rows: {"source_y_arcsec": -rows["source_y_arcsec"]},
    lambda rows: {"source_x_arcsec": rows["source_y_arcsec"], "source_y_arcsec": rows["source_x_arcsec"]},
)
_AFTER = {
    "orientation": _turned,
    "landing": _landed,
    "double_psf": _twice_convolved,
    "band_swap": _bands_swapped,
    "flux_unit": _other_unit,
}


def finished(results: Path) -> Iterator[dict[str, str]]:
    """Whole lines of a file of judged sets; a last one that was cut short is judged again."""
    if results.exists():
        with results.open(newline="") as file:
            yield from (line for line in csv.DictReader(file) if line.get("sentence") is not None)
