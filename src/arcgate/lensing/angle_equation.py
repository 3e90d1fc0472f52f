"""The lens equation of a power law with external shear, reduced to one equation in the polar angle.

In polar coordinates (r, phi) about the lens the deflection is r^h a(phi), h = 2 - slope, and the lens equation

    (1 - Gamma) r d(phi) = beta + r^h a(phi),   d the direction at phi.

Its component along d fixes r at each angle: it has one solution for h <= 0 (at h = 0 it is linear), and none or two, an outer and
an inner one, for h > 0. What is left of the other component is the misalignment; its zeros are the images.

Zeros are bracketed on a grid of angles. Where two of them fall into one cell there is an extremum between them, which shows in
the derivative at the cell's ends: so a pair of images about to merge at a caustic is found however close it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from arcgate.lensing.mapping import convergence, power_law_deflection
from arcgate.lensing.models import Lenses

# Cells a turn; with the stretch of `_grid` enough for lenses as flat as q = 0.05.
_CELLS = 180
# From a cell to 3e-11; Newton's steps do the rest where positions are wanted. Where branches end, the radius goes with the square
# root of the angle, and needs the angle to its last digit.
_BISECTIONS = 30
_EDGE_BISECTIONS = 50
_GOLDEN_SECTIONS, _GOLDEN = 36, 0.5 * (math.sqrt(5.0) - 1.0)
_RADIUS_BISECTIONS = 64
_TINY = 1e-300
# Images nearer to the lens's centre than this are left out: they carry no light that float64 could hold.
_CENTRE_ARCSEC = 1e-20
# A misalignment that is nowhere larger than this share of theta_E is rounding: every angle is an image.
_RING = 1e-13


@dataclass(frozen=True)
class Node:
    """The equation at some angles, all of one shape.

    `misalignment` is in arcsec, `derivative` its change with the angle along the branch; `real` tells where the branch exists.
    """

    radius: Tensor
    misalignment: Tensor
    derivative: Tensor
    real: Tensor


@dataclass(frozen=True)
class _Parts:
    """Radial and tangential components at some angles; deflection and convergence are those at 1 arcsec."""

    source_along: Tensor
    source_across: Tensor
    alpha_along: Tensor
    alpha_across: Tensor
    twice_kappa: Tensor
    gamma_along: Tensor
    gamma_across: Tensor


@dataclass(frozen=True)
class AngleEquation:
    """One source behind one lens a row.

    Attributes
    ----------
    source_x, source_y : Tensor, float64 (n,)
        Source positions, arcsec from the lens.
    lenses : Lenses of n rows
    """

    source_x: Tensor
    source_y: Tensor
    lenses: Lenses

    def images(self) -> tuple[Tensor, Tensor, Tensor]:
        """Row (int64), polar angle and radius in arcsec of every image, each of shape (k,)."""
        nodes = self._grid()
        branches = (True, False) if bool((self.lenses.slope < 2.0).any()) else (True,)
        found = [self._zeros(nodes, outer) for outer in branches]
        rows, angle, radius = (torch.cat(parts) for parts in zip(*found, strict=True))
        return rows, angle, radius

    def is_ring(self) -> Tensor:
        """Whether every angle is an image, bool (n,): a source exactly behind a circular lens without shear."""
        # More angles than there can be images.
        some = torch.linspace(0.1, 0.1 + 2.0 * math.pi, 18, dtype=torch.float64)[None, :]
        return self.at(some, True).misalignment.abs().amax(dim=1) <= _RING * self.lenses.theta_e_arcsec

    def at(self, angle: Tensor, outer: bool) -> Node:
        """Evaluate at angles of shape (n, k), on the outer or the inner branch."""
        parts = self._parts(angle)
        h = 2.0 - self.lenses.slope[:, None]
        stretch = 1.0 - parts.gamma_along
        radius, power, real = _radius(parts.source_along / stretch, parts.alpha_along / stretch, h, outer)
        misalignment = -parts.gamma_across * radius - power * parts.alpha_across - parts.source_across
        # Jacobian times radius in radial and tangential components, and the radial one alone, which has the branch's own sign.
        growth = h * power / radius.abs().clamp_min(_TINY)
        along = stretch - growth * parts.alpha_along
        along = along.clamp_min(_TINY) if outer else along.clamp_max(-_TINY)
        mixed = -parts.gamma_across * radius - h * power * parts.alpha_across
        across = (1.0 + parts.gamma_along) * radius - power * (parts.twice_kappa - h * parts.alpha_along)
        turn = (-parts.gamma_across - growth * parts.alpha_across) / along
        return Node(radius, misalignment, across - turn * (mixed + misalignment), real)

    def _room(self, angle: Tensor) -> Tensor:
        """Arcsec by which the branches exist at angles of shape (n, k); negative where they do not."""
        parts = self._parts(angle)
        stretch = 1.0 - parts.gamma_along
        return _room(parts.source_along / stretch, parts.alpha_along / stretch, 2.0 - self.lenses.slope[:, None])

    def _parts(self, angle: Tensor) -> _Parts:
        lens = self.lenses
        shape = [column[:, None] for column in (lens.theta_e_arcsec, lens.q, lens.phi_rad, lens.slope)]
        gamma1, gamma2 = lens.gamma1[:, None], lens.gamma2[:, None]
        x, y = torch.cos(angle), torch.sin(angle)
        alpha_x, alpha_y = power_law_deflection(x, y, *shape)
        cos, sin = x * x - y * y, 2.0 * x * y
        source_x, source_y = self.source_x[:, None], self.source_y[:, None]
        return _Parts(
            source_x * x + source_y * y,
            source_y * x - source_x * y,
            alpha_x * x + alpha_y * y,
            alpha_y * x - alpha_x * y,
            2.0 * convergence(x, y, *shape),
            gamma1 * cos + gamma2 * sin,
            gamma2 * cos - gamma1 * sin,
        )

    def _grid(self) -> Tensor:
        """Ends of the cells in increasing order, (n, cells + 1), denser where a flat lens's deflection changes faster."""
        turn = torch.linspace(0.0, 2.0 * math.pi, _CELLS + 1, dtype=torch.float64)[None, :]
        # Halfway between the polar and the elliptical angle, tan phi = sqrt(q) tan(turn): the features of a flat lens near its
        # axes are q wide in one or the other, and sqrt(q) wide in this.
        root = torch.sqrt(self.lenses.q)[:, None]
        cos, sin = torch.cos(turn), torch.sin(turn)
        grid = self.lenses.phi_rad[:, None] + turn + torch.atan2((root - 1.0) * sin * cos, cos * cos + root * sin * sin)
        return self._with_edges(grid) if bool((self.lenses.slope < 2.0).any()) else grid

    def _with_edges(self, grid: Tensor) -> Tensor:
        """The grid with the angles added at which the branches end, so that a cell lies inside or outside of them."""
        grid = _inserted(grid, *self._narrows(grid))
        real = self._room(grid) >= 0.0
        rows, low, high, from_real = _cells(real[:, :-1] != real[:, 1:], grid, real)
        part = self.take(rows)
        low, high = _bisected(lambda angle: (part._room(angle[:, None])[:, 0] >= 0.0) == from_real, low, high, _EDGE_BISECTIONS)
        return _inserted(grid, rows, torch.where(from_real, low, high))

    def _narrows(self, grid: Tensor) -> tuple[Tensor, Tensor]:
        """Rows and angles where the branches come nearest to ending or to beginning: both ends may lie in one cell."""
        room, turn = self._room(grid[:, :-1]), 2.0 * math.pi
        sign = torch.where(room >= 0.0, 1.0, -1.0).to(room.dtype)
        before, behind = room.roll(1, dims=1), room.roll(-1, dims=1)
        narrow = room.isfinite() & (sign * room <= sign * before) & (sign * room <= sign * behind)
        rows, at = torch.nonzero(narrow, as_tuple=True)
        low = torch.where(at > 0, grid[rows, at - 1], grid[rows, -2] - turn)
        high, side, part = grid[rows, at + 1], sign[rows, at], self.take(rows)
        for _ in range(_GOLDEN_SECTIONS):
            step = _GOLDEN * (high - low)
            left, right = high - step, low + step
            lower = side * (part._room(left[:, None]) - part._room(right[:, None]))[:, 0] < 0.0
            low, high = torch.where(lower, low, left), torch.where(lower, right, high)
        return rows, torch.where(low < grid[rows, 0], low + turn, low)

    def _zeros(self, nodes: Tensor, outer: bool) -> tuple[Tensor, Tensor, Tensor]:
        rows, low, high, above = self._brackets(nodes, outer)
        part = self.take(rows)
        low, _ = _bisected(lambda angle: (part.at(angle[:, None], outer).misalignment[:, 0] >= 0.0) == above, low, high)
        node = part.at(low[:, None], outer)
        # At slope 2 the radius behind the lens comes out negative: no image.
        good = node.real[:, 0] & (node.radius[:, 0] > _CENTRE_ARCSEC)
        return rows[good], low[good], node.radius[good, 0]

    def _brackets(self, nodes: Tensor, outer: bool) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Row and both ends of intervals that hold one zero each, and whether the misalignment is positive before it."""
        node = self.at(nodes, outer)
        positive = node.misalignment >= 0.0
        # The last end is the first one after a turn: a zero that falls on it counts once, whatever the rounding.
        positive = torch.cat((positive[:, :-1], positive[:, :1]), dim=1)
        away = torch.where(positive, node.derivative, -node.derivative)
        usable = node.real[:, :-1] & node.real[:, 1:]
        crossing = usable & (positive[:, :-1] != positive[:, 1:])
        dip = usable & ~crossing & (away[:, :-1] < 0.0) & (away[:, 1:] > 0.0)
        rows, low, high, above = _cells(crossing, nodes, positive)
        pairs, start, middle, end, side = self._pairs(*_cells(dip, nodes, positive), outer)
        return (
            torch.cat((rows, pairs, pairs)),
            torch.cat((low, start, middle)),
            torch.cat((high, middle, end)),
            torch.cat((above, side, ~side)),
        )

    def _pairs(
        self, rows: Tensor, low: Tensor, high: Tensor, above: Tensor, outer: bool
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Cells with an extremum towards zero, cut to those where it lies beyond zero, with its angle."""
        part = self.take(rows)
        bottom, _ = _bisected(lambda angle: (part.at(angle[:, None], outer).derivative[:, 0] < 0.0) == above, low, high)
        beyond = (part.at(bottom[:, None], outer).misalignment[:, 0] >= 0.0) != above
        return rows[beyond], low[beyond], bottom[beyond], high[beyond], above[beyond]

    def take(self, rows: Tensor) -> AngleEquation:
        """Some rows, by index."""
        return AngleEquation(self.source_x[rows], self.source_y[rows], take(self.lenses, rows))


