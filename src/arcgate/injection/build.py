"""From a specification to a finished data set on disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from arcgate.data_node import Data
from arcgate.dataset.cache import build_once, set_folder
from arcgate.dataset.card import write_card
from arcgate.dataset.shards import begun
from arcgate.ground.code_version import code_version
from arcgate.ground.hashing import as_plain
from arcgate.injection.choosing import chosen
from arcgate.injection.engines.choice import engine_of
from arcgate.injection.engines.run import run_tasks
from arcgate.injection.library import library_of
from arcgate.injection.shard import plan_shards
from arcgate.injection.spec_digest import PIXELS, spec_digest
from arcgate.survey.hosts import try_again
from arcgate.survey.parents import open_parents
from arcgate.survey.source_images import images_digest

if TYPE_CHECKING:
    from arcgate.variant import Runtime

# So many rows are made by this process before others would have started: two of them take 15 s to import what they need.
ROWS_ALONE: Final = 5000


@dataclass(frozen=True)
class Built:
    """A finished data set's folder, and whether it was made now or found."""

    folder: Path
    status: Literal["built", "reused"]


def build_dataset(data: Data, runtime: Runtime) -> Built:
    """Build a data set, or find it in the cache.

    Parameters
    ----------
    data : Data
        Specification.
    runtime : Runtime
        Folders and who does the work; no pixel depends on it.

    Returns
    -------
    Built

    Raises
    ------
    ArcgateError
        The hosts, the manifest or the cache cannot serve the specification.
    """
    digest = spec_digest(data)

    def build(folder: Path) -> None:
        parents = open_parents(data.hosts, data.imaging, data_dir=Path(runtime.data_dir), workers=runtime.workers)
        library = library_of(data, parents, Path(runtime.data_dir))
        with engine_of(runtime) as engine:
            # A data set that was interrupted goes on with the galaxies that its first shards have.
            if not begun(folder):
                try_again(parents, data_dir=Path(runtime.data_dir), engine=engine)
            manifest, hosts, selection = chosen(data, parents, Path(runtime.data_dir), engine, library)
            library.write(manifest, data.imaging.bands, folder)
            tasks = plan_shards(manifest, hosts, folder, runtime.rows_per_shard, runtime.batch_rows)
            receipts = run_tasks(tasks, engine if len(manifest) > ROWS_ALONE else engine.for_little())
        write_card(
            folder,
            data=as_plain(data),
            imaging=data.imaging.in_nanomaggies,
            hosts="; ".join([parents.describe(), *hosts.told(), *hosts.noise()]),
            parents_digest=parents.digest,
            images_digest=images_digest(data.source),
            hosts_digest=hosts.digest(manifest["catalogue_row"].to_numpy(np.int64)),
            spec_digest=digest,
            code_version=code_version(PIXELS),
            receipts=receipts,
            selection=selection,
        )

    folder = set_folder(Path(runtime.data_dir), digest)
    return Built(folder, build_once(folder, build))
