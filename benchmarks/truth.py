"""The converged truth of a row, in float64, from closed forms and nothing of arcgate's engine.

Surface brightness is integrated over cells of a ninth of a pixel, 5 x 5 Gauss-Legendre rays in each (45 x 45 a pixel; more
near the lens's and the source's centre), wherever there is light. The cells are convolved linearly with the effective PSF
evaluated on the same fine grid, the window of a cell divided out, and the result is taken at pixel centres. `python
benchmarks/truth.py` shows the convergence.
"""

from __future__ import annotations

import argparse
import hashlib
import multiprocessing
from functools import partial
from pathlib import Path

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table
from rows import Rows, draw, moffat
from scipy.special import gamma, gammaincinv
from threadpoolctl import threadpool_limits

from arcgate.imaging import DECALS

Array = NDArray[np.float64]

CACHE = Path(__file__).parents[1] / "data" / "benchmarks"
CELLS = 9
ORDER = 5
_DARK = 1e-9
_CHUNK_PIXELS = 48
_BLOCK_ROWS = 40


def brightness(row: Rows, x: Array, y: Array) -> Array:
    """Lensed surface brightness, per square arcsec, at positions in arcsec from the lens; `row` has one entry."""
    beta_x, beta_y = _to_source(row, x, y)
    return _sersic(row, beta_x - row.source_x[0], beta_y - row.source_y[0])


def _to_source(row: Rows, x: Array, y: Array) -> tuple[Array, Array]:
    """SIE (Kormann, Schneider & Bartelmann 1994) with shear."""
    q, cos, sin = row.q[0], np.cos(row.phi[0]), np.sin(row.phi[0])
    along, across = x * cos + y * sin, y * cos - x * sin
    eccentricity = np.sqrt(1.0 - q * q)
    psi = np.sqrt(q * q * along**2 + across**2)
    strength = row.theta_e[0] * np.sqrt(q) / eccentricity
    alpha_along, alpha_across = (
        strength * np.arctan(eccentricity * along / psi),
        strength * np.arctanh(eccentricity * across / psi),
    )
    g1, g2 = row.gamma1[0], row.gamma2[0]
    beta_x = x - (alpha_along * cos - alpha_across * sin) - (g1 * x + g2 * y)
    beta_y = y - (alpha_along * sin + alpha_across * cos) - (g2 * x - g1 * y)
    return beta_x, beta_y


def _sersic(row: Rows, x: Array, y: Array) -> Array:
    q, n, reff = row.source_q[0], row.n[0], row.reff[0]
    cos, sin = np.cos(row.source_phi[0]), np.sin(row.source_phi[0])
    along, across = x * cos + y * sin, y * cos - x * sin
    b = gammaincinv(2.0 * n, 0.5)
    centre = b ** (2.0 * n) / (2.0 * np.pi * n * reff**2 * gamma(2.0 * n))
    return centre * np.exp(-b * (np.sqrt(q * along**2 + across**2 / q) / reff) ** (1.0 / n))


