"""`quadrature.integrate` for isothermal lenses and Sersic profiles in float32, compiled for the processor.

The same division into cells, row by row: what belongs to a row stays in the processor's first caches, and a row's result cannot
depend on its batch.
"""

from __future__ import annotations

import math
from typing import NamedTuple, Self

import numpy as np
import torch
from torch import Tensor

from arcgate.lensing.compiled_functions import SOURCES, compiled, entry
from arcgate.lensing.compiled_rays import EXTENT, HIDE, TOLERANCE, evaluate, radii, reach_of
from arcgate.lensing.frame import ROOT_PIX, Frame
from arcgate.lensing.quadrature import (
    COARSEST_PIX,
    DEEPEST,
    DEGREES,
    HIDDEN,
    LEFT_OUT,
    SMOOTHEST,
    PixelMoments,
    expansion,
)
from arcgate.lensing.rays import Rays

_F = np.float32
_HALF, _ROOT2, _TWO, _THREE, _HIDDEN, _SMOOTHEST = _F(0.5), _F(math.sqrt(2.0)), _F(2.0), _F(3.0), _F(HIDDEN), _F(SMOOTHEST)
_LEFT_OUT, _NOTHING = _F(LEFT_OUT), _F(0.0)
_MEAN, _QUARTER, _EIGHTH, _THREE_EIGHTHS = _F(0.5), _F(0.25), _F(0.125), _F(0.375)
# A plain 0 or False would be a type of its own to numba, for which a function is compiled once more.
_NONE, _PIXEL, _HALVES, _COARSEST, _ROOT = (np.int64(number) for number in (0, 1, 2, COARSEST_PIX, ROOT_PIX))
_WHOLE, _IN_PARTS = np.bool_(False), np.bool_(True)
_EXPANSION_4, _EXPANSION_2 = (expansion(size, torch.float32, torch.device("cpu")).numpy() for size in (4, 2))


class Grid(NamedTuple):
    """A frame in numbers for compiled loops, each in the precision in which it is used."""

    scale: float
    pixel: np.float32
    half_pixel: np.float32
    area: np.float32
    half_root: np.float32
    root_area: float
    field: np.int64
    border: np.int64
    far: np.int64

    @classmethod
    def of(cls, frame: Frame) -> Self:
        """From a frame."""
        scale = frame.pixel_scale_arcsec
        pixels = (np.int64(count) for count in (frame.field_pix, frame.border_pix, frame.far_pix))
        root = ROOT_PIX * scale
        return cls(scale, _F(scale), _F(0.5 * scale), _F(scale**2), _F(0.5 * ROOT_PIX * scale), root**2, *pixels)


def integrate(rays: Rays, x_pix: Tensor, y_pix: Tensor, frame: Frame, error_target: float) -> PixelMoments:
    """`quadrature.integrate` of isothermal lenses and Sersic profiles in what compiled loops take."""
    tolerance = error_target * rays.scale * frame.pixel_scale_arcsec**2
    single = torch.stack([rays.extent, rays.hide, rays.kink, rays.turn, tolerance])
    table = torch.cat([rays.lens, rays.linear, rays.bend, rays.profile, rays.stretch, single]).T.contiguous()
    place = torch.stack([x_pix, y_pix], dim=1).to(torch.float64).contiguous()
    pixel, moments, beyond = all_rows(table.numpy(), place.numpy(), Grid.of(frame), _EXPANSION_4, _EXPANSION_2)
    row, x, y = (torch.from_numpy(column) for column in pixel)
    nine = torch.from_numpy(moments).reshape(-1, DEGREES, DEGREES)
    return PixelMoments(row, x, y, nine, torch.from_numpy(beyond), frame.field_pix)


@compiled
def _all_rows(table, place, grid, expansion_4, expansion_2):
    """Row, x and y of lit pixels (3, n), their moments (n, 9), and the flux of each row beyond them."""
    rows, pixels = len(table), (grid.field + 2 * grid.border) ** 2
    pixel, moments, filled = np.empty((3, 1024 * rows), np.int64), np.empty((1024 * rows, 9), np.float32), _NONE
    beyond = np.zeros(rows)
    for row in range(rows):
        if filled + pixels > len(moments):
            more = 2 * len(moments) + pixels
            old_pixel, old_moments = pixel, moments
            pixel, moments = np.empty((3, more), np.int64), np.empty((more, 9), np.float32)
            pixel[:, :filled] = old_pixel[:, :filled]
            moments[:filled] = old_moments[:filled]
        begin = filled
        x, y = place[row, 0], place[row, 1]
        filled, beyond[row] = _row(table[row], x, y, grid, expansion_4, expansion_2, pixel, moments, filled)
        pixel[0, begin:filled] = row
    return pixel[:, :filled], moments[:filled], beyond


