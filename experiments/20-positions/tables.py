"""Tables of positions as surveys have them, clean or with one planted leak: what `run.py` judges.

The sky: one patch of the south and one of the north survey, galaxies in loose groups. Seeing and depth of a brick are shared by
its rows; they follow a field that varies over degrees, and a part of each brick's own. Labels are drawn galaxy by galaxy.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from astropy import units
from astropy.io import fits
from astropy_healpix import lonlat_to_healpix

from arcgate.ground.draws import uniform
from arcgate.ground.sphere import nearest_arcsec, pairs_within, unit_vectors
from arcgate.survey.legacy.brick_scheme import brick_centres, brick_names

SPLITS = ("cell", "brick_cell", "brick", "galaxy")
PLANTED = {
    "deeper": ("metadata", "selection"),
    "north_and_south": ("footprint", "footprint"),
    "two_surveys": ("two_surveys", "two_surveys"),
    "known_lens": ("known_lenses", "labels"),
    "brick_in_two": ("bricks", "split"),
    "near_duplicates": ("overlaps", "split"),
    "both_labels": ("both_labels", "labels"),
}
"""Kinds of leaks, each with the gate that must fail and the cause that must be named."""
BANDS = ("g", "r", "z")
# Survey: medians of seeing (arcsec) and of depth (AB) in g, r, z; south and north.
SEEING = {"south": (1.51, 1.37, 1.31), "north": (1.90, 1.67, 1.24)}
DEPTH = {"south": (24.6, 23.9, 23.0), "north": (24.2, 23.7, 23.0)}
FROM_BORDER_ARCSEC = 30.0


@dataclass(frozen=True)
class Table:
    """One table, and how its maker says that it was split.

    Attributes
    ----------
    rows : DataFrame
        id, ra, dec, label, split, brickname, footprint, psfsize and depth a band, mag_r, gr.
    lenses : DataFrame
        ra, dec of known lenses, positives of the table among them.
    split : str
        One of `SPLITS`.
    planted : str
        One of `PLANTED`, or clean.
    size : float
        Of the leak: rows or bricks; or how closely labels follow depth or footprint, 0 to 1.
    """

    rows: pd.DataFrame
    lenses: pd.DataFrame
    split: str
    planted: str = "clean"
    size: float = 0.0


def drawn(number: int, planted: str, rows: int | None = None) -> Table:
    """The table of a number, with a leak planted; its size is drawn unless it is given."""
    rng = np.random.default_rng([20, number])
    count = int(rng.integers(2_000, 20_001)) if rows is None else rows
    split = str(rng.choice(SPLITS)) if planted != "brick_in_two" else "brick"
    sky = _galaxies(rng, count, distant=split == "galaxy")
    share = rng.uniform(0.15, 0.5)
    label, size = (rng.uniform(size=len(sky)) < share).astype(int), 0.0
    if planted in ("deeper", "north_and_south"):
        size = float(rng.uniform(0.6, 1.0))
        sky, label = _selected(rng, sky, planted, share, size)
    table = sky.assign(label=label, split=_split(rng, sky, split))
    lenses = _lenses(rng, table)
    found = Table(table, lenses, split, planted, size)
    return found if planted in ("clean", "deeper", "north_and_south") else _MAKERS[planted](rng, found)


def write(table: Table, folder: Path, number: int) -> tuple[Path, Path]:
    """Write a table and its list of lenses, in one of three kinds of file and spellings; give both paths."""
    rng = np.random.default_rng([21, number])
    ra, dec, label = (
        str(rng.choice(names)) for names in (("ra", "RA", "target_ra"), ("dec", "DEC", "target_dec"), ("label", "is_lens"))
    )
    if ra == "target_ra" or dec == "target_dec":
        ra, dec = "target_ra", "target_dec"
    rows = table.rows.rename(columns={"ra": ra, "dec": dec, "label": label})
    if label == "is_lens":
        rows[label] = np.where(rows[label] == 1, "lens", "nonlens")
    kind = ("parquet", "csv", "fits")[number % 3]
    path, lenses = folder / f"table_{number}.{kind}", folder / f"lenses_{number}.csv"
    if kind == "parquet":
        rows.to_parquet(path, index=False)
    elif kind == "csv":
        rows.to_csv(path, index=False)
    else:
        text = {
            name: rows[name].astype(str).to_numpy().astype("S")
            for name in rows
            if rows[name].dtype == object or "str" in str(rows[name].dtype)
        }
        columns = np.rec.fromarrays([text.get(name, rows[name].to_numpy()) for name in rows], names=[*map(str, rows)])
        fits.BinTableHDU(columns).writeto(path, overwrite=True)
    table.lenses.to_csv(lenses, index=False)
    return path, lenses


def _galaxies(rng: np.random.Generator, count: int, distant: bool) -> pd.DataFrame:
    """Galaxies of both surveys with their conditions; `distant` ones lie far from each other."""
    parts = [_patch(rng, footprint, int(1.1 * count * share)) for footprint, share in (("south", 0.6), ("north", 0.4))]
    sky = pd.concat(parts, ignore_index=True)
    # Two catalogue entries of one place are one galaxy; and where splits go by galaxy, stamps must not overlap.
    pairs = pairs_within(unit_vectors(sky["ra"].to_numpy(), sky["dec"].to_numpy()), FROM_BORDER_ARCSEC if distant else 3.0)
    sky = sky.drop(index=np.unique(pairs[:, 1])).iloc[rng.permutation(len(sky) - len(np.unique(pairs[:, 1])))][:count]
    return sky.reset_index(drop=True).assign(id=np.arange(len(sky)) + 10_000)


def _patch(rng: np.random.Generator, footprint: str, count: int) -> pd.DataFrame:
    """Galaxies of one survey: half of them in groups of a few arcminutes."""
    ra_0, wide = rng.uniform(110.0, 200.0), rng.uniform(15.0, 40.0)
    low, high = (33.0, 45.0) if footprint == "north" else (5.0, 25.0)
    groups = max(count // 6, 1)
    ra, dec = _on_sphere(rng, ra_0, wide, low, high, count)
    centre = np.stack(_on_sphere(rng, ra_0, wide, low, high, groups), axis=1)
    grouped = rng.uniform(size=count) < 0.5
    member = centre[rng.integers(0, groups, count)] + rng.normal(0.0, 0.05, (count, 2))
    ra, dec = np.where(grouped, member[:, 0], ra), np.where(grouped, np.clip(member[:, 1], low, high), dec)
    sky = pd.DataFrame({"ra": ra % 360.0, "dec": dec, "brickname": brick_names(ra, dec), "footprint": footprint})
    east, north = brick_centres(sky["ra"].to_numpy(), dec)
    for band, seeing, depth in zip(BANDS, SEEING[footprint], DEPTH[footprint], strict=True):
        field = _field(rng, east, north)
        sky[f"psfsize_{band}"] = seeing * np.exp(0.08 * field + 0.03 * _of_brick(rng, sky["brickname"]))
        sky[f"depth_{band}"] = depth - 0.15 * field + 0.1 * _field(rng, east, north) + 0.05 * _of_brick(rng, sky["brickname"])
    return sky.assign(mag_r=rng.uniform(17.5, 20.5, count), gr=rng.normal(1.4, 0.25, count))


def _on_sphere(
    rng: np.random.Generator, ra_0: float, wide: float, low: float, high: float, count: int
) -> tuple[np.ndarray, np.ndarray]:
    sine = rng.uniform(np.sin(np.radians(low)), np.sin(np.radians(high)), count)
    return ra_0 + rng.uniform(0.0, wide, count), np.degrees(np.arcsin(sine))


def _field(rng: np.random.Generator, ra: np.ndarray, dec: np.ndarray) -> np.ndarray:
    """A field of unit variance that varies over 2 to 20 degrees."""
    total = np.zeros(len(ra))
    for _ in range(24):
        angle, phase, wavelength = rng.uniform(0, 2 * np.pi), rng.uniform(0, 2 * np.pi), rng.uniform(2.0, 20.0)
        total += np.sqrt(2.0 / 24) * np.sin(2 * np.pi * (ra * np.cos(angle) + dec * np.sin(angle)) / wavelength + phase)
    return total


def _of_brick(rng: np.random.Generator, brick: pd.Series) -> np.ndarray:
    """A number of each brick, normal, shared by its rows."""
    code, names = pd.factorize(brick)
    return rng.standard_normal(len(names))[code]


def _selected(
    rng: np.random.Generator, sky: pd.DataFrame, planted: str, share: float, size: float
) -> tuple[pd.DataFrame, np.ndarray]:
    """Galaxies and labels: of a share `size` of the rows the label is that of the deeper half, or of the north."""
    if planted == "deeper":
        wanted = (sky["depth_r"] > sky.groupby("footprint")["depth_r"].transform("median")).to_numpy()
        chance = np.where(wanted, share * (1 + size), share * (1 - size))
        return sky, (rng.uniform(size=len(sky)) < chance).astype(int)
    north = (sky["footprint"] == "north").to_numpy()
    return sky, np.where(rng.uniform(size=len(sky)) < size, north, rng.uniform(size=len(sky)) < share).astype(int)


def _split(rng: np.random.Generator, sky: pd.DataFrame, how: str) -> np.ndarray:
    """70/10/20 by sky cell of the position or of the brick's centre, by brick, or by galaxy."""
    if how == "galaxy":
        side = rng.uniform(size=len(sky))
    else:
        ra, dec = sky["ra"].to_numpy(), sky["dec"].to_numpy()
        if how != "cell":
            ra, dec = brick_centres(ra, dec)
        code = lonlat_to_healpix(ra * units.deg, dec * units.deg, 64, order="nested")
        if how == "brick":
            code = pd.factorize(sky["brickname"])[0]
        side = uniform(int(rng.integers(1 << 30)), "side", np.asarray(code, dtype=np.int64))
    return np.where(side < 0.7, "train", np.where(side < 0.8, "val", "test"))


