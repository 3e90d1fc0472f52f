"""Shards made by hand, whose light is known in closed form, and shards of built data sets with parts of them left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from composing import composed
from judging import Knowing, judgement
from made_shards import made_context, made_shard
from threadpoolctl import threadpool_limits

from arcgate.dataset.reader import Dataset
from arcgate.dataset.shard_reading import StampBatch
from arcgate.dataset.source import DatasetSource, Facts, needed
from arcgate.gates.core.battery import kept_by
from arcgate.gates.core.context import context_of
from arcgate.gates.core.gate import Judgement
from arcgate.gates.core.result import GateResult
from arcgate.gates.core.shard import Shard, shards_of
from arcgate.gates.core.stamps import Stamps
from arcgate.gates.published import GATE
from arcgate.gates.published.gathering import Diagnostic
from arcgate.imaging import DECALS

SPEC = composed("gates.max_pairs=10000")
FWHM_PIX, BETA = 5.0, 3.0
ALPHA_PIX = FWHM_PIX / (2 * np.sqrt(2 ** (1 / BETA) - 1))


def moffat(x_pix, y_pix, size_pix=64):
    """Light a pixel of a point source of flux 1 at (x, y), shape (n, y, x): the Moffat's closed form at pixel centres."""
    pixel = np.arange(float(size_pix))
    squared = (pixel[None, None, :] - x_pix[:, None, None]) ** 2 + (pixel[None, :, None] - y_pix[:, None, None]) ** 2
    return (BETA - 1) / (np.pi * ALPHA_PIX**2) * (1 + squared / ALPHA_PIX**2) ** -BETA


def fabricated(
    n=80, paired=True, light=None, pedestal=0.0, has_arc=False, flux_declared=True, seed=0, sky=0.004, imaging=DECALS
) -> Shard:
    """Galaxies that are Moffats on noise, and arcs of light `light` (n, y, x) for flux 1 in each band, times known fluxes.

    By default an arc is a point at its galaxy's centre. Where it is not stored, the shard holds stamp minus control on pairs.
    """
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(imaging.middle_pix - 1.0, imaging.middle_pix + 1.0, (2, n))
    point = moffat(x, y, imaging.size_pix)
    flux, theta_e = rng.uniform(1, 50, n), rng.choice([0.5, 0.75, 1.0, 1.5, 2.0, 2.5], n)
    arc = (point if light is None else light(x, y))[:, None] * flux[:, None, None, None] * np.ones((1, len(imaging.bands), 1, 1))
    hosts = [rng.normal(0, sky, (n, *imaging.shape)) + 20 * point[:, None] for _ in range(2)]
    own, other = (host.astype(np.float32) for host in hosts)
    common = {"host_x_pix": x, "host_y_pix": y, **{f"sky_sigma_{band}": sky for band in imaging.bands}, "split": "train"}
    names = np.array([f"a{i}" for i in range(n)])
    stamps = pd.DataFrame({"host_id": names, "pair_id": np.arange(n), "role": "positive", **common, "theta_e_arcsec": theta_e})
    controls = stamps.assign(role="control", theta_e_arcsec=np.nan)
    if not paired:
        controls["host_id"] = [f"b{i}" for i in range(n)]
    added = (arc + pedestal).astype(np.float32)
    control = own if paired else other
    for i, band in enumerate(imaging.bands):
        stamps[f"arc_flux_{band}"] = arc[:, i].sum(axis=(1, 2))
    columns = {*needed(imaging), "theta_e_arcsec", *[f"arc_flux_{band}" for band in imaging.bands if flux_declared]}
    facts = Facts("arrays", paired, has_arc, False, False, frozenset(columns), imaging=imaging)
    stamp, bare = Stamps(own + added, own + added, stamps, imaging), Stamps(control, control, controls, imaging)
    found = added if has_arc else (stamp.image - bare.image if paired else None)
    context = made_context(SPEC.gates, [stamp, bare], SPEC.view, facts)
    return made_shard(context, bare, positive=stamp, arc=found)


def with_positive(shard: Shard, positive: Stamps, control: Stamps | None = None) -> Shard:
    """The same shard with other positives, and other controls if they are given."""
    return made_shard(shard.context, control or shard.control, positive=positive, arc=shard.arc)


def gathered(kind: type[Diagnostic], *shards: Shard) -> Diagnostic:
    """One diagnostic with what it keeps of some shards."""
    context = shards[0].context
    return kind(context, kept_by([kind(context).extract(shard) for shard in shards]))


def judged(kind: type[Diagnostic], *shards: Shard) -> dict[tuple[str, str], GateResult]:
    """Results of one diagnostic over some shards, by name and stratum."""
    return {(result.name, result.stratum): result for result in gathered(kind, *shards).judge()}


def shards_with(dataset: Dataset, **known) -> list[Shard]:
    """Shards of a data set about which only `known` facts are known: arcs, declared columns and null rows can be left out."""
    source = Knowing(dataset, replace(DatasetSource(dataset).facts, **known))
    context = context_of(source, SPEC.view, SPEC.gates)
    return [shard for part in source.parts() for shard in shards_of(known_part(part.read(), source.facts), context)]


def known_part(batch: StampBatch, facts: Facts) -> StampBatch:
    """What of the rows is known."""
    columns = {*facts.columns, *needed(DECALS), "split"}
    table = batch.table[[name for name in batch.table if name in columns]]
    return replace(batch, table=table, arc=batch.arc if facts.has_arc else None)


def published(*shards: Shard) -> Judgement:
    """All diagnostics over some shards."""
    return judgement(GATE, shards)


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """As in the battery: on several threads the linear algebra of matrices this small is slower."""
    with threadpool_limits(1):
        yield


@pytest.fixture(scope="session")
def helpers() -> Callable[..., object]:
    """The functions above: tests of this folder have no package to import them from."""

    class Helpers:
        pass

    for function in (moffat, fabricated, with_positive, gathered, judged, shards_with, published):
        setattr(Helpers, function.__name__, staticmethod(function))
    return Helpers
