"""The stamp of one mock galaxy, a function of (specification, index) alone."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from arcgate.colours import carried
from arcgate.hosts_node import MockHosts
from arcgate.imaging import ZERO_POINT, Imaging
from arcgate.lensing.models import Lenses, Sersics
from arcgate.lensing.noise import photon_noise
from arcgate.lensing.render import DEFAULT, convolved, lensed_light
from arcgate.lensing.spectra import spectra_of
from arcgate.lensing.transfer import modes_for
from arcgate.survey.mock.catalogue import Drawn, draw
from arcgate.survey.mock.draws import Purpose, generator
from arcgate.survey.mock.neighbours import Neighbour, draw_neighbours, neighbour_spectrum
from arcgate.survey.mock.noise import sky_noise
from arcgate.survey.places import Cut


def make_host(hosts: MockHosts, imaging: Imaging, index: int) -> Cut:
    """Make one galaxy.

    Parameters
    ----------
    hosts : MockHosts
        Specification; `n_hosts` does not matter.
    imaging : Imaging
        Bands, size and scale of the stamp.
    index : int
        Galaxy.

    Returns
    -------
    Cut
        Fluxes are not corrected for extinction; what is measured of real galaxies is the truth of the simulation.
    """
    drawn = draw(hosts, imaging, index)
    rng = generator(hosts.seed, index, Purpose.NEIGHBOURS)
    neighbours = draw_neighbours(rng, hosts.neighbours_per_stamp, drawn.galaxy.mag, imaging)
    light, conditions = _noiseless(drawn, neighbours, imaging), drawn.conditions
    rng = generator(hosts.seed, index, Purpose.NOISE)
    for band, image in zip(imaging.bands, light, strict=True):
        noise = sky_noise(rng, conditions.sky_sigma[band], conditions.noise_lag1, imaging.size_pix)
        image += noise + photon_noise(rng, image, conditions.gain[band])
    return Cut(light.astype(np.float32), _measured(hosts, imaging, index, drawn))


def _noiseless(drawn: Drawn, neighbours: list[Neighbour], imaging: Imaging) -> NDArray[np.float64]:
    """Light of all objects, shape (band, y, x), nanomaggies per pixel."""
    psfs = [drawn.conditions.psf(band) for band in imaging.bands]
    modes = modes_for(psfs, imaging.frame, DEFAULT.error_target)
    shape = drawn.galaxy.profile
    light = lensed_light(
        Lenses.of(0.0),
        Sersics.of(shape.reff_arcsec, shape.n, shape.q, shape.phi_rad),
        torch.tensor([drawn.x]),
        torch.tensor([drawn.y]),
        imaging.frame,
    )
    spectra = [spectra_of(light, torch.tensor([0]), modes).values[0]]
    spectra += [neighbour_spectrum(neighbour, modes, imaging.frame) for neighbour in neighbours]
    mags = [drawn.mag, *(carried(one.mag, imaging.bands) for one in neighbours)]
    fluxes = torch.tensor([[_flux(mag[band]) for band in imaging.bands] for mag in mags])
    total = torch.einsum("sabcd,sz->zabcd", torch.stack(spectra), fluxes)
    return convolved(total[None], [psfs], imaging.frame)[0].numpy().astype(np.float64)


def _flux(mag: float) -> float:
    return float(10.0 ** (0.4 * (ZERO_POINT - mag)))


def _measured(hosts: MockHosts, imaging: Imaging, index: int, drawn: Drawn) -> dict[str, object]:
    conditions = drawn.conditions
    row: dict[str, object] = {
        "host_x_pix": drawn.x,
        "host_y_pix": drawn.y,
        "provenance": f"mock survey, seed {hosts.seed}, galaxy {index}, {drawn.galaxy.morphology}",
    }
    for band in imaging.bands:
        row |= {
            f"sky_sigma_{band}": conditions.sky_sigma[band],
            f"gain_{band}": conditions.gain[band],
            f"ivar_{band}": 1.0 / conditions.sky_sigma[band] ** 2,
        }
    return row
