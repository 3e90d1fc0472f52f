"""Is what a survey's files hold what ends up in stamps? A mock survey, written as files, read back: see README.md."""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from hydra import compose, initialize_config_module
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from arcgate.config import mock_from_config, parents_from_config
from arcgate.ground.engine import Local
from arcgate.ground.sphere import chord_of, unit_vectors
from arcgate.hosts_node import LegacyHosts
from arcgate.imaging import DECALS
from arcgate.survey.catalogue.making import make_parents
from arcgate.survey.hosts import Hosts, cut_out
from arcgate.survey.legacy.parents import LegacyFiles, LegacyParents
from arcgate.survey.measure import measure_centre, measure_sky
from arcgate.survey.mock.sky.settings import MockSky
from arcgate.survey.mock.sky.survey import write_survey

Array = NDArray[np.float64]

BAND = 1  # r
# Alone: nothing within 6 arcsec that is less than 6 mag fainter, nothing brighter within 12, so that the centroid is its own.
# Saturated stars reach further.
ALONE = {6.0: 6.0, 12.0: 0.0, 60.0: -6.0}
APERTURE_PIX = 10.0


def settings(n_bricks: int, parents_per_brick: int, rows_per_brick: int) -> MockSky:
    """Scattered bricks, for what a survey's files are asked here."""
    with initialize_config_module("arcgate.conf", version_base="1.3"):
        overrides = ["out=unused", f"n_bricks={n_bricks}", f"parents_per_brick={parents_per_brick}"]
        shipped = mock_from_config(compose("mock", overrides=[*overrides, f"rows_per_brick={rows_per_brick}"])).sky
    return replace(shipped, planes=("image", "invvar", "maskbits"), psf_beta_max=3.5)


def cut(survey: Path, parents: Path, data: Path) -> tuple[pd.DataFrame, Hosts]:
    """All parents of a survey, cut out, and their catalogue."""
    hosts = LegacyHosts(
        kind="legacy", parents=str(parents), survey=str(survey), n_hosts=None, plan="whole_bricks", seed=1,
        psf_beta=dict.fromkeys("grz", 3.0), gain=dict.fromkeys("grz", 7500.0), most_unmeasured=0.005, masks="maskbits",
        verify="none", missing_bricks="refuse", kernels=None,
    )  # fmt: skip
    files = LegacyFiles.open(hosts, DECALS)
    opened = LegacyParents.open(files, data)
    return opened.catalogue, cut_out(opened, np.arange(len(opened.catalogue)), data_dir=data, engine=Local(2))


def alone(truth: pd.DataFrame, names: pd.Series[str]) -> Array:
    """Galaxies by name that have no other object near."""
    lit = truth[np.isfinite(truth["mag_r"])].reset_index(drop=True)
    tree = cKDTree(unit_vectors(lit["ra"].to_numpy(), lit["dec"].to_numpy()))
    place = lit.reset_index().set_index("host_id")["index"]
    own, mag = place.loc[names].to_numpy(), lit["mag_r"].to_numpy()
    lone = np.ones(len(own), dtype=bool)
    for reach, fainter in ALONE.items():
        for number, found in enumerate(tree.query_ball_point(tree.data[own], chord_of(reach))):
            lone[number] &= all(mag[j] > mag[own[number]] + fainter for j in found if j != own[number])
    return lone


def centres(images: Array) -> Array:
    """Centroids in the reference band, (n, 2), x before y."""
    return np.array([measure_centre(image, measure_sky(image)) for image in images[:, BAND].astype(np.float64)])


def predicted(image: Array, at: tuple[float, float], sigma: float, lag1: float, gain: float) -> Array:
    """Standard deviation of the centroid on a noiseless image, x and y.

    The centroid c is where the sum of w (x - c) I is zero with the window w (a Gaussian of 2 px). Its derivative by a pixel is
    w (x - c) / (S0 - Sxx / 4 px^2), through which go the noise's covariance (a moving average of two pixels on each axis) and
    the photons'.
    """
    rows, columns = np.indices(image.shape, dtype=np.float64)
    t = 0.0 if lag1 == 0.0 else (1.0 - np.sqrt(1.0 - 4.0 * lag1**2)) / (2.0 * lag1)
    window = np.exp(-0.5 * ((columns - at[0]) ** 2 + (rows - at[1]) ** 2) / 4.0)
    out = []
    for offset in (columns - at[0], rows - at[1]):
        slope = (window * image).sum() - (window * offset**2 * image).sum() / 4.0
        weight = window * offset / slope
        padded = np.pad(weight, 1)
        lines = (padded[:-1] + t * padded[1:]) / np.sqrt(1.0 + t**2)
        both = (lines[:, :-1] + t * lines[:, 1:]) / np.sqrt(1.0 + t**2)
        out.append(np.sqrt(sigma**2 * (both**2).sum() + (weight**2 * np.maximum(image, 0.0)).sum() / gain))
    return np.array(out)


