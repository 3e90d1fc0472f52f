"""A mock survey on disk: files as the genuine ones, catalogues as declared, the same however they were made."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from astropy.io import fits
from astropy.table import Table, vstack
from astropy.wcs import WCS
from composing import REAL, needs_real
from hydra import compose, initialize_config_module
from small_survey import small_settings, small_survey

from arcgate.config import mock_from_config
from arcgate.ground.errors import ArcgateError
from arcgate.imaging import ZERO_POINT
from arcgate.survey.coadd_psf import read_coadd_psf
from arcgate.survey.legacy.layout import MASKBITS, PER_BAND, PIXEL_SCALE_ARCSEC, SurveyFolder
from arcgate.survey.mock.sky.brick import BrickTask, write_brick
from arcgate.survey.mock.sky.catalogue import in_fibre
from arcgate.survey.mock.sky.choosing import Pointing, separation_deg
from arcgate.survey.mock.sky.claim import claim
from arcgate.survey.mock.sky.geometry import brick_holding, whole_sky
from arcgate.survey.mock.sky.job import planned
from arcgate.survey.mock.sky.objects import SkyObject, objects_of
from arcgate.survey.mock.sky.places import STAMP_PIX, places_of
from arcgate.survey.mock.sky.planes import ALL_MASKED, BRIGHT, NOT_PRIMARY, SATURATED
from arcgate.survey.mock.sky.survey import write_survey
from arcgate.survey.mock.sky.sweep_columns import SWEEP
from arcgate.survey.mock.sky.wcs import BrickWcs

GENUINE = REAL / "coadd_brick" / "coadd" / "095" / "0959p805"


@pytest.fixture(scope="module")
def survey(work: Path) -> Path:
    """One brick with all planes."""
    small_survey(work / "mock-sky")
    return work / "mock-sky"


OVERLAPPING = {
    **{"n_bricks": 2, "block_bricks": 2, "north_bricks": 1, "rows_per_brick": 400, "known_lenses": 0, "gap_share": 0.0},
    **{"bands": ("r",), "planes": ("image",), "with_noise": False},
}


@pytest.fixture(scope="module")
def two(work: Path) -> Path:
    """Two adjacent bricks without noise, one of them in both surveys."""
    small_survey(work / "mock-sky-two", **OVERLAPPING)
    return work / "mock-sky-two"


@pytest.fixture(scope="module")
def truth(survey: Path) -> pd.DataFrame:
    return pd.read_parquet(survey / "truth" / "objects.parquet")


@pytest.fixture(scope="module")
def sweep(survey: Path) -> Table:
    """All rows of the south."""
    parts = [Table.read(file, hdu=1) for file in sorted(SurveyFolder(survey, "south").sweeps("10.1").glob("*.fits"))]
    table = vstack(parts)
    table.convert_bytestring_to_unicode()
    return table


def south_brick(truth: pd.DataFrame) -> str:
    return str(truth.loc[truth["footprint"] == "south", "brick"].iloc[0])


def plane(survey: Path, truth: pd.DataFrame, kind: str, band: str | None = None) -> np.ndarray:
    return fits.getdata(SurveyFolder(survey, "south").coadd(south_brick(truth), kind, band), 1)


def test_each_plane_is_a_compressed_image_without_a_name(survey, truth):
    folder, brick = SurveyFolder(survey, "south"), south_brick(truth)
    types = {"image": "f4", "invvar": "f4", "psfsize": "f4", "depth": "f4", "galdepth": "f4", "nexp": "i2"}
    units = {"image": "nanomaggy", "invvar": "1/nanomaggy^2", "depth": "1/nanomaggy^2", "galdepth": "1/nanomaggy^2"}
    for kind in PER_BAND:
        for band in "grz":
            with fits.open(folder.coadd(brick, kind, band), disable_image_compression=True) as raw:
                assert len(raw) == 2
                assert raw[0].header["NAXIS"] == 0
                assert "EXTNAME" not in raw[1].header
                raw.verify("exception")
            with fits.open(folder.coadd(brick, kind, band)) as hdus:
                assert hdus[1].shape == (3600, 3600)
                assert hdus[1].section[:9, :9].dtype.newbyteorder("=") == np.dtype(types[kind])
                header = hdus[1].header
            assert (header["IMTYPE"], header["BRICKNAM"], header["BAND"]) == (kind, brick, band)
            assert header.get("BUNIT") == (units | {"psfsize": "arcsec"}).get(kind)
            assert header.get("MAGZERO") == (ZERO_POINT if kind == "image" else None)
            assert header["DRVERSIO"] == 10000
    with fits.open(folder.coadd(brick, MASKBITS)) as hdus:
        assert [hdu.name for hdu in hdus[1:]] == ["MASKBITS", "WISEM1", "WISEM2"]
        assert hdus[1].section[:9, :9].dtype.newbyteorder("=") == np.dtype("i4")


@needs_real
@pytest.mark.parametrize("kind", ["image", "invvar", "nexp"])
def test_files_are_compressed_and_described_as_genuine_ones(survey, truth, kind):
    def headers(path):
        with fits.open(path, disable_image_compression=True) as raw, fits.open(path) as hdus:
            return raw[1].header, hdus[1].header

    path = SurveyFolder(survey, "south").coadd(south_brick(truth), kind, "g")
    found, genuine = headers(path), headers(GENUINE / f"legacysurvey-0959p805-{kind}-g.fits.fz")
    # Two names of one algorithm.
    found[0]["ZCMPTYPE"] = found[0]["ZCMPTYPE"].replace("RICE_1", "RICE_ONE")
    compression = ["ZCMPTYPE", "ZIMAGE", "ZBITPIX", "ZNAXIS1", "ZNAXIS2", "ZTILE1", "ZTILE2", "ZNAME1", "ZVAL1"]
    # Its invvar is dithered, as DR6's was and later ones are not.
    compression += ["ZQUANTIZ"] if kind == "image" else []
    for keyword in compression:
        assert found[0].get(keyword) == genuine[0].get(keyword), keyword
    if kind == "invvar":
        assert found[0].get("ZQUANTIZ", "NO_DITHER") == "NO_DITHER"
    of_survey = [keyword for keyword in found[1] if keyword not in ("", "BAND", "XTENSION", "PCOUNT", "GCOUNT")]
    assert {"CTYPE1", "CRPIX1", "CD1_1", "BRICKNAM", "DRVERSIO"} <= set(of_survey)
    for keyword in of_survey:
        # COSKY is younger than DR6.
        assert keyword in genuine[1] or keyword.startswith("COSKY"), keyword
    for keyword in ("CTYPE1", "CTYPE2", "IMTYPE", "PRODTYPE", "BUNIT", "MAGZERO", "CRPIX1", "CRPIX2", "CD1_2", "CD2_1"):
        assert found[1].get(keyword) == genuine[1].get(keyword), keyword
    for keyword in ("CD1_1", "CD2_2"):
        assert found[1][keyword] == pytest.approx(genuine[1][keyword], rel=1e-12)


@needs_real
def test_images_are_stored_in_the_genuine_steps(survey, truth):
    steps = []
    for path in (
        SurveyFolder(survey, "south").coadd(south_brick(truth), "image", "r"),
        GENUINE / "legacysurvey-0959p805-image-g.fits.fz",
    ):
        with fits.open(path, disable_image_compression=True) as raw:
            steps.append(set(raw[1].data["ZSCALE"].tolist()) - {0.0})
    assert steps[0] == steps[1]


def test_checksums_are_those_of_the_files(survey, truth):
    folder = SurveyFolder(survey, "south")
    lines = folder.checksums(south_brick(truth)).read_text().splitlines()
    assert len(lines) == 3 * len(PER_BAND) + 3
    for line in lines:
        digest, name = line.split(" *")
        assert hashlib.sha256((survey / "south" / name).read_bytes()).hexdigest() == digest


def test_geometry_of_all_bricks_is_written(survey):
    with fits.open(survey / "survey-bricks.fits.gz") as hdus:
        hdus.verify("exception")
        table = hdus[1].data
    for name, values in whole_sky().items():
        found = table[name][::1000]
        assert (found == (values.astype("U8") if name == "BRICKNAME" else values)[::1000]).all(), name


def test_images_hold_noise_as_stated_and_nothing_where_nothing_was_observed(survey, truth):
    for band in "rz":
        image, invvar, nexp = (plane(survey, truth, kind, band) for kind in ("image", "invvar", "nexp"))
        seen = nexp > 0
        assert ((invvar > 0) == seen).all()
        assert (image[~seen] == 0).all()
        full = nexp == nexp.max()
        ivar = invvar[full].max()
        # In gaps between CCDs an exposure is missing, and the inverse variance with it.
        assert 0.01 < (seen & ~full).mean() < 0.5
        # In tiles that such a step crosses, a sixteenth of the scatter is a coarse step of storage.
        assert np.allclose(invvar[seen], ivar * nexp[seen] / nexp.max(), rtol=0.03)
        # Away from objects: within five sigma, of which Gaussian noise has all but 6e-7.
        sky = full & (np.abs(image) < 5.0 * 0.9 / np.sqrt(ivar))
        values = image[sky] * np.sqrt(ivar)
        # Few objects shine on the sky: the lower half of the histogram is noise alone.
        assert abs(np.median(np.abs(values[values < 0])) / 0.6745 - 0.9) < 0.01
        pairs = sky[:, 1:] & sky[:, :-1] & (image[:, 1:] < 0) & (image[:, :-1] < 0)
        assert pairs.sum() > 1e6
        dark = np.where(sky, image, 0.0) * np.sqrt(ivar) / 0.9
        quiet = np.abs(dark) < 3.0
        both = quiet[:, 1:] & quiet[:, :-1] & sky[:, 1:] & sky[:, :-1]
        assert abs((dark[:, 1:] * dark[:, :-1])[both].mean() - 0.12) < 0.02
    assert (plane(survey, truth, "nexp", "z") == 0).mean() > 0.01


def test_depth_and_psfsize_agree_with_the_inverse_variance(survey, truth):
    for band in "gz":
        invvar, psfsize, depth, galdepth = (
            plane(survey, truth, kind, band) for kind in ("invvar", "psfsize", "depth", "galdepth")
        )
        seen = psfsize > 0
        area = 4.0 * np.pi * (psfsize[seen] / 2.3548 / PIXEL_SCALE_ARCSEC) ** 2
        # Inverse variances are stored in steps of a sixteenth of their scatter.
        assert np.allclose(depth[seen], invvar[seen] / area, rtol=0.03)
        assert np.isclose(np.median(depth[seen]), np.median(invvar[seen] / area), rtol=1e-4)
        assert (galdepth[seen] < depth[seen]).all()
        assert len(np.unique(psfsize[seen])) == 1
        assert np.isclose(psfsize.max(), truth.loc[truth["footprint"] == "south", f"psfsize_{band}"].iloc[0])


def test_saturated_cores_are_masked_and_listed_with_exposures(survey, truth, sweep):
    bits = plane(survey, truth, MASKBITS)
    saturated = bits & SATURATED["z"] > 0
    assert saturated.sum() > 50
    assert (plane(survey, truth, "invvar", "z")[saturated] == 0).all()
    assert (plane(survey, truth, "nexp", "z")[saturated] == 0).all()
    star = truth[(truth["kind"] == "saturated") & (truth["footprint"] == "south")].iloc[0]
    assert abs(star["mag_z"] - 8.0) < 1.5
    listed = sweep[np.isin(sweep["OBJID"], star["objid"])]
    artefact = sweep[separation_deg(star["ra"], star["dec"], sweep["RA"], sweep["DEC"]) * 3600 < 0.5]
    assert sorted(artefact["TYPE"].tolist()) == ["DEV", "PSF"]
    for row in (listed[0], *artefact):
        assert row["NOBS_Z"] > 0
        for bit in (BRIGHT, SATURATED["z"], ALL_MASKED["z"]):
            assert row["MASKBITS"] & bit
    # The primary area is the brick's own, and objects lie in it.
    assert (bits & NOT_PRIMARY > 0).mean() == pytest.approx(1.0 - (900 / 0.262 / 3600) ** 2, abs=0.01)
    assert not (sweep["MASKBITS"] & NOT_PRIMARY).any()


def test_sweeps_have_the_declared_columns_and_lie_where_their_names_say(survey, two):
    for root, footprint, release, count in ((survey, "south", 10000, 120), (two, "north", 9011, 400)):
        rows = 0
        for file in SurveyFolder(root, footprint).sweeps("10.1").glob("*"):
            with fits.open(file) as hdus:
                assert [hdu.name for hdu in hdus] == ["PRIMARY", "SWEEP"]
                table = hdus[1].data
                assert tuple(hdus[1].columns.names) == SWEEP.names
                assert table["RA"].dtype.byteorder == ">"
            assert (table["RELEASE"] == release).all()
            low, high = file.stem.removeprefix("sweep-").split("-")
            ra, dec = (float(low[:3]), float(high[:3])), tuple(float(at[4:]) * (-1 if at[3] == "m" else 1) for at in (low, high))
            assert (ra[1] - ra[0], dec[1] - dec[0]) == (5.0, 5.0)
            there = table[np.isfinite(table["RA"])]
            assert ((there["RA"] >= ra[0]) & (there["RA"] < ra[1]) & (there["DEC"] >= dec[0]) & (there["DEC"] < dec[1])).all()
            rows += len(table)
        assert rows == count


def passing(table: Table) -> np.ndarray:
    """The parent sample's cuts, on fluxes as they are."""
    with np.errstate(divide="ignore", invalid="ignore"):
        g, r, z = (22.5 - 2.5 * np.log10(np.array(table[f"FLUX_{band}"], dtype=float)) for band in "GRZ")
        good = (table["TYPE"] != "PSF") & (r > 17) & (r < 21) & (g - r > 0.5) & (r - z > 0.2) & (table["DEC"] < 32)
    for band in "GRZ":
        good &= (table[f"NOBS_{band}"] >= 1) & (table[f"FRACMASKED_{band}"] < 0.3)
    return np.asarray(good)


