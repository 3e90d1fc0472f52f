"""A study on disk: for each variant its data set, and what the gates said of it."""

from __future__ import annotations

import difflib
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import pandas as pd

from arcgate.dataset.card import CARD, read_card
from arcgate.dataset.reader import Dataset, open_dataset
from arcgate.gate_report import EVIDENCE
from arcgate.gates.core.result import Evidence, read_evidence
from arcgate.ground.errors import ArcgateError
from arcgate.tracking.results import known_experiment, study_table
from arcgate.tracking.runs import artifacts_folder
from arcgate.tracking.store import DATABASE, Store, open_store

MLRUNS: Final = "mlruns"
DATA: Final = "data"


@dataclass(frozen=True)
class Study:
    """A study and where it lies (see `open_study`).

    Attributes
    ----------
    name : str
        Of the study.
    mlruns_dir, data_dir : Path
        Folder of the tracking database, and of data sets and runs.
    """

    name: str
    mlruns_dir: Path
    data_dir: Path

    @cached_property
    def _store(self) -> Store:
        return open_store(self.mlruns_dir)

    @cached_property
    def _variants(self) -> pd.DataFrame:
        return study_table(self._store, self.name, full=False).set_index("variant")

    def dataset(self, variant: str) -> Dataset:
        """The data set that a variant was trained on.

        Raises
        ------
        ArcgateError
            For an unknown variant, one without a data set yet, or a data set that is no longer in `data_dir`.
        """
        digest = self._row(variant)["data_digest"]
        if not isinstance(digest, str):
            raise ArcgateError(f"variant {variant!r} has no data set yet", where=f"study {self.name}", todo="run it to its end")
        for card in sorted((self.data_dir / "sets").glob(f"*/{CARD}")):
            if read_card(card.parent)["data_digest"] == digest:
                return open_dataset(card.parent)
        raise ArcgateError(
            f"the data set of variant {variant!r} is not there: none has the data digest {digest[:12]}",
            where=self.data_dir / "sets",
            todo="run the variant again, which builds it, or name the right folder",
        )

    def evidence(self, variant: str) -> Evidence:
        """What the gates said of a variant, with the curves and tables of its report.

        Raises
        ------
        ArcgateError
            For an unknown variant, or one that was not judged yet.
        """
        path = artifacts_folder(self._store, self.name, str(self._row(variant)["run_id"])) / EVIDENCE
        if not path.is_file():
            raise ArcgateError(f"variant {variant!r} was not judged yet", where=path, todo="run it to its end")
        return read_evidence(path)

    def _row(self, variant: str) -> pd.Series:
        there = list(self._variants.index)
        if variant not in there:
            close = difflib.get_close_matches(variant, there, n=3) or there
            raise ArcgateError(
                f"no variant {variant!r}; there are: {', '.join(close)}", where=f"study {self.name}", todo="choose one of them"
            )
        return self._variants.loc[[variant]].iloc[0]


def open_study(name: str, folder: str | Path | None = None) -> Study:
    """Find a study where `arcgate run` has left it.

    Parameters
    ----------
    name : str
        Of the study.
    folder : str or Path, optional
        That holds `mlruns` and `data`; by default the working directory, or the nearest above it that holds a tracking database.

    Returns
    -------
    Study
        Its paths are relative where the folder was not given.

    Raises
    ------
    ArcgateError
        If there is no tracking database, or no such study in it (naming the closest).
    """
    root = _root() if folder is None else Path(folder)
    if not (root / MLRUNS / DATABASE).is_file():
        raise ArcgateError(
            f"no study {name!r}: there is no tracking database",
            where=(root / MLRUNS / DATABASE).absolute(),
            todo="run a study first (`make pilot`), or name the folder that holds mlruns and data",
        )
    known_experiment(open_store(root / MLRUNS), name)
    return Study(name, root / MLRUNS, root / DATA)


def _root() -> Path:
    here = Path.cwd()
    found = next((above for above in (here, *here.parents) if (above / MLRUNS / DATABASE).is_file()), here)
    return Path(os.path.relpath(found))