def apertures(images: Array, x: Array, y: Array) -> Array:
    """Light within `APERTURE_PIX` of each galaxy, (n, band)."""
    pixel = np.arange(images.shape[-1])
    inside = np.hypot(pixel[None, None, :] - x[:, None, None], pixel[None, :, None] - y[:, None, None]) < APERTURE_PIX
    return np.asarray((images * inside[:, None]).sum(axis=(2, 3), dtype=np.float64))


def turned(images: Array, at: Array) -> Array:
    """Position angles of second moments within 8 px, radians counter-clockwise from +x, (n,)."""
    rows, columns = np.indices(images.shape[2:], dtype=np.float64)
    angles = []
    for image, (x, y) in zip(images[:, BAND].astype(np.float64), at, strict=True):
        dx, dy = columns - x, rows - y
        light = np.where(np.hypot(dx, dy) < 8.0, image, 0.0)
        angles.append(0.5 * np.arctan2(2.0 * (light * dx * dy).sum(), (light * (dx**2 - dy**2)).sum()))
    return np.array(angles)


def spread(values: Array) -> float:
    """Standard deviation from the median absolute deviation."""
    return float(1.4826 * np.median(np.abs(values - np.median(values))))


def round_trip(n_bricks: int, parents_per_brick: int, rows_per_brick: int, folder: Path) -> dict[str, Any]:
    """Figures of one survey."""
    sky = settings(n_bricks, parents_per_brick, rows_per_brick)
    tables, cuts = [], []
    for name, noise in (("noisy", True), ("quiet", False)):
        write_survey(replace(sky, with_noise=noise), folder / name, workers=2)
        if noise:
            with initialize_config_module("arcgate.conf", version_base="1.3"):
                config = compose("parents", overrides=[f"root={folder / name}", f"runtime.data_dir={folder / 'data'}"])
            parents = make_parents(parents_from_config(config))
        table, hosts = cut(folder / name, parents, folder / f"data-{name}")
        tables.append(table)
        cuts.append(hosts)
    rows = np.flatnonzero(cuts[0].table["reason"].isna().to_numpy() & cuts[1].table["reason"].isna().to_numpy())
    names = tables[0]["host_id"].iloc[rows]
    truth = pd.read_parquet(folder / "noisy" / "truth" / "objects.parquet")
    (measured, noisy), (_, quiet) = (hosts.of(rows).read() for hosts in cuts)
    x, y = (measured[f"host_{axis}_pix"].to_numpy() for axis in "xy")
    stated = np.stack([x, y], axis=1)
    lone = alone(truth, names)
    own = truth.set_index("host_id").loc[names]
    without, with_noise = centres(quiet[lone]), centres(noisy[lone])
    sigma, gain = (own[name].to_numpy()[lone] for name in ("sky_sigma_r", "gain_r"))
    lit = zip(quiet[lone], without, sigma, gain, strict=True)
    expected = np.array([predicted(image[BAND].astype(np.float64), (x, y), s, sky.noise_lag1, g) for image, (x, y), s, g in lit])
    offset, seen, pulls = without - stated[lone], with_noise - stated[lone], (with_noise - without) / expected
    inside, painted = apertures(noisy, x, y), apertures(quiet, x, y)
    long = lone & (own["q"].to_numpy() < 0.8)
    angle = turned(quiet[long], stated[long]) - own["phi_rad"].to_numpy()[long]
    angle = np.degrees((angle + np.pi / 2) % np.pi - np.pi / 2)
    return {
        "bricks": n_bricks,
        "catalogue_rows": len(truth),
        "parents": len(tables[0]),
        "cut_out": len(rows),
        "left_out": cuts[0].left_out,
        "alone": int(lone.sum()),
        "centre_without_noise_px": {"median": np.median(offset, axis=0).tolist(), "largest": float(np.abs(offset).max())},
        "centre_with_noise_px": {"median": np.median(seen, axis=0).tolist(), "spread": spread(seen)},
        "centre_over_prediction": {"median": float(np.median(pulls)), "spread": spread(pulls)},
        "aperture_slopes_grz": ((inside * painted).sum(axis=0) / (painted**2).sum(axis=0)).tolist(),
        "position_angle_degrees": {"n": int(long.sum()), "median": float(np.median(angle)), "spread": spread(angle)},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bricks", type=int, default=20)
    parser.add_argument("--parents", type=int, default=60, help="a brick")
    parser.add_argument("--rows", type=int, default=1200, help="of the catalogue, a brick")
    parser.add_argument("--folder", type=Path, help="keep the surveys there")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        found = round_trip(arguments.bricks, arguments.parents, arguments.rows, arguments.folder or Path(temporary))
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
