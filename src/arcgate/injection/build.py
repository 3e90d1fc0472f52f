"""From a specification to a finished data set on disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from arcgate.data_node import Data
from arcgate.dataset.cache import build_once, set_folder
from arcgate.dataset.card import write_card
from arcgate.ground.code_version import code_version
from arcgate.ground.hashing import as_plain
from arcgate.injection.engines.local import run_tasks
from arcgate.injection.manifest import build_manifest
from arcgate.injection.shard import plan_shards
from arcgate.injection.spec_digest import PIXELS, spec_digest
from arcgate.survey.hosts import Survey, open_survey

if TYPE_CHECKING:
    from arcgate.variant import Runtime

# So many rows are made by this process before others would have started: two of them take 15 s to import what they need.
ROWS_ALONE: Final = 5000


@dataclass(frozen=True)
class Built:
    """A finished data set's folder, and whether it was made now or found."""

    folder: Path
    status: Literal["built", "reused"]


def survey_of(data: Data, runtime: Runtime) -> Survey:
    """The host survey that a specification names; a mock survey is built if it is not there yet."""
    return open_survey(data.hosts, data.imaging, data_dir=Path(runtime.data_dir), workers=runtime.workers, progress=True)


def build_dataset(data: Data, runtime: Runtime) -> Built:
    """Build a data set, or find it in the cache.

    Parameters
    ----------
    data : Data
        Specification.
    runtime : Runtime
        Folders and processes; no pixel depends on it.

    Returns
    -------
    Built

    Raises
    ------
    ArcgateError
        The hosts, the manifest or the cache cannot serve the specification.
    """
    survey = survey_of(data, runtime)
    digest = spec_digest(data, survey.digest)

    def build(folder: Path) -> None:
        manifest = build_manifest(data, survey.catalogue, survey.left_out)
        tasks = plan_shards(manifest, survey, folder, runtime.rows_per_shard, runtime.batch_rows)
        receipts = run_tasks(tasks, runtime.workers if len(manifest) > ROWS_ALONE else 1)
        write_card(
            folder,
            data=as_plain(data),
            imaging=data.imaging,
            hosts=survey.describe(),
            spec_digest=digest,
            code_version=code_version(PIXELS),
            receipts=receipts,
        )

    folder = set_folder(Path(runtime.data_dir), digest)
    return Built(folder, build_once(folder, build))
