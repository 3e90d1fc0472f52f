"""Shards without a survey: smooth galaxies in white noise, with a leak wherever a test wants one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from arcgate.dataset.shard_reading import StampBatch
from arcgate.dataset.source import Facts
from arcgate.gates.core import comparisons
from arcgate.gates.core.comparisons import Compared, Comparison
from arcgate.gates.core.context import Context
from arcgate.gates.core.shard import Shard
from arcgate.gates.core.stamps import Stamps
from arcgate.imaging import DECALS, Imaging
from arcgate.variant import Gates, View
from arcgate.views.arrays import ArrayViewer

SKY = np.array([0.0026, 0.0037, 0.0116])
VIEW = View(("stamp",), "annulus_robust", 0.625, "none", {"g": 1.0, "r": 1.0, "z": 1.0})
PAIRED = Facts("arrays", True, True, True, True, frozenset(), imaging=DECALS)


def made_stamps(n: int, seed: int, names: list[str] | None = None, imaging: Imaging = DECALS) -> Stamps:
    """`n` galaxies of random brightness, width and axis ratio."""
    rng = np.random.default_rng(seed)
    sky = SKY if imaging.bands == DECALS.bands else np.full(len(imaging.bands), SKY[1])
    x, y = rng.normal(imaging.middle_pix, 0.3, (2, n))
    pixel = np.arange(imaging.size_pix, dtype=float)
    dx, dy = (pixel - x[:, None])[:, None, :], (pixel - y[:, None])[:, :, None]
    width, q, flux = rng.uniform(2.0, 4.0, n), rng.uniform(0.5, 1.0, n), 10.0 ** rng.uniform(0.5, 2.0, (n, len(sky)))
    width *= DECALS.pixel_scale_arcsec / imaging.pixel_scale_arcsec
    shape = np.exp(-np.sqrt(dx**2 + (dy / q[:, None, None]) ** 2) / width[:, None, None])
    image = (flux[:, :, None, None] * shape[:, None] + rng.standard_normal((n, *imaging.shape))) * sky[:, None, None]
    table = pd.DataFrame(
        {
            "host_id": names or [f"galaxy {seed}-{i}" for i in range(n)],
            "pair_id": np.arange(n),
            "host_x_pix": x,
            "host_y_pix": y,
            "split": np.where(np.arange(n) % 5 == 0, "test", "train"),
            "ebv": rng.uniform(0.01, 0.1, n),
            f"psfsize_{imaging.reference_band}": rng.normal(1.3, 0.1, n),
            "theta_e_arcsec": np.arange(n, dtype=float),
        }
    )
    table[[f"sky_sigma_{band}" for band in imaging.bands]] = sky
    image = image.astype(np.float32)
    return Stamps(image, image, table, imaging)


def made_context(settings: Gates, stamps: Sequence[Stamps], view: View | None = None, facts: Facts = PAIRED) -> Context:
    """The context of some stamps, all of which are judged."""
    galaxy, pair = (np.concatenate([getattr(each, name) for each in stamps]) for name in ("galaxy", "pair"))
    names = np.concatenate([each.names for each in stamps])
    galaxies, first = np.unique(galaxy, return_index=True)
    first_pairs = np.array([pair[galaxy == each].min() for each in galaxies])
    ranks = np.argsort(np.argsort(names[first]))
    return Context(facts, ArrayViewer(view or VIEW, facts.imaging), settings, np.unique(pair), galaxies, first_pairs, ranks)


def made_shard(
    context: Context,
    control: Stamps,
    compared: dict[Comparison, Compared] | None = None,
    **others: Stamps | np.ndarray | tuple[Stamps, Stamps] | None,
) -> Shard:
    """A shard of given classes (positive, null, null_pair, counterpart, arc, predicted); else the controls stand for all.

    `compared` gives the stamps of comparisons by themselves.
    """
    same = {"positive": control, "null": control, "counterpart": control, "null_pair": (control, control), "arc": None}
    shard = Shard(context, StampBatch(control.table, control.image, None))
    shard.__dict__.update({"control": control, "judged": shard.stored, "predicted": None} | same | others)
    for comparison, stamps in (compared or {}).items():
        shard._known[comparisons._made, comparison.name, comparison.made] = stamps
    return shard


def against(subject: Stamps, reference: Stamps, null_pair: tuple[Stamps, Stamps] | None = None) -> Compared:
    """Two classes, with the reference against itself as their null pair."""
    return Compared(subject, reference, *(null_pair or (reference, reference)))


def changed(stamps: Stamps, image: np.ndarray) -> Stamps:
    """The same rows with other pixels."""
    image = image.astype(np.float32)
    return replace(stamps, image=image, seen=image)