@compiled
def _row(p, x_pix, y_pix, grid, expansion_4, expansion_2, pixel, moments, filled):
    roots, far_x, far_y = _roots(p, x_pix, y_pix, grid)
    beyond = 0.0
    if len(far_x):
        means = _adapted(p, far_x, far_y, grid.half_root, _WHOLE)
        for i in range(len(far_x)):
            beyond += np.float64(means[0, i]) * grid.root_area
    blocks = _divided(roots, _ROOT, _ROOT // _COARSEST)
    size = _COARSEST
    while size > 1:
        parts = expansion_4 if size == 4 else expansion_2
        blocks, filled = _accept_smooth(p, x_pix, y_pix, grid, blocks, size, parts, pixel, moments, filled)
        blocks = _divided(blocks, size, _HALVES)
        size //= _HALVES
    return _pixels(p, x_pix, y_pix, grid, blocks, pixel, moments, filled), beyond


@compiled
def _divided(blocks, size, parts):
    """Lower left pixels (n, 2) of blocks, each in parts x parts."""
    side = size // parts
    out = np.empty((len(blocks) * parts * parts, 2), np.int64)
    at = 0
    for block in range(len(blocks)):
        for part in range(parts * parts):
            out[at, 0] = blocks[block, 0] + part % parts * side
            out[at, 1] = blocks[block, 1] + part // parts * side
            at += 1
    return out


@compiled
def _probe(p, x_pix, y_pix, grid, blocks, size):
    """Centres of blocks, arcsec from the lens; their source radius, and the bound on their half-size there."""
    count = len(blocks)
    x, y = np.empty(count, np.float32), np.empty(count, np.float32)
    radius, reach = np.empty(count, np.float32), np.empty(count, np.float32)
    middle = 0.5 * (size - 1)
    for i in range(count):
        x[i] = np.float32((blocks[i, 0] + middle - x_pix) * grid.scale)
        y[i] = np.float32((blocks[i, 1] + middle - y_pix) * grid.scale)
    radii(p, x, y, radius)
    half = np.float32(size) * grid.half_pixel
    for i in range(count):
        reach[i] = reach_of(p, np.sqrt(x[i] * x[i] + y[i] * y[i]), half)
    return x, y, radius, reach


@compiled
def _roots(p, x_pix, y_pix, grid):
    """Root blocks (n, 2) that may hold light and are followed pixel by pixel; centres of the others."""
    along = (grid.field + 2 * grid.far) // _ROOT
    blocks = np.empty((along * along, 2), np.int64)
    for i in range(along * along):
        blocks[i, 0], blocks[i, 1] = i % along * _ROOT - grid.far, i // along * _ROOT - grid.far
    x, y, radius, reach = _probe(p, x_pix, y_pix, grid, blocks, _ROOT)
    near, far = np.empty(len(x), np.int64), np.empty(len(x), np.int64)
    nears, fars = _NONE, _NONE
    for i in range(len(x)):
        if radius[i] - _ROOT2 * reach[i] < p[EXTENT]:
            if min(blocks[i, 0], blocks[i, 1]) >= -grid.border and max(blocks[i, 0], blocks[i, 1]) < grid.field + grid.border:
                near[nears] = i
                nears += 1
            else:
                far[fars] = i
                fars += 1
    return _blocks(blocks, near, nears), _picked(x, far, fars), _picked(y, far, fars)


@compiled
def _picked(values, chosen, count):
    out = np.empty(count, np.float32)
    for i in range(count):
        out[i] = values[chosen[i]]
    return out


@compiled
def _blocks(blocks, chosen, count):
    out = np.empty((count, 2), np.int64)
    for i in range(count):
        out[i, 0], out[i, 1] = blocks[chosen[i], 0], blocks[chosen[i], 1]
    return out


@compiled
def _accept_smooth(p, x_pix, y_pix, grid, blocks, size, parts, pixel, moments, filled):
    """Take blocks above one pixel that nine moments describe; return the rest, without dark ones."""
    x, y, radius, reach = _probe(p, x_pix, y_pix, grid, blocks, size)
    half = np.float32(size) * grid.half_pixel
    kept, tried = np.empty(len(x), np.int64), np.empty(len(x), np.int64)
    keeps, tries = _NONE, _NONE
    for i in range(len(x)):
        if radius[i] - _ROOT2 * reach[i] < p[EXTENT]:
            distance = np.sqrt(x[i] * x[i] + y[i] * y[i])
            # Only where the profile's centre and the lens are well outside does an evaluation have a chance.
            if radius[i] > _TWO * reach[i] and reach[i] < _SMOOTHEST * p[HIDE] and distance > _TWO * half:
                tried[tries] = i
                tries += 1
            else:
                kept[keeps] = i
                keeps += 1
    means, error = evaluate(p, _picked(x, tried, tries), _picked(y, tried, tries), half, _LEFT_OUT)
    for i in range(tries):
        block = tried[i]
        if error[i] < p[TOLERANCE]:
            _expand(means[:, i], parts, grid.area, moments[filled : filled + size * size])
            for part in range(size * size):
                pixel[1, filled + part] = blocks[block, 0] + part % size
                pixel[2, filled + part] = blocks[block, 1] + part // size
            filled += size * size
        else:
            kept[keeps] = block
            keeps += 1
    return _blocks(blocks, kept, keeps), filled


@compiled
def _expand(means, parts, area, out):
    """Moments (size^2, 9) of the pixels of a block, as integrals, from those of the block."""
    size = len(parts)
    by_x = np.empty((3, 3), np.float32)
    for x in range(size):
        for line in range(3):
            for degree in range(3):
                total = _NOTHING
                for whole in range(degree, 3):
                    total += parts[x, degree, whole] * means[3 * line + whole]
                by_x[line, degree] = total * area
        for y in range(size):
            for line in range(3):
                for degree in range(3):
                    total = _NOTHING
                    for whole in range(line, 3):
                        total += parts[y, line, whole] * by_x[whole, degree]
                    out[y * size + x, 3 * line + degree] = total


@compiled
def _pixels(p, x_pix, y_pix, grid, blocks, pixel, moments, filled):
    """Moments of single pixels, as integrals."""
    x, y, radius, reach = _probe(p, x_pix, y_pix, grid, blocks, _PIXEL)
    whole, coarse = np.empty(len(x), np.int64), np.empty(len(x), np.int64)
    wholes, coarses = _NONE, _NONE
    for i in range(len(x)):
        if radius[i] - _ROOT2 * reach[i] < p[EXTENT]:
            distance = np.sqrt(x[i] * x[i] + y[i] * y[i])
            # A pixel in which a whole source fits would be divided anyway.
            if reach[i] > _HIDDEN * p[HIDE] and radius[i] < reach[i] + _THREE and distance > grid.pixel:
                coarse[coarses] = i
                coarses += 1
            else:
                whole[wholes] = i
                wholes += 1
    for divided, chosen, count in ((_WHOLE, whole, wholes), (_IN_PARTS, coarse, coarses)):
        if not count:
            continue
        means = _adapted(p, _picked(x, chosen, count), _picked(y, chosen, count), grid.half_pixel, divided)
        for i in range(count):
            pixel[1, filled], pixel[2, filled] = blocks[chosen[i], 0], blocks[chosen[i], 1]
            for degree in range(9):
                moments[filled, degree] = means[degree, i] * grid.area
            filled += 1
    return filled


@compiled
def _adapted(p, x, y, half, all_poor):
    """Moments (9, n) of cells, as means over the cell; those in error, or all at first, are divided, level by level."""
    levels, divided, depth = [], [], 0
    while True:
        means, error = evaluate(p, x, y, half, _NOTHING)
        poor, count = np.empty(len(x), np.int64), _NONE
        for i in range(len(x)):
            if depth < DEEPEST and (all_poor or error[i] > p[TOLERANCE]):
                poor[count] = i
                count += 1
        levels.append(means)
        if not count:
            break
        divided.append(poor[:count])
        x, y = _quarters(_picked(x, poor, count), _picked(y, poor, count), half)
        half, depth, all_poor = _HALF * half, depth + 1, _WHOLE
    for level in range(len(divided) - 1, -1, -1):
        finer, poor = _joined(levels[level + 1]), divided[level]
        for degree in range(9):
            for i in range(len(poor)):
                levels[level][degree, poor[i]] = finer[degree, i]
    return levels[0]


@compiled
def _quarters(x, y, half):
    """Centres of the four quarters of each cell: all of the first, all of the second, ..."""
    step, count = _HALF * half, len(x)
    quarter_x, quarter_y = np.empty(4 * count, np.float32), np.empty(4 * count, np.float32)
    for part in range(4):
        dx, dy = (step if part % 2 else -step), (step if part // 2 else -step)
        for i in range(count):
            quarter_x[part * count + i], quarter_y[part * count + i] = x[i] + dx, y[i] + dy
    return quarter_x, quarter_y


@compiled
def _joined(quarters):
    """Moments (9, n) of cells from those of their quarters (9, 4 n): `quadrature._joined`, over x and then over y."""
    count = quarters.shape[1] // 4
    by_x, out = np.empty((9, 2 * count), np.float32), np.empty((9, count), np.float32)
    for part in range(2):
        for line in range(3):
            halves = quarters[3 * line : 3 * line + 3, 2 * part * count : 2 * (part + 1) * count]
            _join(halves[:, :count], halves[:, count:], by_x[3 * line : 3 * line + 3, part * count : (part + 1) * count])
    for degree in range(3):
        _join(by_x[degree::3, :count], by_x[degree::3, count:], out[degree::3])
    return out


@compiled
def _join(low, high, out):
    for i in range(low.shape[1]):
        out[0, i] = (low[0, i] + high[0, i]) * _MEAN
        out[1, i] = ((low[1, i] + high[1, i]) + (high[0, i] - low[0, i])) * _QUARTER
        out[2, i] = (low[2, i] + high[2, i]) * _EIGHTH + (high[1, i] - low[1, i]) * _THREE_EIGHTHS


def _all_rows_entry(sources):
    @entry
    def all_rows(table, place, grid, expansion_4, expansion_2):
        sources  # noqa: B018
        return _all_rows(table, place, grid, expansion_4, expansion_2)

    return all_rows


all_rows = _all_rows_entry(SOURCES)