def _lenses(rng: np.random.Generator, table: pd.DataFrame) -> pd.DataFrame:
    """A list that knows a third of the positives, and others of the same sky that are no row of the table."""
    positives = table[table["label"] == 1]
    known = positives.sample(frac=1 / 3, random_state=int(rng.integers(1 << 30)))[["ra", "dec"]]
    others = pd.DataFrame({"ra": rng.uniform(0, 360, 500), "dec": np.degrees(np.arcsin(rng.uniform(-0.3, 0.7, 500)))})
    lenses = pd.concat([known, others], ignore_index=True)
    controls = table[table["label"] == 0]
    points, of_controls = (unit_vectors(each["ra"].to_numpy(), each["dec"].to_numpy()) for each in (lenses, controls))
    return lenses[~np.isfinite(nearest_arcsec(points, of_controls, 6.0)[0])].reset_index(drop=True)


def _offset(rng: np.random.Generator, rows: pd.DataFrame, low: float, high: float) -> pd.DataFrame:
    """The same rows, between `low` and `high` arcsec away."""
    angle, reach = rng.uniform(0, 2 * np.pi, len(rows)), rng.uniform(low, high, len(rows)) / 3600.0
    east = reach * np.cos(angle) / np.cos(np.radians(rows["dec"]))
    return rows.assign(ra=rows["ra"] + east, dec=rows["dec"] + reach * np.sin(angle))


