"""Arms without a survey: smooth galaxies in white noise, with a leak wherever a test wants one."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pandas as pd

from arcgate.dataset.source import Facts
from arcgate.gates.arms import Arms, Stamps
from arcgate.imaging import DECALS, Imaging

SKY = np.array([0.0026, 0.0037, 0.0116])
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


def made_arms(control: Stamps, **others: Stamps | np.ndarray | None) -> Arms:
    """Arms of paired rows; whatever is not given is the control."""
    same = dict.fromkeys(("stamp", "twin", "twin_control", "null", "residual", "unmasked", "masked"), control)
    return Arms(**({"control": control, "counterpart": control, "arc": None, "declared": None, "excess": {}} | same | others))


def changed(stamps: Stamps, image: np.ndarray) -> Stamps:
    """The same rows with other pixels."""
    image = image.astype(np.float32)
    return replace(stamps, image=image, seen=image)


def gathered(empty, parts: list[Arms]):
    """A collector after some shards, each gathered by a copy of its own and merged in order."""
    whole = None
    for arms in parts:
        one = copy.deepcopy(empty)
        one.add(arms)
        if whole is None:
            whole = one
        else:
            whole.merge(one)
    return whole
