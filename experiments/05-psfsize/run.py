"""`psfsize` read as a Moffat's FWHM against `psfsize` converted, on 20 PsfEx models and the three kernels of a coadd."""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from arcgate.imaging import DECALS
from arcgate.lensing.psf import Kernel, Psf, best_moffat, fwhm_from_psfsize
from arcgate.survey.coadd_psf import read_coadd_psf
from arcgate.survey.psfex import read_psfex

HERE = Path(__file__).parent
BETA = 3.0
"""The exponent that a survey user takes who knows psfsize alone."""
PITFALL_RATIO, PITFALL_BETA = (1.28, 1.58), (2.1, 3.5)
Array = NDArray[np.float64]
Row = dict[str, str | float]


def kernels(real: Path) -> list[tuple[str, str, Kernel]]:
    """Kind and name, band, kernel; PsfEx models at the middle of the region that they were fitted on."""
    found = []
    for path in sorted((real / "psfex").glob("*.fits")):
        model = read_psfex(path)
        found.append((path.name.removesuffix("-psfex.fits"), model.band, model.kernel(*model.centre)))
    for path in sorted((real / "dr9_cutout").glob("copsf_*.fits")):
        found += [(path.stem, band, kernel) for band, kernel in read_coadd_psf(path).items()]
    return found


def offsets(kernel: Kernel) -> tuple[Array, Array]:
    dy, dx = np.indices(kernel.image.shape, dtype=np.float64)
    return dx - kernel.image.shape[1] // 2, dy - kernel.image.shape[0] // 2


def residual_percent(kernel: Kernel, psf: Psf) -> float:
    """Largest difference between kernel and circular PSF, % of the kernel's peak, the PSF centred where it fits best."""
    dx, dy = offsets(kernel)

    def misfit(centre: Array) -> Array:
        radius = np.hypot(dx - centre[0], dy - centre[1]) * DECALS.pixel_scale_arcsec
        difference: Array = (psf.density(radius) * DECALS.pixel_scale_arcsec**2 - kernel.image).ravel() / kernel.image.max()
        return difference

    return float(100.0 * np.abs(misfit(least_squares(misfit, np.array(kernel.centroid_pix)).x)).max())


def free_flux_moffat(kernel: Kernel) -> tuple[float, float]:
    """FWHM (arcsec) and exponent of the Moffat whose total light is free as well, as it is often fitted."""
    dx, dy = offsets(kernel)

    def misfit(parameters: Array) -> Array:
        log_alpha, beta, x, y, peak = parameters
        shape = np.exp(-beta * np.log1p(((dx - x) ** 2 + (dy - y) ** 2) / np.exp(2.0 * log_alpha)))
        difference: Array = peak * shape.ravel() - kernel.image.ravel() / kernel.image.max()
        return difference

    start = np.array([np.log(0.8 * kernel.psfsize_pix), 3.0, *kernel.centroid_pix, 1.0])
    log_alpha, beta = least_squares(misfit, start).x[:2]
    return float(2.0 * np.exp(log_alpha) * np.sqrt(2.0 ** (1.0 / beta) - 1.0) * DECALS.pixel_scale_arcsec), float(beta)


def measure(name: str, band: str, kernel: Kernel) -> Row:
    best, psfsize = best_moffat(kernel, DECALS.pixel_scale_arcsec), kernel.psfsize_pix * DECALS.pixel_scale_arcsec
    beta = float(best.beta or 0.0)
    free_fwhm, free_beta = free_flux_moffat(kernel)
    converted, fixed = float(fwhm_from_psfsize(psfsize, beta)), float(fwhm_from_psfsize(psfsize, BETA))
    return {
        "name": name,
        "band": band,
        "psfsize_arcsec": psfsize,
        "fwhm_arcsec": best.fwhm_arcsec,
        "beta": beta,
        "ratio": psfsize / best.fwhm_arcsec,
        "ratio_free_flux": psfsize / free_fwhm,
        "beta_free_flux": free_beta,
        "naive_width_error_percent": 100.0 * (psfsize / best.fwhm_arcsec - 1.0),
        "converted_width_error_percent": 100.0 * (converted / best.fwhm_arcsec - 1.0),
        "converted_beta3_width_error_percent": 100.0 * (fixed / best.fwhm_arcsec - 1.0),
        "best_residual_percent": residual_percent(kernel, best),
        "converted_residual_percent": residual_percent(kernel, Psf("moffat", converted, beta)),
        "converted_beta3_residual_percent": residual_percent(kernel, Psf("moffat", fixed, BETA)),
        "naive_residual_percent": residual_percent(kernel, Psf("moffat", psfsize, beta)),
        "naive_beta3_residual_percent": residual_percent(kernel, Psf("moffat", psfsize, BETA)),
    }


def report(rows: list[Row]) -> None:
    print(
        "| PSF | band | psfsize | FWHM | beta | ratio | width: naive | converted | beta 3 | peak: best | conv. | beta 3 | naive |"
    )
    print("|" + "---|" * 13)
    columns = ("naive_width_error", "converted_width_error", "converted_beta3_width_error")
    residuals = ("best_residual", "converted_residual", "converted_beta3_residual", "naive_residual")
    for row in rows:
        sizes = f"{row['psfsize_arcsec']:.3f} | {row['fwhm_arcsec']:.3f} | {row['beta']:.2f} | {row['ratio']:.2f}"
        errors = " | ".join(f"{row[f'{column}_percent']:+.1f} %" for column in columns)
        misfits = " | ".join(f"{row[f'{column}_percent']:.1f} %" for column in residuals)
        print(f"| {row['name']} | {row['band']} | {sizes} | {errors} | {misfits} |")
    for column in [name for name in rows[0] if name not in ("name", "band")]:
        values = np.array([float(row[column]) for row in rows])
        print(f"{column}: median {np.median(values):.3f}, range {values.min():.3f} to {values.max():.3f}")
    for kind, ratio, beta in (("unit flux", "ratio", "beta"), ("free flux", "ratio_free_flux", "beta_free_flux")):
        inside = [
            PITFALL_RATIO[0] <= round(float(row[ratio]), 2) <= PITFALL_RATIO[1]
            and PITFALL_BETA[0] <= round(float(row[beta]), 1) <= PITFALL_BETA[1]
            for row in rows
        ]
        outside = [index for index, good in enumerate(inside) if not good]
        print(
            f"{kind}: ratio in {PITFALL_RATIO} and beta in {PITFALL_BETA}: {sum(inside)} of {len(rows)}; rows outside: {outside}"
        )
        first = [[float(row[column]) for row in rows[:7]] for column in (ratio, beta)]
        spans = [f"{min(values):.2f} to {max(values):.2f}" for values in first]
        print(f"  first seven files: ratio {spans[0]}, beta {spans[1]}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--real", type=Path, default=Path("../shared/real"))
    rows = [measure(*kernel) for kernel in kernels(parser.parse_args().real)]
    with (HERE / "results.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    report(rows)


if __name__ == "__main__":
    main()
