"""Export of a manifest row to COOLEST, the standard for lens models (Galan et al. 2023, JOSS 8, 5567).

Nothing of coolest is imported. Its conventions: arcsec; x grows to the right and y upwards, aligned with the image; radii on
the intermediate axis; angles in degrees counter-clockwise from +y, in (-90, 90]; the Sersic profile with
b_n = 1.9992 n - 0.3271, for which radius and amplitude are mapped as in `exchange`, so that the surface brightness is the
row's everywhere.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from arcgate.ground.errors import ArcgateError
from arcgate.imaging import ZERO_POINT, Imaging
from arcgate.injection.exchange import amplitude_of, bad_column, exchanged_columns, radius_ratio, row_numbers, row_slope

_INDICES: Final = (0.5, 10.0)


@dataclass(frozen=True)
class SurveyInfo:
    """What a COOLEST template says of an observation beyond the manifest row.

    Attributes
    ----------
    name : str
        Instrument or survey.
    ra_deg, dec_deg : float
        Sky position of the host, degrees, J2000.
    lens_redshift, source_redshift : float or None
        Redshifts, where they are known.
    image_path : str or None
        FITS file of the band's stamp, relative to the template.
    """

    name: str
    ra_deg: float = 0.0
    dec_deg: float = 0.0
    lens_redshift: float | None = None
    source_redshift: float | None = None
    image_path: str | None = None


def to_coolest(row: Mapping[str, Any], imaging: Imaging, survey: SurveyInfo, band: str) -> dict[str, Any]:
    """COOLEST template of a row in one band, ready for `json.dump`.

    Parameters
    ----------
    row : mapping
        Manifest row with an arc and the host's columns (host_x_pix, host_y_pix, sky_sigma_*) joined.
    imaging : Imaging
        Of its stamp.
    survey : SurveyInfo
        What the manifest does not hold.
    band : str
        One of the imaging's: a template describes one image.

    Returns
    -------
    dict
        Mode MOCK: a lens galaxy (PEMD, which at gamma = 2 is the SIE; coolest's own functions have no SIE), an external
        shear, a source galaxy (Sersic), pixels, noise, PSF. The arc is the one before any core mask. The lens galaxy has
        no light model: its light is a real galaxy's. Read it with `check_external_files=False` unless `image_path` exists.

    Raises
    ------
    ArcgateError
        A column that is missing, null or out of range, a Sersic index that COOLEST does not define, or an unknown band.

    Notes
    -----
    The origin is the stamp's centre, where coolest's own functions put it, and COOLEST's shear acts about the origin, ours
    about the lens: the source is moved by the difference, which leaves the image as it is. The PSF is the one used. The
    standard has Gaussian and pixelated PSFs only, so a Moffat is stated in words and, as numbers, under `meta`.
    """
    if band not in imaging.bands:
        raise ArcgateError(f"unknown band {band!r}", where="to_coolest", todo=f"use one of {', '.join(imaging.bands)}")
    scale = imaging.pixel_scale_arcsec
    values = row_numbers(row, (*exchanged_columns(imaging), f"sky_sigma_{band}"))
    n = values["source_sersic_n"]
    if not _INDICES[0] <= n <= _INDICES[1]:
        raise bad_column(row, "source_sersic_n", n, "between 0.5 and 10 for COOLEST")
    x, y = ((values[f"host_{axis}_pix"] - imaging.middle_pix) * scale for axis in "xy")
    psf, psf_numbers = _psf(row, band, scale)
    sample = {name: str(row[name]) for name in ("sample_id", "host_id", "role") if name in row}
    return {
        "standard": "COOLEST",
        "mode": "MOCK",
        "coordinates_origin": _origin(survey, x, y),
        "cosmology": None,
        "lensing_entities": _entities(values | {"lens_slope": row_slope(row)}, survey, band, (x, y)),
        "observation": {
            "pixels": _pixels(survey.image_path, imaging),
            "noise": {"type": "UniformGaussianNoise", "std_dev": values[f"sky_sigma_{band}"]},
            "mag_zero_point": ZERO_POINT,
            "mag_sky_brightness": None,
            "exposure_time": None,
        },
        "instrument": {"name": survey.name, "band": band, "pixel_size": scale, "readout_noise": 0.0, "psf": psf},
        "meta": {
            "units": "nanomaggies",
            "arcgate": sample | {"psf": psf_numbers, "source_half_light_radius_arcsec": values["source_reff_arcsec"]},
        },
    }


def _entities(values: Mapping[str, float], survey: SurveyInfo, band: str, centre: tuple[float, float]) -> list[dict[str, Any]]:
    """Lens at `centre`, shear, and source."""
    x, y = centre
    gamma1, gamma2 = values["gamma1"], values["gamma2"]
    lens = {"gamma": values["lens_slope"], "theta_E": values["theta_e_arcsec"], "q": values["lens_q"]}
    lens |= {"phi": _from_north(values["lens_phi_rad"]), "center_x": x, "center_y": y}
    shear = {"gamma_ext": math.hypot(gamma1, gamma2), "phi_ext": _from_north(0.5 * math.atan2(gamma2, gamma1))}
    source = {
        "I_eff": amplitude_of(values, band),
        "theta_eff": values["source_reff_arcsec"] * radius_ratio(values["source_sersic_n"]),
        "n": values["source_sersic_n"],
        "q": values["source_q"],
        "phi": _from_north(values["source_phi_rad"]),
        "center_x": x + values["source_x_arcsec"] - gamma1 * x - gamma2 * y,
        "center_y": y + values["source_y_arcsec"] - gamma2 * x + gamma1 * y,
    }
    near, far = survey.lens_redshift, survey.source_redshift
    return [
        {"type": "Galaxy", "name": "lens", "redshift": near, "mass_model": [_profile("PEMD", lens)], "light_model": []},
        {"type": "MassField", "name": "shear", "redshift": near, "mass_model": [_profile("ExternalShear", shear)]},
        {"type": "Galaxy", "name": "source", "redshift": far, "mass_model": [], "light_model": [_profile("Sersic", source)]},
    ]


def _profile(kind: str, values: Mapping[str, float]) -> dict[str, Any]:
    return {"type": kind, "parameters": {name: {"point_estimate": {"value": value}} for name, value in values.items()}}


def _pixels(image_path: str | None, imaging: Imaging) -> dict[str, Any]:
    half = imaging.size_pix * imaging.pixel_scale_arcsec / 2.0
    return {
        "fits_file": {"path": image_path},
        "field_of_view_x": [-half, half],
        "field_of_view_y": [-half, half],
        "num_pix_x": imaging.size_pix,
        "num_pix_y": imaging.size_pix,
    }


def _psf(row: Mapping[str, Any], band: str, scale_arcsec: float) -> tuple[dict[str, Any], dict[str, Any]]:
    """The PSF used, as COOLEST can say it, and in numbers."""
    profile, fwhm = row.get("psf_profile_used"), f"psf_fwhm_used_{band}"
    if profile not in ("gaussian", "moffat"):
        raise bad_column(row, "psf_profile_used", profile, "gaussian or moffat")
    width = row_numbers(row, (fwhm,))[fwhm]
    if not width > 0:
        raise bad_column(row, fwhm, width, "above 0")
    numbers: dict[str, Any] = {"profile": profile, "fwhm_arcsec": width, "includes_pixel": True}
    if profile == "gaussian":
        # In units of the pixel, as the class GaussianPSF of coolest has it.
        words = "effective PSF, pixel included"
        return {"type": "GaussianPSF", "fwhm": width / scale_arcsec, "description": words}, numbers
    beta = f"psf_beta_used_{band}"
    numbers["beta"] = row_numbers(row, (beta,))[beta]
    words = f"Moffat, FWHM {width:.6g} arcsec, exponent {numbers['beta']:.6g}; effective PSF, pixel included"
    return {"type": None, "description": words}, numbers


def _from_north(phi_rad: float) -> float:
    """Degrees counter-clockwise from +y, in (-90, 90], of an angle counter-clockwise from +x."""
    degrees = math.degrees(phi_rad) % 180.0 - 90.0
    return degrees if degrees > -90.0 else degrees + 180.0


def _origin(survey: SurveyInfo, x: float, y: float) -> dict[str, str]:
    """Sky position of the stamp's centre, where the host at (x, y) has that of the survey; +x is west."""
    dec = survey.dec_deg - y / 3600.0
    ra = survey.ra_deg + x / 3600.0 / math.cos(math.radians(survey.dec_deg))
    return {"ra": _sexagesimal(ra % 360.0 / 15.0, "h"), "dec": _sexagesimal(dec, "d")}


def _sexagesimal(value: float, unit: str) -> str:
    """Hours or degrees, minutes and seconds, to 1e-5 seconds."""
    total, fraction = divmod(round(abs(value) * 3600.0 * 1e5), 100_000)
    minutes, seconds = divmod(total, 60)
    whole, minutes = divmod(minutes, 60)
    return f"{'-' if value < 0 else ''}{whole}{unit}{minutes}m{seconds}.{fraction:05d}s"
