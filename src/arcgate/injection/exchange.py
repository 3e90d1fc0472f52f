"""A manifest row as keyword arguments of lenstronomy, and back. COOLEST's JSON is in `coolest`.

Nothing of lenstronomy is imported: what comes out are plain dictionaries.

Conventions. +x is west and +y north on survey images, lengths are arcsec. Einstein and half-light radius lie on the
intermediate axis on both sides, kappa = (3 - slope) / 2 (theta_E / sqrt(q x'^2 + y'^2 / q))^(slope - 1), and angles are
counter-clockwise from +x: (e1, e2) = (1 - q) / (1 + q) (cos 2 phi, sin 2 phi). lenstronomy writes a Sersic profile as
amp exp(-k ((R / R_s)^(1/n) - 1)) with k = 1.9992 n - 0.3271 (Capaccioli 1989), where a manifest has the half-light radius
R_e and the exact b, P(2n, b) = 1/2. R_s = R_e (k / b)^n and amp = I_0 exp(-k) give the same surface brightness everywhere,
so R_s is not quite R_e. Light is in nanomaggies per square arcsec, zero point 22.5, and contains the row's `flux_scale`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from scipy.special import gammaincinv, gammaln

from arcgate.ground.errors import ArcgateError
from arcgate.imaging import ZERO_POINT, Imaging

Arguments = dict[str, float]

_AT_MOST_1: Final = ("lens_q", "source_q")
_NOT_NEGATIVE: Final = ("theta_e_arcsec", "flux_scale")
_POSITIVE: Final = ("lens_q", "source_reff_arcsec", "source_sersic_n", "source_q")
_COLUMNS: Final = (
    *("theta_e_arcsec", "lens_q", "lens_phi_rad", "gamma1", "gamma2"),
    *("source_reff_arcsec", "source_sersic_n", "source_q", "source_phi_rad", "source_x_arcsec", "source_y_arcsec"),
    *("flux_scale", "host_x_pix", "host_y_pix"),
)


def exchanged_columns(imaging: Imaging) -> tuple[str, ...]:
    """The numbers of a row that describe its arc."""
    return *_COLUMNS, *(f"source_mag_{band}" for band in imaging.bands)


def to_lenstronomy(row: Mapping[str, Any], imaging: Imaging) -> dict[str, Any]:
    """Keyword arguments with which lenstronomy makes the row's arc.

    Parameters
    ----------
    row : mapping
        Manifest row with an arc, host_x_pix and host_y_pix joined. `lens_slope` may be absent or null: isothermal.
    imaging : Imaging
        Of its stamp.

    Returns
    -------
    dict
        lens_model_list ("SIE", or "EPL" where the slope is not 2, and "SHEAR") with kwargs_lens;
        source_light_model_list (("SERSIC_ELLIPSE",)) with kwargs_source, a dictionary by band of what LightModel takes;
        kwargs_pixel for PixelGrid or ImageData. Coordinates are arcsec from the host's centre; what lenstronomy calls ra
        is +x of the image and grows to the west.

    Raises
    ------
    ArcgateError
        A column that is missing, null or out of range, naming sample and column.
    """
    values, scale = row_numbers(row, exchanged_columns(imaging)), imaging.pixel_scale_arcsec
    slope = row_slope(row)
    lens = {"theta_E": values["theta_e_arcsec"], **_ellipticity(values["lens_q"], values["lens_phi_rad"])}
    lens |= {"center_x": 0.0, "center_y": 0.0} | ({} if slope == 2.0 else {"gamma": slope})
    shear = {"gamma1": values["gamma1"], "gamma2": values["gamma2"], "ra_0": 0.0, "dec_0": 0.0}
    shape = {
        "R_sersic": values["source_reff_arcsec"] * radius_ratio(values["source_sersic_n"]),
        "n_sersic": values["source_sersic_n"],
        **_ellipticity(values["source_q"], values["source_phi_rad"]),
        "center_x": values["source_x_arcsec"],
        "center_y": values["source_y_arcsec"],
    }
    return {
        "lens_model_list": ["SIE" if slope == 2.0 else "EPL", "SHEAR"],
        "kwargs_lens": [lens, shear],
        "source_light_model_list": ["SERSIC_ELLIPSE"],
        "kwargs_source": {band: [{"amp": amplitude_of(values, band), **shape}] for band in imaging.bands},
        "kwargs_pixel": {
            "nx": imaging.size_pix,
            "ny": imaging.size_pix,
            "transform_pix2angle": np.diag([scale, scale]),
            "ra_at_xy_0": -values["host_x_pix"] * scale,
            "dec_at_xy_0": -values["host_y_pix"] * scale,
        },
    }


def from_lenstronomy(model: Mapping[str, Any], imaging: Imaging) -> dict[str, float]:
    """Manifest columns of a lens and source in lenstronomy's terms: the inverse of `to_lenstronomy`.

    Parameters
    ----------
    model : mapping
        Of the form that `to_lenstronomy` returns. The lens may lie anywhere, and shear may have another origin.
    imaging : Imaging
        Of the stamp: its bands and pixels must be those of the model.

    Returns
    -------
    dict
        theta_e_arcsec, lens_q, lens_phi_rad, lens_slope, gamma1, gamma2, the source_* columns, flux_scale, host_x_pix and
        host_y_pix. Angles come back in [0, pi), and as 0 for q = 1; flux_scale comes back as 1, its value being part of
        the magnitudes.

    Raises
    ------
    ArcgateError
        Models, pixels or a source that a manifest row cannot hold: other profiles, other or rotated pixels, light that is
        not positive, shapes that differ between bands.
    """
    names = list(model["lens_model_list"])
    if names not in (["SIE"], ["EPL"], ["SIE", "SHEAR"], ["EPL", "SHEAR"]):
        raise _unfit("lens_model_list", names, "SIE or EPL, alone or followed by SHEAR")
    if list(model["source_light_model_list"]) != ["SERSIC_ELLIPSE"]:
        raise _unfit("source_light_model_list", model["source_light_model_list"], "SERSIC_ELLIPSE alone")
    lens, *more = model["kwargs_lens"]
    shear = more[0] if more else {"gamma1": 0.0, "gamma2": 0.0}
    lens_x, lens_y = lens.get("center_x", 0.0), lens.get("center_y", 0.0)
    columns = {"theta_e_arcsec": lens["theta_E"], "lens_slope": lens.get("gamma", 2.0)}
    columns |= {"gamma1": shear["gamma1"], "gamma2": shear["gamma2"]}
    columns["lens_q"], columns["lens_phi_rad"] = _axis_ratio(lens["e1"], lens["e2"])
    columns["host_x_pix"], columns["host_y_pix"] = _pixel_of(model["kwargs_pixel"], lens_x, lens_y, imaging)
    source = _one_shape(model["kwargs_source"], imaging)
    # Shear about another point than the lens is shear about the lens and a shift of the source plane.
    off_x, off_y = lens_x - shear.get("ra_0", 0.0), lens_y - shear.get("dec_0", 0.0)
    shift_x, shift_y = (
        columns["gamma1"] * off_x + columns["gamma2"] * off_y,
        columns["gamma2"] * off_x - columns["gamma1"] * off_y,
    )
    columns["source_x_arcsec"] = source.get("center_x", 0.0) - lens_x + shift_x
    columns["source_y_arcsec"] = source.get("center_y", 0.0) - lens_y + shift_y
    columns["source_sersic_n"] = source["n_sersic"]
    columns["source_reff_arcsec"] = source["R_sersic"] / radius_ratio(source["n_sersic"])
    columns["source_q"], columns["source_phi_rad"] = _axis_ratio(source["e1"], source["e2"])
    return {name: float(value) for name, value in (columns | _magnitudes(model["kwargs_source"], columns, imaging)).items()}


def row_numbers(row: Mapping[str, Any], columns: tuple[str, ...]) -> dict[str, float]:
    """Columns of a row as checked numbers; ArcgateError naming sample and column where one does not do."""
    image = row.get("source_image")
    if image is not None and image == image:
        raise bad_column(row, "source_image", image, "null: sources that are images are not exchanged")
    values = {}
    for column in columns:
        value = row.get(column)
        try:
            number = float("nan") if value is None else float(value)
        except (TypeError, ValueError) as error:
            raise bad_column(row, column, value, "a number") from error
        if not math.isfinite(number):
            raise bad_column(row, column, value, "a finite number")
        if column in _POSITIVE and number <= 0:
            raise bad_column(row, column, value, "above 0")
        if column in _AT_MOST_1 and number > 1:
            raise bad_column(row, column, value, "at most 1")
        if column in _NOT_NEGATIVE and number < 0:
            raise bad_column(row, column, value, "at least 0")
        values[column] = number
    return values


def row_slope(row: Mapping[str, Any]) -> float:
    """Slope of the lens, 2 where the column is absent or null; ArcgateError outside (1, 3)."""
    slope = row.get("lens_slope")
    if slope is None or slope != slope:
        return 2.0
    if not 1.0 < slope < 3.0:
        raise bad_column(row, "lens_slope", slope, "in (1, 3)")
    return float(slope)


def bad_column(row: Mapping[str, Any], column: str, value: Any, needed: str) -> ArcgateError:
    """Error of a row's column."""
    found = repr(value) if column in row else "missing"
    return ArcgateError(
        f"column {column} is {found}, it must be {needed}",
        where=f"row with sample_id {row.get('sample_id')}, column {column}",
        todo="give a row with an arc (positive or null), with the columns of its host joined",
    )


