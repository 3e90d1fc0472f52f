"""Certifying rows: as bright as the arc, and where closed forms say that they are."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from arcgate.data_node import Data
from arcgate.dataset.schema import CERTIFYING_ROLES
from arcgate.dataset.shards import read_shard
from arcgate.dataset.source import ShardPart
from arcgate.ground.errors import ArcgateError
from arcgate.imaging import DECALS
from arcgate.injection.certifying import certifying_rows
from arcgate.injection.inject import Injected, inject
from arcgate.injection.manifest import build_manifest
from arcgate.injection.shard import plan_shards, run_shard
from arcgate.survey.columns import measured_columns
from arcgate.survey.hosts import Hosts

Images = NDArray[np.float32]
SCALE = DECALS.pixel_scale_arcsec
THETA_E, OFFSET, REFF = 1.5, (0.3, -0.2), 0.05


@pytest.fixture(scope="module")
def manifests(spec: Callable[..., Data], catalogue: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Of the same pairs, without certifying rows and with them."""
    changes = {"n_pairs": 24, "null_rows": 2}
    plain, asked = (build_manifest(spec(**changes, certifying=roles), catalogue) for roles in ((), CERTIFYING_ROLES))
    return plain, asked


def rows_of(manifest: pd.DataFrame, catalogue: pd.DataFrame, pairs: int) -> pd.DataFrame:
    """Whole pairs with their hosts' columns, positives and certifying rows."""
    kept = manifest[manifest["pair_id"].isin(range(pairs)) & manifest["role"].isin(["positive", *CERTIFYING_ROLES])]
    hosts = catalogue.iloc[kept["catalogue_row"].to_numpy(np.int64)][list(measured_columns(DECALS))]
    return pd.concat([kept.reset_index(drop=True), hosts.reset_index(drop=True)], axis=1)


def injected(rows: pd.DataFrame) -> Injected:
    return inject(rows, np.zeros((len(rows), *DECALS.shape), dtype=np.float32), DECALS)


@pytest.fixture(scope="module")
def table(manifests: tuple[pd.DataFrame, pd.DataFrame], catalogue: pd.DataFrame) -> pd.DataFrame:
    return rows_of(manifests[1], catalogue, 12)


@pytest.fixture(scope="module")
def light(table: pd.DataFrame) -> Injected:
    return injected(table)


@pytest.fixture(scope="module")
def points(table: pd.DataFrame) -> tuple[pd.DataFrame, Injected]:
    """Nearly points behind a SIS of 1.5 arcsec, 0.3 arcsec to the west and 0.2 to the south of its centre."""
    small = {"source_reff_arcsec": REFF, "source_q": 1.0, "source_x_arcsec": OFFSET[0], "source_y_arcsec": OFFSET[1]}
    positive = table[table["role"] == "positive"].assign(
        theta_e_arcsec=THETA_E, lens_q=1.0, gamma1=0.0, gamma2=0.0, label=1, **small
    )
    rows = pd.concat([positive, *(certifying_rows(positive, role) for role in CERTIFYING_ROLES)], ignore_index=True)
    return rows, injected(rows)


def centroid(arc: Images) -> tuple[float, float]:
    """First moments in x and y, pixels, of the summed bands."""
    image, pixel = arc.sum(axis=0, dtype=np.float64), np.arange(DECALS.size_pix)
    return float((image.sum(axis=0) * pixel).sum() / image.sum()), float((image.sum(axis=1) * pixel).sum() / image.sum())


def of_role(table: pd.DataFrame, role: str) -> NDArray[np.intp]:
    """Rows of a role, by pair."""
    rows = np.flatnonzero(table["role"] == role)
    return rows[np.argsort(table["pair_id"].to_numpy(np.int64)[rows])]


