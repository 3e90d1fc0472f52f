"""A catalogue beside the cubes of a pack: what it declares is taken, the rest is measured where galaxies are cut out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from astropy.io import fits
from astropy.table import Table
from numpy.typing import NDArray
from packs_on_disk import cutouts, opened, pack_hosts, whole_table, write_pack

from arcgate.ground.engine import Local
from arcgate.ground.errors import ArcgateError
from arcgate.hosts_node import Kernels
from arcgate.imaging import DECALS
from arcgate.lensing.psf import Psf
from arcgate.survey.columns import declared_columns
from arcgate.survey.hosts import cut_out
from arcgate.survey.parents import open_parents

Cubes = dict[str, NDArray[Any]]


def declared() -> pd.DataFrame:
    """A row for each of the three galaxies."""
    table = pd.DataFrame({"host_id": ["NGC 1", "NGC 2", "NGC 3"], "ra": [10.0, 11.0, np.nan], "dec": [-5.0, -5.0, np.nan]})
    for number, band in enumerate(DECALS.bands):
        table[f"host_mag_{band}"] = 20.0 - number
        table[f"depth_{band}"] = [24.0, 24.5, 25.0]
    table["psfsize_r"] = [0.9, 1.0, 1.1]
    return table


def write_catalogue(folder: Path, table: pd.DataFrame, kind: str) -> Path:
    path = folder / f"catalogue.{kind}"
    if kind == "parquet":
        table.to_parquet(path)
    elif kind == "csv":
        table.to_csv(path, index=False)
    else:
        Table.from_pandas(table).write(path)
    return path


@pytest.mark.parametrize("kind", ["parquet", "csv", "fits"])
def test_what_is_declared_is_taken_and_the_rest_measured(tmp_path: Path, pack_cubes: Cubes, kind: str) -> None:
    measured = opened(write_pack(tmp_path, pack_cubes))
    write_catalogue(tmp_path, declared(), kind)
    parents = opened(write_pack(tmp_path, pack_cubes))
    table = parents.catalogue
    assert dict(table.dtypes.astype(str)) == declared_columns(DECALS)
    assert table["host_id"].tolist() == ["NGC 1", "NGC 2", "NGC 3"]
    assert table["host_mag_g"].tolist() == [20.0] * 3
    assert table["psfsize_r"].tolist() == [0.9, 1.0, 1.1]
    assert table["psfsize_g"].tolist() == [1.39] * 3
    # Positions make sky cells, by which splits go.
    assert table["healpix"].notna().tolist() == [True, True, False]
    assert parents.digest != measured.digest
    # Pixels, centres and sky are those of a pack that is measured before.
    assert np.array_equal(cutouts(parents, range(3)), cutouts(measured, range(3)))
    same = ["host_x_pix", "host_y_pix", "sky_sigma_r", "provenance"]
    assert whole_table(parents)[same].equals(whole_table(measured)[same])


def test_a_catalogue_beside_measured_psfs_declares_none(tmp_path: Path, pack_cubes: Cubes) -> None:
    (tmp_path / "psfs").mkdir()
    for number in range(3):
        light = Psf("moffat", 1.0 + 0.1 * number, 3.0).on(63, 0.262)
        hdus = [fits.ImageHDU(light, fits.Header({"BAND": band})) for band in "grz"]
        fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(tmp_path / "psfs" / f"copsf_{number}.fits")
    (tmp_path / "pack").mkdir()
    write_pack(tmp_path / "pack", pack_cubes)
    for table in (declared(), declared().drop(columns="psfsize_r")):
        write_catalogue(tmp_path / "pack", table, "csv")
        kernels = Kernels(str(tmp_path / "psfs"), "coadd", 0.262, "removed", "none")
        found = opened(pack_hosts(tmp_path / "pack", kernels=kernels)).catalogue
        assert found["psfsize_r"].between(1.0, 1.6).all()
        assert found["kernel_g"].notna().all()
        assert found["depth_r"].tolist() == [24.0, 24.5, 25.0]


def test_what_cannot_be_used_is_found_where_it_is_cut_out(tmp_path: Path, pack_cubes: Cubes) -> None:
    folder = tmp_path / "pack"
    folder.mkdir()
    write_catalogue(folder, declared(), "parquet")
    pack_cubes["z"][1, 40, 40] = np.nan
    parents = open_parents(write_pack(folder, pack_cubes), DECALS, data_dir=tmp_path, workers=1)
    assert parents.left_out == {}
    found = cut_out(parents, np.arange(3), data_dir=tmp_path, engine=Local(1))
    assert found.unusable.tolist() == [1]
    assert found.left_out == {"pixels that hold no measurement": 1}
    assert found.told() == [
        "1 galaxy is left out for pixels that hold no measurement (NGC 2, 1 pixels in z, such as nan counts): NGC 2"
    ]


def bad(column: str, value: object) -> pd.DataFrame:
    table = declared().astype({column: "object"})
    table.loc[1, column] = value
    return table


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (declared().drop(columns=["depth_z", "host_mag_g"]), r"has no host_mag_g, depth_z; it has host_id"),
        (declared().iloc[:2], "has 2 rows, the cubes hold 3 galaxies"),
        (bad("host_id", "NGC 1"), "host_id of row 1 is NGC 1, which occurs before"),
        (bad("host_id", None), "host_id of row 1 is missing"),
        (bad("host_id", " "), "host_id of row 1 is missing"),
        (bad("host_mag_r", np.inf), "host_mag_r of row 1 is inf, sought is a number from -5 to 40"),
        (bad("host_mag_r", -99.0), "host_mag_r of row 1 is -99"),
        (bad("depth_r", None), "depth_r of row 1 is (nan|None)"),
        (bad("dec", -9999.0), "dec of row 1 is -9999.0, sought is a number from -90 to 90, or nothing"),
        (bad("ra", None), "ra of row 1 is missing beside the other"),
        (bad("psfsize_r", 0.0), "psfsize_r of row 1 is 0.0"),
        (declared().assign(psf_beta_g=1.0), "psf_beta_g of row 0 is 1.0"),
        (declared().assign(depth_g=True), "depth_g of row 0 is True"),
        (declared().assign(depth_g=pd.Timestamp("2020-01-01")), "depth_g of row 0 is 2020-01-01"),
        (declared().assign(host_id=[1.0, 2.0, 3.0]), "host_id is a floating-point number"),
        (declared().rename(columns={"ra": "RA", "dec": "DEC"}), "has RA, DEC; sought is ra, dec"),
    ],
)
def test_a_catalogue_that_cannot_serve_is_refused(tmp_path: Path, pack_cubes: Cubes, table: pd.DataFrame, says: str) -> None:
    hosts = write_pack(tmp_path, pack_cubes)
    table.infer_objects().to_parquet(tmp_path / "catalogue.parquet")
    with pytest.raises(ArcgateError, match=says):
        opened(hosts)


def test_one_catalogue_is_enough(tmp_path: Path, pack_cubes: Cubes) -> None:
    hosts = write_pack(tmp_path, pack_cubes)
    for kind in ("parquet", "csv"):
        write_catalogue(tmp_path, declared(), kind)
    with pytest.raises(ArcgateError, match=r"one catalogue, here are catalogue\.parquet, catalogue\.csv"):
        opened(hosts)


@pytest.mark.parametrize("name", ["catalogue.parquet", "catalogue.fits"])
def test_a_catalogue_that_is_none(tmp_path: Path, pack_cubes: Cubes, name: str) -> None:
    hosts = write_pack(tmp_path, pack_cubes)
    (tmp_path / name).write_bytes(b"half a table")
    with pytest.raises(ArcgateError, match=r"the pack's catalogue cannot be read(.|\n)*write it again"):
        opened(hosts)


def test_a_name_may_be_the_index_and_an_integer(tmp_path: Path, pack_cubes: Cubes) -> None:
    hosts = write_pack(tmp_path, pack_cubes)
    declared().assign(host_id=[30, 10, 20]).set_index("host_id").to_parquet(tmp_path / "catalogue.parquet")
    assert opened(hosts).catalogue["host_id"].tolist() == ["30", "10", "20"]
