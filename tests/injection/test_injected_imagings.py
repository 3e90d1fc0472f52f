"""Manifests and injected arcs of other bands, sizes and scales than DECaLS'."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from composing import composed
from lenstronomy.LensModel.lens_model import LensModel
from lenstronomy.LightModel.light_model import LightModel
from numpy.typing import NDArray
from scipy.signal import fftconvolve

from arcgate.colours import DRAWN, carried
from arcgate.data_node import Data
from arcgate.dataset.schema import schema_of
from arcgate.ground.errors import ArcgateError
from arcgate.imaging import DECALS, Imaging
from arcgate.injection.arcs import records, used_psfs
from arcgate.injection.exchange import to_lenstronomy
from arcgate.injection.grids import draw_arcs
from arcgate.injection.inject import Injected, inject
from arcgate.injection.manifest import build_manifest
from arcgate.lensing.psf import Psf
from arcgate.survey.columns import measured_columns

Array = NDArray[np.float64]
# With a psfsize, arcsec, and by how much of the peak an arc may differ from lenstronomy's; pixels of VIS undersample its PSF.
SURVEYS = [
    (Imaging(("g", "r", "i"), "r", 101, 0.168), 0.85, 1e-3),
    (Imaging(("vis",), "vis", 200, 0.1), 0.19, 1e-2),
    (Imaging(("u", "g", "r", "i", "z", "y"), "r", 64, 0.2), 0.83, 1e-3),
]
# Places a pixel and axis at which lenstronomy's light is taken; odd, so that one lies on each pixel's centre.
FINE = 9
MakeCatalogue = Callable[..., pd.DataFrame]
Spec = Callable[..., Data]


@dataclass(frozen=True)
class Made:
    """Three pairs and a null row, injected."""

    imaging: Imaging
    error: float
    data: Data
    manifest: pd.DataFrame
    table: pd.DataFrame
    hosts: NDArray[np.float32]
    injected: Injected

    def of(self, role: str) -> NDArray[np.int64]:
        """Places of a role's rows."""
        return np.flatnonzero((self.manifest["role"] == role).to_numpy())


@pytest.fixture(scope="module", params=SURVEYS, ids=[",".join(imaging.bands) for imaging, *_ in SURVEYS])
def made(request: pytest.FixtureRequest, spec: Spec, make_catalogue: MakeCatalogue) -> Made:
    imaging, psfsize, error = request.param
    per_band = {name: dict.fromkeys(imaging.bands, 1.0) for name in ("psfsize_arcsec", "gain")}
    hosts = replace(spec().hosts, psf_beta=dict.fromkeys(imaging.bands, 3.0), **per_band)
    grid = replace(spec().grid, reff_arcsec=(0.3, 0.5))
    data = spec(imaging=imaging, hosts=hosts, grid=grid, n_pairs=3, null_rows=1, only_split="train", psf="moffat_converted")
    catalogue = make_catalogue(40, imaging=imaging, psfsize=psfsize)
    manifest = build_manifest(data, catalogue)
    chosen = manifest["catalogue_row"].to_numpy(np.int64)
    table = pd.concat([manifest, catalogue.iloc[chosen][list(measured_columns(imaging))].reset_index(drop=True)], axis=1)
    cutouts = np.random.default_rng(1).normal(0.05, 0.01, (len(chosen), *imaging.shape)).astype(np.float32)
    injected = inject(table, cutouts, imaging)
    table = pd.concat([table.drop(columns=[name for name in table if name in injected.measured]), injected.measured], axis=1)
    return Made(imaging, error, data, manifest, table, cutouts, injected)


def test_manifest_and_stamps_have_the_columns_and_shapes_of_their_imaging(made: Made) -> None:
    imaging = made.imaging
    assert list(made.manifest) == [*(column.name for column in schema_of(imaging).manifest), "catalogue_row"]
    assert set(schema_of(imaging).names) <= {*made.table}
    assert made.manifest["role"].value_counts().to_dict() == {"positive": 3, "control": 3, "null": 1}
    assert made.injected.image.shape == made.injected.arc.shape == (7, *imaging.shape)
    assert {name for name in made.table if name.startswith("sky_sigma_")} == {f"sky_sigma_{band}" for band in imaging.bands}
    fluxes = made.table.loc[made.of("positive"), [f"arc_flux_{band}" for band in imaging.bands]]
    assert fluxes.gt(0.0).all(axis=None)
    assert not made.injected.arc[made.of("control")].any()
    np.testing.assert_array_equal(made.hosts + made.injected.arc, made.injected.image)


def test_the_reference_band_states_magnitude_width_and_core(made: Made) -> None:
    imaging, rows = made.imaging, made.of("positive")
    table, reference = made.table.iloc[rows], imaging.reference_band
    for band in imaging.bands:
        dmag = (table[f"source_mag_{band}"] - table[f"host_mag_{band}"]).to_numpy(np.float64)
        assert set(np.round(dmag, 9)) <= set(made.data.grid.dmag) or band != reference
        assert not set(np.round(dmag, 9)) & set(made.data.grid.dmag) or band == reference
    np.testing.assert_allclose(table["theta_e_over_psf"], table["theta_e_arcsec"] / table[f"psfsize_{reference}"], rtol=1e-12)
    y, x = np.indices(imaging.shape[1:])
    lights = made.injected.arc[rows, imaging.bands.index(reference)].astype(np.float64)
    for row, light in zip(records(table), lights, strict=True):
        radius = imaging.pixel_scale_arcsec * np.hypot(x - row["host_x_pix"], y - row["host_y_pix"])
        assert row["arc_core_share_injected"] == pytest.approx(light[radius < 1.31].sum() / light.sum(), rel=1e-5)


