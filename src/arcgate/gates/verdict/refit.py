"""The injection's quantities fitted anew to the light that was found, with intervals clustered by galaxy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import f, t

from arcgate.gates.core.result import RefitParameter
from arcgate.gates.verdict.rows import RefitRows

Array = NDArray[np.float64]

# Of all intervals of the refit.
LEVEL: Final = 0.9


@dataclass(frozen=True)
class Quantity:
    """A fitted quantity: unit, whether each band has its own, margins, and with which others it is fitted.

    Attributes
    ----------
    margin : float
        Where the injected light itself is known (stored, or stamp minus its own host).
    margin_hidden : float
        Where host galaxies are in the way.
    joint : bool
        Fitted together with the other joint ones; else alone, since it looks too much like them.
    """

    name: str
    unit: str
    by_band: bool
    margin: float
    margin_hidden: float
    joint: bool


QUANTITIES: Final = (
    Quantity("flux", "ratio - 1", True, 0.02, 0.12, True),
    Quantity("psf_width", "ln ratio", True, 0.02, 0.06, True),
    Quantity("pedestal", "sky sigma", True, 0.02, 0.3, True),
    Quantity("shift_x", "px", False, 0.05, 0.12, True),
    Quantity("shift_y", "px", False, 0.05, 0.12, True),
    Quantity("rotation", "rad", False, 0.02, 0.03, True),
    Quantity("einstein_radius", "ln ratio", False, 0.01, 0.03, True),
    Quantity("psf_wings", "ln ratio of beta", True, 0.1, 0.25, False),
    Quantity("core_pedestal", "sky sigma", True, 0.05, 0.6, False),
    Quantity("geometry", "ln ratio", False, 0.01, 0.02, False),
    Quantity("magnification", "ln ratio", False, 0.01, 0.02, False),
)
# The length of the shift: a component alone is shorter.
SHIFT: Final = Quantity("shift", "px", False, 0.05, 0.12, False)
NOISE: Final = Quantity("noise", "sky variance", True, 0.01, 0.08, False)


@dataclass(frozen=True)
class Estimate:
    """A quantity in one band or in all: value, standard error, degrees of freedom for Student's t, probability by chance.

    `p_value` is two-sided, of no deviation.
    """

    quantity: Quantity
    band: str
    value: float
    error: float
    freedom: int
    p_value: float

    def parameter(self, level: float, hidden: bool) -> RefitParameter:
        """With its interval and margin."""
        half = float(t.ppf(0.5 + level / 2.0, self.freedom)) * self.error
        margin = self.quantity.margin_hidden if hidden else self.quantity.margin
        return RefitParameter(
            self.quantity.name, self.band, self.value, self.value - half, self.value + half, 0.0, margin, self.quantity.unit
        )


def estimates(rows: RefitRows) -> list[Estimate]:
    """All quantities, noise last."""
    joint = [quantity for quantity in QUANTITIES if quantity.joint]
    alone = [quantity for quantity in QUANTITIES if not quantity.joint]
    found = _fitted(rows, joint)
    for quantity in alone:
        found += _fitted(rows, [quantity])
    return found + _noise(rows)


def _fitted(rows: RefitRows, quantities: list[Quantity]) -> list[Estimate]:
    """Weighted least squares of the quantities together, less what the same fit finds in controls."""
    places = [
        (quantity, band) for quantity in quantities for band in (range(len(rows.imaging.bands)) if quantity.by_band else (None,))
    ]
    value, influence = _solved(rows, places, rows.found, rows.squared)
    if rows.hosts_hide:
        null, others = _solved(rows, places, rows.null_found, rows.null_squared)
        value, influence = value - null, np.concatenate([influence, others])
        groups = np.concatenate([rows.groups, np.char.add(rows.groups, " (control)")])
    else:
        groups = rows.groups
    covariance = _clustered(influence, groups)
    error = np.sqrt(np.diag(covariance))
    freedom = max(len(np.unique(rows.groups)) - 1, 1)
    found = [
        _estimate(quantity, "all" if band is None else rows.imaging.bands[band], float(value[i]), float(error[i]), freedom)
        for i, (quantity, band) in enumerate(places)
    ]
    names = [quantity.name for quantity, _ in places]
    if "shift_x" in names:
        both = [names.index("shift_x"), names.index("shift_y")]
        found.append(_length(value[both], covariance[np.ix_(both, both)], freedom))
    return found


def _clustered(influence: Array, groups: NDArray[np.str_]) -> Array:
    """Covariance (k, k) of estimates whose rows have these influences (n, k), rows of a galaxy together."""
    names, cluster = np.unique(groups, return_inverse=True)
    summed = np.zeros((len(names), influence.shape[1]))
    np.add.at(summed, cluster, influence)
    covariance: Array = summed.T @ summed * len(names) / max(len(names) - 1, 1)
    return covariance


def _estimate(quantity: Quantity, band: str, value: float, error: float, freedom: int) -> Estimate:
    probability = float(2.0 * t.sf(abs(value) / error, freedom)) if error > 0.0 else float(value == 0.0)
    return Estimate(quantity, band, value, error, freedom, probability)


def _length(shift: Array, covariance: Array, freedom: int) -> Estimate:
    """Length of the shift (2,), its error along its direction, and Hotelling's T^2 for no shift at all."""
    length = float(np.hypot(*shift))
    direction = shift / max(length, 1e-300)
    error = float(np.sqrt(direction @ covariance @ direction))
    if error == 0.0:
        return Estimate(SHIFT, "all", length, error, freedom, float(length == 0.0))
    squared = float(shift @ np.linalg.pinv(covariance, hermitian=True) @ shift)
    left = max(freedom - 1, 1)
    probability = float(f.sf(squared * left / (2.0 * freedom), 2, left))
    return Estimate(SHIFT, "all", length, error, freedom, probability)


def _solved(rows: RefitRows, places: list[tuple[Quantity, int | None]], found: Array, squared: Array) -> tuple[Array, Array]:
    """Estimates (k,) and each row's influence on them (n, k)."""
    k, bands = len(places), len(rows.imaging.bands)
    at = [rows.place(quantity.name) for quantity, _ in places]
    counts = np.array([[band is None or band == b for _, band in places] for b in range(bands)], dtype=np.float64)
    weight = 1.0 / (1.0 + squared / rows.pixels)
    right = np.einsum("nb,nbk,bk->nk", weight, found[:, :, at], counts)
    normal = np.einsum("nb,nbkl,bk,bl->nkl", weight, rows.product[:, :, at][..., at], counts, counts)
    inverse = np.linalg.pinv(normal.sum(axis=0), rcond=1e-12, hermitian=True)
    value = inverse @ right.sum(axis=0)
    influence = (right - (normal @ value[:, None]).reshape(len(right), k)) @ inverse
    return value, influence


def _noise(rows: RefitRows) -> list[Estimate]:
    """Median over rows of the border's variance, less that of controls; its error from the spread between rows."""
    (middle, error), (null, null_error) = _median(rows.noise), _median(rows.null_noise)
    value, both = middle - null, np.hypot(error, null_error)
    freedom = max(len(np.unique(rows.groups)) - 1, 1)
    return [_estimate(NOISE, band, float(value[i]), float(both[i]), freedom) for i, band in enumerate(rows.imaging.bands)]


def _median(values: Array) -> tuple[Array, Array]:
    """Median by band and its standard error: sqrt(pi / 2) times that of the mean, for a normal."""
    middle = np.median(values, axis=0)
    spread = 1.4826 * np.median(np.abs(values - middle), axis=0)
    return middle, np.sqrt(np.pi / 2.0 / len(values)) * spread
