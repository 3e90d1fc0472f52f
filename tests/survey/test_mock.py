"""The mock survey: light, noise, population, and independence of how it was built."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from astropy import units
from astropy.coordinates import SkyCoord
from composing import REAL, needs_real
from numpy.typing import NDArray
from packs_on_disk import cutouts

from arcgate.colours import carried
from arcgate.ground.errors import ArcgateError
from arcgate.hosts_node import MockHosts
from arcgate.imaging import DECALS, Imaging
from arcgate.lensing.models import Lenses, Sersics
from arcgate.lensing.noise import photon_noise
from arcgate.lensing.psf import Psf, moffat_psfsize
from arcgate.lensing.render import convolved, lensed_light
from arcgate.lensing.spectra import spectra_of
from arcgate.survey.columns import PROVENANCE, as_table, declared_columns, measured_columns
from arcgate.survey.depth import depth_from_sky
from arcgate.survey.hosts import Hosts
from arcgate.survey.mock import parents
from arcgate.survey.mock.catalogue import declared
from arcgate.survey.mock.conditions import draw_conditions, galactic_latitude
from arcgate.survey.mock.draws import Purpose, generator
from arcgate.survey.mock.neighbours import MAG_R_LIMIT, Neighbour, draw_neighbours, neighbour_spectrum
from arcgate.survey.mock.noise import sky_noise
from arcgate.survey.mock.parents import MockParents, mock_digest
from arcgate.survey.mock.population import Profile, _population, draw_galaxy
from arcgate.survey.mock.stamps import make_host
from arcgate.survey.parents import artifacts, open_parents, parents_digest


def test_the_catalogue_has_the_declared_columns_and_the_galaxies_the_measured_ones(
    mock_parents: MockParents, mock_galaxies: Hosts
) -> None:
    table = mock_parents.catalogue
    assert dict(table.dtypes.astype(str)) == declared_columns(DECALS)
    assert len(table) == 12
    assert list(table.index) == list(range(12))
    assert table["host_id"].is_unique
    absent = [*(f"kernel_{band}" for band in "grz"), *PROVENANCE]
    assert table[absent].isna().all(axis=None)
    assert table.drop(columns=absent).notna().all(axis=None)
    measured, _ = mock_galaxies.of(np.arange(12)).read()
    assert dict(measured.dtypes.astype(str)) == measured_columns(DECALS)
    assert measured.notna().all().all()
    assert np.allclose(measured["ivar_g"] * measured["sky_sigma_g"] ** 2, 1.0)
    assert np.allclose(depth_from_sky(measured["sky_sigma_z"], table["psfsize_z"], DECALS.pixel_scale_arcsec), table["depth_z"])


def test_cutouts_come_in_the_order_asked_for(mock_galaxies: Hosts, mock_hosts: MockHosts) -> None:
    rows = np.array([11, 0, 6, 5])
    stamps = mock_galaxies.cutouts(rows)
    assert stamps.shape == (4, 3, 64, 64)
    assert stamps.dtype == np.float32
    for row, stamp in zip(rows, stamps, strict=True):
        assert np.array_equal(stamp, make_host(mock_hosts, DECALS, int(row)).image)


def test_a_larger_survey_begins_with_the_same_galaxies(
    mock_parents: MockParents, mock_hosts: MockHosts, mock_galaxies: Hosts, tmp_path: Path
) -> None:
    smaller = open_parents(replace(mock_hosts, n_hosts=3), DECALS, data_dir=tmp_path, workers=1)
    assert smaller.digest != mock_parents.digest
    assert smaller.catalogue.equals(mock_parents.catalogue.iloc[:3])
    assert np.array_equal(cutouts(smaller, [2]), mock_galaxies.cutouts(np.array([2])))


def test_a_catalogue_is_drawn_in_stretches_of_any_length(
    mock_parents: MockParents, mock_hosts: MockHosts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parents, "_DRAWN_AT_ONCE", 5)
    assert open_parents(mock_hosts, DECALS, data_dir=tmp_path, workers=1).catalogue.equals(mock_parents.catalogue)
    # What is kept is read.
    monkeypatch.setattr(parents, "declared", None)
    assert open_parents(mock_hosts, DECALS, data_dir=tmp_path, workers=1).catalogue.equals(mock_parents.catalogue)


@pytest.mark.parametrize("name", ["parents.parquet", "parents.sha256"])
def test_a_kept_catalogue_that_is_not_what_was_written_is_named(mock_hosts: MockHosts, tmp_path: Path, name: str) -> None:
    open_parents(mock_hosts, DECALS, data_dir=tmp_path, workers=1)
    path = artifacts(tmp_path, parents_digest(mock_hosts, DECALS)) / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(ArcgateError, match=r"table of parents is damaged(.|\n)*parents\.parquet(.|\n)*delete parents"):
        open_parents(mock_hosts, DECALS, data_dir=tmp_path, workers=1)


def test_a_catalogue_whose_writing_was_interrupted_is_made_anew(
    mock_parents: MockParents, mock_hosts: MockHosts, tmp_path: Path
) -> None:
    folder = artifacts(tmp_path, mock_parents.digest)
    folder.mkdir(parents=True)
    (folder / "parents.parquet").write_bytes(b"what was there before the checksum")
    assert open_parents(mock_hosts, DECALS, data_dir=tmp_path, workers=1).catalogue.equals(mock_parents.catalogue)


def test_digest_depends_on_the_specification(mock_hosts: MockHosts) -> None:
    digests = {
        mock_digest(spec, DECALS) for spec in (mock_hosts, replace(mock_hosts, seed=8), replace(mock_hosts, noise_lag1=0.2))
    }
    assert len(digests) == 3


def test_light_in_the_stamp_is_the_catalogue_magnitude(mock_hosts: MockHosts) -> None:
    quiet = replace(mock_hosts, neighbours_per_stamp=0.0, depth_mag={"g": 32.0, "r": 32.0, "z": 32.0})
    compact = 0
    for index in range(40):
        galaxy = draw_galaxy(generator(quiet.seed, index, Purpose.GALAXY), 17.0, 21.0)
        if galaxy.profile.n > 1.0 or galaxy.profile.reff_arcsec > 1.0:
            continue
        compact += 1
        stamp, row = make_host(quiet, DECALS, index).image, declared(quiet, DECALS, index)
        magnitudes = [row[f"host_mag_{band}"] for band in "grz"]
        # A Moffat of exponent 2.5 to 5 keeps up to 2 % of its light outside the stamp.
        assert np.allclose(22.5 - 2.5 * np.log10(stamp.sum(axis=(1, 2), dtype=np.float64)), magnitudes, atol=0.025)
    assert compact >= 3


def test_sky_noise_has_the_stated_variance_and_correlation() -> None:
    rng = np.random.default_rng(1)
    noise = np.stack([sky_noise(rng, 0.004, 0.22, DECALS.size_pix) for _ in range(300)])
    assert noise.std() == pytest.approx(0.004, rel=0.005)
    assert noise[:, 0, 0].std() == pytest.approx(0.004, rel=0.15)
    variance = noise.var()
    assert (noise[:, 1:] * noise[:, :-1]).mean() / variance == pytest.approx(0.22, abs=0.005)
    assert (noise[:, :, 1:] * noise[:, :, :-1]).mean() / variance == pytest.approx(0.22, abs=0.005)
    assert (noise[:, 2:] * noise[:, :-2]).mean() / variance == pytest.approx(0.0, abs=0.005)


def test_photon_noise_has_the_variance_of_the_light() -> None:
    light = np.full((400, 400), 0.3)
    assert photon_noise(np.random.default_rng(1), light, 7500.0).var() == pytest.approx(0.3 / 7500.0, rel=0.02)
    assert np.array_equal(photon_noise(np.random.default_rng(1), -light, 7500.0), np.zeros_like(light))


def test_conditions_scatter_about_the_configured_medians(mock_hosts: MockHosts) -> None:
    drawn = [draw_conditions(mock_hosts, DECALS, index) for index in range(400)]
    for band in "grz":
        assert np.median([c.psfsize[band] for c in drawn]) == pytest.approx(mock_hosts.psfsize_arcsec[band], rel=0.02)
        assert np.median([c.depth[band] for c in drawn]) == pytest.approx(mock_hosts.depth_mag[band], abs=0.02)
        assert min(c.beta[band] for c in drawn) >= 2.5
        assert max(c.beta[band] for c in drawn) <= 5.0
        assert all(7200.0 <= c.gain[band] <= 7800.0 for c in drawn)
        widths = [float(moffat_psfsize(c.psf(band).fwhm_arcsec, c.beta[band])) / c.psfsize[band] for c in drawn]
        assert np.allclose(widths, 1.0)
    assert np.median([c.noise_lag1 for c in drawn]) == pytest.approx(mock_hosts.noise_lag1, rel=0.05)
    assert draw_conditions(replace(mock_hosts, noise_lag1=0.0), DECALS, 0).noise_lag1 == 0.0
    assert np.corrcoef([c.psfsize["g"] for c in drawn], [c.psfsize["z"] for c in drawn])[0, 1] == pytest.approx(0.5, abs=0.12)


def test_sky_positions_avoid_the_galactic_plane(mock_hosts: MockHosts) -> None:
    drawn = [draw_conditions(mock_hosts, DECALS, index) for index in range(300)]
    assert all(-65.0 <= c.dec <= 32.0 and abs(galactic_latitude(c.ra, c.dec)) > 18.0 for c in drawn)
    exact = SkyCoord([c.ra for c in drawn] * units.deg, [c.dec for c in drawn] * units.deg).galactic.b.deg
    assert np.allclose([galactic_latitude(c.ra, c.dec) for c in drawn], exact, rtol=0, atol=1e-9)
    assert all(0 <= c.healpix < 12 * 64**2 for c in drawn)


def test_galaxies_pass_the_cuts_of_the_parent_sample() -> None:
    drawn = [draw_galaxy(generator(1, index, Purpose.GALAXY), 18.0, 20.0) for index in range(300)]
    for galaxy in drawn:
        assert 18.0 < galaxy.mag["r"] < 20.0
        assert galaxy.mag["g"] - galaxy.mag["r"] > 0.5
        assert galaxy.mag["r"] - galaxy.mag["z"] > 0.2
    shares = {kind: np.mean([g.morphology == kind for g in drawn]) for kind in ("REX", "EXP", "DEV", "SER")}
    assert shares["SER"] > shares["DEV"] > shares["EXP"] > 0.0
    assert shares["REX"] < 0.3
    assert {g.profile.n for g in drawn if g.morphology in ("REX", "EXP")} == {1.0}
    assert {g.profile.n for g in drawn if g.morphology == "DEV"} == {4.0}


@needs_real
def test_population_is_that_of_the_published_mixtures() -> None:
    from astropy.io import fits

    folder = REAL / "lrg_population"
    population = _population()
    for name, mixture in zip(population.names, population.mixtures, strict=True):
        with fits.open(folder / f"gmm_lrg_{name}.fits") as file:
            weights, means, covariances = (np.asarray(hdu.data, dtype=np.float64) for hdu in file)
        kept = [0, 1, 2, 4, 5, 6]
        assert np.allclose(np.diff(mixture.cumulative, prepend=0.0), weights, atol=1e-5)
        assert np.allclose(mixture.means, means[:, kept], rtol=1e-5)
        factors = mixture.factors
        assert np.allclose(factors @ factors.transpose(0, 2, 1), covariances[:, kept][:, :, kept], rtol=1e-4, atol=1e-7)


def test_neighbours_are_counted_inside_the_stamp_and_above_the_limit() -> None:
    host = {"g": 22.0, "r": 20.3, "z": 19.2}
    counts = []
    for index in range(400):
        drawn = draw_neighbours(generator(1, index, Purpose.NEIGHBOURS), 3.5, host, DECALS)
        counts.append(sum(n.mag["r"] < MAG_R_LIMIT and max(abs(n.x_pix - 31.5), abs(n.y_pix - 31.5)) < 32.0 for n in drawn))
    assert np.mean(counts) == pytest.approx(3.5, abs=0.3)


@pytest.mark.parametrize("q", [0.5, 1.0])
def test_spectrum_of_a_disc_in_closed_form_is_the_integrated_one(q: float) -> None:
    closed = neighbour_spectrum(Neighbour({}, 20.3, 44.8, Profile(0.6, 1.0, q, 0.7)), 65, DECALS.frame)
    light = lensed_light(Lenses.of(0.0), Sersics.of(0.6, 1.0, q, 0.7), torch.tensor([20.3]), torch.tensor([44.8]), DECALS.frame)
    integrated = spectra_of(light, torch.tensor([0]), 65).values[0]
    assert float((closed - integrated).abs().max()) < 5e-4


def test_a_star_is_a_point() -> None:
    star = neighbour_spectrum(Neighbour({}, 20.3, 44.8, None), 65, DECALS.frame)
    image = convolved(star[None, None], [[Psf("gaussian", 1.2)]], DECALS.frame)[0, 0].numpy()
    y, x = np.mgrid[:64, :64]
    assert (image * x).sum() / image.sum() == pytest.approx(20.3, abs=1e-3)
    assert (image * y).sum() / image.sum() == pytest.approx(44.8, abs=1e-3)


# A galaxy of VIS takes as long as a dozen of DECaLS.
@pytest.mark.parametrize(
    ("imaging", "psfsize", "indices"),
    [
        (Imaging(("g", "r", "i"), "r", 101, 0.168), 0.85, [0, 1]),
        (Imaging(("vis",), "vis", 200, 0.1), 0.19, [1]),
        (Imaging(("u", "g", "r", "i", "z", "y"), "r", 64, 0.2), 0.83, [0, 1]),
    ],
)
def test_galaxies_of_other_bands_sizes_and_scales(
    mock_hosts: MockHosts, imaging: Imaging, psfsize: float, indices: list[int]
) -> None:
    depth = dict.fromkeys(imaging.bands, 25.5)
    sizes = {band: psfsize * (1.0 + 0.05 * number) for number, band in enumerate(imaging.bands)}
    hosts = replace(mock_hosts, psfsize_arcsec=sizes, depth_mag=depth, neighbours_per_stamp=0.0, noise_lag1=0.0)
    made = [make_host(hosts, imaging, index) for index in indices]
    rows = [declared(hosts, imaging, index) | one.measured for index, one in zip(indices, made, strict=True)]
    columns = declared_columns(imaging) | measured_columns(imaging)
    absent = [*(f"kernel_{band}" for band in imaging.bands), *PROVENANCE]
    assert as_table(rows, columns).drop(columns=absent).notna().all(axis=None)
    for index, stamp, row in zip(indices, (one.image for one in made), rows, strict=True):
        assert (stamp.shape, stamp.dtype) == (imaging.shape, np.float32)
        # The same galaxy as in DECaLS, its magnitudes carried.
        galaxy = draw_galaxy(generator(hosts.seed, index, Purpose.GALAXY), 17.0, 21.0)
        assert {band: row[f"host_mag_{band}"] for band in imaging.bands} == carried(galaxy.mag, imaging.bands)
        _is_where_it_says(stamp, row, imaging)
        _has_the_stated_sky(stamp, row, imaging)


def _is_where_it_says(stamp: NDArray[np.float32], row: dict[str, Any], imaging: Imaging) -> None:
    """The middle of an odd stamp is a pixel; exchanged, x and y would be told by what lies off it."""
    light = stamp[imaging.bands.index(imaging.reference_band)].astype(np.float64)
    assert max(abs(row[f"host_{axis}_pix"] - imaging.middle_pix) for axis in "xy") <= 0.5
    y, x = np.indices(light.shape)
    near = np.hypot(x - row["host_x_pix"], y - row["host_y_pix"]) < 1.5 / imaging.pixel_scale_arcsec
    bright = np.where(near, light - light[near].min(), 0.0)
    assert (bright * x).sum() / bright.sum() == pytest.approx(row["host_x_pix"], abs=0.12)
    assert (bright * y).sum() / bright.sum() == pytest.approx(row["host_y_pix"], abs=0.12)


def _has_the_stated_sky(stamp: NDArray[np.float32], row: dict[str, Any], imaging: Imaging) -> None:
    for band, image in zip(imaging.bands, stamp.astype(np.float64), strict=True):
        depth = depth_from_sky(row[f"sky_sigma_{band}"], row[f"psfsize_{band}"], imaging.pixel_scale_arcsec)
        assert float(depth) == pytest.approx(row[f"depth_{band}"], abs=1e-9)
        # Steps of white noise in a corner, far from the galaxy, whose light is smooth: sqrt(2) sigma, to 6 % by 444 or more.
        corner = np.diff(image[: imaging.size_pix // 5, : 3 * imaging.size_pix // 5], axis=1)
        assert 1.4826 * np.median(np.abs(corner)) / np.sqrt(2.0) == pytest.approx(row[f"sky_sigma_{band}"], rel=0.15)


def test_an_imaging_is_part_of_a_surveys_identity(mock_hosts: MockHosts) -> None:
    other = Imaging(DECALS.bands, "r", 64, 0.263)
    assert mock_digest(mock_hosts, DECALS) != mock_digest(mock_hosts, other)


def test_neighbours_are_as_many_in_a_stamp_of_any_size() -> None:
    imaging, host, counts = Imaging(("g", "r", "i"), "r", 101, 0.168), {"g": 22.0, "r": 20.3, "z": 19.2}, []
    for index in range(400):
        drawn = draw_neighbours(generator(1, index, Purpose.NEIGHBOURS), 3.5, host, imaging)
        counts.append(sum(n.mag["r"] < MAG_R_LIMIT and max(abs(n.x_pix - 50), abs(n.y_pix - 50)) < 50.5 for n in drawn))
    assert np.mean(counts) == pytest.approx(3.5, abs=0.3)
