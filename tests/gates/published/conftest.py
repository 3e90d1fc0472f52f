"""Arms made by hand, whose light is known in closed form, and arms of built data sets with parts of them left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from composing import composed
from threadpoolctl import threadpool_limits

from arcgate.dataset.source import DatasetSource, Facts, needed
from arcgate.gates.arms import Arms, Stamps, arms_of, chosen_pairs
from arcgate.gates.published import PublishedDiagnostics, published_diagnostics
from arcgate.imaging import DECALS
from arcgate.variant import Gates
from arcgate.views.view import Viewer

SPEC = composed()
FWHM_PIX, BETA = 5.0, 3.0
ALPHA_PIX = FWHM_PIX / (2 * np.sqrt(2 ** (1 / BETA) - 1))


def moffat(x_pix, y_pix, size_pix=64):
    """Light a pixel of a point source of flux 1 at (x, y), shape (n, y, x): the Moffat's closed form at pixel centres."""
    pixel = np.arange(float(size_pix))
    squared = (pixel[None, None, :] - x_pix[:, None, None]) ** 2 + (pixel[None, :, None] - y_pix[:, None, None]) ** 2
    return (BETA - 1) / (np.pi * ALPHA_PIX**2) * (1 + squared / ALPHA_PIX**2) ** -BETA


def fabricated(
    n=80, paired=True, light=None, pedestal=0.0, has_arc=False, seed=0, sky=0.004, imaging=DECALS
) -> tuple[Arms, Facts]:
    """Galaxies that are Moffats on noise, and arcs of light `light` (n, y, x) for flux 1 in each band, times known fluxes.

    By default an arc is a point at its galaxy's centre. Where it is not stored, arms hold stamp minus control on pairs.
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
    columns = {*needed(imaging), "theta_e_arcsec", *[f"arc_flux_{band}" for band in imaging.bands]}
    facts = Facts("arrays", paired, has_arc, False, False, frozenset(columns), imaging=imaging)
    stamp, bare = Stamps(own + added, own + added, stamps, imaging), Stamps(control, control, controls, imaging)
    found = added if has_arc else (stamp.image - bare.image if paired else None)
    return Arms(bare, bare, stamp, bare, bare, None, None, None, None, found, None, {}), facts


def judged(kind, arms: Arms, facts: Facts) -> dict[tuple[str, str], object]:
    """Results of one diagnostic over one shard, by name and stratum."""
    collector = kind(Viewer(SPEC.view, facts.imaging), settings_for([arms]), facts)
    collector.add(arms)
    return {(result.name, result.stratum): result for result in collector.judge()}


def settings_for(arms: list[Arms]) -> Gates:
    """Settings that know how many pairs there are, as the battery's do."""
    return replace(SPEC.gates, max_pairs=sum(len(each.stamp.table) for each in arms))


def with_columns(arms: Arms, columns) -> Arms:
    """The same stamps with fewer columns."""
    cut = {name: replace(stamps, table=stamps.table[[c for c in stamps.table if c in columns]]) for name, stamps in both(arms)}
    return replace(arms, **cut)


def both(arms: Arms):
    return (("stamp", arms.stamp), ("control", arms.control))


def arms_with(dataset, **known) -> tuple[list[Arms], Facts]:
    """Arms of a data set about which only `known` facts are known: arcs, declared columns and null rows can be left out."""
    source = DatasetSource(dataset)
    facts = replace(source.facts, **known)
    pairs = chosen_pairs(source, 10_000, 0)
    out = []
    for part in source.parts():
        batch = part.read()
        batch = replace(batch, arc=batch.arc if facts.has_arc else None)
        found = arms_of(batch, pairs, facts, 0)
        if found is not None:
            out.append(with_columns(found, {*facts.columns, *needed(DECALS), "split"}))
    return out, facts


def published(arms: list[Arms], facts: Facts) -> PublishedDiagnostics:
    """All diagnostics, a copy a shard, merged."""
    copies = []
    for each in arms:
        [collector] = published_diagnostics(Viewer(SPEC.view, facts.imaging), settings_for(arms), facts)
        collector.add(each)
        copies.append(collector)
    for other in copies[1:]:
        copies[0].merge(other)
    return copies[0]


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

    for function in (moffat, fabricated, judged, with_columns, arms_with, published):
        setattr(Helpers, function.__name__, staticmethod(function))
    return Helpers