def test_sources_have_one_spectrum_in_all_bands(made: Made) -> None:
    """The same pair has the same source, whatever the imaging: magnitudes differ by the colours that are carried."""
    arcs, rows = draw_arcs(made.data.grid, 0, np.arange(20), np.full(20, 19.0), made.imaging), np.arange(20)
    drawn = draw_arcs(made.data.grid, 0, rows, np.full(20, 19.0), DECALS)
    expected = carried({band: drawn[f"source_mag_{band}"].to_numpy() for band in DRAWN}, made.imaging.bands)
    shift = drawn["source_mag_r"].to_numpy() - expected[made.imaging.reference_band]
    for band, mag in expected.items():
        np.testing.assert_allclose(arcs[f"source_mag_{band}"], mag + shift, rtol=0, atol=1e-12)
    same = ["theta_e_arcsec", "lens_q", "source_reff_arcsec", "source_x_arcsec", "n_images"]
    pd.testing.assert_frame_equal(arcs[same], drawn[same])


def lenstronomy_stamp(row: dict[str, Any], imaging: Imaging, band: str, psf: Psf, window: slice) -> Array:
    """The arc by lenstronomy's lens and light, nine places a pixel and axis, convolved and read at the centres of some pixels."""
    terms, scale = to_lenstronomy(row, imaging), imaging.pixel_scale_arcsec
    along = (np.arange(window.start * FINE, window.stop * FINE) - FINE // 2) / FINE * scale
    at_x, at_y = np.meshgrid(*(along + terms["kwargs_pixel"][name] for name in ("ra_at_xy_0", "dec_at_xy_0")))
    lens, light = LensModel(terms["lens_model_list"]), LightModel(terms["source_light_model_list"])
    behind = lens.ray_shooting(at_x.ravel(), at_y.ravel(), terms["kwargs_lens"])
    surface = light.surface_brightness(*behind, terms["kwargs_source"][band]).reshape(at_x.shape)
    # Beyond six widths a Moffat has less than a thousandth of its light.
    half = min(len(along) // 2 - 1, round(6.0 * psf.fwhm_arcsec / scale * FINE))
    offset = np.arange(-half, half + 1) * scale / FINE
    kernel = psf.density(np.hypot(offset[:, None], offset)) * (scale / FINE) ** 2
    return np.asarray(fftconvolve(surface, kernel, mode="same")[FINE // 2 :: FINE, FINE // 2 :: FINE]) * scale**2


def test_injected_arcs_equal_lenstronomys(made: Made) -> None:
    imaging, rows = made.imaging, made.of("positive")[:2]
    table = made.table.iloc[rows].reset_index(drop=True)
    psfs = used_psfs(table, imaging)
    # Arcs lie within 5 arcsec of the middle; all of a large stamp takes long.
    margin = max(0, int(imaging.middle_pix - 5.0 / imaging.pixel_scale_arcsec))
    window = slice(margin, imaging.size_pix - margin)
    for place, row in enumerate(records(table)):
        # First and last: a band taken for another would be off by its colour and width.
        for number in {0, len(imaging.bands) - 1}:
            truth = lenstronomy_stamp(row, imaging, imaging.bands[number], psfs[place][number], window)
            found = made.injected.arc[rows[place], number].astype(np.float64)
            assert found.max() == found[window, window].max() > 0.0
            assert np.abs(found[window, window] - truth).max() < made.error * truth.max()


def test_a_theta_e_beyond_the_stamp_is_refused(spec: Spec) -> None:
    # 32 px of 0.262 arcsec are 8.384.
    assert spec(grid=replace(spec().grid, theta_e_arcsec=(1.0, 8.3)))
    with pytest.raises(ValueError, match=r"theta_E of 8\.4 arcsec lies beyond the stamp, which reaches 8\.38 arcsec"):
        spec(grid=replace(spec().grid, theta_e_arcsec=(1.0, 8.4)))
    with pytest.raises(ValueError, match=r"theta_E of 2\.5 arcsec lies beyond the stamp, which reaches 1\.6 arcsec"):
        spec(imaging=Imaging(DECALS.bands, "r", 32, 0.1))


def test_hosts_and_imaging_have_the_same_bands(spec: Spec) -> None:
    with pytest.raises(ValueError, match="hosts: psfsize_arcsec is stated for g, r, z, but the imaging has g, r, i"):
        spec(imaging=Imaging(("g", "r", "i"), "r", 101, 0.168))
    with pytest.raises(ValueError, match="hosts: gain is stated for g, r, but the imaging has g, r, z"):
        spec(hosts=replace(spec().hosts, gain={"g": 1.0, "r": 1.0}))


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        (("imaging=hsc_gri", "evaluation.common.grid.theta_e_arcsec=[0.5,9.0]"), r"theta_E of 9 arcsec .* reaches 8\.48"),
        (("imaging=hsc_gri", "hosts=mock/decals_grz"), "psfsize_arcsec is stated for g, r, z, but the imaging has g, r, i"),
        (("imaging.reference_band=i",), r"the reference band is one of \['g', 'r', 'z'\]"),
    ],
)
def test_a_configuration_that_does_not_fit_the_imaging_is_refused(overrides: tuple[str, ...], says: str) -> None:
    with pytest.raises(ArcgateError, match=rf"(?s){says}.*to do:"):
        composed(*overrides)
