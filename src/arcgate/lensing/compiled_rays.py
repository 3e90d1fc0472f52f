"""Rays of isothermal lenses and Sersic profiles in float32, compiled for the processor.

The same rule as `Rays.trace`, `Rays.light` and `quadrature._Integration._rule`, in loops that a compiler turns into vector
instructions: torch spends most of its time on these rays between its operations.
"""

from __future__ import annotations

import math

import numpy as np

from arcgate.lensing.compiled_functions import atan, compiled, exp, log_ratio, twice_artanh
from arcgate.lensing.quadrature import HIDDEN, SMOOTH

_BLOCK = 16  # cells evaluated together: whole vectors, few left over
_F = np.float32
_NODE, _OUTER, _INNER = _F(math.sqrt(0.6)), _F(5.0 / 18.0), _F(8.0 / 18.0)
_ZERO, _HALF, _ONE, _TWO = _F(0.0), _F(0.5), _F(1.0), _F(2.0)
_ROOT2, _TINY, _LOWEST = _F(math.sqrt(2.0)), _F(1e-20), _F(-60.0)
_SLOPE, _BEND_OUTER, _BEND_INNER = _F(5.0 / 18.0 * math.sqrt(0.6)), _F(2.0 / 18.0), _F(4.0 / 18.0)
_NEAREST, _DARK, _F4, _F5 = _F(1e-3), _F(1e-30), _F(4.0), _F(5.0)
_TURN, _UNSEEN, _TENTH = _F(0.4), _F(0.7), _F(0.1)
_SMOOTH, _HIDDEN = _F(SMOOTH), _F(HIDDEN)
# Columns of `p`, one row of rays, in the order in which `compiled_quadrature.integrate` puts them: lens, the linear and the bent
# part of the map, profile, stretch, and five numbers of the row.
COS, SIN, Q, ECCENTRICITY = range(4)
LINEAR_0, LINEAR_1, LINEAR_2, LINEAR_3, LINEAR_4, LINEAR_5 = range(4, 10)
BEND_0, BEND_1, BEND_2, BEND_3 = range(10, 14)
MINUS_B, INVERSE_N, CENTRE = range(14, 17)
WIDEST, EINSTEIN, UNITS = range(17, 20)
EXTENT, HIDE, KINK, TURN, TOLERANCE = range(20, 25)


@compiled
def radii(p, x, y, radius):
    """Source radius behind image-plane positions (n,) in arcsec from the lens, in source units."""
    cos, sin, q, eccentricity = p[COS], p[SIN], p[Q], p[ECCENTRICITY]
    l0, l1, l2, l3, l4, l5 = p[LINEAR_0], p[LINEAR_1], p[LINEAR_2], p[LINEAR_3], p[LINEAR_4], p[LINEAR_5]
    b0, b1, b2, b3 = p[BEND_0], p[BEND_1], p[BEND_2], p[BEND_3]
    for i in range(x.size):
        along, across = cos * x[i] + sin * y[i], cos * y[i] - sin * x[i]
        flat = q * along
        psi = max(np.sqrt(flat * flat + across * across), _TINY)
        first = atan(eccentricity * along, psi)
        second = twice_artanh(eccentricity * across, psi)
        xi = l0 + l1 * x[i] + l2 * y[i] - first * b0 - second * b1
        eta = l3 + l4 * x[i] + l5 * y[i] - first * b2 - second * b3
        radius[i] = np.sqrt(xi * xi + eta * eta)


@compiled
def _light(p, radius, light):
    """Surface brightness at source radii."""
    minus_b, inverse_n, centre = p[MINUS_B], p[INVERSE_N], p[CENTRE]
    if inverse_n == _ONE:
        for i in range(radius.size):
            light[i] = centre * exp(max(minus_b * radius[i], _LOWEST))
    else:
        for i in range(radius.size):
            log = inverse_n * log_ratio(max(radius[i], _TINY), _ONE)
            light[i] = centre * exp(max(minus_b * exp(min(max(log, _LOWEST), -_LOWEST)), _LOWEST))


@compiled
def reach_of(p, distance, half):
    """`Rays.reach` of one cell."""
    widest, einstein, units = p[WIDEST], p[EINSTEIN], p[UNITS]
    near = max(distance - _ROOT2 * half, _NEAREST)
    return half * units * (widest + max(einstein / near - _TWO, _ZERO))