@pytest.mark.parametrize("role", CERTIFYING_ROLES)
def test_as_bright_as_the_arc(role: str, table: pd.DataFrame, light: Injected) -> None:
    ours, arcs = (light.arc[of_role(table, name)].sum(axis=(2, 3), dtype=np.float64) for name in (role, "positive"))
    np.testing.assert_allclose(ours.sum(axis=1), arcs.sum(axis=1), rtol=1e-5)
    # Colours are the source's: the PSF carries next to nothing beyond the stamp.
    np.testing.assert_allclose(ours, arcs, rtol=1e-3)
    flux = light.measured.loc[of_role(table, role), [f"arc_flux_{band}" for band in "grz"]].to_numpy()
    np.testing.assert_allclose(flux, ours, rtol=1e-5)


def test_an_unlensed_point_has_the_magnification_of_a_sis_and_stands_where_the_source_is(
    points: tuple[pd.DataFrame, Injected],
) -> None:
    table, light = points
    rows = of_role(table, "unlensed")
    # Two images of a point at beta < theta_E have together 2 theta_E / beta of its light (Narayan & Bartelmann 1996).
    # Of an exponential disc of scale h the mean of 1 / beta is that of its centre times 1 + (1/4) <r^2> / beta^2 and
    # (9/64) <r^4> / beta^4, with <r^2> = 6 h^2 and <r^4> = 120 h^4.
    beta, h = np.hypot(*OFFSET), REFF / 1.67835
    expected = 2.0 * THETA_E / beta * (1.0 + 1.5 * (h / beta) ** 2 + 16.875 * (h / beta) ** 4)
    # A Gaussian carries no light of either beyond the stamp; the rest is what rendering promises.
    np.testing.assert_allclose(light.measured.loc[rows, "flux_scale"], expected, rtol=1e-3)
    total = sum(light.measured.loc[rows, f"{name}_r"] for name in ("arc_flux", "arc_flux_lost"))
    source = 10.0 ** (-0.4 * (table.loc[rows, "source_mag_r"] - 22.5))
    np.testing.assert_allclose(total, source * light.measured.loc[rows, "flux_scale"], rtol=2e-3)
    for row in rows:
        x, y = centroid(light.arc[row])
        assert x == pytest.approx(table.loc[row, "host_x_pix"] + OFFSET[0] / SCALE, abs=0.02)
        assert y == pytest.approx(table.loc[row, "host_y_pix"] + OFFSET[1] / SCALE, abs=0.02)


def test_a_ring_is_round_about_the_galaxy_and_has_the_einstein_radius(points: tuple[pd.DataFrame, Injected]) -> None:
    table, light = points
    pixel = np.arange(DECALS.size_pix)
    for row in of_role(table, "ring"):
        x, y = table.loc[row, ["host_x_pix", "host_y_pix"]].astype(float)
        assert centroid(light.arc[row]) == pytest.approx((x, y), abs=0.02)
        arc = light.arc[row].sum(axis=0, dtype=np.float64)
        dx, dy = pixel[None, :] - x, pixel[:, None] - y
        # Second moments of a ring are equal along x and y, and nothing along the diagonal.
        along_x, along_y, across = (float((arc * part).sum() / arc.sum()) for part in (dx**2, dy**2, dx * dy))
        assert along_x == pytest.approx(along_y, rel=0.01)
        assert abs(across) < 0.005 * along_x
        # A PSF no wider than the ring moves its crest inwards by less than half a pixel.
        along = np.hypot(dx, dy)
        crest = max((arc[(along >= r) & (along < r + 1)].mean(), r + 0.5) for r in np.arange(0.0, 15.0, 0.25))[1]
        assert crest == pytest.approx(THETA_E / SCALE, abs=0.75)


