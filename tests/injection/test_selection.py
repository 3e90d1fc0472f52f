"""What the card says about the choice of galaxies: rules, counts by class, and the planted leak of a floor on positives."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from arcgate.data_node import Data
from arcgate.ground.engine import Local
from arcgate.ground.errors import ArcgateError
from arcgate.ground.statistics import clustered_auc
from arcgate.imaging import DECALS
from arcgate.injection.candidates import Candidates
from arcgate.injection.choosing import chosen
from arcgate.injection.entry import ADMITTED, Admission
from arcgate.injection.pairs import Pairs, choose_pairs
from arcgate.injection.rows import arcs_of
from arcgate.injection.selection import Asked
from arcgate.selection_node import Controls
from arcgate.survey.hosts import cut_out

Spec = Callable[..., Data]
Catalogue = Callable[..., pd.DataFrame]
UNMATCHED = Controls("unmatched", "free_hosts", ())


def made(data: Data, catalogue: pd.DataFrame) -> tuple[Pairs, Candidates]:
    candidates = Candidates(data, catalogue)
    return choose_pairs(candidates, Admission(candidates), np.zeros(len(catalogue), dtype=bool), {}), candidates


def arcs(pairs: Pairs, ours: Candidates) -> pd.DataFrame:
    return arcs_of(ours.data, ours.catalogue, ours.split, pairs.host, pairs.pair_id, ours.library)


def of_hosts(pairs: Pairs, catalogue: pd.DataFrame, name: str) -> tuple[float, float, float]:
    """How well a column alone orders positives above controls, with the interval."""
    rows = np.r_[pairs.host, pairs.control]
    labels = np.repeat([1, 0], len(pairs.host))
    found = clustered_auc(catalogue[name].to_numpy(np.float64)[rows], labels, rows)
    return found.value, found.low, found.high


@pytest.mark.parametrize("controls", ["paired", "unpaired"])
@pytest.mark.parametrize(
    "rules", [{"least_theta_e_arcsec": 1.0}, {"least_theta_e_over_psf": 1.2}, {"least_images": 2}, {"least_images": 4}]
)
def test_a_rule_takes_a_pair_and_leaves_the_others(
    controls: str, rules: dict[str, Any], spec: Spec, catalogue: pd.DataFrame
) -> None:
    free, ours = made(spec(controls=controls), catalogue)
    data = spec(controls=controls, entry=replace(spec().entry, **rules))
    ruled, strict = made(data, catalogue)
    allowed = Admission(strict).broken(free.pair_id, free.host) == ADMITTED
    if "least_images" in rules:
        assert (allowed == (arcs(free, ours)["n_images"] >= rules["least_images"])).all()
    kept = free.take(allowed)
    assert set(zip(kept.pair_id, kept.host, kept.control, strict=True)) <= set(
        zip(ruled.pair_id, ruled.host, ruled.control, strict=True)
    )
    assert len(ruled.host) == 40
    assert (Admission(strict).broken(ruled.pair_id, ruled.host) == ADMITTED).all()
    assert sum(ruled.refused.values()) >= int((~allowed).sum())


def test_the_predicted_signal_is_that_which_is_measured_but_for_centre_and_sky(spec: Spec, make_catalogue: Catalogue) -> None:
    from arcgate.injection.arcs import render_arcs, used_psfs
    from arcgate.injection.rows import positives_of
    from arcgate.survey.depth import sky_from_depth

    few = make_catalogue(60)
    pairs, ours = made(spec(n_pairs=12, null_rows=1), few)
    drawn = arcs(pairs, ours)
    predicted = Admission(ours).predicted_snr(pairs.pair_id, pairs.host, drawn)
    rows = positives_of(ours.data, few, ours.split, pairs.host, pairs.pair_id, ours.library, drawn)
    for name in ("host_x_pix", "host_y_pix"):
        rows[name] = few[name].to_numpy()[pairs.host]
    light, _ = render_arcs(rows, used_psfs(rows, DECALS), DECALS)
    sky = np.stack([sky_from_depth(rows[f"depth_{band}"], rows[f"psfsize_{band}"], 0.262) for band in "grz"], axis=1)
    assert predicted == pytest.approx(np.sqrt(np.square(light / sky[:, :, None, None]).sum(axis=(1, 2, 3))), rel=0.02)
    unknown = Candidates(ours.data, few.assign(depth_g=np.nan))
    with pytest.raises(ArcgateError, match="does not declare the depth of every galaxy"):
        Admission(unknown).predicted_snr(pairs.pair_id, pairs.host, drawn)


def test_a_floor_on_positives_alone_keeps_the_controls_of_the_set_without_it(spec: Spec, make_catalogue: Catalogue) -> None:
    """theta_E goes with the host's luminosity here, so that a floor keeps bright hosts."""
    many = make_catalogue(1200)
    entry = replace(spec().entry, least_theta_e_arcsec=0.75)
    base = {"grid": "realistic", "n_pairs": 250, "null_rows": 1}
    alone, _ = made(spec(controls=UNMATCHED, entry=replace(entry, drops="positive"), **base), many)
    assert of_hosts(alone, many, "host_mag_r")[2] < 0.45
    free, _ = made(spec(controls=UNMATCHED, **base), many)
    assert sorted(alone.control) == sorted(free.control)
    together, _ = made(spec(entry=entry, **base), many)
    assert of_hosts(together, many, "host_mag_r") == (0.5, 0.5, 0.5)


