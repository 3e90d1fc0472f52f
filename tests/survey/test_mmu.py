"""Rows of the Multimodal Universe, in both forms of their nested images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from brick_files import BANDS, FLUX, SIGMA, WIDTH_PIX

from arcgate.ground.engine import Local
from arcgate.ground.errors import ArcgateError
from arcgate.hosts_node import MmuHosts
from arcgate.imaging import DECALS, Imaging
from arcgate.survey.hosts import cut_out
from arcgate.survey.mmu import MmuReader
from arcgate.survey.native import IN_THE_CORE, TOO_MANY
from arcgate.survey.stamp_parents import StampParents
from arcgate.survey.stamp_reading import NO_FLUX, NOT_FOUND

SIDE = 160
# Stamps there lie a pixel off their positions.
CENTRE = (80.3, 79.6)


def row(number: int, **changes: Any) -> dict[str, Any]:
    """A row as MMU writes it: four bands, pixels, inverse variances, catalogue."""
    random = np.random.default_rng(number)
    rows, columns = np.indices((SIDE, SIDE), dtype=np.float64)
    light = np.exp(-0.5 * ((columns - CENTRE[0]) ** 2 + (rows - CENTRE[1]) ** 2) / WIDTH_PIX**2) / (2.0 * np.pi * WIDTH_PIX**2)
    image = []
    for band in (*BANDS, "i"):
        sigma, flux = SIGMA.get(band, 0.008), FLUX.get(band, 40.0)
        flux_image = (random.normal(0.0, sigma, (SIDE, SIDE)) + flux * light).astype(np.float32)
        ivar = np.full((SIDE, SIDE), sigma**-2, np.float32)
        mask = np.ones((SIDE, SIDE), bool)
        image.append({"band": f"des-{band}", "flux": flux_image, "ivar": ivar, "mask": mask, "psf_fwhm": 1.2, "scale": 0.262})
    values = {"object_id": f"0500m300-{number}", "RA": 50.0 + 0.1 * number, "Dec": -30.0, "EBV": 0.02, "TYPE": "EXP"}
    return {"image": image} | values | {f"FLUX_{band.upper()}": FLUX.get(band, 40.0) for band in (*BANDS, "i")} | changes


def write(path: Path, rows: list[dict[str, Any]], form: str = "lists", pixels: str = "flux") -> None:
    """Write rows with images as a struct of lists, or a list of structs."""
    numbers = pa.list_(pa.list_(pa.float32()))
    kinds = {"band": pa.string(), pixels: numbers, "mask": pa.list_(pa.list_(pa.bool_())), "ivar": numbers}
    kinds |= {"psf_fwhm": pa.float32(), "scale": pa.float32()}
    cells = [
        [{pixels if key == "flux" else key: as_lists(value) for key, value in one.items()} for one in row["image"]]
        for row in rows
    ]
    if form == "lists":
        kind = pa.struct([pa.field(name, pa.list_(inner)) for name, inner in kinds.items()])
        image = pa.array([{name: [one[name] for one in cell] for name in kinds} for cell in cells], kind)
    else:
        image = pa.array(cells, pa.list_(pa.struct([pa.field(name, inner) for name, inner in kinds.items()])))
    others = {name: pa.array([row[name] for row in rows]) for name in rows[0] if name != "image"}
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"image": image} | others), path, row_group_size=2)


def as_lists(value: Any) -> Any:
    """For Arrow."""
    return value.tolist() if isinstance(value, np.ndarray) else value


def hosts_of(path: Path) -> MmuHosts:
    """Hosts of such rows."""
    return MmuHosts("mmu", str(path), dict.fromkeys(BANDS, 3.0), dict.fromkeys(BANDS, 7500.0), 0.005)


def opened(path: Path, folder: Path, imaging: Imaging = DECALS) -> StampParents:
    """Their galaxies."""
    return StampParents.open(MmuReader.open(hosts_of(path), imaging), folder / "kept", 1)


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    """Three rows."""
    return [row(number) for number in range(3)]


@pytest.mark.parametrize(("form", "pixels"), [("lists", "flux"), ("structs", "flux"), ("lists", "array")])
def test_rows_are_read_in_both_forms(tmp_path: Path, rows: list[dict[str, Any]], form: str, pixels: str) -> None:
    write(tmp_path / "rows" / "Norder=1" / "part0.parquet", rows, form, pixels)
    parents = opened(tmp_path / "rows", tmp_path)
    table = parents.catalogue
    assert table["host_id"].tolist() == ["0500m300-0", "0500m300-1", "0500m300-2"]
    assert table["brick"].tolist() == ["0500m300"] * 3
    assert table["ra"].tolist() == [50.0, 50.1, 50.2]
    assert table["ebv"].to_numpy() == pytest.approx(0.02)
    assert table["host_mag_r"].to_numpy() == pytest.approx(22.5 - 2.5 * np.log10(30.0))
    assert table["psfsize_z"].to_numpy() == pytest.approx(1.2)
    # 5 sigma of a point source on white noise (Dey et al. 2019): by hand.
    area = 4.0 * np.pi * (1.2 / 2.3548 / 0.262) ** 2
    assert table["depth_r"].to_numpy() == pytest.approx(22.5 - 2.5 * np.log10(5.0 * SIGMA["r"] * np.sqrt(area)), abs=0.08)
    hosts = cut_out(parents, np.arange(3), data_dir=tmp_path, engine=Local(1))
    assert hosts.left_out == {}
    measured, images = hosts.of(np.array([2, 0])).read()
    for galaxy, image, (_, found) in zip((2, 0), images, measured.iterrows(), strict=True):
        assert float(found["host_x_pix"]) == pytest.approx(CENTRE[0] - 49.0, abs=0.03)
        assert float(found["host_y_pix"]) == pytest.approx(CENTRE[1] - 48.0, abs=0.03)
        assert np.array_equal(image[1], rows[galaxy]["image"][1]["flux"][48:112, 49:113])
    assert hosts.table["pixels_over_ivar_g"].to_numpy() == pytest.approx(1.0, abs=0.06)


def test_rows_that_cannot_be_used_are_counted(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    dark, holed, bordered, empty = (row(number) for number in range(3, 7))
    dark["FLUX_G"] = -1.0
    holed["image"][2]["ivar"][80, 81] = 0.0
    bordered["image"][0]["ivar"][48:50, 50:70] = 0.0
    for one in empty["image"]:
        one["flux"] = np.random.default_rng(9).normal(0.0, 0.01, (SIDE, SIDE)).astype(np.float32)
    write(tmp_path / "rows.parquet", [*rows, dark, holed, bordered, empty])
    parents = opened(tmp_path / "rows.parquet", tmp_path)
    assert len(parents.catalogue) == 3
    assert parents.left_out == {NO_FLUX: 1, IN_THE_CORE: 1, TOO_MANY: 1, NOT_FOUND: 1}


def test_other_bands_are_taken_or_missed(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    write(tmp_path / "rows.parquet", rows)
    with pytest.raises(ArcgateError, match=r"the rows have no FLUX_Y; they have image, object_id, RA"):
        opened(tmp_path / "rows.parquet", tmp_path, Imaging(("r", "y"), "r", 64, 0.262))
    with pytest.raises(ArcgateError, match=r"pixels in g are 0.262 arcsec, sought are 0.2\n") as caught:
        opened(tmp_path / "rows.parquet", tmp_path, Imaging(("g",), "g", 64, 0.2))
    assert "nothing is resampled" in str(caught.value.todo)


def test_files_that_cannot_serve_are_told(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    with pytest.raises(ArcgateError, match="no Parquet file is there"):
        opened(tmp_path, tmp_path)
    path = tmp_path / "rows.parquet"
    path.write_bytes(b"no parquet")
    with pytest.raises(ArcgateError, match="the file cannot be read"):
        opened(path, tmp_path)
    pq.write_table(pa.table({"image": ["text"]} | {name: [1.0] for name in rows[0] if name != "image"}), path)
    with pytest.raises(ArcgateError, match="a cell of `image` is no list of bands with flux, ivar, psf_fwhm and scale: string"):
        opened(path, tmp_path)
    write(path, [rows[0], rows[0]])
    with pytest.raises(ArcgateError, match="0500m300-0 occurs twice"):
        opened(path, tmp_path)
