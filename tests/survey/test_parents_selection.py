"""Which galaxies are parents: the cuts against plain loops over rows, each cut's own number, both choices of extinction."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from composing import composed_parents
from hypothesis import given
from hypothesis import strategies as st
from sweep_files import BRIGHT_RED, spec_of, sweep_rows, write_survey

from arcgate.config import from_dict
from arcgate.ground.errors import ArcgateError
from arcgate.survey.catalogue import matched
from arcgate.survey.catalogue.card import read_card
from arcgate.survey.catalogue.flow import Counts, select
from arcgate.survey.catalogue.making import make_parents
from arcgate.survey.catalogue.rows import Rows
from arcgate.survey.catalogue.selection import Selection

MASKED = 0b11111110  # bits 1 to 7


def random_rows(count: int, seed: int) -> np.ndarray:
    """Rows about the borders of every cut, with values that no catalogue should have."""
    rng = np.random.default_rng(seed)
    rows = sweep_rows(count)
    rows["TYPE"] = rng.choice([b"PSF", b"REX", b"DEV", b"DUP"], count, p=[0.2, 0.3, 0.4, 0.1])
    for band in ("G", "R", "Z", "W1"):
        rows[f"FLUX_{band}"] = BRIGHT_RED[band] * rng.lognormal(0.0, 0.7, count)
        rows[f"MW_TRANSMISSION_{band}"] = rng.uniform(0.7, 1.0, count)
        spoilt = rng.random(count)
        rows[f"FLUX_{band}"][spoilt < 0.04] = rng.choice([0.0, -3.0, np.nan, np.inf], (spoilt < 0.04).sum())
        if band != "W1":
            rows[f"NOBS_{band}"] = rng.choice([0, 1, 2], count, p=[0.1, 0.4, 0.5])
            rows[f"FRACMASKED_{band}"] = rng.choice([0.0, 0.29, 0.3, 0.5, np.nan], count, p=[0.7, 0.1, 0.1, 0.05, 0.05])
            rows[f"FIBERFLUX_{band}"] = 0.3 * rows[f"FLUX_{band}"]
            rows[f"FIBERTOTFLUX_{band}"] = rng.choice([1.0, 400.0], count) * rows[f"FIBERFLUX_{band}"]
        rows[f"FLUX_IVAR_{band}"] = rng.choice([0.0, 50.0], count, p=[0.1, 0.9])
    rows["MASKBITS"] = rng.choice([0, 1, 2, 16, 2048, 4096, 65536], count)
    rows["DEC"] = rng.choice([20.0, 31.999, 32.0, 40.0, np.nan], count, p=[0.5, 0.3, 0.1, 0.05, 0.05])
    rows["RA"][rng.random(count) < 0.03] = np.nan
    rows["GAIA_PHOT_G_MEAN_MAG"] = rng.choice([0.0, 17.9, 18.0, 18.1], count)
    return rows


def magnitude(flux: float) -> float:
    return 22.5 - 2.5 * math.log10(flux) if flux > 0 and math.isfinite(flux) else math.nan


def mission_steps(row: Any, dereddened: bool) -> Iterator[bool]:
    """MISSION's selection of one row, in order; written apart from the cuts."""
    flux = {band: float(row[f"FLUX_{band}"]) for band in "GRZ"}
    mag = {band: magnitude(flux[band] / (float(row[f"MW_TRANSMISSION_{band}"]) if dereddened else 1.0)) for band in "GRZ"}
    yield math.isfinite(row["RA"]) and math.isfinite(row["DEC"])
    yield True  # sweeps have no BRICK_PRIMARY
    yield row["TYPE"] != b"DUP"
    yield all(math.isfinite(flux[band]) and flux[band] > 0 for band in "GRZ")
    yield int(row["MASKBITS"]) & MASKED == 0
    yield True  # sweeps have no NGOOD
    yield row["TYPE"] != b"PSF"
    yield 17 < mag["R"] < 21
    yield mag["G"] - mag["R"] > 0.5
    yield mag["R"] - mag["Z"] > 0.2
    yield all(row[f"NOBS_{band}"] >= 1 for band in "GRZ")
    yield all(row[f"FRACMASKED_{band}"] < 0.3 for band in "GRZ")
    yield row["DEC"] < 32


