"""Controls whose cores are as bright as those of their positives with the arc, as measured on the pixels of both.

A core is the light in the reference band within `Imaging.core_pix` (1.31 arcsec, 5 pixels of the Legacy Surveys) of the galaxy's
measured centre. What it costs: the pixels of several candidates a pair, and each arc is rendered once more. What it buys: the
sum over the core no longer tells the classes apart. What it does not: hosts and controls are then other galaxies, by magnitude,
colour and profile, and gates that look at stamps without their arcs find that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from arcgate.ground.engine import Engine
from arcgate.ground.errors import ArcgateError
from arcgate.ground.progress import step
from arcgate.injection.candidates import Candidates
from arcgate.injection.core_mask import radius_from
from arcgate.injection.entry import ADMITTED, Admission
from arcgate.injection.matching import Pool, Space
from arcgate.injection.pairs import Pairs, PairsMade, check_splits, first_positives, spare_numbers, too_few
from arcgate.injection.rows import arcs_of, positives_of
from arcgate.injection.selection import Asked
from arcgate.survey.hosts import Hosts, cut_out
from arcgate.survey.places import Parents

Rows = NDArray[np.int64]
Array = NDArray[np.float64]

_BATCH: Final = 200
# Spares that are cut out and lit together, at least.
_SPARES: Final = 64
# In the distance between galaxies the core counts for nothing beside what else is matched; its caliper is what holds it.
_WEIGHT: Final = 1e-6


@dataclass
class CoreLight:
    """Light of cores, nanomaggies; galaxies are cut out when they are asked for."""

    candidates: Candidates
    parents: Parents
    data_dir: Path
    engine: Engine
    asked: Asked = field(default_factory=Asked)
    rendered: int = 0

    def cut_out(self, rows: Rows) -> Hosts:
        """Galaxies by catalogue row."""
        return cut_out(self.parents, rows, data_dir=self.data_dir, engine=self.engine)

    def bare(self, rows: Rows) -> Array:
        """Of galaxies as controls, by catalogue row; NaN for one that cannot be used; shape (n,)."""
        self.asked.add(np.array([], dtype=np.int64), rows)
        return self._measured(rows, None)

    def with_arcs(self, pair_ids: Rows, rows: Rows) -> Array:
        """Of positives as they will be stored, arc, mask and photon noise included; else as `bare`."""
        self.asked.add(rows, np.array([], dtype=np.int64))
        return self._measured(rows, pair_ids)

    def cost(self, pairs: Pairs) -> dict[str, Any]:
        """For the card: what was matched, and what it took."""
        data, core = self.candidates.data, self.candidates.data.controls.core
        assert core is not None  # only such data sets measure cores
        return {
            "core": f"{data.imaging.reference_band} within {data.imaging.core_pix:.3g} px of the galaxy's centre",
            "caliper": core.caliper,
            "cut out for a pair": len(self.asked.rows) / len(pairs.pair_id),
            "arcs rendered beforehand": self.rendered,
        }

    def _measured(self, rows: Rows, pair_ids: Rows | None) -> Array:
        hosts, light = self.cut_out(rows), np.full(len(rows), np.nan)
        usable = np.flatnonzero(~np.isin(rows, hosts.unusable))
        with step(f"measuring {len(usable):,} cores", len(usable)) as advance, threadpool_limits(1):
            for begin in range(0, len(usable), _BATCH):
                part = usable[begin : begin + _BATCH]
                measured, images = hosts.of(rows[part]).read()
                if pair_ids is not None:
                    images = self._lit(rows[part], pair_ids[part], measured, images)
                light[part] = self._cores(measured, images)
                advance(len(part))
        return light

    def _lit(self, rows: Rows, pair_ids: Rows, measured: pd.DataFrame, images: NDArray[np.float32]) -> NDArray[np.float32]:
        # torch takes seconds to import, which data sets that measure no cores are spared.
        from arcgate.injection.inject import inject

        ours = self.candidates
        data, self.rendered = ours.data, self.rendered + len(rows)
        arcs = arcs_of(data, ours.catalogue, ours.split, rows, pair_ids, ours.library)
        table = positives_of(data, ours.catalogue, ours.split, rows, pair_ids, ours.library, arcs)
        together = pd.concat([table, measured.reset_index(drop=True)], axis=1)
        return inject(together, images, data.imaging, ours.references).image

    def _cores(self, measured: pd.DataFrame, images: NDArray[np.float32]) -> Array:
        imaging = self.candidates.data.imaging
        x, y = (measured[name].to_numpy(np.float64) for name in ("host_x_pix", "host_y_pix"))
        inside = radius_from(x, y, imaging.size_pix) < imaging.core_pix
        light: Array = (images[:, imaging.bands.index(imaging.reference_band)] * inside).sum(axis=(1, 2), dtype=np.float64)
        return light


def core_matched_pairs(candidates: Candidates, admission: Admission, light: CoreLight) -> Pairs:
    """Pairs whose cores are alike: hosts in hash order, and for each of those within the caliper the nearest that is left.

    Candidates are the next galaxies of each split in that order. A positive that finds none leaves, and a spare takes its place.

    Raises
    ------
    ArcgateError
        Too few galaxies for the pairs.
    """
    data, first = candidates.data, first_positives(candidates)
    none = first.take(np.zeros(len(first.pair_id), dtype=bool))
    made = PairsMade(candidates, none, _pools(candidates, light, first.host))
    unmatched, refused = 0, Counter[int]()
    for pair_ids, hosts in _positives(candidates, first, lambda: data.n_pairs - len(made)):
        broken = admission.broken(pair_ids, hosts)
        refused.update(broken[broken != ADMITTED].tolist())
        free = (broken == ADMITTED) & ~made.is_control[hosts]
        pair_ids, hosts = pair_ids[free], hosts[free]
        cores = light.with_arcs(pair_ids, hosts)
        for pair_id, host, core in zip(pair_ids.tolist(), hosts.tolist(), cores.tolist(), strict=True):
            if len(made) == data.n_pairs or made.is_control[host] or np.isnan(core):
                continue
            point = np.r_[candidates.space.points[host], _WEIGHT * np.log(core)] if core > 0 else None
            control = None if point is None else made.control_of(host, point)
            if control is None:
                unmatched += 1
            else:
                made.add(pair_id, host, control)
    if len(made) < data.n_pairs:
        raise _too_few_cores(candidates, light, len(made), unmatched, refused.total())
    pairs = made.joined(unmatched, refused)
    check_splits(candidates, pairs, light.parents.left_out)
    return pairs


def _too_few_cores(candidates: Candidates, light: CoreLight, made: int, unmatched: int, refused: int) -> ArcgateError:
    """What keeps pairs from being made, in the words of what keeps most."""
    found = f"{made} positives find a galaxy whose core is as bright as theirs ({unmatched} do not)"
    if refused:
        found += f", and {refused} do not meet the rules for what enters"
    error = too_few(candidates.data, found, light.parents.left_out)
    if not unmatched:
        return error
    return ArcgateError(error.what, where="data.controls.core", todo=f"widen the caliper, raise candidates, or {error.todo}")


def _pools(candidates: Candidates, light: CoreLight, first: Rows) -> dict[str, Pool]:
    """Galaxies of each split whose cores are measured, besides the first pairs' hosts."""
    core, per_host = candidates.data.controls.core, candidates.data.injections_per_host
    assert core is not None  # only such data sets measure cores
    split, others = candidates.split, candidates.order[~np.isin(candidates.order, first)]
    wanted = {str(name): core.candidates * int((split[first] == name).sum()) for name in np.unique(split[candidates.order])}
    members = {name: np.sort(others[split[others] == name][:count]) for name, count in wanted.items()}
    rows = np.concatenate(list(members.values()))
    cores = np.full(len(split), np.nan)
    cores[rows] = light.bare(rows)
    # A core without light is as bright as none.
    with np.errstate(invalid="ignore", divide="ignore"):
        points = np.c_[candidates.space.points, _WEIGHT * np.log(np.where(cores > 0, cores, np.nan))]
    space = Space(points, np.r_[candidates.space.within, _WEIGHT * np.log1p(core.caliper)])
    usable = {name: some[np.isfinite(points[some, -1])] for name, some in members.items()}
    return {name: Pool(space, some, np.full(len(some), per_host)) for name, some in usable.items()}


def _positives(candidates: Candidates, first: Pairs, missing: Callable[[], int]) -> Iterator[tuple[Rows, Rows]]:
    """Numbers and hosts of positives: the first ones, then spares, some at a time, while any are missing."""
    data = candidates.data
    yield first.pair_id, first.host
    spares, begin = candidates.hosts[-(-data.n_pairs // data.injections_per_host) :], 0
    while missing() and begin < len(spares):
        slots = np.arange(begin, min(begin + max(_SPARES, 2 * missing()), len(spares)))
        begin += len(slots)
        yield spare_numbers(data, len(spares), slots).ravel(), np.repeat(spares[slots], data.injections_per_host)
