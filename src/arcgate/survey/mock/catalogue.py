"""What is drawn of a mock galaxy before any light: functions of (specification, index) alone."""

from __future__ import annotations

from dataclasses import dataclass

from arcgate.colours import carried
from arcgate.hosts_node import MockHosts
from arcgate.imaging import Imaging
from arcgate.survey.mock.conditions import Conditions, draw_conditions
from arcgate.survey.mock.draws import Purpose, generator
from arcgate.survey.mock.population import Galaxy, draw_galaxy


@dataclass(frozen=True)
class Drawn:
    """A galaxy, its centre in its stamp (pixels, 0-based), its AB magnitude by band, and its observing conditions."""

    galaxy: Galaxy
    x: float
    y: float
    mag: dict[str, float]
    conditions: Conditions


def draw(hosts: MockHosts, imaging: Imaging, index: int) -> Drawn:
    """Draw the galaxy of a given index; magnitudes in other bands than g, r and z are carried there (`arcgate.colours`)."""
    rng = generator(hosts.seed, index, Purpose.GALAXY)
    galaxy = draw_galaxy(rng, hosts.mag_r_min, hosts.mag_r_max)
    x, y = (float(value) for value in imaging.middle_pix + rng.uniform(-0.5, 0.5, size=2))
    return Drawn(galaxy, x, y, carried(galaxy.mag, imaging.bands), draw_conditions(hosts, imaging, index))


def declared(hosts: MockHosts, imaging: Imaging, index: int) -> dict[str, object]:
    """Columns of `arcgate.survey.columns.declared_columns`; `n_hosts` does not matter."""
    drawn = draw(hosts, imaging, index)
    conditions = drawn.conditions
    row: dict[str, object] = {
        "host_id": f"mock-{hosts.seed}-{index:07d}",
        "ra": conditions.ra,
        "dec": conditions.dec,
        "healpix": conditions.healpix,
        "ebv": drawn.galaxy.ebv,
        "host_reff_arcsec": drawn.galaxy.profile.reff_arcsec,
    }
    for band in imaging.bands:
        row |= {
            f"host_mag_{band}": drawn.mag[band],
            f"psfsize_{band}": conditions.psfsize[band],
            f"psf_beta_{band}": conditions.beta[band],
            f"depth_{band}": conditions.depth[band],
        }
    return row