def test_parents_pass_the_cuts_and_only_what_is_meant_to_deceive_beside_them(survey, truth, sweep):
    settings = small_settings()
    brick = brick_holding(*truth.loc[truth["footprint"] == "south", ["ra", "dec"]].iloc[0])
    kinds = np.array([one.kind for one in objects_of(settings, brick)])[sweep["OBJID"]]
    passes = passing(sweep)
    assert set(kinds[passes]) <= {"parent", "artefact", "zero"}
    # In the corner without z data, and beside saturated stars, some do not.
    assert (kinds[passes] == "parent").sum() >= 6
    assert (kinds == "parent").sum() == 9
    assert (kinds[passes] == "artefact").sum() == 1
    odd = {kind: sweep[kinds == kind][0] for kind in ("duplicate", "negative", "zero", "nan_flux", "nan_position")}
    assert odd["duplicate"]["TYPE"] == "DUP"
    assert odd["duplicate"]["FLUX_R"] == 0
    assert odd["negative"]["FLUX_Z"] < 0 or odd["negative"]["NOBS_Z"] == 0
    assert odd["zero"]["FLUX_G"] == 0
    # astropy's tables mask what is NaN.
    assert odd["nan_flux"]["FLUX_R"] is np.ma.masked
    assert odd["nan_position"]["RA"] is odd["nan_position"]["DEC"] is np.ma.masked
    assert {"star", "field"} <= set(kinds)