@compiled
def evaluate(p, x, y, half, left_out):
    """Moments (9, n), (degree in y, degree in x), as means over cells of half-side `half` about (n,), and their errors (n,)."""
    centre_x, centre_y = np.empty(_BLOCK, np.float32), np.empty(_BLOCK, np.float32)
    ray_x, ray_y = np.empty(9 * _BLOCK, np.float32), np.empty(9 * _BLOCK, np.float32)
    radius, light = np.empty(9 * _BLOCK, np.float32), np.empty(9 * _BLOCK, np.float32)
    means, errors = np.empty((9, _BLOCK), np.float32), np.empty(_BLOCK, np.float32)
    moments, error = np.empty((9, x.size), np.float32), np.empty(x.size, np.float32)
    step = _NODE * half
    for begin in range(0, x.size, _BLOCK):
        used = min(_BLOCK, x.size - begin)
        for cell in range(_BLOCK):
            # The last cell fills the block.
            at = begin + min(cell, used - 1)
            centre_x[cell], centre_y[cell] = x[at], y[at]
        for node in range(9):
            dx, dy = np.float32(node % 3 - 1) * step, np.float32(node // 3 - 1) * step
            for cell in range(_BLOCK):
                ray_x[node * _BLOCK + cell], ray_y[node * _BLOCK + cell] = centre_x[cell] + dx, centre_y[cell] + dy
        radii(p, ray_x, ray_y, radius)
        _light(p, radius, light)
        _legendre(light.reshape(9, _BLOCK), means)
        _errors(p, centre_x, centre_y, half, left_out, radius.reshape(9, _BLOCK), means, errors)
        for cell in range(used):
            error[begin + cell] = errors[cell]
            for degree in range(9):
                moments[degree, begin + cell] = means[degree, cell]
    return moments, error


@compiled
def _legendre(light, means):
    """`quadrature._legendre`: light (node in y and x, cell) to moments (degree in y and x, cell)."""
    for line in range(3):
        for cell in range(_BLOCK):
            low, middle, high = light[3 * line, cell], light[3 * line + 1, cell], light[3 * line + 2, cell]
            both = low + high
            light[3 * line, cell] = both * _OUTER + middle * _INNER
            light[3 * line + 1, cell] = (high - low) * _SLOPE
            light[3 * line + 2, cell] = both * _BEND_OUTER - middle * _BEND_INNER
    for degree in range(3):
        for cell in range(_BLOCK):
            low, middle, high = light[degree, cell], light[3 + degree, cell], light[6 + degree, cell]
            both = low + high
            means[degree, cell] = both * _OUTER + middle * _INNER
            means[3 + degree, cell] = (high - low) * _SLOPE
            means[6 + degree, cell] = both * _BEND_OUTER - middle * _BEND_INNER


@compiled
def _errors(p, x, y, half, left_out, radius, means, errors):
    """Error estimates of `quadrature._Integration._rule`, times the area of the cell; overwrites radius[0]."""
    hide, kink = p[HIDE], p[KINK]
    area = _F4 * half * half
    widest_reach = _ZERO
    for cell in range(_BLOCK):
        distance = np.sqrt(x[cell] * x[cell] + y[cell] * y[cell])
        reach = reach_of(p, distance, half)
        widest_reach = max(widest_reach, reach)
        away = min(radius[4, cell] / reach, distance / (_ROOT2 * half))
        bernstein = away + np.sqrt(away * away + _ONE)
        square = bernstein * bernstein
        mean = max(abs(means[0, cell]), _DARK)
        first = max(abs(means[3, cell]), abs(means[1, cell]))
        second = max(abs(means[6, cell]), abs(means[2, cell]))
        varies = max(_F5 * second, first)
        ratio = varies / mean
        errors[cell] = area * varies * (_SMOOTH * ratio * ratio + kink / (square * square) + left_out * np.sqrt(ratio))
    if widest_reach > _HIDDEN * hide:
        _hide(p, x, y, half, radius, errors)


@compiled
def _hide(p, x, y, half, radius, errors):
    """`quadrature._Integration._hidden`: brightness that may lie unseen between the nodes, into the errors."""
    widest, units, hide, turn = p[WIDEST], p[UNITS], p[HIDE], p[TURN]
    nearest, reach, bright = np.empty(_BLOCK, np.float32), np.empty(_BLOCK, np.float32), np.empty(_BLOCK, np.float32)
    for cell in range(_BLOCK):
        nearest[cell] = radius[0, cell]
        for node in range(1, 9):
            nearest[cell] = min(nearest[cell], radius[node, cell])
        reach[cell] = reach_of(p, np.sqrt(x[cell] * x[cell] + y[cell] * y[cell]), half)
        unseen = min(reach[cell], max(_TURN * turn, half * units * widest))
        nearest[cell] = max(nearest[cell] - _UNSEEN * unseen, _ZERO)
    _light(p, nearest, bright)
    for cell in range(_BLOCK):
        if reach[cell] > _HIDDEN * hide:
            errors[cell] = max(errors[cell], _TENTH * bright[cell] * _F4 * half * half)
