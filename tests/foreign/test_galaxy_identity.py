"""Which galaxy a row shows, in which split it is and which rows are a pair: whatever the columns are called and stored as."""

from __future__ import annotations

import decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from layouts import write_arrays, write_rows
from leaking_tables import BIG, GALAXY, LEAKING, N, arrays, found, leaking_rows, pixels, place

from arcgate.foreign.exact_names import exact_names
from arcgate.foreign.identity import identify
from arcgate.foreign.opening import notes_of, open_source
from arcgate.foreign.positions import same_place
from arcgate.foreign.same_look import alike, compare, namesakes
from arcgate.ground.errors import ArcgateError


@pytest.fixture(scope="module")
def leaking():
    return leaking_rows()


def with_column(frame, name, values):
    return pa.Table.from_pandas(frame, preserve_index=False).append_column(name, values)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("TARGETID", pa.array(BIG + GALAXY)),
        (" Host_ID ", pa.array([f"g{i}" for i in GALAXY], pa.large_string())),
        ("object_id", pa.array([f"g{i}".encode() for i in GALAXY])),
        ("object_id", pa.array([f"g{i}".encode() for i in GALAXY], pa.binary(2))),
        ("galaxy_id", pa.array([f"g{i}" for i in GALAXY]).dictionary_encode()),
        ("galaxy_id", pa.array([f"g{i}{' ' * (row // N)}" for row, i in enumerate(GALAXY)])),
        ("targetid", pa.array([2**63 + 5 + int(i) for i in GALAXY], pa.uint64())),
        ("targetid", pa.array([decimal.Decimal(BIG + int(i)) for i in GALAXY], pa.decimal128(20, 0))),
        ("targetid", pa.array(GALAXY * 1.0 + 1e9)),
    ],
)
def test_a_galaxy_in_two_splits_is_found_however_it_is_named(leaking, tmp_path, name, values):
    (tmp_path / "set.parquet").parent.mkdir(exist_ok=True)
    pq.write_table(with_column(leaking, name, values), tmp_path / "set.parquet")
    assert found(tmp_path / "set.parquet") == (N, True, "failed")


def test_the_index_of_a_frame_is_a_column(leaking, tmp_path):
    leaking.assign(host_id=GALAXY).set_index("host_id").to_parquet(tmp_path / "set.parquet")
    assert found(tmp_path / "set.parquet") == (N, True, "failed")
    counted = (
        leaking.head(N).set_index(pd.RangeIndex(100, 100 + N, name="host_id")).assign(ctrl_stamp_npz=leaking["stamp_npz"][0])
    )
    counted.to_parquet(tmp_path / "range.parquet")
    assert set(open_source(tmp_path / "range.parquet").table(["host_id"])["host_id"]) == {str(100 + i) for i in range(N)}


def test_all_folders_above_a_file_count(leaking, tmp_path):
    rows = leaking.assign(host_id=GALAXY)
    for split, part in rows.groupby("split"):
        for region in (0, 1):
            write_rows(part.drop(columns="split")[region::2], tmp_path / f"set/Split={split}/region={region}/part-0.parquet")
    assert found(tmp_path / "set") == (N, True, "failed")
    digest = open_source(tmp_path / "set").digest
    (tmp_path / "set/Split=test").rename(tmp_path / "set/Split=val")
    assert open_source(tmp_path / "set").digest != digest
    write_rows(rows, tmp_path / "other/split=test/part-0.parquet")
    with pytest.raises(ArcgateError, match="its column split says otherwise"):
        open_source(tmp_path / "other")


@pytest.mark.parametrize("split", [LEAKING, LEAKING.astype("S"), np.char.upper(LEAKING)])
def test_splits_and_pairs_of_arrays_are_read(tmp_path, split):
    assert found(write_arrays(arrays(split=split), tmp_path / "set.npz")) == (N, True, "failed")
    pairs = {"pair_id": np.tile(np.arange(N), 2), "groups": np.arange(2 * N)}
    source = open_source(write_arrays(arrays(**pairs), tmp_path / "pairs.npz"))
    assert any("recorded pair_id" in note for note in notes_of(source))


@pytest.mark.parametrize("name", ["split", "groups", "pair_id"])
def test_names_of_dtype_object_are_refused_with_advice_that_works(tmp_path, name):
    values = {"split": LEAKING, "groups": GALAXY.astype(str), "pair_id": GALAXY.astype(str)}[name].astype(object)
    with pytest.raises(ArcgateError, match=rf"(?s)pickled.*{name}\.astype\(str\)"):
        open_source(write_arrays(arrays(**{name: values}), tmp_path / "set.npz"))
    open_source(write_arrays(arrays(**{name: values.astype(str)}), tmp_path / "good.npz"))


