"""Injection into cutouts: identities, measured columns, core shares, errors."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.typing import NDArray

from arcgate.data_node import Data
from arcgate.ground.errors import ArcgateError
from arcgate.imaging import DECALS
from arcgate.injection.arcs import render_arcs, source_fluxes, used_psfs
from arcgate.injection.core_mask import kept, radius_from
from arcgate.injection.inject import Injected, inject
from arcgate.injection.manifest import build_manifest
from arcgate.lensing.models import Lenses, Sersics
from arcgate.lensing.psf import Psf
from arcgate.lensing.render import lensed_light, render
from arcgate.survey.columns import measured_columns

Spec = Callable[..., Data]
Cut = tuple[pd.DataFrame, NDArray[np.float32]]


@pytest.fixture(scope="module")
def cut(spec: Spec, catalogue: pd.DataFrame) -> Callable[..., Cut]:
    """Rows of a manifest with their hosts' columns, and the hosts' cutouts."""

    made = functools.cache(lambda changes: build_manifest(spec(**dict(changes)), catalogue))

    def make(count: int = 30, **changes: Any) -> Cut:
        rows = made(tuple(sorted(changes.items()))).head(count)
        hosts = catalogue.iloc[rows["catalogue_row"].to_numpy(np.int64)][list(measured_columns(DECALS))].reset_index(drop=True)
        images = [np.random.default_rng(int(k)).normal(0.05, 0.02, DECALS.shape) for k in rows["catalogue_row"]]
        return pd.concat([rows.reset_index(drop=True), hosts], axis=1), np.stack(images).astype(np.float32)

    return make


@pytest.fixture(scope="module")
def unmasked(cut: Callable[..., Cut]) -> tuple[pd.DataFrame, NDArray[np.float32], Injected]:
    rows, hosts = cut(30, null_rows=40)
    return rows, hosts, inject(rows, hosts, DECALS)


def test_control_and_null_rows_come_out_as_they_went_in(unmasked: tuple[pd.DataFrame, NDArray[np.float32], Injected]) -> None:
    rows, hosts, injected = unmasked
    for role in ("control", "null"):
        chosen = np.flatnonzero(rows["role"] == role)
        assert len(chosen) == 10
        assert injected.image[chosen].tobytes() == hosts[chosen].tobytes()
        assert np.all(injected.arc[chosen] == 0.0)


def test_a_stamp_is_its_control_plus_its_arc_in_float32(unmasked: tuple[pd.DataFrame, NDArray[np.float32], Injected]) -> None:
    rows, _, injected = unmasked
    place = rows.assign(place=np.arange(len(rows))).pivot(index="pair_id", columns="role", values="place")
    positive, control = place["positive"].to_numpy(), place["control"].to_numpy()
    assert injected.image.dtype == injected.arc.dtype == np.float32
    assert np.array_equal(injected.image[control] + injected.arc[positive], injected.image[positive])
    assert np.all(injected.arc[positive].sum(axis=(2, 3)) > 0.0)


def test_measured_columns_state_what_the_images_hold(unmasked: tuple[pd.DataFrame, NDArray[np.float32], Injected]) -> None:
    rows, _, injected = unmasked
    for i in np.flatnonzero(rows["role"] == "positive"):
        row, measured, arc = rows.iloc[i], injected.measured.iloc[i], injected.arc[i].astype(np.float64)
        sky = row[[f"sky_sigma_{band}" for band in DECALS.bands]].to_numpy(np.float64)[:, None, None]
        assert measured["arc_snr"] == pytest.approx(np.sqrt(np.sum(arc**2 / sky**2)), rel=1e-5)
        assert measured["arc_snr_injected"] == pytest.approx(measured["arc_snr"], rel=1e-6)
        core = radius_from(row["host_x_pix"], row["host_y_pix"], DECALS.size_pix) < 5.0
        assert measured["arc_core_share"] == pytest.approx(arc[1][core].sum() / arc[1].sum(), rel=1e-5)
        for k, band in enumerate(DECALS.bands):
            assert measured[f"arc_flux_{band}"] == pytest.approx(arc[k].sum(), rel=1e-5)
        assert measured["theta_e_over_psf"] == pytest.approx(row["theta_e_arcsec"] / row["psfsize_r"])


def test_null_rows_have_no_flux_and_controls_no_arc_columns(unmasked: tuple[pd.DataFrame, NDArray[np.float32], Injected]) -> None:
    rows, _, injected = unmasked
    null, control = injected.measured[rows["role"] == "null"], injected.measured[rows["role"] == "control"]
    assert (null[["arc_flux_r", "arc_flux_lost_r", "arc_flux_injected_r", "arc_snr"]] == 0.0).all(axis=None)
    assert null["arc_core_share"].isna().all()
    assert control.isna().all(axis=None)


@pytest.mark.parametrize("psf", ["gaussian", "moffat_converted"])
def test_flux_inside_and_lost_add_up_to_the_magnified_source(psf: str, cut: Callable[..., Cut]) -> None:
    rows, hosts = cut(12, psf=psf)
    injected = inject(rows, hosts, DECALS)
    for i in np.flatnonzero(rows["role"] == "positive"):
        row = rows.iloc[i].to_dict()
        lens = Lenses.of(*(row[name] for name in ("theta_e_arcsec", "lens_q", "lens_phi_rad", "gamma1", "gamma2")))
        shape = ("source_reff_arcsec", "source_sersic_n", "source_q", "source_phi_rad", "source_x_arcsec", "source_y_arcsec")
        place = (torch.tensor([row[name]]) for name in ("host_x_pix", "host_y_pix"))
        magnification = float(lensed_light(lens, Sersics.of(*(row[name] for name in shape)), *place, DECALS.frame).total)
        mags = np.array([row[f"source_mag_{band}"] for band in "grz"])
        for k, band in enumerate(DECALS.bands):
            total = magnification * 10.0 ** (-0.4 * (mags[k] - 22.5))
            kept_inside, lost = injected.measured.loc[i, [f"arc_flux_{band}", f"arc_flux_lost_{band}"]]
            assert kept_inside + lost == pytest.approx(total, rel=1e-6)
            # The wings of a PSF carry light out; samples a pixel apart add up to the light to 1e-4 only.
            assert -1e-4 < lost / total < (1e-3 if psf == "gaussian" else 0.05)


def test_the_source_is_a_blue_galaxy_in_nanomaggies() -> None:
    table = pd.DataFrame({"source_mag_g": 21.4, "source_mag_r": [21.0, 21.0], "source_mag_z": 20.65, "flux_scale": [1.0, 0.0]})
    assert source_fluxes(table, DECALS)[0] == pytest.approx(10.0 ** (-0.4 * (np.array([21.4, 21.0, 20.65]) - 22.5)))
    assert np.all(source_fluxes(table, DECALS)[1] == 0.0)


MASKS: dict[str, dict[str, Any]] = {
    "hard_r5": {"kind": "hard", "radius_pix": 5.0, "width_pix": 0.0},
    "hard_r7": {"kind": "hard", "radius_pix": 7.0, "width_pix": 0.0},
    "tanh_r5": {"kind": "tanh", "radius_pix": 5.0, "width_pix": 1.5},
}


@pytest.mark.parametrize("mask", list(MASKS))
def test_a_core_mask_takes_from_the_arc_and_from_nothing_else(
    mask: str, unmasked: tuple[pd.DataFrame, NDArray[np.float32], Injected]
) -> None:
    rows, hosts, plain = unmasked[0].head(9), unmasked[1][:9], unmasked[2]
    masked_rows = rows.assign(**{f"core_mask_{name}": value for name, value in MASKS[mask].items()})
    masked = inject(masked_rows, hosts, DECALS)
    for i in np.flatnonzero(rows["role"] == "positive"):
        row = masked_rows.iloc[i]
        share = kept(
            radius_from(row["host_x_pix"], row["host_y_pix"], DECALS.size_pix),
            row["core_mask_kind"],
            row["core_mask_radius_pix"],
            row["core_mask_width_pix"],
        )
        assert masked.arc[i] == pytest.approx(plain.arc[i] * share, rel=1e-6, abs=1e-12)
        if row["core_mask_kind"] == "hard":
            inside = radius_from(row["host_x_pix"], row["host_y_pix"], DECALS.size_pix) < row["core_mask_radius_pix"]
            assert np.array_equal(masked.image[i][:, inside], hosts[i][:, inside])
            assert masked.measured.loc[i, "arc_core_share_injected"] == 0.0
        assert masked.measured.loc[i, "arc_flux_injected_r"] < masked.measured.loc[i, "arc_flux_r"]
    before = ["arc_flux_r", "arc_flux_lost_r", "arc_snr", "arc_core_share"]
    assert masked.measured[before].equals(plain.measured.head(9)[before])


def test_rows_do_not_touch_each_other(cut: Callable[..., Cut]) -> None:
    rows, hosts = cut(9)
    together = inject(rows, hosts, DECALS)
    for i in (0, 4, 8):
        alone = inject(rows.iloc[[i]].reset_index(drop=True), hosts[[i]], DECALS)
        assert alone.image[0].tobytes() == together.image[i].tobytes()
        assert alone.arc[0].tobytes() == together.arc[i].tobytes()


# Shares of the lensed flux in the central 10 x 10 pixels for a disc of R_e = 0.3 arcsec at half theta_E behind a SIS.
CORE_SHARES = {0.5: 0.83, 0.75: 0.70, 1.0: 0.53, 1.25: 0.38, 1.5: 0.26, 2.0: 0.17}


def _core_share(theta_e: float, psf: Psf) -> float:
    middle = torch.tensor([31.5])
    rendered = render(
        Lenses.of(theta_e), Sersics.of(0.3, x_arcsec=theta_e / 2), torch.ones(1, 1), middle, middle, [[psf]], DECALS.frame
    )
    return float(rendered.image[0, 0, 27:37, 27:37].sum() / rendered.total[0, 0])


@pytest.mark.parametrize("theta_e", list(CORE_SHARES))
def test_the_core_box_holds_the_published_share_of_the_arc_for_a_gaussian(theta_e: float) -> None:
    assert _core_share(theta_e, Psf("gaussian", 1.3)) == pytest.approx(CORE_SHARES[theta_e], abs=0.01)


def test_a_moffat_of_that_width_puts_less_of_a_small_arc_into_the_core() -> None:
    shares = [_core_share(theta_e, Psf("moffat", 1.3, 3.0)) for theta_e in CORE_SHARES]
    assert shares == pytest.approx([0.70, 0.60, 0.47, 0.35, 0.25, 0.16], abs=0.01)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("theta_e_arcsec", -1.0, "theta_e_arcsec must not be negative"),
        ("theta_e_arcsec", np.nan, "theta_e_arcsec must be finite"),
        ("lens_q", 1.2, r"lens_q must lie in \(0, 1\]"),
        ("lens_q", 0.0, r"lens_q must lie in \(0, 1\]"),
        ("gamma1", 1.5, "must be below 1"),
        ("source_reff_arcsec", 0.0, "source_reff_arcsec must be positive"),
        ("source_q", 1.2, r"source_q must lie in \(0, 1\]"),
        ("source_sersic_n", 12.0, "source_sersic_n must lie in"),
        ("source_x_arcsec", np.inf, "source_x_arcsec must be finite"),
        ("source_y_arcsec", 20.0, "source_y_arcsec puts the source outside the stamp"),
        ("host_x_pix", 70.0, "host_x_pix must lie inside the stamp"),
        ("flux_scale", -1.0, "flux_scale must be finite and not negative"),
        ("source_mag_r", np.nan, r"source_mag_\* or flux_scale must be finite"),
        ("psf_fwhm_used_r", 0.0, "FWHM of a PSF must be positive"),
        ("psf_fwhm_used_z", np.nan, "FWHM of a PSF must be positive"),
        ("psf_beta_used_g", 0.9, "beta > 1"),
    ],
)
def test_a_bad_parameter_names_the_sample(column: str, value: float, message: str, cut: Callable[..., Cut]) -> None:
    rows, hosts = cut(3, psf="moffat_converted")
    rows.loc[rows["role"] == "positive", column] = value
    with pytest.raises(ArcgateError, match=message) as caught:
        inject(rows, hosts, DECALS)
    sample = rows.loc[rows["role"] == "positive", "sample_id"].iloc[0]
    assert f"sample_id {sample}" in str(caught.value.where)
    assert caught.value.todo


def test_the_psf_used_may_differ_between_bands(cut: Callable[..., Cut]) -> None:
    rows, _ = cut(3)
    table = rows[rows["role"] == "positive"].assign(psf_fwhm_used_g=1.6, psf_fwhm_used_r=1.2, psf_fwhm_used_z=0.9)
    psfs = used_psfs(table, DECALS)
    assert [psf.fwhm_arcsec for psf in psfs[0]] == [1.6, 1.2, 0.9]
    assert all(psf.includes_pixel for psf in psfs[0])
    arc, _ = render_arcs(table, psfs, DECALS)
    peaks = arc[0].max(axis=(1, 2)) / source_fluxes(table, DECALS)[0]
    assert peaks[0] < peaks[1] < peaks[2]


def test_an_arc_may_carry_the_noise_of_its_own_photons(cut: Callable[..., Cut]) -> None:
    rows, hosts = cut(30)
    bright = rows.assign(**dict.fromkeys([f"source_mag_{band}" for band in DECALS.bands], 18.0))
    plain, noisy = (inject(bright.assign(arc_noise=noise), hosts, DECALS) for noise in ("none", "poisson"))
    lit = np.flatnonzero(rows["role"] == "positive")
    gain = rows[[f"gain_{band}" for band in DECALS.bands]].to_numpy(np.float64)[lit][:, :, None, None]
    expected = plain.arc[lit].astype(np.float64)
    electrons = expected * gain
    standard = ((noisy.arc[lit] - expected) * gain / np.sqrt(np.maximum(electrons, 1e-30)))[electrons > 100.0]
    assert abs(standard.mean()) < 3.0 / np.sqrt(standard.size)
    assert abs(standard.var() - 1.0) < 3.0 * np.sqrt(2.0 / standard.size)
    assert np.array_equal(hosts[lit] + noisy.arc[lit], noisy.image[lit])
    for band in DECALS.bands:
        before, after = (injected.measured.loc[lit, f"ivar_{band}"].to_numpy() for injected in (plain, noisy))
        added = plain.arc[lit, DECALS.bands.index(band)].mean(axis=(1, 2)) / rows.loc[lit, f"gain_{band}"].to_numpy()
        assert 1.0 / after == pytest.approx(1.0 / before + added, rel=1e-3)
    assert inject(bright.assign(arc_noise="poisson"), hosts, DECALS).arc.tobytes() == noisy.arc.tobytes()


def test_a_core_mask_takes_an_arcs_noise_with_its_light(cut: Callable[..., Cut]) -> None:
    rows, hosts = cut(30)
    bright = rows.assign(
        **dict.fromkeys([f"source_mag_{band}" for band in DECALS.bands], 18.0), core_mask_kind="hard", core_mask_radius_pix=7.0
    )
    plain, noisy = (inject(bright.assign(arc_noise=noise), hosts, DECALS) for noise in ("none", "poisson"))
    lit = np.flatnonzero(rows["role"] == "positive")
    for band in DECALS.bands:
        added = plain.arc[lit, DECALS.bands.index(band)].mean(axis=(1, 2)) / rows.loc[lit, f"gain_{band}"].to_numpy()
        before, after = (injected.measured.loc[lit, f"ivar_{band}"].to_numpy() for injected in (plain, noisy))
        assert 1.0 / after == pytest.approx(1.0 / before + added, rel=1e-3)
    inside = (
        radius_from(bright.loc[lit, "host_x_pix"].to_numpy(), bright.loc[lit, "host_y_pix"].to_numpy(), DECALS.size_pix) < 7.0
    )
    assert np.all((noisy.image[lit] - hosts[lit])[np.broadcast_to(inside[:, None], hosts[lit].shape)] == 0.0)


def test_controls_and_null_rows_have_no_noise_of_an_arc(cut: Callable[..., Cut]) -> None:
    rows, hosts = cut(30, null_rows=40)
    injected = inject(rows.assign(arc_noise="poisson"), hosts, DECALS)
    others = np.flatnonzero(rows["role"] != "positive")
    assert injected.image[others].tobytes() == hosts[others].tobytes()
