"""What a network was trained on must not be in the sets that it is scored on, by whatever it can be recognised."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.dataset.reader import Dataset, open_dataset
from arcgate.dataset.references import references_of
from arcgate.dataset.source import DatasetSource
from arcgate.ground.errors import ArcgateError
from arcgate.ground.sphere import nearest_arcsec, unit_vectors
from arcgate.survey.splits import OVERLAP_ARCSEC

if TYPE_CHECKING:
    from arcgate.grounds import GroundName

_COLUMNS: Final = ("sample_id", "pair_id", "host_id", "ra", "dec")
_LEARNT: Final = ("train", "val")
_NEAR: Final = f"places on the sky, within {OVERLAP_ARCSEC:g} arcsec"
_PIXELS: Final = "stamps of the same pixels"


@dataclass(frozen=True)
class Overlap:
    """What a test set shares with the rows that a network learns from.

    Attributes
    ----------
    shared : dict of str to tuple of str
        By what it is (galaxies, places on the sky, stamps, PSFs, sources), the names of what both have, in order.
    pairs : frozenset of int
        pair_id of the test set's pairs of which a row shares something: a positive and its control leave together.
    n_pairs : int
        Pairs of the test set.
    """

    shared: dict[str, tuple[str, ...]]
    pairs: frozenset[int]
    n_pairs: int

    @property
    def in_words(self) -> str:
        """What is shared, each with its number and an example."""
        return ", ".join(f"{what} ({len(names)}, such as {names[0]})" for what, names in self.shared.items())


def require_apart(own: Dataset, ground: Dataset, name: GroundName, *, force: bool = False) -> Overlap:
    """Find what rows that a network learns from share with a test set, and refuse it.

    Galaxies count by name, by place on the sky where both sets lie on one, and by the pixels of any row; PSFs by the model that
    they come from, since at two places of one CCD it is nearly the same; sources by the galaxy that they show. Kernels and images
    count by their pixels, too.

    Parameters
    ----------
    own : Dataset
        Of which the splits train and val are looked at.
    ground : Dataset
    name : {'common', 'realistic'}
        Of the test set.
    force : bool
        Whether it is let through all the same.

    Returns
    -------
    Overlap
        Empty, or what `force` let through.

    Raises
    ------
    ArcgateError
        Naming what both have.
    """
    found = overlap(own, ground)
    if found.shared and not force:
        raise ArcgateError(
            f"the training set and the {name} test set share {found.in_words}",
            where=f"{own.path} and {ground.path}",
            todo=f"keep evaluation.{name}.only_split=test, or take other files for it; evaluation.force=true scores it with and "
            f"without the {len(found.pairs)} of {found.n_pairs} pairs in question",
        )
    return found


def overlap(own: Dataset, ground: Dataset) -> Overlap:
    """What a test set shares with the splits train and val of a data set (see `require_apart`)."""
    learnt, scored = _table(own, _LEARNT), _table(ground, (None,))
    theirs, marked, shared = _named(learnt, own), np.zeros(len(scored), dtype=bool), {}
    for what, names in _named(scored, ground).items():
        if what not in theirs:
            continue
        both = names.isin(set(theirs[what].melt()["value"].dropna()))
        if both.to_numpy().any():
            shared[what] = tuple(sorted(set(names.where(both).melt()["value"].dropna())))
            marked |= both.any(axis=1).to_numpy()
    if _on_the_sky(own) and _on_the_sky(ground) and (near := _near(learnt, scored)).any():
        hosts = scored.loc[near].drop_duplicates("host_id").sort_values("host_id")
        shared[_NEAR] = tuple(f"{host} at {ra:.5f} {dec:+.5f}" for host, ra, dec in _places(hosts))
        marked |= near
    return Overlap(shared, frozenset(scored.loc[marked, "pair_id"].astype(int)), scored["pair_id"].nunique())


def _places(hosts: pd.DataFrame) -> list[tuple[str, float, float]]:
    return list(zip(hosts["host_id"], hosts["ra"].astype(float), hosts["dec"].astype(float), strict=True))


def _table(dataset: Dataset, splits: tuple[str | None, ...]) -> pd.DataFrame:
    """Names, places and pixels of the rows of some splits; None stands for all."""
    parts = [dataset.table([*_COLUMNS, *dataset.referring], split=split) for split in splits]
    pixels = pd.concat([_pixels(dataset.path, dataset.data_digest, split) for split in splits])
    table = pd.concat(parts, ignore_index=True)
    return table.assign(pixels=pixels.loc[table["sample_id"]].to_numpy())


@lru_cache(maxsize=16)
def _pixels(path: Path, data_digest: str, split: str | None) -> pd.Series:
    """SHA-256 of the pixels of each row, by sample_id; once in a process, whoever asks."""
    found: dict[int, str] = {}
    for batch in open_dataset(path).batches(["sample_id"], split=split, arcs=False):
        digests = [hashlib.sha256(np.ascontiguousarray(image, dtype="<f4").tobytes()).hexdigest() for image in batch.image]
        found |= dict(zip(batch.table["sample_id"].astype(int), digests, strict=True))
    return pd.Series(found, dtype=object)


def _named(table: pd.DataFrame, dataset: Dataset) -> dict[str, pd.DataFrame]:
    """By what it is, the names that rows have for it, missing where they have none."""
    kernels, images = table.filter(like="kernel_"), table[["source_image"]]
    named = {"galaxies": table[["host_id"]], _PIXELS: table[["pixels"]], "PSF kernels": kernels, "source images": images}
    for what, origin_of in references_of(dataset.path).origins().items():
        referring = pd.concat([kernels, images], axis=1)
        named[what] = referring.apply(lambda column, of=origin_of: column.map(of))
    return {what: names.astype(object) for what, names in named.items()}


def _on_the_sky(dataset: Dataset) -> bool:
    return DatasetSource(dataset).facts.on_the_sky


def _near(learnt: pd.DataFrame, scored: pd.DataFrame) -> NDArray[np.bool_]:
    """Which rows lie so close to one that is learnt from that their stamps show the same sky."""
    known, others = (_vectors(table) for table in (scored, learnt))
    near = np.zeros(len(scored), dtype=bool)
    distance, _ = nearest_arcsec(known[1], others[1], OVERLAP_ARCSEC)
    near[known[0]] = np.isfinite(distance)
    return near


def _vectors(table: pd.DataFrame) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Rows that have a place on the sky, and it."""
    ra, dec = (table[name].to_numpy(np.float64, na_value=np.nan) for name in ("ra", "dec"))
    rows = np.flatnonzero(np.isfinite(ra) & np.isfinite(dec))
    return rows, unit_vectors(ra[rows], dec[rows])