def test_rows_say_what_was_painted(truth, sweep):
    south = truth[truth["footprint"] == "south"].set_index("objid")
    rows = {int(row["OBJID"]): row for row in sweep}
    assert set(south.index) <= set(rows)
    for objid, one in south.iterrows():
        row = rows[int(objid)]
        assert (row["RA"], row["DEC"], row["TYPE"], row["BRICKNAME"]) == (one["ra"], one["dec"], one["type"], one["brick"])
        assert one["host_id"] == f"ls-10000-{row['BRICKID']}-{objid}"
        assert row["NOBS_Z"] == one["nobs_z"]
        if one["kind"] in ("parent", "field") and one["nobs_r"] > 0:
            assert row["FLUX_R"] == np.float32(one["flux_r"])
        if not one["is_star"]:
            assert np.isclose(row["SHAPE_R"] * np.sqrt(one["q"]), one["reff_arcsec"], rtol=1e-6)
            assert np.isclose(np.hypot(row["SHAPE_E1"], row["SHAPE_E2"]), (1 - one["q"]) / (1 + one["q"]), atol=1e-6)
            # Near the middle of a brick an angle from north through east is that from +x, less a right angle.
            turned = 2.0 * (one["phi_rad"] - np.pi / 2)
            length = np.hypot(row["SHAPE_E1"], row["SHAPE_E2"])
            assert np.allclose([row["SHAPE_E1"], row["SHAPE_E2"]], length * np.array([np.cos(turned), np.sin(turned)]), atol=0.01)
    corrected = 22.5 - 2.5 * np.log10(sweep["MW_TRANSMISSION_R"])
    assert np.allclose(corrected - 22.5, 2.165 * sweep["EBV"], atol=1e-5)


