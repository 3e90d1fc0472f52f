"""Tables of kernels and source images: what comes back, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from arcgate.dataset.references import (
    IMAGES_FILE,
    KERNELS_FILE,
    NONE,
    content_name,
    image_row,
    kernel_row,
    references_of,
    write_references,
)
from arcgate.ground.errors import ArcgateError
from arcgate.lensing.psf import Kernel


def _kernel(seed: int = 0) -> Kernel:
    y, x = np.indices((21, 21)) - 10.0
    light = np.exp(-0.5 * (x**2 + (y - 0.3) ** 2) / 2.0**2)
    return Kernel(light + 1e-4 * np.random.default_rng(seed).random(light.shape))


def _tables(kernels: int = 2, images: int = 3) -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(1)
    stamps = rng.random((images, 9, 9)).astype(np.float32)
    stamps /= stamps.sum(axis=(1, 2), keepdims=True)
    rows = [kernel_row(_kernel(seed), "g", 0.262, (1.2, 3.0), f"file {seed}") for seed in range(kernels)]
    return pd.DataFrame(rows), pd.DataFrame(
        [image_row(stamp, 0.03, 0.1 + 0.1 * k, f"galaxy {k}") for k, stamp in enumerate(stamps)]
    )


def test_kernels_and_images_come_back_by_name(tmp_path: Path) -> None:
    kernels, images = _tables()
    write_references(tmp_path, kernels, images)
    found = references_of(tmp_path)
    for seed, name in enumerate(kernels["name"]):
        assert np.array_equal(found.kernel(name).image, _kernel(seed).normalised().image.astype(np.float32))
        assert found.kernel(name) is references_of(tmp_path).kernel(name)
    assert kernels["centroid_y_pix"].to_numpy() == pytest.approx([k.centroid_pix[1] for k in map(_kernel, range(2))])
    bank, index, half_light = found.images(images["name"].iloc[[2, 0, 2]])
    assert (index.tolist(), half_light.tolist()) == ([2, 0, 2], pytest.approx([0.3, 0.1, 0.3]))
    assert bank.images.shape == (3, 9, 9)
    assert bank.scale_arcsec == 0.03


def test_a_name_is_that_of_the_content() -> None:
    pixels = _kernel().normalised().image.astype(np.float32)
    assert content_name(pixels) == content_name(pixels.copy())
    assert content_name(pixels) != content_name(pixels.reshape(49, 9))
    assert content_name(pixels) != content_name(pixels, (True,))
    other = pixels.copy()
    other[3, 4] = np.nextafter(other[3, 4], np.float32(1))
    assert content_name(pixels) != content_name(other)


def test_a_set_without_tables_has_nothing_to_refer_to(tmp_path: Path) -> None:
    assert references_of(tmp_path) is NONE
    with pytest.raises(ArcgateError, match=r"(?s)names the kernel abc, but no table.*psfs\.parquet"):
        NONE.kernel("abc")
    with pytest.raises(ArcgateError, match="names the source image abc, but no table"):
        NONE.images(["abc"])


def test_a_missing_kernel_or_image_is_named(tmp_path: Path) -> None:
    write_references(tmp_path, *_tables())
    found = references_of(tmp_path)
    with pytest.raises(ArcgateError, match=r"(?s)has no kernel abc, which a row names.*psfs\.parquet"):
        found.kernel("abc")
    with pytest.raises(ArcgateError, match=r"(?s)has no source image abc, which a row names.*sources\.parquet"):
        found.images(["abc"])
    (tmp_path / IMAGES_FILE).unlink()
    alone = tmp_path / "alone"
    alone.mkdir()
    write_references(alone, _tables()[0], None)
    with pytest.raises(ArcgateError, match=r"(?s)and it is missing.*sources\.parquet.*copy the whole folder"):
        references_of(alone).images(["abc"])


@pytest.mark.parametrize(("file", "column"), [(KERNELS_FILE, "pixels"), (IMAGES_FILE, "pixels")])
def test_pixels_that_are_not_those_of_their_name_are_refused(tmp_path: Path, file: str, column: str) -> None:
    write_references(tmp_path, *_tables())
    table = pd.read_parquet(tmp_path / file)
    table[column] = table[column].iloc[::-1].to_numpy()
    table.to_parquet(tmp_path / file)
    found = references_of(tmp_path)
    with pytest.raises(ArcgateError, match=r"(?s)others than those that it was named for.*rebuilt"):
        found.kernel(table["name"].iloc[0]) if file == KERNELS_FILE else found.images(table["name"].iloc[:1])


def test_a_radius_that_is_not_the_images_is_refused(tmp_path: Path) -> None:
    write_references(tmp_path, *_tables())
    table = pd.read_parquet(tmp_path / IMAGES_FILE)
    table.assign(half_light_arcsec=table["half_light_arcsec"] * 1.01).to_parquet(tmp_path / IMAGES_FILE)
    with pytest.raises(ArcgateError, match="others than those that it was named for"):
        references_of(tmp_path).images(table["name"].iloc[:1])


@pytest.mark.parametrize("file", [KERNELS_FILE, IMAGES_FILE])
def test_a_damaged_table_is_refused(tmp_path: Path, file: str) -> None:
    write_references(tmp_path, *_tables())
    (tmp_path / file).write_bytes(b"PAR1 no more")
    found = references_of(tmp_path)
    with pytest.raises(ArcgateError, match=rf"(?s)the file is damaged.*{file}"):
        found.kernel("a") if file == KERNELS_FILE else found.images(["a"])
    pq.write_table(pq.read_table(tmp_path / ({KERNELS_FILE, IMAGES_FILE} - {file}).pop()).select(["name"]), tmp_path / file)
    with pytest.raises(ArcgateError, match=r"the file is damaged"):
        found.kernel("a") if file == KERNELS_FILE else found.images(["a"])


def test_what_rows_name_is_checked(tmp_path: Path) -> None:
    kernels, images = _tables()
    write_references(tmp_path, kernels, images)
    found = references_of(tmp_path)
    rows = pd.DataFrame({"kernel_used_g": [kernels["name"][0], None], "source_image": [images["name"][1], None]})
    found.check(rows)
    NONE.check(rows.assign(kernel_used_g=None, source_image=None))
    for column in rows:
        with pytest.raises(ArcgateError, match="which a row names"):
            found.check(rows.assign(**{column: "unknown"}))


def test_a_name_does_not_depend_on_the_zeros_around_the_light(tmp_path: Path) -> None:
    stamp = np.random.default_rng(4).random((9, 7)).astype(np.float32)
    wide = np.pad(stamp, ((6, 6), (11, 11)))
    rows = [image_row(pixels, 0.03, 0.2, "galaxy") for pixels in (stamp, wide)]
    assert rows[0] == rows[1]
    with pytest.raises(ValueError, match="odd length"):
        image_row(stamp[:-1], 0.03, 0.2, "galaxy")
    norm = [image_row(pixels / pixels.sum(), 0.03, 0.2, "galaxy") for pixels in (stamp, stamp[1:-1, 1:-1])]
    write_references(tmp_path, None, pd.DataFrame(norm))
    sources, index, half_light = references_of(tmp_path).images([str(row["name"]) for row in norm])
    assert tuple(sources.images.shape) == (2, 9, 9)
    assert index.tolist() == [0, 1]
    assert half_light.tolist() == [0.2, 0.2]
    assert np.array_equal(sources.images[0].numpy()[:, 1:-1], stamp / stamp.sum())


@pytest.mark.parametrize("pixels", [b"123", None, b"1" * 81 * 4 + b"2"])
def test_pixels_that_are_none_are_a_damaged_file(tmp_path: Path, pixels: bytes | None) -> None:
    write_references(tmp_path, *_tables())
    for name in (KERNELS_FILE, IMAGES_FILE):
        table = pd.read_parquet(tmp_path / name)
        table["pixels"] = table["pixels"].where(table.index > 0, pixels)
        table.to_parquet(tmp_path / name)
    with pytest.raises(ArcgateError, match=r"(?s)the file is damaged.*psfs"):
        references_of(tmp_path).kernel("a")
    with pytest.raises(ArcgateError, match=r"(?s)the file is damaged.*sources"):
        references_of(tmp_path).images(["a"])


def test_a_kernel_of_even_size_in_the_table_is_a_damaged_file(tmp_path: Path) -> None:
    pixels = np.full((4, 4), 1.0 / 16.0, dtype=np.float32)
    row = _tables()[0].iloc[[0]].assign(name=content_name(pixels, (True,)), height_pix=4, width_pix=4, pixels=[pixels.tobytes()])
    write_references(tmp_path, row, None)
    with pytest.raises(ArcgateError, match=r"(?s)the file is damaged: .*odd length.*psfs\.parquet"):
        references_of(tmp_path).kernel(row["name"].iloc[0])


def test_origins_are_those_of_what_is_named(tmp_path: Path) -> None:
    kernels, images = _tables()
    write_references(tmp_path, kernels, images)
    assert references_of(tmp_path).origins() == {
        "PSF models": dict(zip(kernels["name"], ["file 0", "file 1"], strict=True)),
        "source galaxies": dict(zip(images["name"], ["galaxy 0", "galaxy 1", "galaxy 2"], strict=True)),
    }
    assert NONE.origins() == {}