def desi_takes(row: Any, south: bool) -> bool:
    """DESI's main LRG selection of one row, in the fluxes of Zhou et al. 2023; written apart from the cuts."""
    mag = {band: magnitude(float(row[f"FLUX_{band}"]) / float(row[f"MW_TRANSMISSION_{band}"])) for band in ("G", "R", "Z", "W1")}
    fibre = magnitude(float(row["FIBERFLUX_Z"]) / float(row["MW_TRANSMISSION_Z"]))
    g, r, z, w1 = (mag[band] for band in ("G", "R", "Z", "W1"))
    g = 40.0 if math.isnan(g) else g
    faint, low, first, second, high = (21.6, 2.9, 17.14, 16.33, 3.3) if south else (21.61, 2.97, 17.13, 16.31, 3.4)
    slope = 1.8 if south else 1.83
    colours = (
        z - w1 > 0.8 * (r - z) - 0.6
        and fibre < faint
        and (g - w1 > low or r - w1 > 1.8)
        and ((r - w1 > slope * (w1 - first) and r - w1 > w1 - second) or r - w1 > high)
    )
    quality = (
        all(row[f"FLUX_IVAR_{band}"] > 0 and math.isfinite(mag[band]) for band in ("R", "Z", "W1"))
        and (row["GAIA_PHOT_G_MEAN_MAG"] == 0 or row["GAIA_PHOT_G_MEAN_MAG"] > 18)
        and magnitude(float(row["FIBERTOTFLUX_Z"])) > 17.5
        and all(row[f"NOBS_{band}"] > 0 for band in "GRZ")
        and int(row["MASKBITS"]) & (2 | 4096 | 8192) == 0
    )
    return bool(colours and quality and row["TYPE"] != b"DUP" and math.isfinite(row["RA"]) and math.isfinite(row["DEC"]))


def flow_by_hand(rows: np.ndarray, steps: Callable[[Any], Iterator[bool]]) -> list[int]:
    """Rows that are left after each step."""
    left: list[int] = []
    for row in rows:
        for number, passed in enumerate(steps(row)):
            left += [0] * (number + 1 - len(left))
            if not passed:
                break
            left[number] += 1
    return left


def selected(rows: np.ndarray, selection: Selection, south: bool = True) -> tuple[np.ndarray, Counts]:
    """Numbers of the rows that a selection takes, and its counts."""
    piece = {name: rows[name] for name in rows.dtype.names}
    found, counts = select(Rows(piece, None, len(rows), south, selection.extinction), selection)
    return np.arange(len(rows)) if found.left is None else found.left, counts


def test_the_cut_flow_is_that_of_a_loop_over_rows():
    rows = random_rows(4000, 0)
    for choice, other in (("observed", "dereddened"), ("dereddened", "observed")):
        chosen, counts = selected(rows, composed_parents("root=x", f"selection.extinction={choice}").selection)
        assert list(counts.chosen) == flow_by_hand(rows, lambda row, c=choice: mission_steps(row, c == "dereddened"))
        assert list(counts.other) == flow_by_hand(rows, lambda row, c=other: mission_steps(row, c == "dereddened"))
        assert chosen.tolist() == [n for n, row in enumerate(rows) if all(mission_steps(row, choice == "dereddened"))]
        # Each cut has taken some: the test can fail for each.
        steps = np.diff([len(rows), *counts.chosen])
        assert sum(step < 0 for step in steps) == len(steps) - 2


@pytest.mark.parametrize("south", [True, False])
def test_desis_lrgs_are_those_of_a_loop_over_rows(south):
    rows = random_rows(6000, 1)
    chosen, counts = selected(rows, composed_parents("root=x", "parents=desi_lrg").selection, south)
    taken = [number for number, row in enumerate(rows) if desi_takes(row, south)]
    assert chosen.tolist() == taken
    assert 100 < len(taken) == counts.chosen[-1] < 5000
    assert taken != [number for number, row in enumerate(rows) if desi_takes(row, not south)]


def changed(**values: Any) -> np.ndarray:
    """One galaxy that passes all cuts, but for some columns."""
    rows = sweep_rows(1)
    for name, value in values.items():
        rows[name] = value
    return rows