def test_the_coadd_psf_is_that_of_the_brick(survey, truth):
    (file,) = (survey / "south" / "coadd-psf").glob("*/copsf_*.fits")
    south = truth[truth["footprint"] == "south"].iloc[0]
    kernels = read_coadd_psf(file)
    assert list(kernels) == ["g", "r", "z"]
    for band, kernel in kernels.items():
        assert kernel.image.shape == (63, 63)
        # What lies beyond the kernel's edge is a percent or two of a Moffat's light.
        assert abs(kernel.psfsize_pix * PIXEL_SCALE_ARCSEC / south[f"psfsize_{band}"] - 1.0) < 0.02


def test_known_lenses_are_parents_and_others(survey, truth):
    lenses = pd.read_csv(survey / "known_lenses.csv")
    assert list(lenses.columns) == ["name", "ra", "dec"]
    parents = truth[(truth["kind"] == "parent") & (truth["footprint"] == "south")]
    nearest = [
        separation_deg(ra, dec, parents["ra"], parents["dec"]).min() * 3600 for ra, dec in lenses[["ra", "dec"]].to_numpy()
    ]
    assert len(nearest) == 2
    assert nearest[0] < 0.5
    assert nearest[1] > 100


def test_overlapping_bricks_hold_the_same_objects_at_places_of_their_own(two):
    truth = pd.read_parquet(two / "truth" / "objects.parquet")
    truth = truth[truth["footprint"] == "south"]
    names = list(dict.fromkeys(truth["brick"]))
    images, wcs = {}, {}
    for name in names:
        with fits.open(SurveyFolder(two, "south").coadd(name, "image", "r")) as hdus:
            images[name], wcs[name] = hdus[1].data, WCS(hdus[1].header)
    compared, apart = 0, []
    for _, one in truth[truth["is_star"] & (truth["mag_r"].between(15.6, 22))].iterrows():
        fluxes = []
        for name in names:
            x, y = (float(at) for at in wcs[name].all_world2pix(one["ra"], one["dec"], 0))
            if min(x, y) >= 15 and max(x, y) < 3600 - 15:
                stamp = images[name][round(y) - 12 : round(y) + 13, round(x) - 12 : round(x) + 13]
                if stamp[12, 12] == 0:
                    continue  # in a gap, or saturated
                dy, dx = np.indices(stamp.shape)
                weight = stamp * (np.hypot(dx - 12, dy - 12) < 5)
                centre = [float((at * weight).sum() / weight.sum()) for at in (dx, dy)]
                fluxes.append(stamp.sum())
                if name == one["brick"]:
                    assert (one["x_pix"], one["y_pix"]) == pytest.approx((x, y), abs=1e-6)
                apart.append([centre[0] - 12 + round(x) - x, centre[1] - 12 + round(y) - y])
        if len(fluxes) == 2:
            compared += 1
            assert fluxes[0] == pytest.approx(fluxes[1], rel=0.1)
    assert compared >= 3
    # The window about the nearest pixel cuts wings unevenly: the median tells a shift.
    assert np.abs(np.median(apart, axis=0)).max() < 0.02


