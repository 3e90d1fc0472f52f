"""The mock survey: light, noise, population, and independence of how it was built."""

from __future__ import annotations

import os
import pickle
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

from arcgate.colours import carried
from arcgate.data_node import MockHosts
from arcgate.ground.errors import ArcgateError
from arcgate.imaging import DECALS, Imaging
from arcgate.lensing.models import Lenses, Sersics
from arcgate.lensing.noise import photon_noise
from arcgate.lensing.psf import Psf, moffat_psfsize
from arcgate.lensing.render import convolved, lensed_light
from arcgate.lensing.spectra import spectra_of
from arcgate.survey.columns import as_catalogue, catalogue_columns
from arcgate.survey.cubes import cube_paths
from arcgate.survey.depth import depth_from_sky
from arcgate.survey.mock import build, stamps
from arcgate.survey.mock.conditions import draw_conditions, galactic_latitude
from arcgate.survey.mock.draws import Purpose, generator
from arcgate.survey.mock.neighbours import MAG_R_LIMIT, Neighbour, draw_neighbours, neighbour_spectrum
from arcgate.survey.mock.noise import sky_noise
from arcgate.survey.mock.population import Profile, _population, draw_galaxy
from arcgate.survey.mock.stamps import make_host
from arcgate.survey.mock.survey import MockSurvey


def test_catalogue_has_the_declared_columns(mock_survey: MockSurvey) -> None:
    table = mock_survey.catalogue
    assert dict(table.dtypes.astype(str)) == catalogue_columns(DECALS)
    assert len(table) == 12
    assert list(table.index) == list(range(12))
    assert table["host_id"].is_unique
    assert table.notna().all().all()
    assert np.allclose(table["ivar_g"] * table["sky_sigma_g"] ** 2, 1.0)
    assert np.allclose(depth_from_sky(table["sky_sigma_z"], table["psfsize_z"], DECALS.pixel_scale_arcsec), table["depth_z"])


def test_cutouts_come_in_the_order_asked_for(mock_survey: MockSurvey, mock_hosts: MockHosts) -> None:
    rows = np.array([11, 0, 6, 5])
    stamps = mock_survey.cutouts(rows)
    assert stamps.shape == (4, 3, 64, 64)
    assert stamps.dtype == np.float32
    for row, stamp in zip(rows, stamps, strict=True):
        assert np.array_equal(stamp, make_host(mock_hosts, DECALS, int(row))[0])


def test_a_part_of_a_survey_holds_its_galaxies_in_the_order_asked_for(mock_survey: MockSurvey) -> None:
    rows = np.array([7, 2, 7])
    part = mock_survey.only(rows)
    assert part.catalogue["host_id"].tolist() == mock_survey.catalogue["host_id"].iloc[rows].tolist()
    assert np.array_equal(part.cutouts(np.arange(3)), mock_survey.cutouts(rows))
    assert np.array_equal(part.only(np.array([1])).cutouts(np.array([0])), mock_survey.cutouts(np.array([2])))
    assert part.digest == mock_survey.digest


def test_a_survey_travels_to_worker_processes(mock_survey: MockSurvey) -> None:
    before = mock_survey.cutouts(np.array([3]))
    assert np.array_equal(pickle.loads(pickle.dumps(mock_survey)).cutouts(np.array([3])), before)  # noqa: S301  # pickled here


@pytest.mark.long
def test_workers_and_part_size_change_nothing(mock_survey: MockSurvey, mock_hosts: MockHosts, tmp_path: Path) -> None:
    other = build.open_mock(mock_hosts, DECALS, data_dir=tmp_path, workers=2, progress=False, part_hosts=7)
    assert other.digest == mock_survey.digest
    assert other.catalogue.equals(mock_survey.catalogue)
    everything = np.arange(12)
    assert np.array_equal(other.cutouts(everything), mock_survey.cutouts(everything))


def test_a_larger_survey_begins_with_the_same_galaxies(mock_survey: MockSurvey, mock_hosts: MockHosts, tmp_path: Path) -> None:
    smaller = build.open_mock(replace(mock_hosts, n_hosts=3), DECALS, data_dir=tmp_path, workers=1, progress=False)
    assert smaller.digest != mock_survey.digest
    assert smaller.catalogue.equals(mock_survey.catalogue.iloc[:3])
    assert np.array_equal(smaller.cutouts(np.arange(3)), mock_survey.cutouts(np.arange(3)))