def _other_split(split: pd.Series) -> np.ndarray:
    return np.where(split == "train", "test", "train")


def _with(table: Table, more: pd.DataFrame) -> Table:
    """With more rows, under names of their own."""
    more = more.assign(id=np.arange(len(more)) + 10_000_000)
    return replace(table, rows=pd.concat([table.rows, more], ignore_index=True), size=float(len(more)))


def _two_surveys(rng: np.random.Generator, table: Table) -> Table:
    """Some galaxies once more, as the other survey saw them, in another split."""
    rows = table.rows.sample(int(rng.integers(1, 31)), random_state=int(rng.integers(1 << 30)))
    seen = _offset(rng, rows, 0.02, 0.3).assign(
        footprint=np.where(rows["footprint"] == "north", "south", "north"), split=_other_split(rows["split"])
    )
    return _with(table, seen)


def _known_lens(rng: np.random.Generator, table: Table) -> Table:
    """Some controls are on the list, by a position that is off by up to 4 arcsec."""
    controls = table.rows[table.rows["label"] == 0].sample(int(rng.integers(1, 11)), random_state=int(rng.integers(1 << 30)))
    listed = _offset(rng, controls, 0.0, 4.0)[["ra", "dec"]]
    return replace(table, lenses=pd.concat([table.lenses, listed], ignore_index=True), size=float(len(listed)))


def _brick_in_two(rng: np.random.Generator, table: Table) -> Table:
    """Half of the rows of some bricks are in another split."""
    names, counts = np.unique(table.rows["brickname"], return_counts=True)
    chosen = rng.choice(names[counts > 1], int(rng.integers(1, 6)), replace=False)
    moved = table.rows["brickname"].isin(chosen) & (table.rows.groupby("brickname").cumcount() % 2 == 0)
    split = table.rows["split"].where(~moved, _other_split(table.rows["split"]))
    return replace(table, rows=table.rows.assign(split=split), size=float(len(chosen)))


def _near_duplicates(rng: np.random.Generator, table: Table) -> Table:
    """A share of the rows once more as a piece of the same galaxy, up to 5 arcsec away and in another split."""
    share = float(rng.uniform(0.002, 0.02))
    rows = table.rows.sample(frac=share, random_state=int(rng.integers(1 << 30)))
    return _with(table, _offset(rng, rows, 1.2, 5.0).assign(split=_other_split(rows["split"])))


def _both_labels(rng: np.random.Generator, table: Table) -> Table:
    """Some positives once more as controls of the same split, with the position of another catalogue."""
    rows = table.rows[table.rows["label"] == 1].sample(int(rng.integers(1, 21)), random_state=int(rng.integers(1 << 30)))
    return _with(table, _offset(rng, rows, 0.0, 0.6).assign(label=0))


_MAKERS = {
    "two_surveys": _two_surveys,
    "known_lens": _known_lens,
    "brick_in_two": _brick_in_two,
    "near_duplicates": _near_duplicates,
    "both_labels": _both_labels,
}