def test_shuffled_light_keeps_every_pixel_and_no_shape(table: pd.DataFrame, light: Injected) -> None:
    shuffled, arcs = (light.arc[of_role(table, name)] for name in ("shuffled", "positive"))
    for ours, arc in zip(shuffled, arcs, strict=True):
        order, other = (np.lexsort(stamp.reshape(3, -1)) for stamp in (ours, arc))
        # In all bands together: a pixel keeps its colour.
        np.testing.assert_array_equal(ours.reshape(3, -1)[:, order], arc.reshape(3, -1)[:, other])
        bright = np.sort(arc[1].ravel())[-60:].sum()
        assert ours[1][arc[1] >= np.sort(arc[1].ravel())[-60]].sum() < 0.75 * bright
    snr = light.measured["arc_snr"].to_numpy()
    np.testing.assert_allclose(snr[of_role(table, "shuffled")], snr[of_role(table, "positive")], rtol=1e-6)
    # A block keeps its inside: along one axis, most neighbours are neighbours still.
    steps = [np.abs(np.diff(part[:, 1], axis=2)).sum() for part in (shuffled, arcs)]
    assert steps[1] < steps[0] < 4.0 * steps[1]


def test_no_two_pairs_are_shuffled_alike_and_each_always_so(table: pd.DataFrame, light: Injected) -> None:
    rows = table[table["pair_id"] == table["pair_id"].iloc[-1]].reset_index(drop=True)
    again = injected(rows)
    assert again.arc.tobytes() == light.arc[table["pair_id"] == rows["pair_id"].iloc[0]].tobytes()
    one = table[table["role"] == "shuffled"].iloc[[0, 0]].reset_index(drop=True)
    twice = injected(one.assign(sample_id=[1, 2]))
    assert not np.array_equal(twice.arc[0], twice.arc[1])


def test_the_manifest_has_them_beside_the_same_other_rows_and_without_labels(
    manifests: tuple[pd.DataFrame, pd.DataFrame],
) -> None:
    plain, asked = manifests
    mine = asked["role"].isin(CERTIFYING_ROLES)
    pd.testing.assert_frame_equal(asked[~mine].reset_index(drop=True), plain)
    assert asked[mine]["role"].value_counts().to_dict() == dict.fromkeys(CERTIFYING_ROLES, 24)
    assert asked[mine]["label"].isna().all()
    assert asked["sample_id"].is_unique
    declared = asked[mine].set_index("role")
    assert (declared.loc["unlensed", "theta_e_arcsec"] == 0.0).all()
    assert (declared.loc["ring", ["lens_q", "source_x_arcsec", "gamma1"]] == [1.0, 0.0, 0.0]).all(axis=None)
    assert declared.loc["ring", "n_images"].isna().all()


def test_other_rows_of_a_set_are_the_same_with_them_and_gates_never_see_them(
    manifests: tuple[pd.DataFrame, pd.DataFrame], hosts: Hosts, tmp_path_factory: pytest.TempPathFactory
) -> None:
    shards = []
    for manifest, batch_rows in zip(manifests, (200, 4), strict=True):
        task = plan_shards(manifest, hosts, tmp_path_factory.mktemp("set"), 500, batch_rows)[0]
        run_shard(task)
        shards.append(task.path)
    plain, asked, judged = read_shard(shards[0]), read_shard(shards[1]), ShardPart(shards[1]).read()
    pd.testing.assert_frame_equal(judged.table, plain.table)
    assert judged.image.tobytes() == plain.image.tobytes()
    mine = asked.table["role"].isin(CERTIFYING_ROLES)
    assert mine.sum() == 3 * (asked.table["role"] == "positive").sum()
    # What a row says of its light is what it got.
    scale = asked.table.set_index("role")["flux_scale"]
    assert (scale["unlensed"] > 1.0).all()
    assert (scale["shuffled"] == 1.0).all()
    with_control = asked.table["role"] == "control"
    assert asked.table.loc[with_control, "flux_scale"].isna().all()


def test_a_ring_without_its_arc_is_refused(table: pd.DataFrame) -> None:
    ring = table[table["role"] == "ring"].reset_index(drop=True)
    with pytest.raises(ArcgateError, match="without the positive of its pair"):
        injected(ring)


def test_a_role_twice_is_refused(spec: Callable[..., Data]) -> None:
    with pytest.raises(ValueError, match="each role once"):
        spec(certifying=("ring", "ring"))