def test_both_surveys_see_the_same_sky_in_rows_and_pixels_of_their_own(two):
    truth = pd.read_parquet(two / "truth" / "objects.parquet")
    truth = truth[truth["brick"] == truth["brick"].iloc[0]]
    south, north = (truth[truth["footprint"] == footprint].sort_values("ra") for footprint in ("south", "north"))
    assert len(south) == len(north) > 100
    assert np.allclose(south["ra"], north["ra"], atol=1e-12)
    apart = (north["dec"].to_numpy() - south["dec"].to_numpy()) * 3600.0
    assert np.allclose(apart, 0.03, atol=1e-6)
    assert np.array_equal(south["flux_r"], north["flux_r"])
    assert set(north["release"]) == {9011}
    assert not set(north["host_id"]) & set(south["host_id"])
    assert north["psfsize_r"].iloc[0] != south["psfsize_r"].iloc[0]
    images = [fits.getdata(SurveyFolder(two, one).coadd(truth["brick"].iloc[0], "image", "r"), 1) for one in ("south", "north")]
    # The same light, in other seeing.
    assert 0.3 < np.corrcoef(images[0].ravel(), images[1].ravel())[0, 1] < 0.999


def test_a_star_holds_its_flux(two):
    truth = pd.read_parquet(two / "truth" / "objects.parquet")
    truth = truth[truth["footprint"] == "south"]
    bright, checked = truth[truth["mag_r"] < 23], 0
    images = {name: fits.getdata(SurveyFolder(two, "south").coadd(name, "image", "r"), 1) for name in set(truth["brick"])}
    for _, one in truth[truth["is_star"] & truth["mag_r"].between(17.0, 20.0) & (truth["nobs_r"] > 0)].iterrows():
        away = np.hypot(bright["x_pix"] - one["x_pix"], bright["y_pix"] - one["y_pix"])[bright["brick"] == one["brick"]]
        if np.sort(away)[1] < 60 or min(one["x_pix"], one["y_pix"]) < 60 or max(one["x_pix"], one["y_pix"]) > 3540:
            continue
        x, y = round(one["x_pix"]), round(one["y_pix"])
        stamp = images[one["brick"]][y - 25 : y + 26, x - 25 : x + 26]
        if stamp[25, 25] == 0:
            continue  # saturated
        radius = PIXEL_SCALE_ARCSEC * np.hypot(
            np.arange(x - 25, x + 26)[None, :] - one["x_pix"], np.arange(y - 25, y + 26)[:, None] - one["y_pix"]
        )
        # A Moffat whose noise-equivalent area is psfsize's: its light within a radius is 1 - (1 + r^2 / alpha^2)^(1 - beta).
        beta = one["psf_beta_r"]
        alpha = 2.0 * (beta - 1.0) * one["psfsize_r"] / (2.3548 * np.sqrt(2.0 * beta - 1.0))
        inside = radius < 5.0
        held = 1.0 - (1.0 + (5.0 / alpha) ** 2) ** (1.0 - beta)
        assert stamp[inside].sum() / one["flux_r"] == pytest.approx(held, abs=0.01)
        checked += 1
    assert checked >= 3