def stamp(row: Rows, cells: int = CELLS, order: int = ORDER) -> Array:
    """Truth of one row, shape (bands, 64, 64)."""
    light = cell_means(row, cells, order)
    size = 2 * light.shape[0]
    spectrum = scipy.fft.rfft2(light, (size, size))
    frequency = cells * scipy.fft.fftfreq(size)
    window = np.sinc(frequency / cells)
    spectrum *= (DECALS.pixel_scale_arcsec**2 / cells) ** 2 / (window[:, None] * window[None, : spectrum.shape[1]])
    offset = scipy.fft.fftfreq(size, 1.0 / size) * DECALS.pixel_scale_arcsec / cells
    radius = np.hypot(offset[:, None], offset[None, :])
    centre = slice(cells // 2, DECALS.size_pix * cells, cells)
    kernels = (scipy.fft.rfft2(moffat(radius, fwhm)) for fwhm in row.fwhm[0])
    return np.stack([scipy.fft.irfft2(spectrum * kernel, (size, size))[centre, centre] for kernel in kernels])


def cell_means(row: Rows, cells: int, order: int) -> Array:
    """Mean surface brightness of each cell, shape (64 cells, 64 cells)."""
    node, weight = np.polynomial.legendre.leggauss(order)
    ray, ray_weight = _rays(cells, node, weight)
    fine_node, fine_weight = np.polynomial.legendre.leggauss(4 * order)
    fine_ray, fine_ray_weight = _rays(cells, fine_node, fine_weight)
    means = np.zeros((DECALS.size_pix, cells, DECALS.size_pix, cells))
    lit, fine = _where(row)
    for chosen, place, share in ((lit & ~fine, ray, ray_weight), (lit & fine, fine_ray, fine_ray_weight)):
        rows, columns = np.nonzero(chosen)
        for begin in range(0, len(rows), _CHUNK_PIXELS):
            at = rows[begin : begin + _CHUNK_PIXELS], columns[begin : begin + _CHUNK_PIXELS]
            y = (at[0][:, None] + place - row.y_pix[0]) * DECALS.pixel_scale_arcsec
            x = (at[1][:, None] + place - row.x_pix[0]) * DECALS.pixel_scale_arcsec
            light = brightness(row, x[:, None, :], y[:, :, None])
            light = light.reshape(len(x), cells, -1, cells, light.shape[2] // cells)
            means[at[0], :, at[1], :] = np.einsum("paibj,i,j->pab", light, share, share)
    return means.reshape(DECALS.size_pix * cells, DECALS.size_pix * cells)


def _rays(cells: int, node: Array, weight: Array) -> tuple[Array, Array]:
    """Rays along one axis of a pixel, from its centre in pixels, and their weight within a cell."""
    cell = (np.arange(cells) + 0.5) / cells - 0.5
    return (cell[:, None] + 0.5 * node[None, :] / cells).ravel(), 0.5 * weight


def _where(row: Rows) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Pixels with light, and those whose integrand has a cusp or a jump: at the source's centre, at the lens."""
    step = (np.arange(9) - 4.0) / 9.0
    place = (np.arange(DECALS.size_pix)[:, None] + step).ravel()
    x, y = (place - row.x_pix[0]) * DECALS.pixel_scale_arcsec, (place - row.y_pix[0]) * DECALS.pixel_scale_arcsec
    light = brightness(row, x[None, :], y[:, None]).reshape(DECALS.size_pix, 9, DECALS.size_pix, 9).max(axis=(1, 3))
    peak = light.max()
    pixel = np.arange(DECALS.size_pix)
    lens = np.maximum(np.abs(pixel[:, None] - row.y_pix[0]), np.abs(pixel[None, :] - row.x_pix[0])) < 1.0
    return _grown(light > _DARK * peak) | lens, (light > 0.5 * peak) | lens


def _grown(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    padded = np.pad(mask, 1)
    steps = [(a, b) for a in range(3) for b in range(3)]
    return np.any([padded[a : a + DECALS.size_pix, b : b + DECALS.size_pix] for a, b in steps], axis=0)


def stamps(rows: Rows, processes: int = 2) -> Array:
    """Truth of all rows, shape (n, bands, 64, 64); made once and kept, in blocks of rows, in the data folder."""
    blocks = [rows[at : at + _BLOCK_ROWS] for at in range(0, len(rows), _BLOCK_ROWS)]
    paths = [_path(block) for block in blocks]
    missing = [at for at, path in enumerate(paths) if not path.exists()]
    if missing:
        CACHE.mkdir(parents=True, exist_ok=True)
        with multiprocessing.get_context("spawn").Pool(processes) as pool:
            for at in track(missing, "truth of the rows"):
                singles = [blocks[at][row : row + 1] for row in range(len(blocks[at]))]
                np.save(paths[at], np.stack(pool.map(_single, singles, chunksize=2)))
    return np.concatenate([np.load(path, allow_pickle=False) for path in paths])


def _path(block: Rows) -> Path:
    key = hashlib.sha256(Path(__file__).read_bytes())
    for column in vars(block).values():
        key.update(np.ascontiguousarray(column).tobytes())
    return CACHE / f"truth_{key.hexdigest()[:16]}.npy"


def _single(row: Rows) -> Array:
    with threadpool_limits(1):
        return stamp(row)


def direct(row: Rows, at: list[tuple[int, int, int]], cells: int = 9, order: int = 5) -> Array:
    """The truth at some (band, y, x) by plain summation over all rays: no FFT, no window."""
    node, weight = np.polynomial.legendre.leggauss(order)
    ray, share = _rays(cells, node, weight)
    place = (np.arange(DECALS.size_pix)[:, None] + ray).ravel()
    light = brightness(
        row,
        (place - row.x_pix[0])[None, :] * DECALS.pixel_scale_arcsec,
        (place - row.y_pix[0])[:, None] * DECALS.pixel_scale_arcsec,
    )
    area = np.tile(share, DECALS.size_pix * cells) * DECALS.pixel_scale_arcsec / cells
    light *= area[:, None] * area[None, :] * DECALS.pixel_scale_arcsec**2
    radius = partial(_radius, place)
    return np.array([(light * moffat(radius(y, x), row.fwhm[0, band])).sum() for band, y, x in at])


def _radius(place: Array, y: int, x: int) -> Array:
    return np.hypot((place - y)[:, None], (place - x)[None, :]) * DECALS.pixel_scale_arcsec


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=24)
    arguments = parser.parse_args()
    table = Table("cells a pixel and axis", "rays a cell and axis", "largest difference from 9, 5 (share of the peak)")
    rows = draw(arguments.rows)
    singles = [rows[at : at + 1] for at in range(len(rows))]
    reference = [stamp(row) for row in singles]
    for cells, order in ((5, 5), (9, 3), (9, 7), (15, 3), (15, 5)):
        made = [stamp(row, cells, order) for row in singles]
        worst = max(np.abs(a - b).max() / b.max() for a, b in zip(made, reference, strict=True))
        table.add_row(str(cells), str(order), f"{worst:.1e}")
    worst = 0.0
    for row, image in zip(singles[:4], reference, strict=False):
        places = [tuple(int(i) for i in np.unravel_index(image[band].argmax(), image[band].shape)) for band in range(rows.bands)]
        spots = [(band, y + dy, x) for band, (y, x) in enumerate(places) for dy in (0, 6)]
        sums = direct(row, spots)
        worst = max(worst, np.abs(sums - [image[spot] for spot in spots]).max() / image.max())
    table.add_row("direct sum", "5", f"{worst:.1e}")
    Console().print(table)


if __name__ == "__main__":
    main()