def _cells(chosen: Tensor, nodes: Tensor, positive: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Row, both ends, and the sign at the lower end of the chosen cells."""
    rows, cells = torch.nonzero(chosen, as_tuple=True)
    return rows, nodes[rows, cells], nodes[rows, cells + 1], positive[rows, cells]


def _inserted(grid: Tensor, rows: Tensor, angles: Tensor) -> Tensor:
    """The grid with angles added to some rows, `rows` in increasing order; the others repeat their first."""
    counts = torch.bincount(rows, minlength=len(grid))
    added = grid[:, :1].repeat(1, int(counts.max()))
    added[rows, torch.arange(len(rows)) - (counts.cumsum(0) - counts)[rows]] = angles
    return torch.cat((grid, added), dim=1).sort(dim=1).values


def take(lenses: Lenses, rows: Tensor) -> Lenses:
    """Some rows of the lenses, by index."""
    return Lenses(*(getattr(lenses, field.name)[rows] for field in fields(lenses)))


def _bisected(stays: Callable[[Tensor], Tensor], low: Tensor, high: Tensor, times: int = _BISECTIONS) -> tuple[Tensor, Tensor]:
    """Where `stays`, true at `low`, becomes false on the way to `high`: the last angle before and the first behind."""
    for _ in range(times if len(low) else 0):
        middle = 0.5 * (low + high)
        same = stays(middle)
        low, high = torch.where(same, middle, low), torch.where(same, high, middle)
    return low, high


def _radius(offset: Tensor, strength: Tensor, h: Tensor, outer: bool) -> tuple[Tensor, Tensor, Tensor]:
    """Solution r of r = offset + strength r^h on one branch, with r^h, and whether it exists.

    Where the branches do not exist both continue at the radius at which they met. At h = 0, r may be negative.
    """
    linear = offset + strength
    if bool((h == 0.0).all()):
        return linear, torch.ones_like(linear), torch.ones_like(linear, dtype=torch.bool)
    log_low, log_high = _log_limits(offset, strength, h, outer)
    # r - strength r^h increases with r, but for the inner branch.
    for _ in range(_RADIUS_BISECTIONS):
        middle = 0.5 * (log_low + log_high)
        short = (torch.exp(middle) - strength * torch.exp(h * middle) - offset <= 0.0) == outer
        log_low, log_high = torch.where(short, middle, log_low), torch.where(short, log_high, middle)
    middle, isothermal = 0.5 * (log_low + log_high), h == 0.0
    real = torch.where(h > 0.0, _room(offset, strength, h) >= 0.0, torch.full_like(linear, outer, dtype=torch.bool))
    radius = torch.where(isothermal, linear, torch.exp(middle))
    return radius, torch.where(isothermal, torch.ones_like(linear), torch.exp(h * middle)), real


def _room(offset: Tensor, strength: Tensor, h: Tensor) -> Tensor:
    """By how much offset + strength r^h - r is positive where it is largest; inf for h <= 0, where it always reaches 0."""
    meeting = torch.exp(_log_meeting(strength, h))
    return torch.where(h > 0.0, offset + meeting * (1.0 - h) / h.clamp_min(_TINY), torch.full_like(offset, torch.inf))


def _log_meeting(strength: Tensor, h: Tensor) -> Tensor:
    """Logarithm of the radius at which r - strength r^h is smallest, where both branches meet; h > 0."""
    return torch.log(h.clamp_min(_TINY) * strength) / (1.0 - h)


def _log_limits(offset: Tensor, strength: Tensor, h: Tensor, outer: bool) -> tuple[Tensor, Tensor]:
    """Logarithms of radii between which the solution lies."""
    centred = torch.log(strength) / (1.0 - h)
    size = torch.log(offset.abs().clamp_min(_TINY))
    meeting = _log_meeting(strength, h)
    if not outer:
        lowest = (torch.log((-offset).clamp_min(_TINY)) - torch.log(strength)) / h
        return torch.minimum(lowest, meeting), meeting
    ahead = offset >= 0.0
    sum_ = torch.logaddexp(size, centred)
    low = torch.where(ahead, torch.maximum(size, centred), (sum_ - torch.log(strength)) / h)
    high = torch.where(ahead, sum_, centred)
    widest = torch.maximum(size + math.log(2.0), torch.log(2.0 * strength) / (1.0 - h))
    return torch.where(h > 0.0, meeting, low), torch.where(h > 0.0, torch.maximum(widest, meeting), high)
