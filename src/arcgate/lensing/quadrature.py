"""Adaptive integration of surface brightness over the pixels of a stamp.

Cells are squares that are divided in four until a 3 x 3 Gauss-Legendre rule holds the error target. Coarse cells are pruned where
no light can be. What comes out for each lit pixel is not its flux alone but nine Legendre moments of its light, so that the
transform behind this module knows where in a pixel the light lies, and no grid has to be fine everywhere.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Final, Self

import numpy as np
import torch
from torch import Tensor

from arcgate.lensing import compiled_spectra
from arcgate.lensing.frame import ROOT_PIX, Frame
from arcgate.lensing.rays import Rays

DEGREES: Final = 3
"""Legendre moments per axis: degrees 0, 1 and 2."""
# Cells above one pixel are accepted where they are smooth enough to be told by nine numbers.
COARSEST_PIX: Final = 4
DEEPEST: Final = 10
# Cells evaluated at a time: enough to spread the overhead of each operation, few enough to stay in a processor's cache.
_CHUNK: Final = 8192
_NODE: Final = math.sqrt(0.6)
_WEIGHT: Final = (5.0 / 18.0, 8.0 / 18.0)
# Error estimate, in units of how much the light varies over a cell. For a smooth integrand it goes with the square of the
# relative variation; for one with a cone or a jump at some distance, with the inverse fourth power of the Bernstein radius
# (`Rays.kink`). The factors, and the share of the third degree (which nine moments leave out) that a PSF lets through from cells
# above one pixel, were set on rows of v4_sota: the error target holds with a margin of two (docs/explanation/physics.md).
SMOOTH: Final = 3e-3
LEFT_OUT: Final = 0.02
# Half-size of a cell, in half-light radii, above which it is not tried as one, and above which a source may hide in it.
SMOOTHEST: Final = 3.0
HIDDEN: Final = 4.0


@dataclass(frozen=True)
class PixelMoments:
    """Light of lit pixels.

    Attributes
    ----------
    row : Tensor, int64 (n,)
        Source of each entry, ascending.
    x_pix, y_pix : Tensor, int64 (n,)
        Pixel of the frame's field, from -border to field + border - 1.
    moments : Tensor (n, 3, 3)
        Integrals over the pixel of surface brightness times Legendre polynomials in y (second axis) and x (third): the flux is
        [:, 0, 0], in units of the source's flux.
    beyond : Tensor, float64 (m,)
        Flux of each source's image outside that square.
    field_pix : int
        Side of the frame's field.
    """

    row: Tensor
    x_pix: Tensor
    y_pix: Tensor
    moments: Tensor
    beyond: Tensor
    field_pix: int

    @classmethod
    def none(cls, count: int, field_pix: int, dtype: torch.dtype, device: torch.device) -> Self:
        """No light of any of `count` sources."""
        no_entry = torch.zeros(0, dtype=torch.int64, device=device)
        moments = torch.zeros((0, DEGREES, DEGREES), dtype=dtype, device=device)
        beyond = torch.zeros(count, dtype=torch.float64, device=device)
        return cls(no_entry, no_entry, no_entry, moments, beyond, field_pix)

    @property
    def total(self) -> Tensor:
        """All light of each source's image, float64 (m,): the magnification."""
        return self.beyond.index_add(0, self.row, self.moments[:, 0, 0].to(torch.float64))

    @cached_property
    def counts(self) -> Tensor:
        """Number of lit pixels of each source, (m,)."""
        return torch.bincount(self.row, minlength=len(self.beyond))

    @cached_property
    def begins(self) -> Tensor:
        """Index of each source's first lit pixel, (m,)."""
        return self.counts.cumsum(0) - self.counts

    @cached_property
    def boxes(self) -> Tensor:
        """Side of the smallest box about the field's middle, in steps of 8, that holds the lit pixels of each source, (m,)."""
        if self.row.device.type == "cpu":
            columns = (column.numpy() for column in (self.row, self.x_pix, self.y_pix))
            needed = torch.from_numpy(compiled_spectra.half_boxes(*columns, len(self.beyond), self.field_pix // 2))
            return torch.div(2 * needed + 7, 8, rounding_mode="floor") * 8
        # A pixel p and its mirror image, in a field of 64 pixels 63 - p, need a box of half-side max(p - 31, 32 - p).
        last = self.field_pix // 2 - 1
        x = torch.maximum(self.x_pix - last, last + 1 - self.x_pix)
        half = torch.maximum(x, torch.maximum(self.y_pix - last, last + 1 - self.y_pix))
        needed = torch.ones_like(self.counts).scatter_reduce_(0, self.row, half, "amax")
        return torch.div(2 * needed + 7, 8, rounding_mode="floor") * 8


def merged(
    parts: Sequence[tuple[Tensor, PixelMoments]], count: int, field_pix: int, dtype: torch.dtype, device: torch.device
) -> PixelMoments:
    """One from several, each with the places of its sources among `count`; entries in the order of their sources."""
    if not parts:
        return PixelMoments.none(count, field_pix, dtype, device)
    beyond = torch.zeros(count, dtype=torch.float64, device=device)
    for rows, part in parts:
        beyond[rows] = part.beyond
    row = torch.cat([rows.index_select(0, part.row) for rows, part in parts])
    order = torch.argsort(row, stable=True)
    x, y = (torch.cat([getattr(part, name) for _, part in parts]).index_select(0, order) for name in ("x_pix", "y_pix"))
    moments = torch.cat([part.moments for _, part in parts]).index_select(0, order)
    return PixelMoments(row.index_select(0, order), x, y, moments, beyond, field_pix)


@dataclass(frozen=True)
class _Cells:
    """Squares of one size, by source; centres in arcsec from the lens."""

    row: Tensor
    x: Tensor
    y: Tensor

    def take(self, chosen: Tensor) -> _Cells:
        # index_select is several times faster than indexing.
        return _Cells(*(column.index_select(0, chosen) for column in (self.row, self.x, self.y)))

    def part(self, begin: int, end: int) -> _Cells:
        return _Cells(self.row[begin:end], self.x[begin:end], self.y[begin:end])

    def quarters(self, half: float) -> _Cells:
        """The four quarters of each cell of half-side `half`: all of the first, all of the second, ..."""
        step = half / 2.0
        x = torch.cat([self.x - step, self.x + step, self.x - step, self.x + step])
        y = torch.cat([self.y - step, self.y - step, self.y + step, self.y + step])
        return _Cells(self.row.repeat(4), x, y)


@dataclass(frozen=True)
class _Blocks:
    """Squares of whole pixels, by source: lower left pixel."""

    row: Tensor
    x_pix: Tensor
    y_pix: Tensor

    def take(self, chosen: Tensor) -> _Blocks:
        return _Blocks(*(column.index_select(0, chosen) for column in (self.row, self.x_pix, self.y_pix)))

    def divided(self, size: int, parts: int) -> _Blocks:
        """Each block of `size` pixels a side in parts x parts blocks."""
        step = torch.arange(parts * parts, device=self.row.device)
        side = size // parts
        x = (self.x_pix[:, None] + (step % parts) * side).reshape(-1)
        y = (self.y_pix[:, None] + torch.div(step, parts, rounding_mode="floor") * side).reshape(-1)
        return _Blocks(self.row.repeat_interleave(parts * parts), x, y)


def integrate(rays: Rays, x_pix: Tensor, y_pix: Tensor, frame: Frame, error_target: float) -> PixelMoments:
    """Integrate every source's lensed image over pixels.

    Parameters
    ----------
    rays : Rays of m sources
    x_pix, y_pix : Tensor, float64 (m,)
        Place of each lens, in pixels of the field.
    frame : Frame
        Pixels.
    error_target : float
        Error of a cell relative to `rays.scale`, above which it is divided.

    Returns
    -------
    PixelMoments
        Each source's entries depend on that source alone.
    """
    return _Integration(rays, x_pix, y_pix, frame, error_target).run()


class _Integration:
    def __init__(self, rays: Rays, x_pix: Tensor, y_pix: Tensor, frame: Frame, error_target: float) -> None:
        self.rays, self.x_pix, self.y_pix = rays, x_pix, y_pix
        self.frame, self.scale = frame, frame.pixel_scale_arcsec
        self.dtype, self.device = rays.extent.dtype, rays.extent.device
        self.tolerance = error_target * rays.scale * self.scale**2
        self.parts: list[tuple[_Blocks, Tensor]] = []

    def run(self) -> PixelMoments:
        blocks, inside = self._roots()
        blocks, cells, inside = self._lit(blocks, ROOT_PIX, inside)
        beyond = self._beyond(cells.take(torch.nonzero(~inside)[:, 0]))
        blocks, size = blocks.take(torch.nonzero(inside)[:, 0]).divided(ROOT_PIX, ROOT_PIX // COARSEST_PIX), COARSEST_PIX
        while size > 1:
            blocks = self._accept_smooth(blocks, size).divided(size, 2)
            size //= 2
        self._pixels(blocks)
        if not self.parts:
            return replace(PixelMoments.none(len(self.x_pix), self.frame.field_pix, self.dtype, self.device), beyond=beyond)
        row = torch.cat([part.row for part, _ in self.parts])
        # Parts hold all rows, one after another: entries are put in the order of their rows.
        order = torch.argsort(row, stable=True)
        x, y = (torch.cat([getattr(part, name) for part, _ in self.parts]).index_select(0, order) for name in ("x_pix", "y_pix"))
        moments = torch.cat([moments for _, moments in self.parts]).index_select(0, order) * self.scale**2
        return PixelMoments(row.index_select(0, order), x, y, moments, beyond, self.frame.field_pix)

    def _roots(self) -> tuple[_Blocks, Tensor]:
        field, border, far = self.frame.field_pix, self.frame.border_pix, self.frame.far_pix
        along = torch.arange(-far, field + far, ROOT_PIX, device=self.device)
        x, y = (grid.reshape(-1) for grid in torch.meshgrid(along, along, indexing="xy"))
        last = field + border
        inside = (x >= -border) & (x < last) & (y >= -border) & (y < last)
        count = len(self.x_pix)
        row = torch.arange(count, device=self.device).repeat_interleave(len(x))
        return _Blocks(row, x.repeat(count), y.repeat(count)), inside.repeat(count)

    def _cells(self, blocks: _Blocks, size: int) -> _Cells:
        middle = 0.5 * (size - 1)
        x = (blocks.x_pix + middle - self.x_pix.index_select(0, blocks.row)) * self.scale
        y = (blocks.y_pix + middle - self.y_pix.index_select(0, blocks.row)) * self.scale
        return _Cells(blocks.row, x.to(self.dtype), y.to(self.dtype))

    def _lit(self, blocks: _Blocks, size: int, inside: Tensor) -> tuple[_Blocks, _Cells, Tensor]:
        """Blocks that may hold light."""
        cells = self._cells(blocks, size)
        radius, reach, _ = self._probe(cells, size)
        kept = torch.nonzero(radius - math.sqrt(2.0) * reach < self.rays.extent.index_select(0, cells.row))[:, 0]
        return blocks.take(kept), cells.take(kept), inside[kept]

    def _probe(self, cells: _Cells, size: int) -> tuple[Tensor, Tensor, Tensor]:
        """Source radius of the centres, bound on the half-size in the source plane, distance from the lens."""
        xi, eta = self.rays.trace(cells.row, cells.x, cells.y)
        radius = xi.square_().addcmul_(eta, eta).sqrt_()
        distance = torch.sqrt(cells.x * cells.x + cells.y * cells.y)
        return radius, self.rays.reach(cells.row, distance, 0.5 * size * self.scale), distance

    def _accept_smooth(self, blocks: _Blocks, size: int) -> _Blocks:
        """Take blocks above one pixel that nine moments describe; return the rest, without dark ones."""
        cells = self._cells(blocks, size)
        radius, reach, distance = self._probe(cells, size)
        half = 0.5 * size * self.scale
        lit = radius - math.sqrt(2.0) * reach < self.rays.extent.index_select(0, cells.row)
        # Only where the profile's centre and the lens are well outside does an evaluation have a chance.
        far = (
            lit
            & (radius > 2.0 * reach)
            & (reach < SMOOTHEST * self.rays.hide.index_select(0, cells.row))
            & (distance > 2.0 * half)
        )
        tried = torch.nonzero(far)[:, 0]
        moments, error = self._evaluate(cells.take(tried), half, LEFT_OUT)
        smooth = error < self.tolerance.index_select(0, cells.row[tried])
        taken = tried[smooth]
        if len(taken):
            expanded = in_pixels(moments[:, :, smooth], expansion(size, self.dtype, self.device))
            self.parts.append((blocks.take(taken).divided(size, size), expanded))
            lit[taken] = False
        return blocks.take(torch.nonzero(lit)[:, 0])

    def _pixels(self, blocks: _Blocks) -> None:
        cells = self._cells(blocks, 1)
        radius, reach, distance = self._probe(cells, 1)
        lit = radius - math.sqrt(2.0) * reach < self.rays.extent.index_select(0, cells.row)
        # A pixel in which a whole source fits would be divided anyway.
        coarse = (
            lit & (reach > HIDDEN * self.rays.hide.index_select(0, cells.row)) & (radius < reach + 3.0) & (distance > self.scale)
        )
        for chosen, function in ((lit & ~coarse, self._adapt), (coarse, self._divide)):
            kept = torch.nonzero(chosen)[:, 0]
            if len(kept):
                moments = function(cells.take(kept), 0.5 * self.scale, 0)
                self.parts.append((blocks.take(kept), moments.permute(2, 0, 1)))

    def _beyond(self, cells: _Cells) -> Tensor:
        """Flux outside the square that is followed pixel by pixel, by source."""
        total = torch.zeros(len(self.x_pix), dtype=torch.float64, device=self.device)
        if len(cells.row):
            side = ROOT_PIX * self.scale
            flux = self._adapt(cells, 0.5 * side, 0)[0, 0].to(torch.float64) * side**2
            total.index_add_(0, cells.row, flux)
        return total

    def _adapt(self, cells: _Cells, half: float, depth: int) -> Tensor:
        """Moments (3, 3, n) of cells, (y, x, cell), as means over the cell; those in error are divided."""
        moments, error = self._evaluate(cells, half, 0.0)
        if depth < DEEPEST:
            poor = torch.nonzero(error > self.tolerance.index_select(0, cells.row))[:, 0]
            if len(poor):
                moments[:, :, poor] = self._divide(cells.take(poor), half, depth)
        return moments

    def _divide(self, cells: _Cells, half: float, depth: int) -> Tensor:
        quarters = self._adapt(cells.quarters(half), 0.5 * half, depth + 1)
        parts = quarters.reshape(DEGREES, DEGREES, 2, 2, len(cells.row))
        by_x = _joined(parts[:, :, :, 0].unbind(1), parts[:, :, :, 1].unbind(1))
        return _joined(by_x[:, :, 0].unbind(1), by_x[:, :, 1].unbind(1))

    def _evaluate(self, cells: _Cells, half: float, left_out: float) -> tuple[Tensor, Tensor]:
        """Moments (3, 3, n) and estimated errors (n,) of cells, times their area in arcsec^2."""
        count = len(cells.row)
        moments = torch.empty((DEGREES, DEGREES, count), dtype=self.dtype, device=self.device)
        error = torch.empty(count, dtype=self.dtype, device=self.device)
        nodes = torch.tensor([-_NODE * half, 0.0, _NODE * half], dtype=self.dtype, device=self.device)
        for begin in range(0, count, _CHUNK):
            end = min(begin + _CHUNK, count)
            moments[:, :, begin:end], error[begin:end] = self._rule(cells.part(begin, end), half, nodes, left_out)
        return moments, error

    def _rule(self, cells: _Cells, half: float, nodes: Tensor, left_out: float) -> tuple[Tensor, Tensor]:
        xi, eta = self.rays.trace(cells.row, cells.x, cells.y, nodes)
        radius = (xi * xi).addcmul_(eta, eta).sqrt_()
        central, nearest = radius[1, 1].clone(), radius.amin(dim=(0, 1))
        moments = _legendre(self.rays.light(cells.row, xi, eta, radius))
        distance = torch.sqrt(cells.x * cells.x + cells.y * cells.y)
        reach = self.rays.reach(cells.row, distance, half)
        # Distance to the nearest place where the integrand is not smooth, in half-sides of the cell.
        away = torch.minimum(
            torch.maximum(central, self.rays.grain.index_select(0, cells.row)) / reach, distance / (math.sqrt(2.0) * half)
        )
        bernstein = away + torch.sqrt(away * away + 1.0)
        mean = moments[0, 0].abs().clamp_min(1e-30)
        first = torch.maximum(moments[1, 0].abs(), moments[0, 1].abs())
        second = torch.maximum(moments[2, 0].abs(), moments[0, 2].abs())
        varies = torch.maximum(5.0 * second, first)
        ratio = varies / mean
        error = varies * (
            SMOOTH * ratio * ratio
            + self.rays.kink.index_select(0, cells.row) / bernstein.square().square()
            + left_out * torch.sqrt(ratio)
        )
        area = (2.0 * half) ** 2
        return moments, torch.maximum(error, self._hidden(cells.row, nearest, reach, half)) * area

    def _hidden(self, row: Tensor, nearest: Tensor, reach: Tensor, half: float) -> Tensor:
        """Brightness that may lie unseen between the nodes of a cell that is large against the source."""
        # Around the lens a cell maps to a whole curve of radius theta_E; an eighth of a turn lies between nodes.
        turn = 0.4 * self.rays.turn.index_select(0, row)
        # Without a lens, or beside a weak one, what counts is the cell's own size.
        widest, _, units = self.rays.stretch.index_select(1, row).unbind()
        unseen = torch.minimum(reach, torch.maximum(turn, half * units * widest))
        brightest = self.rays.at_radius(row, (nearest - 0.7 * unseen).clamp_min_(0.0))
        return torch.where(reach > HIDDEN * self.rays.hide.index_select(0, row), 0.1 * brightest, torch.zeros_like(brightest))


def _legendre(light: Tensor) -> Tensor:
    """Mean of light times Legendre polynomials from its values at 3 x 3 Gauss-Legendre nodes, (y, x, cell) both times."""
    by_x = torch.stack(_moments_of(light[:, 0], light[:, 1], light[:, 2]), dim=1)
    return torch.stack(_moments_of(by_x[0], by_x[1], by_x[2]))


def _moments_of(low: Tensor, middle: Tensor, high: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    outer, inner = _WEIGHT
    both = low + high
    return both * outer + middle * inner, (high - low) * (outer * _NODE), both * (outer * 0.4) - middle * (inner * 0.5)


def _joined(low: tuple[Tensor, ...], high: tuple[Tensor, ...]) -> Tensor:
    """Moments of a segment from those of its two halves: P_d of the whole in terms of P_d of a half, averaged."""
    mean = (low[0] + high[0]) * 0.5
    slope = ((low[1] + high[1]) + (high[0] - low[0])) * 0.25
    bend = (low[2] + high[2]) * 0.125 + (high[1] - low[1]) * 0.375
    return torch.stack([mean, slope, bend])


@lru_cache(maxsize=16)
def expansion(size: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Matrices (part, degree in the part, degree in the whole) from the moments of a segment to those of its `size` parts."""
    matrices = np.zeros((size, DEGREES, DEGREES))
    scale = 1.0 / size
    for part in range(size):
        # A point t of the part lies at u = scale t + shift of the whole; the whole's light is sum (2d + 1) M_d P_d(u).
        shift = (2 * part + 1 - size) / size
        matrices[part, 0] = [1.0, 3.0 * shift, 5.0 * (1.5 * shift**2 + 0.5 * scale**2 - 0.5)]
        matrices[part, 1] = [0.0, scale, 5.0 * scale * shift]
        matrices[part, 2] = [0.0, 0.0, scale**2]
    return torch.from_numpy(matrices).to(dtype=dtype, device=device)


def in_pixels(moments: Tensor, matrices: Tensor) -> Tensor:
    """Moments (n * size * size, y, x) of the pixels of blocks, x running first, from those of the blocks (y, x, n).

    Product by product: a library's matrix product rounds a block by its place among the others (MKL with `MKL_CBWR=COMPATIBLE`).
    """
    along_x = _summed(matrices[:, :, degree, None, None] * moments[:, degree] for degree in range(DEGREES))
    both = _summed(matrices[:, :, degree, None, None, None] * along_x[:, :, degree] for degree in range(DEGREES))
    return both.permute(4, 0, 2, 1, 3).reshape(-1, DEGREES, DEGREES)


def _summed(terms: Iterable[Tensor]) -> Tensor:
    total, *others = terms
    for term in others:
        total.add_(term)
    return total
