"""How fast data sets are made from a survey's bricks, stage by stage, against the least that has to be done.

Cutting: galaxies cut, measured and written to the hosts artifact, against astropy reading the same pixels from the same images in
the same process, in turn, by the cheaper of its two ways (a slice a galaxy, or whole images). Files are local and in memory's
cache: every round but the first finds them there. Medians of rounds.

Injecting: from the hosts artifact to finished Parquet, with a null row a pair (`injecting.py`).

    python benchmarks/simulate.py                                         # 9 and 300 hosts a brick
    python benchmarks/simulate.py --hosts-per-brick 9 --bricks 20 --rounds 5
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from injecting import injecting
from noise_bricks import write_bricks

from arcgate.dataset.card import device
from arcgate.ground.engine import Local
from arcgate.hosts_node import LegacyHosts
from arcgate.imaging import DECALS
from arcgate.survey.hosts import cut_out
from arcgate.survey.legacy.parents import LegacyFiles, LegacyParents
from arcgate.survey.legacy.wcs import coordinates, places_in
from arcgate.survey.native import corners

RESULTS = Path(__file__).parent / "results" / "simulate.json"
PLACE = Path("data") / "benchmarks"
PACKAGES = ("arcgate", "astropy", "numpy", "scipy")
WANTED = 250_000
GOAL = 0.7  # of the speed of bare reading


def hosts_of(root: Path) -> LegacyHosts:
    """All galaxies of a folder of bricks."""
    per_band = dict.fromkeys(DECALS.bands, 1.0)
    return LegacyHosts(
        kind="legacy",
        parents=str(root / "parents"),
        survey=str(root),
        n_hosts=None,
        plan="whole_bricks",
        seed=1,
        psf_beta=dict.fromkeys(DECALS.bands, 3.0),
        gain=per_band,
        most_unmeasured=0.005,
        masks="maskbits",
        verify="none",
        missing_bricks="refuse",
    )


def read_bare(parents: LegacyParents, whole: bool) -> None:
    """Nothing but the pixels of all galaxies, image after image."""
    size = DECALS.size_pix
    for number, brick in enumerate(parents.files.bricks):
        rows = parents.catalogue[parents.places == number]
        corner = None
        for _, path in brick.planes():
            with fits.open(path) as file:
                if corner is None:
                    wcs = coordinates(file[1].header, path, DECALS.pixel_scale_arcsec)
                    corner = corners(*places_in(wcs, rows["ra"].to_numpy(), rows["dec"].to_numpy()), DECALS)
                image = file[1].data if whole else file[1].section
                np.stack([image[y : y + size, x : x + size] for y, x in corner.tolist()])


def cut(parents: LegacyParents, workers: int) -> None:
    """Everything that the stage does, into a folder that is thrown away."""
    folder = Path(tempfile.mkdtemp(dir=PLACE))
    try:
        hosts = cut_out(parents, np.arange(len(parents.catalogue)), data_dir=folder, engine=Local(workers))
        assert not hosts.left_out
    finally:
        shutil.rmtree(folder)


def seconds(work: Callable[[], None]) -> tuple[float, float]:
    """By the clock, and of this process's processor: other work on the machine changes the first much more than the second."""
    began, used = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - began, time.process_time() - used


def cutting(hosts_per_brick: int, bricks: int, rounds: int) -> dict[str, Any]:
    """Galaxies a second of bare reading and of the stage, in turn."""
    root = PLACE / f"bricks-{bricks}-{hosts_per_brick}"
    root.mkdir(parents=True, exist_ok=True)
    write_bricks(root, bricks, hosts_per_brick)
    parents = LegacyParents.open(LegacyFiles.open(hosts_of(root), DECALS), PLACE)
    count = len(parents.catalogue)
    works: dict[str, Callable[[], None]] = {
        "slices": lambda: read_bare(parents, whole=False),
        "whole": lambda: read_bare(parents, whole=True),
        "cutting": lambda: cut(parents, workers=1),
    }
    taken: dict[str, list[float]] = {name: [] for name in works}
    of_processor: dict[str, list[float]] = {name: [] for name in works}
    for number in range(rounds + 1):
        for name, work in works.items():
            took, used = seconds(work)
            # The first round fills the cache.
            if number:
                taken[name].append(took)
                of_processor[name].append(used)
    bare = min(("slices", "whole"), key=lambda name: statistics.median(taken[name]))
    ratios = [one / other for one, other in zip(taken[bare], taken["cutting"], strict=True)]
    steadier = [one / other for one, other in zip(of_processor[bare], of_processor["cutting"], strict=True)]
    files = sum(path.stat().st_size for brick in parents.files.bricks for _, path in brick.planes())
    return {
        "hosts_per_brick": hosts_per_brick,
        "bricks": bricks,
        "galaxies": count,
        "bare_by": bare,
        **{f"{name}_per_s": count / statistics.median(values) for name, values in taken.items()},
        "cutting_2_workers_per_s": count / seconds(lambda: cut(parents, workers=2))[0],
        "share_of_bare": statistics.median(ratios),
        "share_of_bare_each_round": ratios,
        "share_of_bare_processor": statistics.median(steadier),
        "share_of_bare_processor_each_round": steadier,
        "goal": GOAL,
        "bytes_of_files_per_host": files / count,
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts-per-brick", type=int, nargs="+", default=[9, 300])
    parser.add_argument("--bricks", type=int, nargs="+", default=[12, 2], help="for each density")
    parser.add_argument("--pairs", type=int, nargs=2, default=[2000, 8000], help="of the data sets that are injected")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    densities = zip(arguments.hosts_per_brick, arguments.bricks, strict=True)
    found = [cutting(density, bricks, arguments.rounds) for density, bricks in densities]
    for one in found:
        print(
            f"{one['hosts_per_brick']} hosts a brick: {one['cutting_per_s']:.0f} galaxies/s cut, measured and written; "
            f"{one[one['bare_by'] + '_per_s']:.0f} read bare ({one['bare_by']}): {100 * one['share_of_bare']:.0f} % by clock, "
            f"{100 * one['share_of_bare_processor']:.0f} % by processor; "
            f"{one['cutting_2_workers_per_s']:.0f} with two workers and their start"
        )
    injected = injecting((arguments.pairs[0], arguments.pairs[1]), arguments.rounds, PLACE / "injecting")
    print(
        f"injecting: {injected['pairs_per_s']:.0f} pairs/s by two workers, {injected['pairs_per_processor_s']:.0f} by one core; "
        f"{injected['bytes_per_pair'] / 1e3:.0f} kB a pair; at most {injected['peak_memory_gib'][0]:.2f} and "
        f"{injected['peak_memory_gib'][1]:.2f} GiB for {arguments.pairs[0]:,} and {arguments.pairs[1]:,} pairs"
    )
    hours = {f"cutting, {one['hosts_per_brick']} a brick": WANTED / one["cutting_per_s"] / 3600.0 for one in found}
    hours["injecting"] = WANTED / injected["pairs_per_processor_s"] / 3600.0
    print(f"{WANTED:,} pairs, hours of one core: " + ", ".join(f"{name} {value:.2f}" for name, value in hours.items()))
    about = {"device": device(), "cores": os.cpu_count(), "packages": {name: metadata.version(name) for name in PACKAGES}}
    content = {"about": about, "cutting": found, "injecting": injected, "core_hours_for_250000_pairs": hours}
    RESULTS.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
