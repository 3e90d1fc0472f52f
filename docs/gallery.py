"""The figures of docs/explanation/gallery.md: a contact sheet of each grid, image configurations, sources and PSFs.

Real galaxies and measured PSFs are read from the folder given by --real, laid out as the files' own archives are; without it the
figure of sources and PSFs is left as it is.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import torch
from hydra import compose, initialize_config_module
from matplotlib.axes import Axes
from numpy.typing import NDArray

from arcgate.config import from_config
from arcgate.dataset.reader import open_dataset
from arcgate.figures import caption_of, save
from arcgate.imaging import DECALS
from arcgate.injection.build import build_dataset
from arcgate.lensing.caustics import critical_curve, cut, tangential_caustic
from arcgate.lensing.images import image_positions
from arcgate.lensing.models import Lenses, Sersics
from arcgate.lensing.psf import Kernel, Psf
from arcgate.lensing.render import render
from arcgate.lensing.source_image import SourceImages
from arcgate.survey.coadd_psf import read_coadd_psf
from arcgate.survey.cosmos import cosmos_sources
from arcgate.survey.psfex import read_psfex
from arcgate.tracking.artifacts import sheet_of

FIGURES = Path(__file__).parent / "figures"
GRIDS = sorted(path.stem for path in (Path(__file__).parents[1] / "conf" / "grid").glob("*.yaml"))
MIDDLE_PIX = 31.5
HALF_ARCSEC = 5.0


class Case(NamedTuple):
    """An image configuration: lens (theta_E, q, phi, gamma1, gamma2, slope) and source position, arcsec."""

    name: str
    lens: tuple[float, float, float, float, float, float]
    source: tuple[float, float]


CASES = (
    Case("ring", (1.8, 1.0, 0.0, 0.0, 0.0, 2.0), (0.02, 0.0)),
    Case("double", (1.8, 0.75, 0.4, 0.03, 0.0, 2.0), (0.75, 0.45)),
    Case("quad (cross)", (1.8, 0.65, 0.4, 0.05, 0.0, 2.0), (0.03, 0.02)),
    Case("quad (fold)", (1.8, 0.65, 0.0, 0.05, 0.0, 2.0), (0.1, 0.09)),
    Case("quad (cusp)", (1.8, 0.65, 0.0, 0.05, 0.0, 2.0), (0.36, 0.0)),
    Case("naked cusp", (1.8, 0.25, 0.0, 0.0, 0.0, 2.0), (1.75, 0.0)),
    Case("power law, slope 1.6", (1.8, 0.7, 0.4, 0.05, 0.0, 1.6), (0.25, 0.1)),
    Case("power law, slope 2.4", (1.8, 0.7, 0.4, 0.05, 0.0, 2.4), (0.25, 0.1)),
)
NO_PSF = Psf("gaussian", 0.35)
SEEING = {
    "hardly any PSF": NO_PSF,
    "Gaussian 1.2 arcsec": Psf("gaussian", 1.2),
    "Moffat 1.2 arcsec, beta 2.5": Psf("moffat", 1.2, 2.5),
    "the same, pixel apart": Psf("moffat", 1.2, 2.5, includes_pixel=False),
}


def stamp(lens: tuple[float, ...], sources: Sersics | SourceImages, psf: Psf | Kernel) -> NDArray[np.float32]:
    """One stamp of all the sources behind one lens."""
    middle = torch.tensor([MIDDLE_PIX])
    rows = torch.zeros(len(sources), dtype=torch.int64)
    flux = torch.ones(len(sources), 1)
    rendered = render(Lenses.of(*lens), sources, flux, middle, middle, [[psf]], DECALS.frame, lens_of_source=rows)
    return np.asarray(rendered.image[0, 0].numpy())


def show(axes: Axes, image: NDArray[np.float32]) -> None:
    """A stamp, stretched so that wings show."""
    edge = MIDDLE_PIX * DECALS.pixel_scale_arcsec
    scaled = np.arcsinh(np.maximum(image, 0.0) / (0.03 * image.max()))
    axes.imshow(scaled, origin="lower", cmap="magma", extent=(-edge, edge, -edge, edge))
    axes.set(xlim=(-HALF_ARCSEC, HALF_ARCSEC), ylim=(-HALF_ARCSEC, HALF_ARCSEC), xticks=[], yticks=[])


def plane(axes: Axes, case: Case) -> None:
    """Critical curve, caustic, cut, the source and its images."""
    theta_e, *rest = case.lens
    for curve, colour in ((critical_curve, "C0"), (tangential_caustic, "C3")):
        points = curve(theta_e, *rest)
        axes.plot(*np.vstack([points, points[:1]]).T, color=colour, lw=1)
    if case.lens[5] <= 2.0:
        points = cut(theta_e, *rest)
        axes.plot(*np.vstack([points, points[:1]]).T, color="C1", lw=1, ls="--")
    images = image_positions(*case.source, theta_e, *rest)
    axes.plot(images[:, 0], images[:, 1], "o", color="C0", ms=4)
    axes.plot(*case.source, "*", color="C3", ms=8)
    axes.set(xlim=(-4, 4), ylim=(-4, 4), xticks=[], yticks=[], aspect="equal")
    axes.set_title(f"{case.name}: {len(images)} images", fontsize=9)


def grid_sheet(grid: str, folder: Path) -> None:
    """Contact sheet of a small data set of one grid, on the mock survey."""
    sizes = ("data.hosts.n_hosts=400", "data.n_pairs=160", "runtime.workers=1", f"runtime.data_dir={folder}")
    with initialize_config_module(config_module="arcgate.conf", version_base="1.3"):
        spec = from_config(compose("config", overrides=[f"grid={grid}", *sizes]))
    dataset = open_dataset(build_dataset(spec.data, spec.runtime).folder)
    save(sheet_of(dataset), FIGURES / f"grid_{grid}.png", caption_of(f"grid={grid}", dataset.data_digest))


def configurations() -> None:
    """Image configurations by PSF."""
    drawn, axes = plt.subplots(len(CASES), 1 + len(SEEING), figsize=(11, 2.2 * len(CASES)), layout="constrained")
    for number, (line, case) in enumerate(zip(axes, CASES, strict=True)):
        plane(line[0], case)
        source = Sersics.of(0.12, 1.0, 0.7, 0.5, *case.source)
        for panel, (name, psf) in zip(line[1:], SEEING.items(), strict=True):
            show(panel, stamp(case.lens, source, psf))
            if number == 0:
                panel.set_title(name, fontsize=9)
    drawn.savefig(FIGURES / "gallery_configurations.png", dpi=90)


def sources_and_psfs(real: Path) -> None:
    """Every kind of source behind one lens, by measured and analytic PSFs."""
    lens, (x, y) = CASES[3].lens, CASES[3].source
    galaxies = cosmos_sources(real / "cosmos_sources")
    sources: dict[str, Sersics | SourceImages] = {
        "Sersic n = 1": Sersics.of(0.3, 1.0, 0.6, 0.5, x, y),
        "Sersic n = 4": Sersics.of(0.3, 4.0, 0.6, 0.5, x, y),
        "three sources": Sersics.of([0.2, 0.08, 0.08], 1.0, [0.6, 1.0, 1.0], 0.5, [x, x + 0.35, x - 0.3], [y, y + 0.2, y - 0.45]),
    }
    largest = np.argsort(galaxies.half_light_arcsec)[::-1][:3]
    for galaxy in largest:
        name = f"COSMOS {galaxies.identifiers[galaxy]}"
        sources[name] = SourceImages.of(galaxies.images, galaxies.scale_arcsec, [galaxy], [x], [y])
    model = read_psfex(sorted((real / "psfex").glob("*_r_*.fits"))[0])
    coadd = next(iter(sorted((real / "dr9_cutout").glob("copsf_*.fits"))))
    psfs: dict[str, Psf | Kernel] = {
        "hardly any PSF": NO_PSF,
        "Moffat 1.2 arcsec, beta 2.5": SEEING["Moffat 1.2 arcsec, beta 2.5"],
        "coadd PSF, r": read_coadd_psf(coadd)["r"],
        "PsfEx, r, middle of its CCD": model.kernel(*model.centre),
    }
    drawn, axes = plt.subplots(len(sources), len(psfs), figsize=(9.5, 2.35 * len(sources)), layout="constrained")
    for number, (line, (name, source)) in enumerate(zip(axes, sources.items(), strict=True)):
        line[0].set_ylabel(name, fontsize=9)
        for panel, (title, psf) in zip(line, psfs.items(), strict=True):
            show(panel, stamp(lens, source, psf))
            if number == 0:
                panel.set_title(title, fontsize=9)
    drawn.savefig(FIGURES / "gallery_sources.png", dpi=90)


def main() -> None:
    """Draw what can be drawn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--real", type=Path, help="folder of the real data")
    real = parser.parse_args().real
    mpl.use("Agg")
    FIGURES.mkdir(exist_ok=True)
    with TemporaryDirectory() as folder:
        for grid in GRIDS:
            grid_sheet(grid, Path(folder))
    configurations()
    if real is not None:
        sources_and_psfs(real)


if __name__ == "__main__":
    main()
