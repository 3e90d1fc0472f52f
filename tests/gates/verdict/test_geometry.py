"""Transformations of whole arcs and of single columns are told from PSFs, units and levels; and what has no name gets none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.ndimage import gaussian_filter
from shipped_models import MODELS

from arcgate.gates.verdict import search
from arcgate.gates.verdict.bug_models.angle_convention import steps
from arcgate.gates.verdict.bug_models.centre_offset import common_shifts
from arcgate.gates.verdict.bug_models.orientation import ORIENTATIONS
from arcgate.gates.verdict.conventions import Convention
from arcgate.gates.verdict.naming import name_cause
from arcgate.gates.verdict.rows import between_galaxies, differences
from arcgate.gates.verdict.shifting import shifted
from arcgate.imaging import DECALS
from arcgate.injection.arcs import declared_psfs, render_arcs

PAIRS = 24
ANGLES = ["lens_phi_rad", "source_phi_rad"]
LENGTHS = ["theta_e_arcsec", "source_reff_arcsec", "source_x_arcsec", "source_y_arcsec", *(f"psfsize_{band}" for band in "grz")]


@pytest.fixture(scope="module")
def sound(built):
    """Positives of a sound set, their galaxies and arcs."""
    batch = next(built("psf=moffat_converted").batches(roles=["positive"]))
    table, arc = batch.table[:PAIRS].reset_index(drop=True), batch.arc[:PAIRS]
    return table, batch.image[:PAIRS] - arc, arc


@pytest.mark.parametrize(
    "turned",
    [
        lambda arc: arc[..., ::-1],
        lambda arc: arc.swapaxes(2, 3),
        lambda arc: np.rot90(arc, 1, (2, 3)),
        lambda arc: np.rot90(arc, 2, (2, 3)),
    ],
    ids=["mirrored", "transposed", "turned by 90", "turned by 180"],
)
def test_turned_stamps_are_an_orientation(sound, turned):
    table, _, arc = sound
    cause = name_cause(differences(table, np.ascontiguousarray(turned(arc)), DECALS, MODELS))
    assert cause.name == "orientation"
    assert cause.alarm


@pytest.mark.parametrize(
    "read",
    [
        lambda table: {name: table[name] + np.pi / 2 for name in ANGLES},
        lambda table: {"lens_phi_rad": table["lens_phi_rad"] + np.pi / 2},
        lambda table: {"lens_phi_rad": -table["lens_phi_rad"]},
        lambda table: {name: np.pi / 2 - table[name] for name in ANGLES},
        lambda table: {"lens_phi_rad": table["lens_phi_rad"] / 2},
        lambda table: {"gamma2": -table["gamma2"]},
        lambda table: {"source_x_arcsec": -table["source_x_arcsec"]},
    ],
    ids=["both from north", "lens by 90", "lens sign", "both y axis", "lens doubled", "gamma2 sign", "source x sign"],
)
def test_columns_of_another_convention_are_named_so(sound, read):
    table, _, arc = sound
    assert name_cause(differences(table.assign(**read(table)), arc, DECALS, MODELS)).name == "angle_convention"


@pytest.mark.parametrize("kind", ["ifftshift", "half a stamp", "five pixels", "by band"])
def test_arcs_that_land_far_away_are_offset(sound, kind):
    table, _, arc = sound
    moved = {
        "ifftshift": lambda: np.roll(arc, (-23, -23), axis=(2, 3)),
        "half a stamp": lambda: np.roll(arc, 32, axis=(2, 3)),
        "five pixels": lambda: shifted(arc, np.array([-3.0, 4.3]), wrapped=False),
        "by band": lambda: shifted(arc, np.array([[5.0, 0.0], [-9.0, 12.0], [0.0, 0.0]]), wrapped=False),
    }[kind]()
    cause = name_cause(differences(table, moved, DECALS, MODELS))
    assert cause.name == "centre_offset"
    assert "landed" in cause.sentence


def test_a_quarter_of_the_rows_mirrored_is_named_with_its_share(sound):
    table, _, arc = sound
    light = arc.copy()
    light[:6] = arc[:6, ..., ::-1]
    cause = name_cause(differences(table, light, DECALS, MODELS))
    assert cause.name == "orientation"
    assert f"{100 * 6 / len(table):.0f} % of the rows" in cause.sentence


def test_round_lenses_cannot_tell_a_mirror_from_a_sign(sound):
    table, _, _ = sound
    table = table.assign(lens_q=1.0, source_q=1.0, gamma1=0.0, gamma2=0.0)
    arc = render_arcs(table.assign(source_x_arcsec=-table["source_x_arcsec"]), declared_psfs(table, DECALS), DECALS)[0]
    cause = name_cause(differences(table, arc, DECALS, MODELS))
    assert cause.name == "unknown_bug"
    assert "the same pixels" in cause.sentence


@pytest.mark.parametrize(
    ("factor", "name"), [(1.004, "pixel_scale"), (0.998, "pixel_scale"), (1.015, "pixel_scale"), (1.0005, "physics")]
)
def test_a_small_scale_is_named_and_a_tiny_one_harmless(sound, factor, name):
    table, _, arc = sound
    cause = name_cause(differences(table.assign(**{column: table[column] * factor for column in LENGTHS}), arc, DECALS, MODELS))
    assert cause.name == name
    assert cause.alarm == (name != "physics")


def test_no_name_stands_where_most_rows_stay_unexplained(sound):
    table, _, arc = sound
    assert name_cause(differences(table, np.roll(arc, 1, axis=0), DECALS, MODELS)).name == "unknown_bug"


def test_lost_noise_is_no_extra_noise(sound):
    table, galaxies, arc = sound
    smooth = gaussian_filter(galaxies, (0, 0, 0.5, 0.5))
    sky = table[["sky_sigma_g", "sky_sigma_r", "sky_sigma_z"]].to_numpy(np.float32)[:, :, None, None]
    noisy = galaxies + 0.5 * sky * np.random.default_rng(0).standard_normal(galaxies.shape).astype(np.float32)
    lost = name_cause(differences(table, smooth + arc - galaxies, DECALS, MODELS, galaxies))
    assert "extra_sky_noise" not in lost.name
    assert "less noise" in lost.sentence
    assert name_cause(differences(table, noisy + arc - galaxies, DECALS, MODELS, galaxies)).name == "extra_sky_noise"


def test_light_that_falls_with_radius_is_no_pedestal(sound):
    table, _, arc = sound
    pixel = np.arange(64) - 31.5
    radius = np.hypot(pixel[None, :], pixel[:, None])
    sky = table[["sky_sigma_g", "sky_sigma_r", "sky_sigma_z"]].to_numpy(np.float32)[:, :, None, None]
    level = name_cause(differences(table, (arc + 0.1 * sky).astype(np.float32), DECALS, MODELS))
    assert level.name == "pedestal"
    for falling in (0.3 * np.exp(-radius / 12.0), 0.2 * (1.0 - radius / 50.0)):
        cause = name_cause(differences(table, (arc + falling * sky).astype(np.float32), DECALS, MODELS))
        assert cause.name == "unknown_bug", cause.sentence
        assert cause.alarm


def test_a_clean_set_renders_nothing_more(sound, monkeypatch):
    def never(rows, candidates):
        raise AssertionError("rendered")

    monkeypatch.setattr(search, "transformed", never)
    table, galaxies, arc = sound
    cause = name_cause(differences(table, arc, DECALS, MODELS, galaxies))
    assert cause.name == "physics"
    assert not cause.alarm
    with pytest.raises(AssertionError, match="rendered"):
        name_cause(differences(table, arc[..., ::-1].copy(), DECALS, MODELS))


def test_a_mirror_is_named_between_other_galaxies(built):
    batch = next(built("controls=unpaired", "data.n_pairs=90", "psf=moffat_converted").batches(roles=["positive"]))
    table, galaxies = batch.table.reset_index(drop=True), batch.image - batch.arc
    half = len(table) // 2
    positives, controls = table[:half].reset_index(drop=True), table[half : 2 * half].reset_index(drop=True)
    mirrored = galaxies[:half] + batch.arc[:half, ..., ::-1]
    assert (
        name_cause(between_galaxies(positives, mirrored, controls, galaxies[half : 2 * half], DECALS, MODELS)).name
        == "orientation"
    )


@pytest.fixture(scope="module")
def other_galaxies(built):
    """Positives of a sound set, their galaxies and arcs; controls and theirs."""
    batches = list(built("controls=unpaired", "data.n_pairs=90", "psf=moffat_converted").batches(roles=["positive"]))
    table = pd.concat([batch.table for batch in batches], ignore_index=True)
    arc = np.concatenate([batch.arc for batch in batches])
    galaxies = np.concatenate([batch.image for batch in batches]) - arc
    assert len(table) >= 2 * PAIRS
    controls = table[PAIRS : 2 * PAIRS].reset_index(drop=True)
    return table[:PAIRS], galaxies[:PAIRS], arc[:PAIRS], controls, galaxies[PAIRS : 2 * PAIRS]


@pytest.mark.long
def test_bands_that_land_apart_in_a_fifth_of_the_rows_are_offset_between_other_galaxies(other_galaxies):
    table, galaxies, arc, controls, others = other_galaxies
    landed = arc.copy()
    landed[:5] = shifted(arc[:5], np.array([[-12.0, -7.0], [-6.0, -3.0], [13.0, 3.0]]), wrapped=False)
    cause = name_cause(between_galaxies(table, galaxies + landed, controls, others, DECALS, MODELS))
    assert cause.name == "centre_offset", cause.sentence


@pytest.mark.long
def test_clipped_arcs_beside_other_galaxies_are_missing_and_nothing_else(other_galaxies):
    table, galaxies, arc, controls, others = other_galaxies
    sky = table[["sky_sigma_g", "sky_sigma_r", "sky_sigma_z"]].to_numpy(np.float32)[:, :, None, None]
    clipped = np.minimum(galaxies + arc, 5.0 * sky)
    cause = name_cause(between_galaxies(table, clipped, controls, others, DECALS, MODELS))
    assert cause.name == "unknown_bug", cause.sentence


def test_arcs_that_land_in_the_border_are_no_noise(sound):
    table, _, arc = sound
    landed = np.roll(arc, (-23, -23), axis=(2, 3))
    rows = differences(table, landed, DECALS, MODELS)
    # As if arcs were so bright that they are most of what varies there.
    assert name_cause(replace(rows, noise=rows.noise + 0.2)).name == "centre_offset"
    sky = table[["sky_sigma_g", "sky_sigma_r", "sky_sigma_z"]].to_numpy(np.float32)[:, :, None, None]
    noise = 0.4 * sky * np.random.default_rng(0).standard_normal(arc.shape).astype(np.float32)
    assert name_cause(differences(table, landed + noise, DECALS, MODELS)).name == "centre_offset + extra_sky_noise"


@pytest.mark.parametrize("missing", [2, PAIRS])
def test_missing_arcs_are_no_unit(sound, missing):
    table, _, arc = sound
    light = arc.copy()
    light[:missing] = 0.0
    cause = name_cause(differences(table, light, DECALS, MODELS))
    assert cause.name == "unknown_bug"
    assert "arcs are missing" in cause.sentence
    assert name_cause(differences(table, arc * np.float32(0.1), DECALS, MODELS)).name == "flux_unit"


def test_clipped_stamps_have_no_level_and_no_scale(sound):
    table, galaxies, arc = sound
    sky = table[["sky_sigma_g", "sky_sigma_r", "sky_sigma_z"]].to_numpy(np.float32)[:, :, None, None]
    clipped = np.minimum(galaxies + arc, 5.0 * sky)
    cause = name_cause(differences(table, clipped - galaxies, DECALS, MODELS, galaxies))
    assert cause.name == "unknown_bug", cause.sentence


def test_steps_change_one_thing_or_angles_together():
    reached = steps(Convention())
    assert len(reached) == len(set(reached))
    assert Convention() not in reached
    assert Convention(lens="doubled", source="doubled") in reached
    # A mirror in x and one in y differ in places alone, as do turns by 90 and by 270 degrees, and the two transpositions.
    assert len({replace(orientation.convention, place="as declared") for orientation in ORIENTATIONS}) == 4


def test_shifts_are_found_to_a_tenth_of_a_pixel(sound):
    _, _, arc = sound
    light = shifted(arc, np.array([7.4, -11.2]), wrapped=False)
    found = common_shifts(light.astype(np.float64), arc, DECALS)
    assert min(np.abs(each - [7.4, -11.2]).max() for each in found) < 0.1


def test_what_is_not_there_is_not_found_by_transformations(sound):
    table, _, arc = sound
    rows = differences(table, arc, DECALS, MODELS)
    assert not any(each.explained.score > 5.0 for each in search.transformed(rows, np.ones(len(table), dtype=bool)))
    assert search.transformed(replace(rows, scene=None), np.ones(len(table), dtype=bool)) == []
