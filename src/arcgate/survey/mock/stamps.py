"""One galaxy of the mock survey: its stamp and its catalogue row, functions of (specification, index) alone."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from arcgate.colours import carried
from arcgate.data_node import MockHosts
from arcgate.dataset.schema import ZERO_POINT
from arcgate.imaging import Imaging
from arcgate.lensing.models import Lenses, Sersics
from arcgate.lensing.noise import photon_noise
from arcgate.lensing.render import DEFAULT, convolved, lensed_light
from arcgate.lensing.spectra import spectra_of
from arcgate.lensing.transfer import modes_for
from arcgate.survey.mock.conditions import Conditions, draw_conditions
from arcgate.survey.mock.draws import Purpose, generator
from arcgate.survey.mock.neighbours import Neighbour, draw_neighbours, neighbour_spectrum
from arcgate.survey.mock.noise import sky_noise
from arcgate.survey.mock.population import Galaxy, draw_galaxy


def make_host(hosts: MockHosts, imaging: Imaging, index: int) -> tuple[NDArray[np.float32], dict[str, object]]:
    """Stamp and catalogue row of one galaxy.

    Parameters
    ----------
    hosts : MockHosts
        Specification; `n_hosts` does not matter.
    imaging : Imaging
        Bands, size and scale of the stamp; magnitudes in other bands than g, r and z are carried there (`arcgate.colours`).
    index : int
        Galaxy.

    Returns
    -------
    stamp : ndarray, shape (band, y, x), float32
        Nanomaggies per pixel; fluxes are not corrected for extinction.
    row : dict
        Columns of `arcgate.survey.columns.catalogue_columns`.
    """
    rng = generator(hosts.seed, index, Purpose.GALAXY)
    galaxy = draw_galaxy(rng, hosts.mag_r_min, hosts.mag_r_max)
    x, y = (float(value) for value in imaging.middle_pix + rng.uniform(-0.5, 0.5, size=2))
    conditions = draw_conditions(hosts, imaging, index)
    rng = generator(hosts.seed, index, Purpose.NEIGHBOURS)
    neighbours = draw_neighbours(rng, hosts.neighbours_per_stamp, galaxy.mag, imaging)
    mags = [carried(mag, imaging.bands) for mag in (galaxy.mag, *(one.mag for one in neighbours))]
    light = _noiseless(galaxy, x, y, neighbours, mags, conditions, imaging)
    rng = generator(hosts.seed, index, Purpose.NOISE)
    for band, image in zip(imaging.bands, light, strict=True):
        noise = sky_noise(rng, conditions.sky_sigma[band], conditions.noise_lag1, imaging.size_pix)
        image += noise + photon_noise(rng, image, conditions.gain[band])
    return light.astype(np.float32), _row(hosts, index, galaxy, x, y, mags[0], conditions)


def _noiseless(
    galaxy: Galaxy,
    x: float,
    y: float,
    neighbours: list[Neighbour],
    mags: list[dict[str, float]],
    conditions: Conditions,
    imaging: Imaging,
) -> NDArray[np.float64]:
    """Light of all objects, shape (band, y, x), nanomaggies per pixel."""
    psfs = [conditions.psf(band) for band in imaging.bands]
    modes = modes_for(psfs, imaging.frame, DEFAULT.error_target)
    shape = galaxy.profile
    light = lensed_light(
        Lenses.of(0.0),
        Sersics.of(shape.reff_arcsec, shape.n, shape.q, shape.phi_rad),
        torch.tensor([x]),
        torch.tensor([y]),
        imaging.frame,
    )
    spectra = [spectra_of(light, torch.tensor([0]), modes).values[0]]
    spectra += [neighbour_spectrum(neighbour, modes, imaging.frame) for neighbour in neighbours]
    fluxes = torch.tensor([[_flux(mag[band]) for band in imaging.bands] for mag in mags])
    total = torch.einsum("sabcd,sz->zabcd", torch.stack(spectra), fluxes)
    return convolved(total[None], [psfs], imaging.frame)[0].numpy().astype(np.float64)


def _flux(mag: float) -> float:
    return float(10.0 ** (0.4 * (ZERO_POINT - mag)))


def _row(
    hosts: MockHosts, index: int, galaxy: Galaxy, x: float, y: float, mag: dict[str, float], conditions: Conditions
) -> dict[str, object]:
    row: dict[str, object] = {
        "host_id": f"mock-{hosts.seed}-{index:07d}",
        "ra": conditions.ra,
        "dec": conditions.dec,
        "healpix": conditions.healpix,
        "ebv": galaxy.ebv,
        "host_x_pix": x,
        "host_y_pix": y,
        "provenance": f"mock survey, seed {hosts.seed}, galaxy {index}, {galaxy.morphology}",
    }
    for band in mag:
        row |= {
            f"host_mag_{band}": mag[band],
            f"psfsize_{band}": conditions.psfsize[band],
            f"psf_beta_{band}": conditions.beta[band],
            f"depth_{band}": conditions.depth[band],
            f"sky_sigma_{band}": conditions.sky_sigma[band],
            f"gain_{band}": conditions.gain[band],
            f"ivar_{band}": 1.0 / conditions.sky_sigma[band] ** 2,
        }
    return row