def _unfit(where: str, found: Any, needed: str) -> ArcgateError:
    return ArcgateError(f"a manifest row holds {needed}, found {found!r}", where=where, todo="simplify the model")


def _ellipticity(q: float, phi_rad: float) -> Arguments:
    size = (1.0 - q) / (1.0 + q)
    return {"e1": size * math.cos(2.0 * phi_rad), "e2": size * math.sin(2.0 * phi_rad)}


def _axis_ratio(e1: float, e2: float) -> tuple[float, float]:
    """Axis ratio and position angle in [0, pi)."""
    size = math.hypot(e1, e2)
    if not size < 1:
        raise _unfit("e1, e2", (e1, e2), "ellipticities below 1")
    phi = 0.5 * math.atan2(e2, e1)
    return (1.0 - size) / (1.0 + size), phi + math.pi if phi < 0 else phi


def _rough_b(n: float) -> float:
    """Coefficient b_n as lenstronomy and COOLEST have it, with lenstronomy's floor."""
    return max(1.9992 * n - 0.3271, 1e-5)


def radius_ratio(n: float) -> float:
    """Radius parameter of lenstronomy and COOLEST over the half-light radius."""
    return float((_rough_b(n) / gammaincinv(2.0 * n, 0.5)) ** n)


def _flux_over_amplitude(reff_arcsec: float, n: float) -> float:
    """Total flux over that amplitude, square arcsec: Graham & Driver (2005), eq. 4, with the exact b_n."""
    log_area = math.log(2.0 * math.pi * n) + 2.0 * math.log(reff_arcsec) + float(gammaln(2.0 * n))
    return math.exp(log_area - 2.0 * n * math.log(gammaincinv(2.0 * n, 0.5)) + _rough_b(n))