def test_objects_that_nobody_needs_are_passed_over_with_a_note(tmp_path):
    source = open_source(write_arrays(arrays(names=np.array([{}] * 2 * N)), tmp_path / "set.npz"))
    assert any("names (dtype object, unread)" in note for note in notes_of(source))


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ((BIG + GALAXY).astype(float), "beyond 2\\*\\*53.*(?s:.*)integers"),
        ((2**24 + GALAXY).astype(np.float32), "beyond 2\\*\\*24"),
        (np.array([f"{float(BIG + i):e}" for i in GALAXY]), "went through a float"),
        (np.array([f"{float(BIG + i):.1f}" for i in GALAXY]), "went through a float"),
        (np.array([f"{float(BIG + i):.0f}." for i in GALAXY]), "went through a float"),
        (GALAXY + 0.5, "whole number or text"),
        (np.where(GALAXY == 3, np.nan, GALAXY), "is empty in 2 rows(?s:.*)row 3"),
        (np.array([b"\xff%d" % i for i in GALAXY]), "no UTF-8 text"),
    ],
)
def test_ids_that_lost_digits_are_refused(tmp_path, values, says):
    with pytest.raises(ArcgateError, match=says):
        open_source(write_arrays(arrays(groups=values), tmp_path / "set.npz"))


def test_whole_numbers_stay_whole_beside_floats_and_gaps():
    mixed = pd.Series([2**53 + 1, "7", 7.0, b" 7 ", decimal.Decimal(7), None], dtype=object)
    assert exact_names(mixed, "id", place, None).tolist() == [str(2**53 + 1), "7", "7", "7", "7", None]
    # In one column of objects a float that went beyond is not hidden by the whole number that it equals.
    with pytest.raises(ArcgateError, match=r"(?s)beyond 2\*\*53.*row 1"):
        exact_names(pd.Series([BIG, float(BIG)], dtype=object), "id", place, None)