@pytest.mark.parametrize(
    ("cut", "values"),
    [
        ("position", {"RA": np.nan}),
        ("position", {"DEC": np.inf}),
        ("duplicates", {"TYPE": b"DUP"}),
        ("fluxes", {"FLUX_G": 0.0}),
        ("fluxes", {"FLUX_Z": np.nan}),
        ("fluxes", {"FLUX_Z": np.inf}),
        ("masks", {"MASKBITS": 2}),
        ("masks", {"MASKBITS": 8 | 65536}),
        ("extended", {"TYPE": b"PSF"}),
        ("r_magnitude", {"FLUX_R": 200.0}),
        ("r_magnitude", {"FLUX_R": 3.9}),
        ("g_r", {"FLUX_G": 4.0}),
        ("r_z", {"FLUX_Z": 7.5}),
        ("observed", {"NOBS_G": 0}),
        ("unmasked", {"FRACMASKED_R": 0.3}),
        ("declination", {"DEC": 32.0}),
    ],
)
def test_each_cut_takes_what_it_is_for_and_none_before_does(cut, values):
    selection = composed_parents("root=x").selection
    assert selected(sweep_rows(1), selection)[1].chosen[-1] == 1
    _, counts = selected(changed(**values), selection)
    place = list(selection.cuts).index(cut)
    assert counts.chosen == (1,) * place + (0,) * (len(selection.cuts) - place)


def test_a_saturated_star_has_exposures_and_is_taken_away_by_its_bits_or_its_usable_exposures():
    star = changed(MASKBITS=8, NOBS_R=7)
    selection = composed_parents("root=x").selection
    assert selected(star, selection)[1].chosen[-1] == 0
    assert selected(star, composed_parents("root=x", "~selection.cuts.masks").selection)[1].chosen[-1] == 1
    piece = {name: star[name] for name in star.dtype.names} | {f"NGOOD_{band}": np.array([int(band != "R")]) for band in "GRZ"}
    rest = composed_parents("root=x", "~selection.cuts.masks").selection
    _, counts = select(Rows(piece, None, 1, True, "observed"), rest)
    assert dict(zip(rest.cuts, counts.chosen, strict=True))["usable"] == 0


@pytest.mark.parametrize("kind", [np.int16, np.int32])
def test_bits_are_read_from_both_widths_of_masks(kind):
    rows = sweep_rows(3, maskbits=kind)
    rows["MASKBITS"] = [0, 1 << 13, -1]
    found, _ = selected(rows, composed_parents("root=x", "selection.cuts.masks.bits=[13]").selection)
    assert found.tolist() == [0]


@pytest.mark.parametrize("width", [3, 4])
def test_types_of_four_letters_are_those_of_three_with_a_blank(width):
    rows = sweep_rows(4)
    padded = [text.ljust(width).encode() for text in ("PSF", "DEV", "DUP", "REX")]
    piece = {name: rows[name] for name in rows.dtype.names} | {"TYPE": np.array(padded, dtype=f"S{width}")}
    found, _ = select(Rows(piece, None, 4, True, "observed"), composed_parents("root=x").selection)
    assert found.left is not None
    assert found.left.tolist() == [1, 3]


@given(st.permutations(list(composed_parents("root=x").selection.cuts)), st.integers(0, 5))
def test_the_order_of_cuts_decides_on_counts_alone(order, seed):
    selection = composed_parents("root=x").selection
    rows = random_rows(300, seed)
    other = Selection("other", selection.extinction, {name: selection.cuts[name] for name in order})
    (one, counts), (two, more) = selected(rows, selection), selected(rows, other)
    assert one.tolist() == two.tolist()
    assert (counts.chosen[-1], counts.other[-1]) == (more.chosen[-1], more.other[-1])
    for left in (more.chosen, more.other):
        assert list(left) == sorted(left, reverse=True)


@pytest.mark.parametrize("rows_a_piece", [1, 7, 100])
def test_where_a_sweep_is_cut_into_pieces_does_not_matter(tmp_path, monkeypatch, rows_a_piece):
    rows = random_rows(200, 2)
    root = write_survey(tmp_path / "dr10", {"150p020-155p025": rows})
    whole = read_card(make_parents(spec_of(root, f"runtime.data_dir={tmp_path / 'whole'}")))
    monkeypatch.setattr(matched, "_PIECE_BYTES", rows_a_piece * rows.dtype.itemsize)
    pieces = read_card(make_parents(spec_of(root, f"runtime.data_dir={tmp_path / 'pieces'}")))
    assert pieces == whole
    assert whole["rows"] == sum(all(mission_steps(row, False)) for row in rows) > 5


