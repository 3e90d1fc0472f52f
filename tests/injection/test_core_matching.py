"""Controls whose cores are as bright as their positives' with the arc: as measured on the pixels that are stored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from arcgate.data_node import Data
from arcgate.ground.engine import Local
from arcgate.ground.errors import ArcgateError
from arcgate.imaging import DECALS
from arcgate.injection.choosing import Chosen, chosen
from arcgate.injection.inject import inject
from arcgate.selection_node import Controls, CoreMatch
from arcgate.survey.places import Cut, Unusable

CALIPER = 0.1
MATCHED = Controls("core_matched", "free_hosts", ("psfsize_r",), {}, CoreMatch(CALIPER, 4))


class Glowing:
    """A parent's place whose galaxies have cores of many brightnesses, by their numbers."""

    def __init__(self, place: Any, rows: NDArray[np.int64], unusable: frozenset[int]) -> None:
        self._place, self._rows, self._unusable = place, rows, unusable

    def cut(self) -> list[Cut | Unusable]:
        grid = np.hypot(*(np.indices((64, 64)) - 31.5))
        light = np.exp(-0.5 * np.square(grid / 3.0)).astype(np.float32)
        cut = zip(self._rows.tolist(), self._place.cut(), strict=True)
        return [
            Unusable("a cosmic ray", "at its centre")
            if number in self._unusable
            else replace(one, image=one.image + light * np.float32(10 ** ((number * 7 % 300) / 100.0 - 2.0)))
            for number, one in cut
        ]


@pytest.fixture
def parents(catalogue: pd.DataFrame, make_parents: Any) -> Callable[..., Any]:
    def make(*unusable: int) -> Any:
        plain = make_parents(catalogue, digest=f"{len(unusable)}" * 64)
        place = plain.place
        plain.place = lambda rows: Glowing(place(rows), rows, frozenset(unusable))
        return plain

    return make


def cores(found: Chosen, role: str) -> NDArray[np.float64]:
    """Light of the core in r of rows of a role, as it would be stored, in the order of their pairs."""
    rows = found.manifest[found.manifest["role"] == role].sort_values("pair_id").reset_index(drop=True)
    measured, images = found.hosts.of(rows["catalogue_row"].to_numpy(np.int64)).read()
    stamps = inject(pd.concat([rows, measured.reset_index(drop=True)], axis=1), images, DECALS).image[:, 1]
    y, x = np.indices((64, 64))
    centres = zip(measured["host_x_pix"], measured["host_y_pix"], strict=True)
    inside = [np.hypot(x - centre_x, y - centre_y) < 5.0 for centre_x, centre_y in centres]
    return np.array([stamp[core].sum(dtype=np.float64) for stamp, core in zip(stamps, inside, strict=True)])


@pytest.mark.parametrize("noise", ["none", "poisson"])
def test_cores_agree_within_the_caliper_and_no_galaxy_serves_twice(
    noise: Any, spec: Callable[..., Data], parents: Callable[..., Any], tmp_path: Any
) -> None:
    data = spec(controls=MATCHED, n_pairs=20, null_rows=5)
    data = replace(data, noise=replace(data.noise, name=noise, arc=noise))
    found = chosen(data, parents(), tmp_path, Local())
    ratio = cores(found, "control") / cores(found, "positive")
    assert len(ratio) == 20
    assert (np.abs(np.log(ratio)) <= np.log1p(CALIPER) + 1e-9).all()
    rows = found.manifest[found.manifest["role"] != "null"]
    assert rows["catalogue_row"].is_unique
    assert (rows.groupby("pair_id")["split"].nunique() == 1).all()
    assert set(found.manifest["control_kind"].dropna()) == {"core_matched"}
    core = found.selection["core"]
    assert core["core"] == "r within 5 px of the galaxy's centre"
    assert core["arcs rendered beforehand"] >= 20
    assert core["cut out for a pair"] >= 2
    assert found.selection["unmatched"] > 0
    again = chosen(data, parents(), tmp_path, Local())
    assert again.manifest.equals(found.manifest)


def test_galaxies_of_no_use_are_passed_over_and_counted_in_their_class(
    spec: Callable[..., Data], parents: Callable[..., Any], tmp_path: Any
) -> None:
    data = spec(controls=MATCHED, n_pairs=20, null_rows=5)
    rows = chosen(data, parents(), tmp_path, Local()).manifest
    lost = {role: int(rows.loc[rows["role"] == role, "catalogue_row"].iloc[0]) for role in ("positive", "control")}
    found = chosen(data, parents(*lost.values()), tmp_path, Local())
    assert len(found.manifest) == len(rows)
    assert not set(found.manifest["catalogue_row"]) & set(lost.values())
    assert found.selection["left_out"] == {"a cosmic ray": {"host": 1, "control": 1}}


def test_too_few_cores_that_fit_are_told(spec: Callable[..., Data], parents: Callable[..., Any], tmp_path: Any) -> None:
    strict = replace(MATCHED, core=CoreMatch(1e-6, 1))
    with pytest.raises(ArcgateError, match=r"(?s)find a galaxy whose core is as bright.*widen the caliper") as caught:
        chosen(spec(controls=strict, n_pairs=20, null_rows=5), parents(), tmp_path, Local())
    assert caught.value.where == "data.controls.core"
