"""What the gates read: stamps of any layout behind one small interface."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import pandas as pd

from arcgate.dataset.card import selection_on
from arcgate.dataset.reader import Dataset
from arcgate.dataset.references import NONE, References, references_of
from arcgate.dataset.schema import JUDGED_ROLES
from arcgate.dataset.shard_reading import StampBatch, read_shard
from arcgate.imaging import Imaging

# Name of the layout that arcgate itself writes.
OWN_LAYOUT = "arcgate"
MOCK = "mock"
"""Kind of hosts whose positions stand for conditions, not for pixels."""


def needed(imaging: Imaging) -> tuple[str, ...]:
    """Columns that every source has, whatever its layout."""
    return ("role", "host_id", "pair_id", "host_x_pix", "host_y_pix", *(f"sky_sigma_{band}" for band in imaging.bands))


@dataclass(frozen=True)
class Facts:
    """What a source holds, which decides what can be judged on it.

    Attributes
    ----------
    layout : str
        arcgate, stamp_npz or arrays.
    paired : bool
        Controls are the positives' own galaxies.
    has_arc : bool
        The light as added is stored.
    has_null : bool
        Null rows (the injection with flux 0) are stored.
    declared : bool
        Lens, source and PSF of each row are declared, so that its arc can be predicted.
    columns : frozenset of str
        Scalar columns, by the names of `arcgate.dataset.schema`.
    galaxies_named : bool
        Something recorded (an id, a position) tells which rows show the same galaxy. Where nothing does, every row is taken for a
        galaxy of its own, and whether a galaxy lies on two sides of a split cannot be judged.
    measured_on_arcs : frozenset of str
        Columns that were measured on pixels that may hold an arc, because the file does not record them: no metadata.
    precision : str
        Name of the floating-point type in which pixels were written: float16, float32 or float64.
    imaging : Imaging
        Of the stamps.
    references : References
        Kernels and images that rows name.
    left_out_p : float or None
        Probability that chance makes the two classes differ as much or more in the share of rows that were left out for want of a
        stamp, two-sided and exact. Below `left_out.CHANCE` what decides whether a stamp is there tells the classes apart. None
        where nothing was left out.
    nanomaggies_per_count : float
        Of the pixels as they are stored: 1, or what they were multiplied by when they were read.
    several_splits : bool
        More than one split is recorded.
    positions : bool
        Where on the sky the galaxies lie is recorded, of some rows at least.
    hosts : str
        Kind of the galaxies' survey as arcgate calls it (mock, pack, legacy); empty where another maker chose them.
    pixels : bool
        Stamps are there; else nothing but columns.
    """

    layout: str
    paired: bool
    has_arc: bool
    has_null: bool
    declared: bool
    columns: frozenset[str]
    galaxies_named: bool = True
    measured_on_arcs: frozenset[str] = frozenset()
    precision: str = "float32"
    imaging: Imaging = field(kw_only=True)
    references: References = NONE
    left_out_p: float | None = None
    nanomaggies_per_count: float = 1.0
    several_splits: bool = False
    positions: bool = False
    hosts: str = ""
    pixels: bool = True

    @property
    def on_the_sky(self) -> bool:
        """Whether positions say which pixels of the sky rows share: those of a mock catalogue are drawn, its pixels too."""
        return self.positions and self.hosts != MOCK


class StampPart(Protocol):
    """A shard or slice; small to pickle, read where it is worked on."""

    def read(self) -> StampBatch:
        """Its rows with stamps, and arcs where they are stored."""
        ...


class Source(Protocol):
    """A data set to be judged. Instances are small to pickle."""

    @property
    def path(self) -> Path:
        """Where it lies, for messages."""
        ...

    @property
    def digest(self) -> str:
        """SHA-256 of its content."""
        ...

    @property
    def facts(self) -> Facts:
        """What it holds."""
        ...

    def table(self, columns: Sequence[str]) -> pd.DataFrame:
        """Scalar columns of all rows, by the names of the schema."""
        ...

    def parts(self) -> Sequence[StampPart]:
        """Its pieces; members of a pair are never apart."""
        ...


@dataclass(frozen=True)
class ShardPart:
    """One shard of an arcgate data set."""

    path: Path

    def read(self) -> StampBatch:
        """Its rows, with arcs; those of certifying roles are no part of what is judged."""
        return read_shard(self.path, roles=JUDGED_ROLES)


@dataclass(frozen=True)
class DatasetSource:
    """A finished arcgate data set as a source."""

    dataset: Dataset

    @property
    def path(self) -> Path:
        """Folder of the data set."""
        return self.dataset.path

    @property
    def digest(self) -> str:
        """The data digest of its card."""
        return self.dataset.data_digest

    @property
    def facts(self) -> Facts:
        """Everything is stored and declared; whether it is paired follows from its controls."""
        table = self.dataset.table(["role", "control_kind", "split", "ra"])
        controls = table.loc[table["role"] == "control", "control_kind"]
        return Facts(
            layout=OWN_LAYOUT,
            paired=bool((controls == "paired").all()),
            has_arc=True,
            has_null=bool((table["role"] == "null").any()),
            declared=True,
            columns=frozenset(self.dataset.schema.names),
            imaging=self.dataset.imaging,
            references=references_of(self.dataset.path),
            left_out_p=(selection_on(self.dataset.card) or {}).get("left_out_p"),
            several_splits=table["split"].nunique() > 1,
            positions=bool(table["ra"].notna().any()),
            hosts=str(self.dataset.card["data"].get("hosts", {}).get("kind", "")),
        )

    def table(self, columns: Sequence[str]) -> pd.DataFrame:
        """Scalar columns of all rows but the certifying ones."""
        return self.dataset.table(columns, roles=JUDGED_ROLES)

    def parts(self) -> list[ShardPart]:
        """One a shard."""
        return [ShardPart(path) for path in self.dataset.shards(roles=JUDGED_ROLES)]
