"""What a choice of galaxies leaks, as the metadata gate finds it on the catalogue alone: no pixel is made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
from composing import composed
from threadpoolctl import threadpool_limits

from arcgate.data_node import Data
from arcgate.dataset.source import Facts
from arcgate.gates.core.context import context_of
from arcgate.gates.core.result import GateResult
from arcgate.gates.metadata import GATE
from arcgate.ground.draws import text_ids
from arcgate.imaging import DECALS
from arcgate.injection.candidates import Candidates
from arcgate.injection.entry import Admission
from arcgate.injection.pairs import choose_pairs
from arcgate.learning_node import EVERYTHING, Sampling
from arcgate.sampling import row_weights
from arcgate.selection_node import Controls

Spec = Callable[..., Data]
# Few columns, and calipers on those that positives are chosen by: in many the nearest lie towards the middle of all galaxies.
MATCHED = Controls("unpaired", "free_hosts", ("psfsize_r", "depth_r", "host_mag_r", "colour_gr"))
CLOSE = replace(MATCHED, calipers={"depth_r": 0.01, "host_mag_r": 0.05})
UNMATCHED = Controls("unmatched", "free_hosts", ())


@pytest.fixture(scope="module")
def many() -> pd.DataFrame:
    """Galaxies whose bands share seeing, depth and brightness, as in a survey; alone in their cells."""
    rng, count = np.random.default_rng(4), 60_000
    shared = {stem: rng.normal(size=count) for stem in ("host_mag", "psfsize", "depth")}
    spread = {"host_mag": (0.8, 0.15), "psfsize": (0.1, 0.05), "depth": (0.15, 0.06)}
    middle = {"host_mag": (21.3, 19.8, 18.9), "psfsize": (1.4, 1.05, 0.95), "depth": (24.9, 24.8, 23.7)}
    columns: dict[str, Any] = {"host_id": [f"galaxy-{number:06d}" for number in range(count)], "healpix": np.arange(count)}
    for stem, (common, own) in spread.items():
        for band, value in zip(DECALS.bands, middle[stem], strict=True):
            columns[f"{stem}_{band}"] = value + common * shared[stem] + own * rng.normal(size=count)
    return pd.DataFrame(columns | {"ebv": rng.uniform(0.01, 0.1, count)})


@dataclass
class Known:
    """A data set of which the catalogue is all there is."""

    rows: pd.DataFrame
    facts: Facts

    def table(self, columns: Sequence[str]) -> pd.DataFrame:
        return self.rows[list(columns)]


def judged(data: Data, catalogue: pd.DataFrame, sampling: Sampling = EVERYTHING) -> dict[str, GateResult]:
    """Results of the gate on a data set's pairs, as far as a policy lets them through."""
    candidates = Candidates(data, catalogue)
    pairs = choose_pairs(candidates, Admission(candidates), np.zeros(len(catalogue), dtype=bool), {})
    known = catalogue.drop(columns=["host_id", "healpix"])
    for blue, red in pairwise(DECALS.bands):
        known[f"colour_{blue}{red}"] = known[f"host_mag_{blue}"] - known[f"host_mag_{red}"]
    arrays: dict[str, Any] = {}
    # Arcs follow the light of their galaxies.
    snr = 30.0 * 10.0 ** (-0.4 * (known["host_mag_r"].to_numpy()[pairs.host] - 19.8))
    arcs = pd.DataFrame({"pair_id": pairs.pair_id, "arc_snr_injected": snr})
    weights = row_weights(np.tile(pairs.pair_id, 2), np.repeat([1, 0], len(pairs.host)), arcs, sampling)
    taken = (weights > 0).reshape(2, -1)
    sides = {"positive": pairs.host[taken[0]], "control": pairs.control[taken[1]]}
    for (role, rows), some in zip(sides.items(), taken, strict=True):
        arrays[role] = known.iloc[rows].reset_index(drop=True)
        arrays[f"{role}/galaxy"] = text_ids(catalogue["host_id"].iloc[rows].tolist())
        arrays[f"{role}/pair"] = pairs.pair_id[some]
    parts = [
        pd.DataFrame({"pair_id": arrays[f"{role}/pair"], "role": role, "host_id": catalogue["host_id"].iloc[rows].to_numpy()})
        for role, rows in sides.items()
    ]
    rows = pd.concat(parts, ignore_index=True)
    paired = data.controls.paired
    facts = Facts("arcgate", paired, has_arc=True, has_null=False, declared=True, columns=frozenset(known), imaging=DECALS)
    spec = composed("gates=quick", "gates.max_pairs=5000")
    source: Any = Known(rows, facts)
    with threadpool_limits(1):
        found = GATE.judge(arrays, context_of(source, spec.view, spec.gates)).results
    return {result.name: result for result in found}


def test_positives_of_a_deeper_brighter_half_fail_unless_controls_are_matched(spec: Spec, many: pd.DataFrame) -> None:
    depth, mag = (float(many[name].median()) for name in ("depth_r", "host_mag_r"))
    entry = replace(spec().entry, hosts={"depth_r": (depth, None), "host_mag_r": (None, mag)})
    base = spec(n_pairs=1800, entry=entry, only_split="train")
    off = judged(replace(base, controls=UNMATCHED), many)
    assert {result.status for result in off.values()} == {"failed"}
    assert off["metadata_ridge"].value == pytest.approx(0.84, abs=0.05)
    # Seeing and depth alone leave the magnitude.
    half = judged(replace(base, controls=replace(MATCHED, match_on=("psfsize_r", "depth_r"))), many)
    assert half["metadata_ridge"].status == "failed"
    on = judged(replace(base, controls=CLOSE), many)
    margin = composed("gates=quick").gates.margin
    for result in on.values():
        assert result.high is not None
        assert result.high <= 0.5 + margin


def test_a_floor_on_positives_alone_fails_and_one_on_pairs_passes(spec: Spec, many: pd.DataFrame) -> None:
    entry = replace(spec().entry, least_theta_e_arcsec=0.75)
    base = spec(grid="realistic", n_pairs=1500, entry=replace(entry, drops="positive"), controls=UNMATCHED)
    alone = judged(base, many)
    assert {result.status for result in alone.values()} == {"failed"}
    assert "host_mag" in alone["metadata_ridge"].reason
    together = judged(spec(grid="realistic", n_pairs=1500, entry=entry), many)
    assert {result.status for result in together.values()} == {"passed"}
    free = judged(spec(grid="realistic", n_pairs=1500, controls=UNMATCHED), many)
    assert "failed" not in {result.status for result in free.values()}


def test_a_floor_of_snr_in_training_fails_on_positives_alone_and_passes_on_pairs(spec: Spec, many: pd.DataFrame) -> None:
    base = spec(n_pairs=2500)
    assert base.controls.paired
    floor = replace(EVERYTHING, least={"arc_snr_injected": 20.0})
    alone = judged(base, many, replace(floor, positives_only=True))
    assert {result.status for result in alone.values()} == {"failed"}
    assert "host_mag" in alone["metadata_ridge"].reason
    together = judged(base, many, floor)
    assert {result.status for result in together.values()} == {"passed"}
