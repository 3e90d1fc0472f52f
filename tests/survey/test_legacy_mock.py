"""Bricks of the mock survey, whose truth is known: galaxies come out where and as bright as they were painted."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from brick_files import legacy_hosts, write_parents
from small_survey import small_survey

from arcgate.ground.engine import Local
from arcgate.imaging import DECALS
from arcgate.survey.hosts import Hosts, cut_out
from arcgate.survey.legacy.layout import BRICK_PIX
from arcgate.survey.legacy.parents import LegacyFiles, LegacyParents
from arcgate.survey.native import IN_THE_CORE, NO_PIXELS, OVER_THE_EDGE, TOO_MANY

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> tuple[pd.DataFrame, LegacyParents, Hosts]:
    """All galaxies of a brick, as they were painted and as they were cut out."""
    root = tmp_path_factory.mktemp("mock")
    small_survey(root, planes=("image", "invvar", "maskbits"))
    objects = pd.read_parquet(root / "truth" / "objects.parquet")
    objects = objects[~objects["is_star"].astype(bool)].reset_index(drop=True)
    table = objects[["host_id", "ra", "dec", "brick"]].assign(footprint="south", release=10000, ebv=0.0, shape_r=1.0)
    for band in DECALS.bands:
        table[f"host_mag_{band}"], table[f"psfsize_{band}"] = objects[f"mag_{band}"], objects[f"psfsize_{band}"].fillna(1.3)
        table[f"depth_{band}"] = 24.0
    write_parents(root / "parents", table)
    parents = LegacyParents.open(LegacyFiles.open(legacy_hosts(root), DECALS), root)
    # Objects whose light reaches no pixel in a band have no magnitude there, and are no parents.
    objects = objects.set_index("host_id").loc[parents.catalogue["host_id"]].reset_index()
    return objects, parents, cut_out(parents, np.arange(len(objects)), data_dir=root, engine=Local(1))


def test_centres_are_those_that_were_painted(truth: tuple[pd.DataFrame, LegacyParents, Hosts]) -> None:
    objects, _, hosts = truth
    usable = np.setdiff1d(np.arange(len(objects)), hosts.unusable)
    assert len(usable) > 30
    measured, _ = hosts.of(usable).read()
    corner = measured["provenance"].str.extract(r"row (\d+), column (\d+)").astype(int)
    assert (measured["host_x_pix"] + corner[1]).to_numpy() == pytest.approx(objects["x_pix"].to_numpy()[usable], abs=0.01)
    assert (measured["host_y_pix"] + corner[0]).to_numpy() == pytest.approx(objects["y_pix"].to_numpy()[usable], abs=0.01)


def test_what_is_lost_lies_at_edges_and_in_gaps(truth: tuple[pd.DataFrame, LegacyParents, Hosts]) -> None:
    objects, _, hosts = truth
    assert set(hosts.left_out) <= {OVER_THE_EDGE, NO_PIXELS, IN_THE_CORE, TOO_MANY}
    # A corner of the brick has no z data.
    gaps = hosts.table[hosts.table["reason"].isin([NO_PIXELS, IN_THE_CORE, TOO_MANY])]
    assert gaps["found"].str.contains(" in z").any()
    lost = hosts.table["reason"] == OVER_THE_EDGE
    near = np.minimum(objects[["x_pix", "y_pix"]].min(axis=1), BRICK_PIX - 1 - objects[["x_pix", "y_pix"]].max(axis=1))
    assert (near[lost.to_numpy()] < 33).all()
