"""The galaxies of a data set, chosen and cut out until all of them can be used, and how that went."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from arcgate.data_node import Data
from arcgate.ground.engine import Engine
from arcgate.ground.progress import say
from arcgate.injection.candidates import Candidates
from arcgate.injection.core_matching import CoreLight, core_matched_pairs
from arcgate.injection.entry import Admission
from arcgate.injection.library import EMPTY, Library
from arcgate.injection.manifest import manifest_of
from arcgate.injection.pairs import Pairs, choose_pairs
from arcgate.injection.selection import Asked, Selection, selection_of
from arcgate.survey.hosts import Hosts, cut_out
from arcgate.survey.places import Parents


class Chosen(NamedTuple):
    """The manifest of a data set, its galaxies, and how they were chosen."""

    manifest: pd.DataFrame
    hosts: Hosts
    selection: Selection


def chosen(data: Data, parents: Parents, data_dir: Path, engine: Engine, library: Library = EMPTY) -> Chosen:
    """The manifest of a data set and its galaxies, cut out; those that cannot be used are told, with their pairs replaced.

    Galaxies of spare pairs are cut out in turn, until all can be used. Those that were no use to another data set alone do not
    count: a data set does not depend on what was made before it.
    """
    candidates = Candidates(data, parents.catalogue, library)
    admission = Admission(candidates)
    if data.controls.core is None:
        pairs, hosts, asked = _until_usable(candidates, admission, parents, data_dir, engine)
        core = None
    else:
        light = CoreLight(candidates, parents, data_dir, engine)
        pairs, asked = core_matched_pairs(candidates, admission, light), light.asked
        hosts, core = light.cut_out(asked.rows), light.cost(pairs)
    for note in hosts.told():
        say(f"note: {note}")
    selection = selection_of(candidates, admission, pairs, parents.cut_flow, asked.left_out(hosts)) | {"core": core}
    return Chosen(manifest_of(candidates, pairs), hosts, selection)


def _until_usable(
    candidates: Candidates, admission: Admission, parents: Parents, data_dir: Path, engine: Engine
) -> tuple[Pairs, Hosts, Asked]:
    unusable = np.zeros(len(candidates.catalogue), dtype=bool)
    left_out, asked = parents.left_out, Asked()
    while True:
        pairs = choose_pairs(candidates, admission, unusable, left_out)
        asked.add(pairs.host, pairs.control)
        rows = np.union1d(np.r_[pairs.host, pairs.control], np.flatnonzero(unusable))
        hosts = cut_out(parents, rows, data_dir=data_dir, engine=engine)
        # Another process may have found some of them usable meanwhile: here they stay left out.
        if unusable[hosts.unusable].all():
            return pairs, hosts, asked
        unusable[hosts.unusable] = True
        left_out = dict(Counter(parents.left_out) + Counter(hosts.left_out))