def amplitude_of(values: Mapping[str, float], band: str) -> float:
    """Amplitude of the row's source at that radius, nanomaggies per square arcsec; 0 on null rows."""
    flux = values["flux_scale"] * 10.0 ** (-0.4 * (values[f"source_mag_{band}"] - ZERO_POINT))
    return float(flux) / _flux_over_amplitude(values["source_reff_arcsec"], values["source_sersic_n"])


def _magnitudes(kwargs_source: Mapping[str, Any], columns: Mapping[str, float], imaging: Imaging) -> Arguments:
    area = _flux_over_amplitude(columns["source_reff_arcsec"], columns["source_sersic_n"])
    mags = {}
    for band in imaging.bands:
        amplitude = kwargs_source[band][0]["amp"]
        if not amplitude > 0:
            raise _unfit(f"kwargs_source, band {band}", amplitude, "light with a magnitude: an amplitude above 0")
        mags[band] = ZERO_POINT - 2.5 * math.log10(amplitude * area)
    return {**{f"source_mag_{band}": mag for band, mag in mags.items()}, "flux_scale": 1.0}


def _one_shape(kwargs_source: Mapping[str, Any], imaging: Imaging) -> Arguments:
    """The source's parameters but for its amplitude, which all bands must share."""
    shapes = []
    for band in imaging.bands:
        if band not in kwargs_source or len(kwargs_source[band]) != 1:
            raise _unfit("kwargs_source", sorted(kwargs_source), f"one source in each of the bands {', '.join(imaging.bands)}")
        shapes.append({name: value for name, value in kwargs_source[band][0].items() if name != "amp"})
    if any(shape != shapes[0] for shape in shapes):
        raise _unfit("kwargs_source", shapes, "a source of one shape in all bands")
    return shapes[0]


def _pixel_of(kwargs_pixel: Mapping[str, Any], x_arcsec: float, y_arcsec: float, imaging: Imaging) -> tuple[float, float]:
    """Place of a point in the stamp, pixels."""
    side, scale = imaging.size_pix, imaging.pixel_scale_arcsec
    matrix = [list(line) for line in kwargs_pixel["transform_pix2angle"]]
    size = (kwargs_pixel["nx"], kwargs_pixel["ny"])
    if size != (side, side) or matrix != [[scale, 0.0], [0.0, scale]]:
        needed = f"{side} x {side} unrotated pixels of {scale} arcsec"
        raise _unfit("kwargs_pixel", (size, matrix), needed)
    return (
        float(x_arcsec - kwargs_pixel["ra_at_xy_0"]) / scale,
        float(y_arcsec - kwargs_pixel["dec_at_xy_0"]) / scale,
    )
