"""Injected arcs per second: arcgate beside lenstronomy as commonly used, on the same rows, in turn, on one core.

lenstronomy's mode here is the common one: per band, 5 x 5 rays a pixel, convolved at pixel scale with a truncated kernel. The
difference between the two is printed too: speeds at different accuracy do not compare, this is a first yardstick, not a race.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from importlib import metadata
from pathlib import Path

import numpy as np
from lenstronomy.Data.imaging_data import ImageData
from lenstronomy.Data.psf import PSF
from lenstronomy.ImSim.image_model import ImageModel
from lenstronomy.LensModel.lens_model import LensModel
from lenstronomy.LightModel.light_model import LightModel
from threadpoolctl import threadpool_limits

from arcgate.dataset.schema import PIXEL_SCALE_ARCSEC, STAMP_SIZE
from arcgate.lensing.profiles import sersic_centre
from arcgate.lensing.psf import Psf
from arcgate.lensing.render import Lens, Source, arc_spectrum, convolve

RESULTS = Path(__file__).parent / "results" / "render.json"
CENTRE = (STAMP_SIZE - 1) / 2
PSFS = tuple(Psf("moffat", fwhm, 3.0) for fwhm in (1.4, 1.2, 1.1))
KERNEL_HALF = 24


def rows(count: int) -> list[tuple[Lens, Source]]:
    """Random rows of the grid v4_sota."""
    rng = np.random.default_rng(0)
    drawn = []
    for _ in range(count):
        shear, angle = rng.choice([0.0, 0.05, 0.1]), rng.uniform(0, np.pi)
        gamma1, gamma2 = shear * np.cos(2 * angle), shear * np.sin(2 * angle)
        lens = Lens(rng.choice(np.arange(0.5, 2.6, 0.25)), rng.uniform(0.6, 0.95), rng.uniform(0, np.pi), gamma1, gamma2)
        ellipticity = rng.choice([0.2, 0.4, 0.6])
        q = (1 - ellipticity) / (1 + ellipticity)
        reff = rng.choice([0.1, 0.2, 0.3, 0.5])
        drawn.append((lens, Source(reff, 1.0, q, rng.uniform(0, np.pi), rng.uniform(-0.4, 0.4), rng.uniform(-0.4, 0.4))))
    return drawn


def by_arcgate(lens: Lens, source: Source) -> np.ndarray:
    spectrum = arc_spectrum(lens, source, CENTRE, CENTRE)
    return np.stack([convolve(spectrum, psf) for psf in PSFS])


def ellipticity(q: float, phi: float) -> tuple[float, float]:
    modulus = (1 - q) / (1 + q)
    return modulus * np.cos(2 * phi), modulus * np.sin(2 * phi)


class Lenstronomy:
    """One image model a band, made once; only the parameters change from row to row."""

    def __init__(self) -> None:
        grid = -CENTRE * PIXEL_SCALE_ARCSEC
        transform = np.eye(2) * PIXEL_SCALE_ARCSEC
        offset = np.arange(-KERNEL_HALF, KERNEL_HALF + 1) * PIXEL_SCALE_ARCSEC
        radius = np.hypot(offset[:, None], offset[None, :])
        pixels = {"ra_at_xy_0": grid, "dec_at_xy_0": grid, "transform_pix2angle": transform}
        pixels["image_data"] = np.zeros((STAMP_SIZE, STAMP_SIZE))
        self.models = []
        for psf in PSFS:
            kernel = psf.density(radius) * PIXEL_SCALE_ARCSEC**2
            response = PSF(psf_type="PIXEL", kernel_point_source=kernel / kernel.sum())
            lens, light = LensModel(["SIE", "SHEAR"]), LightModel(["SERSIC_ELLIPSE"])
            numerics = {"supersampling_factor": 5, "supersampling_convolution": False}
            self.models.append(ImageModel(ImageData(**pixels), response, lens, light, kwargs_numerics=numerics))

    def __call__(self, lens: Lens, source: Source) -> np.ndarray:
        e1, e2 = ellipticity(lens.q, lens.phi_rad)
        sie = {"theta_E": lens.theta_e_arcsec, "e1": e1, "e2": e2, "center_x": 0.0, "center_y": 0.0}
        shear = {"gamma1": lens.gamma1, "gamma2": lens.gamma2, "ra_0": 0.0, "dec_0": 0.0}
        e1, e2 = ellipticity(source.q, source.phi_rad)
        at_reff = sersic_centre(source.reff_arcsec, source.n) * np.exp(-1.67834699)
        light = {"amp": at_reff, "R_sersic": source.reff_arcsec, "n_sersic": source.n, "e1": e1, "e2": e2}
        light |= {"center_x": source.x_arcsec, "center_y": source.y_arcsec}
        images = [model.image(kwargs_lens=[sie, shear], kwargs_source=[light]) for model in self.models]
        return np.stack(images)


def timed(render, drawn: list[tuple[Lens, Source]]) -> tuple[float, np.ndarray]:
    begin = time.perf_counter()
    stamps = np.stack([render(*row) for row in drawn])
    return time.perf_counter() - begin, stamps


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    drawn, peer = rows(arguments.rows), Lenstronomy()
    with threadpool_limits(1):
        timed(by_arcgate, drawn[:3])
        timed(peer, drawn[:3])
        rounds = [(timed(by_arcgate, drawn), timed(peer, drawn)) for _ in range(arguments.rounds)]
    ratios = [theirs[0] / ours[0] for ours, theirs in rounds]
    ours, theirs = rounds[-1][0][1], rounds[-1][1][1]
    difference = np.abs(ours - theirs).max(axis=(1, 2, 3)) / ours.max(axis=(1, 2, 3))
    result = {
        "stamps_per_second": arguments.rows / float(np.median([ours[0] for ours, _ in rounds])),
        "ratio_lenstronomy_common": float(np.median(ratios)),
        "difference_from_lenstronomy_common_median": float(np.median(difference)),
        "rows": arguments.rows,
        "cores": 1,
        "machine": platform.machine(),
        "versions": {name: metadata.version(name) for name in ("arcgate", "numpy", "scipy", "lenstronomy")},
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")
    print(f"arcgate: {result['stamps_per_second']:.0f} stamps/s (three bands, convolved, one core)")
    percent = 100 * result["difference_from_lenstronomy_common_median"]
    print(f"{result['ratio_lenstronomy_common']:.2f} times lenstronomy as commonly used (5 x 5 rays, pixel-scale convolution),")
    print(f"which differs from it by {percent:.1f} % of the peak in the median; written to {RESULTS.name}")


if __name__ == "__main__":
    main()
