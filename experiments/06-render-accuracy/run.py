"""Error of the default renderer on random rows of v4_sota, against brute force that shares nothing with it."""

from __future__ import annotations

import argparse
import csv
import multiprocessing
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from brute_force import finely_convolved, gridded_light, lensed_brightness
from numpy.typing import NDArray
from rows import BETA, Rows, draw

from arcgate.imaging import DECALS
from arcgate.lensing.models import Lenses, Sersics
from arcgate.lensing.psf import Psf
from arcgate.lensing.render import Rendered, Settings, render

HERE = Path(__file__).parent
CONVERGED = Settings(error_target=1e-6, dtype=torch.float64)
BLOCK_ROWS = 20
PRECISION = {1.0: 1e-6, 4.0: 1e-5}
"""Of the brute force: its own error is below 1e-6 of the peak for n = 1 and 2e-5 for n = 4."""
Record = dict[str, float]


def drawn(count: int, seed: int, n: float, seeing: float) -> Rows:
    """Rows as the benchmark draws them, with another Sersic index and all PSF widths scaled."""
    rows = draw(count, seed)
    return replace(rows, n=np.full(count, n), fwhm=rows.fwhm * seeing)


def physics(rows: Rows) -> tuple[Lenses, Sersics, list[list[Psf]]]:
    lenses = Lenses.of(rows.theta_e, rows.q, rows.phi, rows.gamma1, rows.gamma2)
    sources = Sersics.of(rows.reff, rows.n, rows.source_q, rows.source_phi, rows.source_x, rows.source_y)
    return lenses, sources, [[Psf("moffat", float(fwhm), BETA) for fwhm in bands] for bands in rows.fwhm]


def engine(rows: Rows, settings: Settings) -> Rendered:
    lenses, sources, psfs = physics(rows)
    flux = torch.ones((len(rows), rows.bands), dtype=torch.float64)
    return render(lenses, sources, flux, torch.from_numpy(rows.x_pix), torch.from_numpy(rows.y_pix), psfs, DECALS.frame, settings)


def percent(found: torch.Tensor, truth: NDArray[np.float64]) -> NDArray[np.float64]:
    """Largest difference in each band, % of the true peak."""
    difference = np.abs(found.double().numpy() - truth).max(axis=(1, 2))
    error: NDArray[np.float64] = 100.0 * difference / truth.max(axis=(1, 2))
    return error


def block(task: tuple[int, Rows]) -> list[Record]:
    """Errors of a block of rows that begins with a number."""
    torch.set_num_threads(1)
    begin, rows = task
    lenses, sources, psfs = physics(rows)
    usual, converged = engine(rows, Settings()), engine(rows, CONVERGED)
    records = []
    for row in range(len(rows)):
        light = gridded_light(
            lensed_brightness(lenses, sources, row),
            float(rows.x_pix[row]),
            float(rows.y_pix[row]),
            PRECISION[float(rows.n[row])],
        )
        truth = np.stack([finely_convolved(light, psf.density) for psf in psfs[row]])
        record: Record = {
            "row": begin + row,
            "n": rows.n[row],
            "theta_e_arcsec": rows.theta_e[row],
            "reff_arcsec": rows.reff[row],
        }
        record |= {f"error_{band}": error for band, error in zip("grz", percent(usual.image[row], truth), strict=True)}
        record["error"] = max(record[f"error_{band}"] for band in "grz")
        record["converged_error"] = percent(converged.image[row], truth).max()
        record["against_converged"] = percent(usual.image[row], converged.image[row].numpy()).max()
        in_stamp = usual.image[row].double().sum(dim=(1, 2)).numpy() / truth.sum(axis=(1, 2)) - 1.0
        record["stamp_flux_error"] = 100.0 * np.abs(in_stamp).max()
        record["total_flux_error"] = 100.0 * abs(float(usual.total[row, 0] / converged.total[row, 0]) - 1.0)
        # Light further out than the brute force looks is none for n = 1.
        record["total_flux_error_brute_force"] = 100.0 * abs(float(usual.total[row, 0]) / light.sum() - 1.0)
        records.append({name: float(f"{value:.4g}") for name, value in record.items()})
    return records


def blocks(rows: Rows) -> Iterable[tuple[int, Rows]]:
    return ((begin, rows[slice(begin, begin + BLOCK_ROWS)]) for begin in range(0, len(rows), BLOCK_ROWS))


def column(records: list[Record], name: str) -> NDArray[np.float64]:
    return np.array([record[name] for record in records])


def summary(records: list[Record]) -> None:
    for name in ("error", "converged_error", "against_converged", "stamp_flux_error", "total_flux_error"):
        values = column(records, name)
        quantiles = ", ".join(f"{100 * share:g} % {np.quantile(values, share):.4f}" for share in (0.5, 0.95, 0.99))
        print(f"{name}: {quantiles}, max {values.max():.4f}; below 0.1 %: {100 * (values <= 0.1).mean():.2f} % of rows, ", end="")
        print(f"below 0.5 %: {100 * (values <= 0.5).mean():.2f} %")
    worst = sorted(records, key=lambda record: -record["error"])[:5]
    print("worst rows: " + "; ".join(f"{record['row']:.0f} ({record['error']:.3f} %)" for record in worst))


def table(records: list[Record]) -> None:
    """Quantiles of the error by R_e and theta_E."""
    reffs = np.unique(column(records, "reff_arcsec"))
    print("\n| theta_E | " + " | ".join(f"R_e {reff:g}" for reff in reffs) + " |\n|" + "---|" * (len(reffs) + 1))
    for theta_e in np.unique(column(records, "theta_e_arcsec")):
        cells = []
        for reff in reffs:
            chosen = [record for record in records if record["theta_e_arcsec"] == theta_e and record["reff_arcsec"] == reff]
            errors = column(chosen, "error")
            cells.append(f"{np.median(errors):.3f} / {errors.max():.3f} ({len(errors)})" if len(errors) else "(0)")
        print(f"| {theta_e:g} | " + " | ".join(cells) + " |")
    print()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--bulges", type=int, default=300)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seeing", type=float, default=1.0, help="factor on the width of every PSF")
    arguments = parser.parse_args()
    name = "results.csv" if arguments.seeing == 1.0 else f"results_seeing_{arguments.seeing:g}.csv"
    records = []
    with multiprocessing.get_context("spawn").Pool(arguments.processes) as pool:
        for n, count, seed in ((1.0, arguments.rows, 0), (4.0, arguments.bulges, 1)):
            found = [record for part in pool.imap(block, blocks(drawn(count, seed, n, arguments.seeing))) for record in part]
            print(f"n = {n:g}, {count} rows, errors in %")
            summary(found)
            table(found)
            records += found
            with (HERE / name).open("w", newline="") as file:
                writer = csv.DictWriter(file, list(records[0]))
                writer.writeheader()
                writer.writerows(records)


if __name__ == "__main__":
    main()
