"""Arcs drawn from a grid."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from arcgate.data_node import Data
from arcgate.imaging import DECALS
from arcgate.injection.grids import draw_arcs
from arcgate.lensing.images import image_positions

IDS = np.arange(250, dtype=np.int64)
MAGS = np.random.default_rng(1).uniform(17.0, 21.0, len(IDS))
Spec = Callable[..., Data]


@pytest.fixture(scope="module")
def arcs(spec: Spec) -> pd.DataFrame:
    """Arcs of the published grid."""
    return draw_arcs(spec().grid, 4, IDS, MAGS, DECALS)


def test_every_value_comes_from_the_grid(spec: Spec, arcs: pd.DataFrame) -> None:
    grid = spec().grid
    assert set(arcs["theta_e_arcsec"]) == set(grid.theta_e_arcsec)
    assert set(arcs["source_reff_arcsec"]) == set(grid.reff_arcsec)
    assert set(np.round(arcs["source_mag_r"] - MAGS, 9)) == set(grid.dmag)
    assert set(np.round((1 - arcs["source_q"]) / (1 + arcs["source_q"]), 9)) == set(grid.ellipticity)
    assert set(np.round(np.hypot(arcs["gamma1"], arcs["gamma2"]), 9)) == set(grid.shear)
    assert set(arcs["source_sersic_n"]) == {1.0}
    assert arcs["lens_q"].between(0.6, 0.95).all()
    for name in ("source_x_arcsec", "source_y_arcsec"):
        assert arcs[name].abs().max() < 0.4
        assert arcs[name].min() < -0.3 < 0.3 < arcs[name].max()
    for name in ("lens_phi_rad", "source_phi_rad"):
        assert arcs[name].between(0.0, np.pi).all()


def test_shear_points_everywhere(arcs: pd.DataFrame) -> None:
    sheared = arcs[np.hypot(arcs["gamma1"], arcs["gamma2"]) > 0]
    for column in ("gamma1", "gamma2"):
        assert abs(np.sign(sheared[column]).mean()) < 0.25


def test_n_images_counts_the_images_of_the_centre(arcs: pd.DataFrame) -> None:
    for row in arcs.head(20).itertuples():
        lens = (row.theta_e_arcsec, row.lens_q, row.lens_phi_rad, row.gamma1, row.gamma2)
        assert row.n_images == len(image_positions(row.source_x_arcsec, row.source_y_arcsec, *lens))
    assert set(arcs["n_images"]) <= {1, 2, 3, 4}


def test_an_arc_depends_on_its_pair_alone(spec: Spec, arcs: pd.DataFrame) -> None:
    some = [41, 3, 17]
    part = draw_arcs(spec().grid, 4, IDS[some], MAGS[some], DECALS)
    assert arcs.iloc[some].reset_index(drop=True).equals(part)
    assert not draw_arcs(spec().grid, 5, IDS[some], MAGS[some], DECALS)["source_x_arcsec"].equals(part["source_x_arcsec"])


def test_realistic_theta_e_stays_in_range_and_follows_luminosity(spec: Spec) -> None:
    ids = IDS[:150]
    bright = np.linspace(17.5, 20.0, len(ids))
    arcs = draw_arcs(spec(grid="realistic").grid, 4, ids, bright, DECALS)
    assert arcs["theta_e_arcsec"].between(0.5, 2.5).all()
    assert spearmanr(bright, arcs["theta_e_arcsec"]).statistic < -0.6
    expected = 1.2 * 10.0 ** (-0.2 * (bright - 18.5))
    inside = (bright > 18.0) & (bright < 19.0)
    scatter = np.log10(arcs["theta_e_arcsec"] / expected)[inside]
    assert abs(np.median(scatter)) < 0.04
    assert scatter.std() == pytest.approx(0.1, abs=0.03)


def test_source_colours_are_those_of_blue_galaxies(arcs: pd.DataFrame) -> None:
    gr, rz = arcs["source_mag_g"] - arcs["source_mag_r"], arcs["source_mag_r"] - arcs["source_mag_z"]
    assert gr.mean() == pytest.approx(0.40, abs=0.04)
    assert rz.mean() == pytest.approx(0.35, abs=0.04)
    assert abs(np.corrcoef(gr, rz)[0, 1]) < 0.25
