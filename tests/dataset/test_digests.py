"""Row and data digests: what changes them and what does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from arcgate.dataset.digests import canonical_columns, data_digest, row_digests
from arcgate.dataset.schema import Column, schema_of
from arcgate.ground.errors import ArcgateError
from arcgate.imaging import DECALS

RowMaker = Callable[..., tuple[pd.DataFrame, NDArray[np.float32], NDArray[np.float32]]]

FEW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
NULLABLE = [column.name for column in schema_of(DECALS).columns if column.nullable]


def _arrays(table: pd.DataFrame) -> dict[str, Any]:
    return {str(name): table[name].to_numpy(dtype=object) for name in table}


@FEW
@given(order=st.permutations(range(6)), cut=st.integers(0, 6))
def test_data_digest_depends_on_neither_order_nor_batches(make_rows: RowMaker, order: list[int], cut: int) -> None:
    table, image, arc = make_rows(3)
    whole = data_digest(table["sample_id"], row_digests(table, image, arc, schema_of(DECALS)))
    ids: list[int] = []
    digests: list[bytes] = []
    for part in (order[:cut], order[cut:]):
        ids += [int(value) for value in table["sample_id"].iloc[part]]
        digests += row_digests(table.iloc[part], image[part], arc[part], schema_of(DECALS))
    assert data_digest(ids, digests) == whole


@FEW
@given(column=st.sampled_from(schema_of(DECALS).columns), row=st.integers(0, 3), step=st.integers(1, 5))
def test_one_changed_value_changes_its_row_only(make_rows: RowMaker, column: Column, row: int, step: int) -> None:
    table, image, arc = make_rows(2)
    before = row_digests(table, image, arc, schema_of(DECALS))
    changed = table.copy()
    name = column.name
    old = changed[name].iloc[row]
    missing = bool(pd.isna(old))
    fresh = {"text": f"other {step}", "int": 7 + step, "float": 0.25 * step}[column.kind]
    values = changed[name].astype(object).tolist()
    values[row] = fresh if missing or isinstance(old, str) else old + fresh
    changed[name] = values
    after = row_digests(changed, image, arc, schema_of(DECALS))
    assert [now != then for now, then in zip(after, before, strict=True)] == [position == row for position in range(4)]


@FEW
@given(name=st.sampled_from(NULLABLE), row=st.integers(0, 3))
def test_null_differs_from_zero_and_from_empty_text(make_rows: RowMaker, name: str, row: int) -> None:
    table, image, arc = make_rows(2)
    kind = next(column.kind for column in schema_of(DECALS).columns if column.name == name)
    empty, null = table.copy(), table.copy()
    for frame, value in ((empty, {"text": "", "int": 0, "float": 0.0}[kind]), (null, None)):
        values = frame[name].astype(object).tolist()
        values[row] = value
        frame[name] = values
    assert row_digests(empty, image, arc, schema_of(DECALS))[row] != row_digests(null, image, arc, schema_of(DECALS))[row]


@FEW
@given(
    which=st.sampled_from(["image", "arc"]),
    row=st.integers(0, 3),
    band=st.integers(0, 2),
    y=st.integers(0, 63),
    x=st.integers(0, 63),
)
def test_one_changed_pixel_changes_its_row_only(make_rows: RowMaker, which: str, row: int, band: int, y: int, x: int) -> None:
    table, image, arc = make_rows(2)
    before = row_digests(table, image, arc, schema_of(DECALS))
    block = image if which == "image" else arc
    block[row, band, y, x] = np.nextafter(block[row, band, y, x], np.float32(np.inf))
    after = row_digests(table, image, arc, schema_of(DECALS))
    assert [now != then for now, then in zip(after, before, strict=True)] == [position == row for position in range(4)]


def test_swapping_image_and_arc_changes_the_digest(make_rows: RowMaker) -> None:
    table, image, arc = make_rows(1)
    assert row_digests(table, image, arc, schema_of(DECALS))[0] != row_digests(table, arc, image, schema_of(DECALS))[0]


def test_equal_values_in_other_clothes_have_equal_digests(make_rows: RowMaker) -> None:
    table, image, arc = make_rows(2)
    table["gamma1"] = 0.0
    arrays = _arrays(table)
    arrays["gamma1"] = np.full(4, -0.0)
    arrays["label"] = np.array([1.0, 0.0, 1.0, 0.0])
    arrays["sample_id"] = table["sample_id"].to_numpy(dtype=np.int32)
    arrays["theta_e_arcsec"] = table["theta_e_arcsec"].to_numpy(dtype=float)
    shuffled = dict(reversed(arrays.items()))
    byte_swapped = image.astype(">f4")
    assert row_digests(shuffled, byte_swapped, arc, schema_of(DECALS)) == row_digests(table, image, arc, schema_of(DECALS))


def test_large_sample_ids_keep_every_digit(make_rows: RowMaker) -> None:
    table, _, _ = make_rows(1)
    big = 2**62 + 1
    for ids in (np.array([big, big + 1]), pd.array([big, big + 1], dtype="Int64"), [big, big + 1]):
        columns = canonical_columns(_arrays(table) | {"sample_id": ids}, schema_of(DECALS))
        assert columns[0].values.tolist() == [big, big + 1]


def test_repeated_sample_id_is_refused() -> None:
    with pytest.raises(ArcgateError, match="sample_id 4 occurs more than once"):
        data_digest([4, 2, 4], [b"a", b"b", b"c"])


def test_counts_of_ids_and_digests_must_agree() -> None:
    with pytest.raises(ArcgateError, match="2 sample ids do not go with 1"):
        data_digest([1, 2], [b"a"])


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("sample_id", [1.5, 2.0], "values that are not int"),
        ("sample_id", [2**63, 1], "values that are not int"),
        ("sample_id", [None, 1], "may not be null"),
        ("role", [3, "control"], "values that are not text"),
        ("ebv", ["much", 0.1], "values that are not float"),
        ("depth_r", [np.nan, 1.0], "may not be null"),
    ],
)
def test_wrong_values_name_the_column(make_rows: RowMaker, name: str, values: list[object], message: str) -> None:
    table, image, arc = make_rows(1)
    table[name] = pd.Series(values, dtype=object)
    with pytest.raises(ArcgateError, match=message) as caught:
        row_digests(table, image, arc, schema_of(DECALS))
    assert name in str(caught.value)


def test_missing_and_unknown_columns_are_named(make_rows: RowMaker) -> None:
    table, image, arc = make_rows(1)
    with pytest.raises(ArcgateError, match=r"missing columns \['ebv'\], unknown columns \['dust'\]"):
        row_digests(table.rename(columns={"ebv": "dust"}), image, arc, schema_of(DECALS))


@pytest.mark.parametrize("dtype", [np.float64, np.int32])
def test_images_of_another_type_are_refused(make_rows: RowMaker, dtype: type) -> None:
    table, image, arc = make_rows(1)
    with pytest.raises(ArcgateError, match="float32 of shape"):
        row_digests(table, image.astype(dtype), arc, schema_of(DECALS))


def test_columns_of_unequal_length_are_refused(make_rows: RowMaker) -> None:
    table, image, arc = make_rows(1)
    arrays = _arrays(table)
    with pytest.raises(ArcgateError, match="different lengths"):
        row_digests({**arrays, "ebv": np.zeros(3)}, image, arc, schema_of(DECALS))
