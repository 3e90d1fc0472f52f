"""Rules for what enters a data set: which arcs are refused, as far as pairs are known before their pixels are made.

Einstein radius, theta_E / psfsize and the number of images follow from the seed, the pair's number and what the catalogue
declares of its host. So does the arc's S/N here, since a rule that looked at measured pixels would choose among noise: the arc is
rendered about the stamp's middle with the PSF that it will get, and its noise is the sky that the declared depth implies. The S/N
that is measured later differs by the galaxy's true centre and the sky at its place.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from arcgate.ground.errors import ArcgateError
from arcgate.ground.progress import step
from arcgate.imaging import Imaging
from arcgate.injection.candidates import Candidates
from arcgate.injection.rows import arcs_of, positives_of
from arcgate.survey.depth import sky_from_depth

Rows = NDArray[np.int64]
Array = NDArray[np.float64]

ADMITTED: Final = -1
# Arcs that are rendered together; 3 MB each hundred of them.
_BATCH: Final = 200


def declared_depths(table: pd.DataFrame, imaging: Imaging) -> Array:
    """Depths that a prediction of S/N follows from, AB magnitudes, shape (bands, n); ArcgateError where one is not declared."""
    depth = np.stack([table[f"depth_{band}"].to_numpy(np.float64) for band in imaging.bands])
    if not np.isfinite(depth).all():
        raise ArcgateError(
            "the S/N of arcs cannot be predicted: the catalogue does not declare the depth of every galaxy",
            where="data.entry.least_arc_snr",
            todo="leave the rule at 0, or give a catalogue with depths",
        )
    return depth


class Admission:
    """What refuses arcs; the S/N of each is predicted once.

    Parameters
    ----------
    candidates : Candidates
    """

    def __init__(self, candidates: Candidates) -> None:
        self._candidates, self._rules = candidates, candidates.data.entry
        self._snr: dict[tuple[int, int], float] = {}

    @property
    def names(self) -> list[str]:
        """Each rule in words, by its number."""
        rules, psfsize = self._rules, f"psfsize_{self._candidates.data.imaging.reference_band}"
        return [
            f"theta_E below {rules.least_theta_e_arcsec:g} arcsec",
            f"theta_E / {psfsize} below {rules.least_theta_e_over_psf:g}",
            f"fewer than {rules.least_images} images",
            f"predicted arc S/N below {rules.least_arc_snr:g}",
        ]

    def broken(self, pair_ids: Rows, hosts: Rows) -> Rows:
        """Number of the first rule that each pair's arc does not meet, `ADMITTED` where it meets all; shape (n,)."""
        first = np.full(len(hosts), ADMITTED, dtype=np.int64)
        if not self._rules.ruled or not len(hosts):
            return first
        data, table = self._candidates.data, self._candidates.catalogue
        arcs = arcs_of(data, table, self._candidates.split, hosts, pair_ids, self._candidates.library)
        theta_e = arcs["theta_e_arcsec"].to_numpy(np.float64)
        psfsize = table[f"psfsize_{data.imaging.reference_band}"].to_numpy(np.float64)[hosts]
        broken = [
            theta_e < self._rules.least_theta_e_arcsec,
            theta_e / psfsize < self._rules.least_theta_e_over_psf,
            arcs["n_images"].to_numpy(np.int64) < self._rules.least_images,
        ]
        for number, refused in enumerate(broken):
            first[refused & (first == ADMITTED)] = number
        if self._rules.least_arc_snr > 0:
            left = np.flatnonzero(first == ADMITTED)
            snr = self.predicted_snr(pair_ids[left], hosts[left], arcs.iloc[left])
            first[left[snr < self._rules.least_arc_snr]] = len(broken)
        return first

    def predicted_snr(self, pair_ids: Rows, hosts: Rows, arcs: pd.DataFrame) -> Array:
        """S/N of arcs before any core mask, sqrt(sum over pixels and bands of arc^2 / sky^2), of declared values; shape (n,)."""
        keys = list(zip(pair_ids.tolist(), hosts.tolist(), strict=True))
        new = np.flatnonzero([key not in self._snr for key in keys])
        if len(new):
            with step(f"predicting the S/N of {len(new):,} arcs", len(new)) as advance, threadpool_limits(1):
                for begin in range(0, len(new), _BATCH):
                    part = new[begin : begin + _BATCH]
                    found = self._rendered(pair_ids[part], hosts[part], arcs.iloc[part])
                    self._snr.update(zip((keys[place] for place in part), found.tolist(), strict=True))
                    advance(len(part))
        return np.array([self._snr[key] for key in keys])

    def _rendered(self, pair_ids: Rows, hosts: Rows, arcs: pd.DataFrame) -> Array:
        # torch takes seconds to import, which rules that need no light are spared.
        from arcgate.injection.arcs import render_arcs, used_psfs

        ours = self._candidates
        data, imaging = ours.data, ours.data.imaging
        rows = positives_of(data, ours.catalogue, ours.split, hosts, pair_ids, ours.library, arcs)
        rows["host_x_pix"] = rows["host_y_pix"] = imaging.middle_pix
        light, _ = render_arcs(rows, used_psfs(rows, imaging, ours.references), imaging, ours.references)
        depth = declared_depths(rows, imaging)
        psfsize = np.stack([rows[f"psfsize_{band}"].to_numpy(np.float64) for band in imaging.bands])
        sky = sky_from_depth(depth, psfsize, imaging.pixel_scale_arcsec).T[:, :, None, None]
        snr: Array = np.sqrt(np.square(light / sky).sum(axis=(1, 2, 3)))
        return snr
