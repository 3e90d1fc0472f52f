"""Lenses and sources as columns: checked, one entry a row."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Self

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

SERSIC_INDICES = (0.3, 8.0)
SLOPES = (1.0, 3.0)


@dataclass(frozen=True)
class Lenses:
    """Elliptical power laws with external shear, one a row; a SIE at slope 2, a SIS at q = 1, no lens at theta_E = 0.

    Attributes
    ----------
    theta_e_arcsec : Tensor, float64 (n,)
        Einstein radius on the intermediate axis.
    q, phi_rad : Tensor, float64 (n,)
        Axis ratio and position angle of the major axis.
    gamma1, gamma2 : Tensor, float64 (n,)
        External shear.
    slope : Tensor, float64 (n,)
        Slope of the density, 2 for isothermal.

    Raises
    ------
    RowError
        A ValueError: a value outside its range, naming row and column.
    """

    theta_e_arcsec: Tensor
    q: Tensor
    phi_rad: Tensor
    gamma1: Tensor
    gamma2: Tensor
    slope: Tensor

    @classmethod
    def of(
        cls,
        theta_e_arcsec: ArrayLike,
        q: ArrayLike = 1.0,
        phi_rad: ArrayLike = 0.0,
        gamma1: ArrayLike = 0.0,
        gamma2: ArrayLike = 0.0,
        slope: ArrayLike = 2.0,
    ) -> Self:
        """From numbers or arrays, which broadcast against each other."""
        return cls(*_columns(theta_e_arcsec, q, phi_rad, gamma1, gamma2, slope))

    def __post_init__(self) -> None:
        _check_finite(self)
        check("theta_e_arcsec", self.theta_e_arcsec, self.theta_e_arcsec >= 0, "must not be negative")
        check("q", self.q, (self.q > 0) & (self.q <= 1), "must lie in (0, 1]")
        shear = torch.hypot(self.gamma1, self.gamma2)
        check("shear (gamma1, gamma2)", shear, shear < 1, "must be below 1")
        check("slope", self.slope, (self.slope > SLOPES[0]) & (self.slope < SLOPES[1]), "must lie in (1, 3)")

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.q)

    def take(self, rows: Tensor) -> Lenses:
        """Some of the rows."""
        return Lenses(*(getattr(self, field.name)[rows] for field in fields(self)))


@dataclass(frozen=True)
class Sersics:
    """Sersic sources of total flux 1.

    Attributes
    ----------
    reff_arcsec : Tensor, float64 (m,)
        Half-light radius on the intermediate axis.
    n : Tensor, float64 (m,)
        Index, 0.3 to 8.
    q, phi_rad : Tensor, float64 (m,)
        Axis ratio and position angle of the major axis.
    x_arcsec, y_arcsec : Tensor, float64 (m,)
        Centre in the source plane, relative to the lens.

    Raises
    ------
    RowError
        A ValueError: a value outside its range, naming row and column.
    """

    reff_arcsec: Tensor
    n: Tensor
    q: Tensor
    phi_rad: Tensor
    x_arcsec: Tensor
    y_arcsec: Tensor

    @classmethod
    def of(
        cls,
        reff_arcsec: ArrayLike,
        n: ArrayLike = 1.0,
        q: ArrayLike = 1.0,
        phi_rad: ArrayLike = 0.0,
        x_arcsec: ArrayLike = 0.0,
        y_arcsec: ArrayLike = 0.0,
    ) -> Self:
        """From numbers or arrays, which broadcast against each other."""
        return cls(*_columns(reff_arcsec, n, q, phi_rad, x_arcsec, y_arcsec))

    def __post_init__(self) -> None:
        _check_finite(self)
        check("reff_arcsec", self.reff_arcsec, self.reff_arcsec > 0, "must be positive")
        check("q", self.q, (self.q > 0) & (self.q <= 1), "must lie in (0, 1]")
        low, high = SERSIC_INDICES
        check("n", self.n, (self.n >= low) & (self.n <= high), f"must lie in [{low:g}, {high:g}]")

    def __len__(self) -> int:
        """Number of sources."""
        return len(self.n)

    def take(self, rows: Tensor) -> Sersics:
        """Some of the sources."""
        return Sersics(*(getattr(self, field.name)[rows] for field in fields(self)))


class RowError(ValueError):
    """A value outside its range: in which column and row, and what it broke."""

    def __init__(self, column: str, row: int, rule: str, value: object) -> None:
        super().__init__(f"{column} of row {row} {rule}, got {value}")
        self.column, self.row, self.rule, self.value = column, row, rule, value


def check(column: str, values: Tensor, good: Tensor, rule: str) -> None:
    """Raise RowError for the first row where `good` is false."""
    if not bool(good.all()):
        row = int(torch.nonzero(~good)[0, 0])
        raise RowError(column, row, rule, values[row].tolist())


def _check_finite(model: Lenses | Sersics) -> None:
    for field in fields(model):
        values = getattr(model, field.name)
        if values.shape != model.q.shape or values.ndim != 1:
            raise ValueError(f"{field.name} has shape {tuple(values.shape)}: columns have one value a row, as many as q has")
        check(field.name, values, torch.isfinite(values), "must be finite")


def _columns(*values: ArrayLike) -> list[Tensor]:
    arrays = np.broadcast_arrays(*(np.atleast_1d(np.asarray(value, dtype=np.float64)) for value in values))
    return [torch.from_numpy(np.array(array)) for array in arrays]
