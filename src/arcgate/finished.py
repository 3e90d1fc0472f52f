"""Variants that are finished: found by their keys and files, without the libraries that would make them.

A variant's record is written when everything about it is in place and on its MLflow run. It names the files that must still be
there. Opening the record takes no torch, no drawing library and one look into the tracking database.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from arcgate.dataset.cache import is_built, set_folder
from arcgate.dataset.card import read_card
from arcgate.gates.core.result import Safe
from arcgate.ground.atomic import write_json
from arcgate.ground.code_version import code_version
from arcgate.ground.errors import ArcgateError
from arcgate.ground.hashing import digest_of
from arcgate.grounds import TITLES, GroundName, grounds_of
from arcgate.injection.spec_digest import spec_digest
from arcgate.keys import FIGURES, evidence_key, scoring_key, training_key
from arcgate.variant import Variant

if TYPE_CHECKING:
    from collections.abc import Mapping

    from arcgate.data_node import Data
    from arcgate.tracking.store import Store

OWN: Final = "test/auroc"


@dataclass(frozen=True)
class Keys:
    """Under what a variant's artifacts are kept.

    Attributes
    ----------
    data : str
        Data digest of its data set.
    evidence, training, scoring : str
        Of the gates, the network, and its scores on all test sets.
    """

    data: str
    evidence: str
    training: str
    scoring: str

    @staticmethod
    def of(spec: Variant, data_digest: str, grounds: Mapping[GroundName, str], absent: Mapping[GroundName, str]) -> Keys:
        """Keys of a variant whose data set and shared test sets have these digests; others are not available, for reasons."""
        training = training_key(data_digest, spec)
        scoring = scoring_key(training, grounds, absent, spec)
        return Keys(data_digest, evidence_key(data_digest, spec), training, scoring)

    @property
    def run(self) -> str:
        """Identity of the variant's run in the tracking database."""
        return digest_of([self.evidence, self.scoring])

    @property
    def figures(self) -> str:
        """Key of its figures, and of the record: data, evidence, scores and the code that draws."""
        return digest_of([self.run, code_version(FIGURES)])


@dataclass(frozen=True)
class Record:
    """What a finished variant leaves.

    Attributes
    ----------
    run_id : str
        Its run in MLflow.
    safe : str
        The gates' answer.
    scores : dict of str to float
        On its own and on the shared test sets, as far as these are there and large enough for them.
    files : list of str
        What must be there for the variant to count as finished, relative to the folder of runs.
    """

    run_id: str
    safe: Safe
    scores: dict[str, float]
    files: list[str]

    @property
    def in_words(self) -> str:
        """The scores in a line; of a test set that shares something with the training set, with it and without it."""
        return ", ".join([f"test AUROC {self.scores[OWN]:.3f}", *filter(None, map(self._on, TITLES))])

    def _on(self, name: GroundName) -> str:
        """The score on a shared test set; nothing where the realistic one is not available."""
        score, leaked = self.scores.get(f"{name}/auroc"), self.scores.get(f"{name}_leaked/auroc")
        if score is None and leaked is None:
            return "common set not available" if name == "common" else ""
        text = f"{name} set " + ("not available" if score is None else f"{score:.3f}")
        return text if leaked is None else f"{text} (leaked: {leaked:.3f}, with what the network was trained on)"


def runs_folder(spec: Variant) -> Path:
    """Folder of the runs' artifacts."""
    return Path(spec.runtime.data_dir) / "runs"


def record_path(spec: Variant, keys: Keys) -> Path:
    """File of a variant's record: one for each study, name and tracking database."""
    place = digest_of([spec.study, spec.variant, str(Path(spec.runtime.mlruns_dir).resolve())])
    return runs_folder(spec) / keys.figures / f"finished-{place[:12]}.json"


def write_record(spec: Variant, keys: Keys, record: Record) -> None:
    """Write the record, last of all."""
    write_json(record_path(spec, keys), asdict(record))


def found(spec: Variant) -> Record | None:
    """Record of a finished variant, or None if anything about it is missing, changed, or not the last word in MLflow.

    Raises
    ------
    ArcgateError
        A damaged card or record.
    """
    keys = keys_of(spec)
    if keys is None or not (path := record_path(spec, keys)).is_file():
        return None
    record = _read(path)
    if not all((runs_folder(spec) / file).is_file() for file in record.files):
        return None
    from arcgate.tracking.runs import is_latest

    store = opened(spec.runtime.mlruns_dir)
    return record if is_latest(store, spec.study, spec.variant, record.run_id) else None


def keys_of(spec: Variant) -> Keys | None:
    """Keys of a variant whose data sets are built; None for others."""
    grounds = grounds_of(spec.evaluation, spec.view)
    own, shared = _built(spec, spec.data), {name: _built(spec, data) for name, data in grounds.sets.items()}
    digests = {name: digest for name, digest in shared.items() if digest is not None}
    return None if own is None or len(digests) < len(shared) else Keys.of(spec, own, digests, grounds.absent)


def _built(spec: Variant, data: Data) -> str | None:
    """Data digest of a data set; None of one that is not built."""
    folder = set_folder(Path(spec.runtime.data_dir), spec_digest(data))
    return str(read_card(folder)["data_digest"]) if is_built(folder) else None


@lru_cache
def _opened(folder: Path) -> Store:
    from arcgate.tracking.store import open_store

    return open_store(folder)


def opened(mlruns_dir: str) -> Store:
    """The tracking database, opened and checked once in a process."""
    return _opened(Path(mlruns_dir).expanduser().resolve())


def _read(path: Path) -> Record:
    try:
        return Record(**cast("dict[str, object]", json.loads(path.read_text(encoding="utf-8"))))  # type: ignore[arg-type]  # as written
    except (ValueError, TypeError) as error:
        raise ArcgateError(
            f"the record of a finished variant is damaged: {error}", where=path, todo="delete it and run again"
        ) from error