def test_a_brick_is_the_same_alone_and_written_again(two, tmp_path):
    settings = small_settings(**OVERLAPPING)
    truth = pd.read_parquet(two / "truth" / "objects.parquet")
    first, second = dict.fromkeys(truth["brick"])
    folder, other = SurveyFolder(two, "south"), SurveyFolder(tmp_path, "south")
    ra, dec = truth.loc[truth["brick"] == second, ["ra", "dec"]].iloc[0]
    write_brick(BrickTask(settings, Pointing("south", brick_holding(ra, dec)), tmp_path))
    assert other.checksums(second).read_text() == folder.checksums(second).read_text()
    # Finished bricks are kept; one whose list of checksums is missing is made again, with the same bytes.
    before = {path: path.stat().st_mtime_ns for path in folder.brick(first).iterdir()}
    found = folder.checksums(second).read_text()
    folder.checksums(second).unlink()
    assert write_survey(settings, two, 1).found == 2
    assert folder.checksums(second).read_text() == found
    assert {path: path.stat().st_mtime_ns for path in folder.brick(first).iterdir()} == before


@pytest.mark.long
def test_workers_change_no_byte(two, tmp_path):
    write_survey(small_settings(**OVERLAPPING), tmp_path / "by-two", workers=2)
    files = {path.relative_to(two): path for path in two.rglob("*") if path.is_file()}
    assert len(files) > 20
    for name, path in files.items():
        assert path.read_bytes() == (tmp_path / "by-two" / name).read_bytes(), name


def test_another_survey_in_the_same_folder_is_refused(two):
    with pytest.raises(ArcgateError, match="holds another mock survey: rows_per_brick is 400 there and 300 here"):
        small_survey(two, **(OVERLAPPING | {"rows_per_brick": 300}))


