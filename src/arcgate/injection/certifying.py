"""Certifying roles: light as bright as a pair's arc that was never lensed as the arc was. Trained networks are asked about it.

A network that has learnt lensing finds rings, and neither unlensed sources nor shuffled arcs; one that has learnt that there is
more light finds all three.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.dataset.schema import CERTIFYING_ROLES
from arcgate.ground.draws import generator
from arcgate.ground.errors import ArcgateError
from arcgate.imaging import Imaging
from arcgate.injection.rows import sample_ids

Images = NDArray[np.float32]
Array = NDArray[np.float64]

# No external shear and a round lens; what else a role declares.
_ROUND: Final = {"lens_q": 1.0, "lens_phi_rad": 0.0, "gamma1": 0.0, "gamma2": 0.0}
_DECLARED: Final[dict[str, dict[str, float | None]]] = {
    "unlensed": {**_ROUND, "theta_e_arcsec": 0.0, "n_images": 1},
    "ring": {**_ROUND, "source_x_arcsec": 0.0, "source_y_arcsec": 0.0, "n_images": None},
    "shuffled": {},
}
_SCALED: Final = ("unlensed", "ring")


def certifying_rows(positive: pd.DataFrame, role: str) -> pd.DataFrame:
    """Manifest rows of a certifying role.

    Parameters
    ----------
    positive : DataFrame of n rows
        Of the manifest.
    role : {'unlensed', 'ring', 'shuffled'}
        The same source at the same place without a lens; the source right behind a round lens of the same Einstein radius
        without shear; the arc itself, whose light `shuffled` moves about.

    Returns
    -------
    DataFrame of n rows
        Without a label: they enter neither training nor gates.
    """
    declared = _DECLARED[role]
    rows = positive.drop(columns=["label", *(name for name, value in declared.items() if value is None)])
    return rows.assign(
        sample_id=sample_ids(rows["pair_id"].to_numpy(np.int64), role),
        role=role,
        **{name: value for name, value in declared.items() if value is not None},
    )


def as_declared(table: pd.DataFrame, arc: Images, lost: Array, imaging: Imaging) -> tuple[Images, Array, Array]:
    """Light of rows by their roles: unlensed sources and rings as bright as their pairs' arcs, shuffled arcs shuffled.

    Parameters
    ----------
    table : DataFrame of n rows
        Rows as `inject` has them; unlensed and ring rows with the positives of their pairs.
    arc : ndarray of float32, shape (n, band, y, x)
        As rendered, nanomaggies per pixel.
    lost : ndarray, shape (n, band)
        Light outside the stamp, nanomaggies.

    Returns
    -------
    arc, lost : as given
        Rows of other roles are as they were. An unlensed source or a ring has the arc's light on the stamp, summed over bands;
        its colours are the source's, as the arc's are.
    flux_scale : ndarray, shape (n,)
        Factor on the flux that the row declares.

    Raises
    ------
    ArcgateError
        An unlensed or ring row without its positive.
    """
    scale = table["flux_scale"].to_numpy(np.float64).copy()
    role = table["role"].to_numpy()
    if not np.isin(role, CERTIFYING_ROLES).any():
        return arc, lost, scale
    arc, lost = arc.copy(), lost.copy()
    scaled = np.flatnonzero(np.isin(role, _SCALED))
    if len(scaled):
        factor = _factors(table, arc, scaled)
        scale[scaled] *= factor
        lost[scaled] *= factor[:, None]
        arc[scaled] *= factor[:, None, None, None].astype(np.float32)
    for row in np.flatnonzero(role == "shuffled"):
        arc[row] = shuffled(arc[row], table.iloc[row], imaging)
    return arc, lost, scale


def shuffled(arc: Images, row: pd.Series, imaging: Imaging) -> Images:
    """An arc whose light is dealt out anew around its galaxy, in square blocks about as wide as the PSF.

    Every pixel's value is kept, in all bands together: flux, colours and S/N are those of the arc, to the order of summation.
    Blocks and not single pixels, for a network would tell those from any source on the sky by the want of a PSF. Not an arc
    turned about its galaxy, for that is a lensed source, too.

    Parameters
    ----------
    arc : ndarray of float32, shape (band, y, x)
    row : Series
        Manifest row: its seed and sample_id decide where blocks go; theta_E, source and PSF how far around the galaxy they lie.
    imaging : Imaging

    Returns
    -------
    ndarray of float32, shape (band, y, x)
    """
    psf_arcsec = float(row[f"psfsize_{imaging.reference_band}"])
    block = max(2, round(psf_arcsec / imaging.pixel_scale_arcsec))
    source_arcsec = math.hypot(row["source_x_arcsec"], row["source_y_arcsec"]) + float(row["source_reff_arcsec"])
    reach_pix = (float(row["theta_e_arcsec"]) + source_arcsec + psf_arcsec) / imaging.pixel_scale_arcsec
    along_x, along_y = (_starts(float(row[f"host_{axis}_pix"]), reach_pix, block, imaging.size_pix) for axis in "xy")
    places = [(y, x) for y in along_y for x in along_x]
    drawn = generator(int(row["seed"]), "shuffled", int(row["sample_id"])).permutation(len(places))
    out = arc.copy()
    for (y, x), (from_y, from_x) in zip(places, (places[k] for k in drawn), strict=True):
        out[:, y : y + block, x : x + block] = arc[:, from_y : from_y + block, from_x : from_x + block]
    return out


def _starts(centre_pix: float, reach_pix: float, block: int, size_pix: int) -> list[int]:
    """First pixels of the blocks along an axis that lie on the stamp as a whole."""
    blocks = math.ceil(reach_pix / block)
    first = round(centre_pix + 0.5) - blocks * block
    return [start for k in range(2 * blocks) if 0 <= (start := first + k * block) <= size_pix - block]


def _factors(table: pd.DataFrame, arc: Images, rows: NDArray[np.intp]) -> Array:
    """Light of the arcs of rows' pairs over their own."""
    light = arc.sum(axis=(1, 2, 3), dtype=np.float64)
    positive = (table["role"] == "positive").to_numpy()
    of_pair = pd.Series(light[positive], index=table["pair_id"].to_numpy(np.int64)[positive])
    wanted = of_pair.reindex(table["pair_id"].to_numpy(np.int64)[rows]).to_numpy(np.float64)
    if np.isnan(wanted).any():
        first = table.iloc[rows[int(np.isnan(wanted).argmax())]]
        raise ArcgateError(
            f"the {first['role']} row of sample_id {first['sample_id']} comes without the positive of its pair",
            where=f"pair {first['pair_id']}",
            todo="inject whole pairs together",
        )
    factors: Array = wanted / light[rows]
    return factors