def test_objid_counts_within_brick_and_release(leaking, tmp_path):
    rows = leaking.assign(objid=GALAXY % 2, brickname=[f"b{i // 4}" for i in GALAXY], release=9010 + GALAXY // 2 % 2)
    assert found(write_rows(rows, tmp_path / "set.parquet")) == (N, True, "failed")
    with pytest.raises(ArcgateError, match=r"(?s)objid 0 is that of 8 rows.*galaxy_id"):
        open_source(write_rows(rows.drop(columns="brickname"), tmp_path / "no_brick.parquet"))
    # Where it differs from row to row it needs no brick, and as text it names what it names.
    alone = identify(pd.DataFrame({"objid": np.arange(4)}), place)
    text = identify(pd.DataFrame({"objid": ["a", "a"]}), place)
    assert (alone.table["host_id"].nunique(), text.table["host_id"].nunique()) == (4, 1)


def test_positions_name_galaxies_where_nothing_else_does(leaking, tmp_path):
    turned = np.where(np.repeat([0, 1], N), 359.99999, 0.00001)
    rows = leaking.assign(ra=turned, DEC=GALAXY * 0.01)
    assert found(write_rows(rows, tmp_path / "set.parquet")) == (N, True, "failed")
    numbered = open_source(write_rows(rows.assign(host_id=np.arange(2 * N)), tmp_path / "numbered.parquet"))
    assert numbered.table(["host_id"])["host_id"].nunique() == N
    assert any("it names rows" in note for note in notes_of(numbered))
    named = open_source(write_rows(rows.assign(host_id=GALAXY, ra=np.nan), tmp_path / "named.parquet"))
    assert named.table(["host_id"])["host_id"].nunique() == N
    with pytest.raises(ArcgateError, match=r"(?s)ra is nan.*row 0, column ra"):
        open_source(write_rows(rows.assign(ra=np.nan, DEC=GALAXY), tmp_path / "gaps.parquet"))


def test_half_an_arcsec_on_the_sphere():
    arcsec = 1 / 3600
    ra = np.array([0.0, 0.0, 359.9999 + 0.0001 - 0.4 * arcsec, 10.0, 200.0, 50.0, 50.0 + 0.4 * arcsec / np.cos(np.radians(60))])
    dec = np.array([0.0, 0.6 * arcsec, 0.0, 90 - 0.1 * arcsec, 90 - 0.1 * arcsec, 60.0, 60.0])
    assert same_place(ra, dec).tolist() == [0, 1, 0, 2, 2, 3, 3]


def test_without_a_name_galaxies_are_not_named(leaking, tmp_path):
    for name, rows in (("none", leaking), ("constant", leaking.assign(ra=0.0, dec=0.0))):
        source = open_source(write_rows(rows, tmp_path / f"{name}.parquet"))
        assert not source.facts.galaxies_named
        [note] = [note for note in notes_of(source) if "no column names the galaxy" in note]
        assert note.startswith("every row has the position ra 0.0, dec 0.0, which tells no galaxies apart") == (
            name == "constant"
        )
    assert open_source(write_rows(leaking.assign(id=GALAXY), tmp_path / "id.parquet")).facts.galaxies_named


def test_what_is_called_the_same_galaxy_looks_the_same(leaking, tmp_path):
    rows = leaking.assign(galaxy_id=GALAXY % 2)
    with pytest.raises(ArcgateError, match=r"(?s)share no noise.*\(galaxy_id\).*row 0"):
        open_source(write_rows(rows, tmp_path / "set.parquet"))
    # Several images of one galaxy, which its position vouches for, are no pairs of equal pixels.
    source = open_source(write_rows(rows.assign(ra=10.0 * rows["galaxy_id"], dec=0.0), tmp_path / "images.parquet"))
    assert not source.facts.paired
    assert any("no control is taken for its positive's pixels" in note for note in notes_of(source))


def test_turned_and_noisier_stamps_are_alike_and_strangers_are_not():
    arced, galaxy = pixels()
    noisier = galaxy + np.random.default_rng(1).normal(size=galaxy.shape)
    assert alike(arced[0], galaxy[0])
    assert alike(arced[0], noisier[0])
    assert alike(arced[0], galaxy[0].transpose(0, 2, 1)[:, ::-1])
    assert alike(np.zeros((3, 64, 64)), galaxy[0])
    pairs = namesakes(np.array([0, 1, 0, 1, 2]))
    assert pairs.tolist() == [[0, 2], [1, 3]]
    look = compare(pairs, {0: arced[0], 2: galaxy[0], 1: arced[1], 3: galaxy[2]})
    assert (look.compared, look.strangers, look.first, look.believable) == (2, 1, (1, 3), False)


def test_pairs_whose_names_start_again_in_each_file(leaking, tmp_path):
    rows = leaking.assign(host_id=GALAXY, pair_id=GALAXY % 4)
    for half in (0, 1):
        write_rows(rows[rows["host_id"] // 4 == half], tmp_path / f"set/{half}.parquet")
    source = open_source(tmp_path / "set")
    assert source.facts.paired
    assert any("starts again in every file" in note for note in notes_of(source))
    with pytest.raises(ArcgateError, match=r"(?s)several positives and several controls.*row 0, column pair_id"):
        open_source(write_rows(rows.assign(split="train"), tmp_path / "one.parquet"))


def test_every_column_that_is_not_used_is_listed_with_the_reason(leaking, tmp_path):
    rows = leaking.assign(host_id=GALAXY, ra=GALAXY, dec=0.0, region_split="train", z_spec=0.5, label=1)
    table = with_column(rows, "Tags", pa.array([["a"]] * 2 * N))
    pq.write_table(table, tmp_path / "set.parquet")
    (note,) = [note for note in notes_of(open_source(tmp_path / "set.parquet")) if "not used" in note]
    for part in (
        "z_spec (arcgate does not know them)",
        "Tags (list<element: string> is no single value)",
        "label (the layout says it otherwise)",
        "region_split (other columns name",
    ):
        assert part in note, note


def test_columns_that_differ_by_case_only_are_refused(leaking, tmp_path):
    with pytest.raises(ArcgateError, match="'objid' and 'OBJID' differ by case"):
        open_source(write_rows(leaking.assign(objid=GALAXY, OBJID=GALAXY), tmp_path / "set.parquet"))
    with pytest.raises(ArcgateError, match="'split' and 'Split' differ by case"):
        open_source(write_arrays(arrays(split=LEAKING, Split=LEAKING), tmp_path / "set.npz"))


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("split", LEAKING.reshape(-1, 1)),
        ("split", LEAKING[1:]),
        ("pair_id", GALAXY[1:]),
        ("groups", np.zeros(2 * N, dtype="datetime64[D]")),
    ],
)
def test_arrays_that_would_be_passed_over_are_refused(tmp_path, name, values):
    with pytest.raises(ArcgateError, match=rf"{name} is .* of shape .*beside labels of shape \(16,\)"):
        open_source(write_arrays(arrays(**{name: values}), tmp_path / "set.npz"))