def test_both_choices_of_extinction_are_on_the_card(tmp_path):
    rows = random_rows(1500, 3)
    root = write_survey(tmp_path / "dr10", {"150p020-155p025": rows})
    sought = {name: sum(all(mission_steps(row, name == "dereddened")) for row in rows) for name in ("observed", "dereddened")}
    assert sought["observed"] != sought["dereddened"]
    for choice, count in sought.items():
        card = read_card(make_parents(spec_of(root, f"selection.extinction={choice}")))
        assert (card["extinction"]["choice"], card["rows"]) == (choice, count)
        assert card["extinction"]["selected"] == sought
        assert card["cut_flow"][0] == {"cut": "all rows", "left": 1500}
        assert card["cut_flow"][-1]["left"] == count


def test_columns_are_the_files_and_what_follows_from_them(tmp_path: Path) -> None:
    rows = sweep_rows(4)
    rows["OBJID"], rows["PSFDEPTH_G"] = [3, 1, 2, 0], [400.0, 0.0, 100.0, np.nan]
    root = write_survey(tmp_path / "dr10", {"150p020-155p025": rows})
    table = pq.read_table(make_parents(spec_of(root, "bands=[g,r,i,z]")) / "parents.parquet").to_pandas()
    assert table["objid"].tolist() == [0, 1, 2, 3]
    assert table["host_id"].tolist() == [f"ls-10000-412345-{number}" for number in range(4)]
    assert set(table["brick"]) == {"1500p200"}
    assert set(table["type"]) == {"DEV"}
    np.testing.assert_array_equal(table["flux_i"], np.float64(np.float32(BRIGHT_RED["I"])))
    np.testing.assert_allclose(table["host_mag_r"], 22.5 - 2.5 * math.log10(6.3), atol=1e-6)
    # 5 sigma / sqrt(inverse variance), a flux (data model of DR10).
    np.testing.assert_allclose(table["depth_g"], [np.nan, np.nan, 22.5 - 2.5 * math.log10(0.5), 22.5 - 2.5 * math.log10(0.25)])
    np.testing.assert_array_equal(table["ra"], 150.0 + np.array([3, 1, 2, 0]) / 60.0)
    assert table["maskbits"].dtype == table["nobs_z"].dtype == np.int32


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        (
            ("selection.cuts.r_magnitude.above=22",),
            "selection.cuts.r_magnitude: Value error, nothing lies both above 22 and below 21",
        ),
        (("selection.cuts.declination.below=null",), "give at least one of above, at_least, below, at_most"),
        (("selection.cuts.masks.bits=[]",), "selection.cuts.masks.bits"),
        (("selection.cuts.fluxes.kind=flux",), "selection.cuts.fluxes: Input tag 'flux'"),
        (("selection.extinction=none",), "Input should be 'observed' or 'dereddened'"),
        (("bands=[g,y]",), "bands.1"),
        (("bands=[g,g]",), "bands names one thing twice"),
        (("+versions.east=a",), "Input should be 'south' or 'north'"),
        (("lens_radius_arcsec=0",), "lens_radius_arcsec: Input should be greater than 0"),
    ],
)
def test_settings_that_make_no_sense_are_refused_by_their_keys(overrides, says):
    with pytest.raises(ArcgateError) as error:
        composed_parents("root=x", *overrides)
    assert says in error.value.what


def test_a_selection_of_ones_own_is_a_list_of_cuts():
    cuts = {
        "bright": {"kind": "values", "columns": ["FIBERFLUX_R"], "at_least": 1.0},
        "red": {"kind": "colour", "bands": ["g", "z"], "above": 1},
    }
    own = from_dict({"name": "own", "extinction": "observed", "cuts": cuts}, Selection)
    assert [cut.in_words() for cut in own.cuts.values()] == ["FIBERFLUX_R >= 1", "g - z > 1"]
    assert selected(sweep_rows(3), own)[1] == Counts((3, 3), (3, 3))


def test_words_of_the_cuts():
    words = {name: cut.in_words() for name, cut in composed_parents("root=x").selection.cuts.items()}
    assert words["r_magnitude"] == "17 < r < 21"
    assert words["fluxes"] == "FLUX > 0 in g, r, z"
    assert words["unmasked"] == "FRACMASKED < 0.3 in g, r, z"
    assert words["declination"] == "DEC < 32"
    desi = {name: cut.in_words() for name, cut in composed_parents("root=x", "parents=desi_lrg").selection.cuts.items()}
    assert desi["no_bright_fibre"] == "z_fibertot > 17.5"
    assert desi["measured"] == "FLUX_IVAR > 0 in r, z, W1"