def test_a_finished_survey_is_not_built_again(
    mock_survey: MockSurvey, mock_hosts: MockHosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    data_dir = mock_survey.folders[0].parents[2]
    monkeypatch.setattr(stamps, "make_host", None)
    assert (
        build.open_mock(mock_hosts, DECALS, data_dir=data_dir, workers=1, progress=False, part_hosts=5).digest
        == mock_survey.digest
    )


def test_an_interrupted_build_resumes(mock_hosts: MockHosts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hosts = replace(mock_hosts, n_hosts=4)
    made = []

    def dies(spec: MockHosts, imaging: Imaging, index: int) -> object:
        made.append(index)
        if len(made) == 4:
            raise KeyboardInterrupt
        return make_host(spec, imaging, index)

    monkeypatch.setattr(stamps, "make_host", dies)
    with pytest.raises(KeyboardInterrupt):
        build.open_mock(hosts, DECALS, data_dir=tmp_path, workers=1, progress=False, part_hosts=2)
    survey = build.open_mock(hosts, DECALS, data_dir=tmp_path, workers=1, progress=False, part_hosts=2)
    assert made == [0, 1, 2, 3, 2, 3]
    assert len(survey.catalogue) == 4


def test_a_part_without_catalogue_is_not_finished(mock_hosts: MockHosts, tmp_path: Path) -> None:
    # What a kill between the cubes and the catalogue leaves behind.
    part = build.Part(replace(mock_hosts, n_hosts=1), DECALS, tmp_path, 0, 1)
    for path in cube_paths(tmp_path, DECALS.bands).values():
        path.write_bytes(b"half a cube")
    (tmp_path / ".catalogue.parquet.1.tmp").write_bytes(b"half a table")
    assert not part.finished
    build.build_part(part)
    assert part.finished


@pytest.mark.long
def test_a_dead_worker_is_an_error_with_advice(mock_hosts: MockHosts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "build_part", _exit)
    with pytest.raises(ArcgateError, match=r"a worker process ended(.|\n)*finished parts are kept"):
        build.open_mock(replace(mock_hosts, n_hosts=2), DECALS, data_dir=tmp_path, workers=2, progress=False, part_hosts=1)


def _exit(part: build.Part) -> None:
    os._exit(1)


def test_digest_depends_on_the_specification(mock_hosts: MockHosts) -> None:
    digests = {
        build.mock_digest(spec, DECALS) for spec in (mock_hosts, replace(mock_hosts, seed=8), replace(mock_hosts, noise_lag1=0.2))
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
        stamp, row = make_host(quiet, DECALS, index)
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
    assert np.allclose([galactic_latitude(c.ra, c.dec) for c in drawn], exact, atol=1e-3)
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


def test_a_survey_that_another_process_built_while_this_one_waited_is_read(
    mock_survey: MockSurvey, mock_hosts: MockHosts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class OtherProcessFirst:
        """A lock that is granted when the other process has finished."""

        def __init__(self, path: Path, **options: object) -> None:
            self.folder = path.parent

        def __enter__(self) -> None:
            for part in build._parts(mock_hosts, DECALS, self.folder, build.PART_HOSTS):
                build.build_part(part)

        def __exit__(self, *error: object) -> None:
            pass

    monkeypatch.setattr(build, "FileLock", OtherProcessFirst)
    waited = build.open_mock(mock_hosts, DECALS, data_dir=tmp_path, workers=2, progress=False)
    assert waited.catalogue.equals(mock_survey.catalogue)


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
    table = as_catalogue([row for _, row in made], imaging)
    assert dict(table.dtypes.astype(str)) == catalogue_columns(imaging)
    assert table.notna().all(axis=None)
    for index, (stamp, row) in zip(indices, made, strict=True):
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
    assert build.mock_digest(mock_hosts, DECALS) != build.mock_digest(mock_hosts, other)


def test_neighbours_are_as_many_in_a_stamp_of_any_size() -> None:
    imaging, host, counts = Imaging(("g", "r", "i"), "r", 101, 0.168), {"g": 22.0, "r": 20.3, "z": 19.2}, []
    for index in range(400):
        drawn = draw_neighbours(generator(1, index, Purpose.NEIGHBOURS), 3.5, host, imaging)
        counts.append(sum(n.mag["r"] < MAG_R_LIMIT and max(abs(n.x_pix - 50), abs(n.y_pix - 50)) < 50.5 for n in drawn))
    assert np.mean(counts) == pytest.approx(3.5, abs=0.3)