def test_stamps_of_separated_parents_do_not_overlap():
    settings = small_settings(separated=True, parents_per_brick=300, rows_per_brick=400)
    brick = brick_holding(150.0, 20.0)
    ra, dec = places_of(settings, brick)
    x, y = (np.rint(at[:300]) for at in BrickWcs.of(brick).pixels(ra, dec))
    apart = np.maximum(np.abs(x[:, None] - x), np.abs(y[:, None] - y)) + 1e9 * np.eye(300)
    assert apart.min() >= STAMP_PIX
    corner = STAMP_PIX / 2 * np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]])
    for at_x, at_y in zip(x, y, strict=True):
        assert brick.holds(*BrickWcs.of(brick).sky(at_x + corner[:, 0], at_y + corner[:, 1])).all()
    with pytest.raises(ArcgateError, match="5000 stamps of 64 pixels that do not overlap were sought in brick"):
        places_of(small_settings(separated=True, parents_per_brick=5000, rows_per_brick=6000), brick)


def test_light_in_a_fibre_is_that_of_a_gaussian_for_a_star():
    brick = brick_holding(150.0, 20.0)
    star = SkyObject(brick, 0, "star", "PSF", 150.0, 20.0, {}, {}, None)
    # Seeing of 1 arcsec FWHM, a radius of 0.75 arcsec.
    assert in_fibre(star) == pytest.approx(1.0 - 0.5 ** (1.5**2), rel=1e-6)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"rows_per_brick": 10}, "rows_per_brick 10 is less than the 16 rows of parents, saturated stars"),
        ({"bands": ("g", "z")}, "bands are to hold r"),
        ({"north_bricks": 2}, "north_bricks 2 must not exceed n_bricks 1"),
        ({"known_lenses": 10}, "known_lenses 10 exceed the parents, 1 x 9"),
        ({"mag_r_min": 21.5}, "mag_r_min 21.5 must lie below mag_r_max 21"),
        ({"psf_beta_min": 6.0}, "psf_beta_min 6 must not exceed psf_beta_max 5"),
        ({"depth_mag": {"g": 24.0, "r": 24.0}}, "depth_mag says nothing of z"),
    ],
)
def test_settings_that_cannot_be_are_refused(changes, said):
    with pytest.raises(ValueError, match=said):
        small_settings(**changes)


def job_of(*words):
    with initialize_config_module(config_module="arcgate.conf", version_base="1.3"):
        return mock_from_config(compose("mock", overrides=list(words)))


def test_a_dry_run_says_of_a_folder_what_the_run_would(tmp_path):
    claim(small_settings(), tmp_path / "sky")
    job = job_of(f"out={tmp_path / 'sky'}", "n_bricks=1", "rows_per_brick=120", "known_lenses=1", "gap_share=1.0")
    assert f"mock survey in {tmp_path / 'sky'}, which has been begun: finished bricks are kept" in planned(job)
    other = replace(job, seed=5)
    said = []
    for work in (lambda: planned(other), lambda: write_survey(other.sky, tmp_path / "sky", 1)):
        with pytest.raises(ArcgateError, match="holds another mock survey: seed is 1 there and 5 here") as caught:
            work()
        said.append(str(caught.value))
    assert said[0] == said[1]
    (tmp_path / "sky" / "truth" / "settings.json").write_text("{")
    with pytest.raises(ArcgateError, match="it cannot be told which mock survey the folder holds"):
        planned(job)


@pytest.mark.parametrize("out", ["there", "there/below"])
def test_a_file_is_no_folder_for_a_survey(tmp_path, out):
    (tmp_path / "there").write_text("")
    for work in (lambda: planned(job_of(f"out={tmp_path / out}")), lambda: write_survey(small_settings(), tmp_path / out, 1)):
        with pytest.raises(ArcgateError, match="written into a folder, and there is a file") as caught:
            work()
        assert caught.value.where == tmp_path / "there"
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


def test_a_dry_run_says_what_would_be_written(tmp_path):
    words = [f"out={tmp_path / 'sky'}", "n_bricks=6", "north_bricks=2", "planes=[image,maskbits]", "runtime.workers=2"]
    said = planned(job_of(*words))
    assert f"mock survey in {tmp_path / 'sky'}" in said
    assert "6 bricks in the south, 2 of them in the north too" in said
    # Eight bricks of 1200 rows and 9 parents; 24 images of 13.5 MB and little else.
    assert "9,600 catalogue rows" in said
    assert "72 parents" in said
    assert "0.36 GB" in said
    assert not (tmp_path / "sky").exists()