def test_only_galaxies_of_the_stated_ranges_carry_arcs_and_controls_are_not_bound_to_them(
    spec: Spec, make_catalogue: Catalogue
) -> None:
    many = make_catalogue(900)
    middle = float(many["host_mag_r"].median())
    entry = replace(spec().entry, hosts={"host_mag_r": (None, middle), "depth_r": (24.5, 25.2)})
    pairs, _ = made(spec(controls=UNMATCHED, entry=entry, n_pairs=150), many)
    hosts, controls = (many.iloc[rows] for rows in (pairs.host, pairs.control))
    assert (hosts["host_mag_r"] <= middle).all()
    assert hosts["depth_r"].between(24.5, 25.2).all()
    assert (controls["host_mag_r"] > middle).mean() > 0.4
    with pytest.raises(ArcgateError, match=r"chosen by colour_xy, which the catalogue does not have"):
        made(spec(entry=replace(entry, hosts={"colour_xy": (0.0, None)})), many)
    with pytest.raises(ArcgateError, match="need 40 hosts, but there are 0"):
        made(spec(entry=replace(entry, hosts={"colour_gr": (9.0, None)})), many)
    unknown = many.assign(host_reff_arcsec=np.where(np.arange(900) % 2, 0.8, np.nan))
    sized, _ = made(spec(entry=replace(entry, hosts={"host_reff_arcsec": (None, None)})), unknown)
    assert unknown["host_reff_arcsec"].iloc[sized.host].notna().all()


def test_the_card_says_how_the_set_was_chosen(spec: Spec, catalogue: pd.DataFrame, make_parents: Any, tmp_path: Any) -> None:
    entry = replace(spec().entry, name="large", least_theta_e_arcsec=1.0)
    controls = replace(UNMATCHED, name="unpaired", match_on=("psfsize_r",), calipers={"psfsize_r": 0.05})
    said = chosen(spec(controls=controls, entry=entry), make_parents(catalogue), tmp_path, Local()).selection
    assert json.loads(json.dumps(said)) == said
    assert said["entry"]["name"] == "large"
    assert list(said["entry"]["refused"]) == ["theta_E below 1 arcsec"]
    assert said["galaxies"] == {"parents": 300, "may carry arcs": 300, "positives": 40, "controls": 40}
    assert said["cut_flow"] == []
    assert said["unmatched"] >= 0
    assert said["left_out"] == {}
    assert said["left_out_p"] is None
    before, after = (np.array([row[when] for row in said["resolvability"]]) for when in ("before", "after"))
    assert before.sum() == pytest.approx(1.0)
    assert after[-1] > before[-1]
    assert said["core"] is None
    assert said["noise"] is None


def test_a_class_that_loses_more_galaxies_than_chance_explains_is_found(
    catalogue: pd.DataFrame, make_parents: Any, tmp_path: Any
) -> None:
    asked = Asked()
    asked.add(np.arange(0, 120), np.arange(120, 240))
    for number, (bad, differs) in enumerate(((range(120, 150), True), (range(105, 135), False))):
        parents = make_parents(catalogue, unusable=frozenset(bad), digest=f"{number}" * 64)
        lost = asked.left_out(cut_out(parents, asked.rows, data_dir=tmp_path, engine=Local()))
        assert (lost["left_out_p"] < 1e-3) == differs
        assert sum(lost["left_out"]["a cosmic ray"].values()) == 30
