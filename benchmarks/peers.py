"""The tools and their modes, under one shape: a mode prepares some rows, and what it prepares renders them.

What a mode prepares is made before the clock starts: for peers that includes every kernel and its transform (generous: theirs
differ from row to row and band to band), for arcgate the checked columns alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from peer_caustics import Caustics
from peer_lenstronomy import Lenstronomy
from rows import BETA, Rows

from arcgate.imaging import DECALS
from arcgate.lensing.models import Lenses, Sersics
from arcgate.lensing.psf import Psf
from arcgate.lensing.render import Settings, render

Array = NDArray[np.float32] | NDArray[np.float64]


class Prepared(Protocol):
    """Rows that are ready to be rendered."""

    def render(self) -> Array:
        """Stamps, shape (rows, bands, 64, 64)."""


class Mode(Protocol):
    """One way to use a tool."""

    @property
    def name(self) -> str: ...

    def prepare(self, rows: Rows, device: str) -> Prepared: ...


@dataclass(frozen=True)
class Arcgate:
    """arcgate at an error target."""

    name: str
    error_target: float = 1e-3

    def prepare(self, rows: Rows, device: str) -> _Arcgate:
        return _Arcgate(rows, Settings(error_target=self.error_target, device=device))


class _Arcgate:
    def __init__(self, rows: Rows, settings: Settings) -> None:
        self.settings = settings
        self.lenses = Lenses.of(rows.theta_e, rows.q, rows.phi, rows.gamma1, rows.gamma2)
        self.sources = Sersics.of(rows.reff, rows.n, rows.source_q, rows.source_phi, rows.source_x, rows.source_y)
        self.flux = torch.ones(len(rows), rows.bands, dtype=torch.float64)
        self.centres = torch.from_numpy(rows.x_pix), torch.from_numpy(rows.y_pix)
        self.psfs = [[Psf("moffat", float(fwhm), BETA) for fwhm in row] for row in rows.fwhm]

    def render(self) -> Array:
        made = render(self.lenses, self.sources, self.flux, *self.centres, self.psfs, DECALS.frame, self.settings)
        return made.image.cpu().numpy()


@dataclass(frozen=True)
class Entry:
    """A mode in the race: how many processes share the rows, threads in each, and what it is there for."""

    tool: str
    mode: Mode
    processes: int = 2
    threads: int = 1
    role: str = "accurate"  # 'common': as commonly used; 'pixel': pixel-scale convolution, raced whatever its error
    best: bool = False  # known to be the fastest accurate one: what --quick takes
    slow: bool = False  # measured on a quarter of the rows
    tuned: bool = False  # goes beyond the tool's documented use: parts put together by hand, compiled, cut to where arcs lie

    @property
    def label(self) -> str:
        return f"{self.mode.name}, {self.processes} x {self.threads}"


def entries(device: str) -> list[Entry]:
    """All modes. A GPU takes one process; lenstronomy stays on the CPU's cores."""
    ours = [Entry("arcgate", Arcgate("default"), 1, 2), Entry("arcgate", Arcgate("default"), 2, 1, best=True)]
    if device != "cpu":
        ours = [Entry("arcgate", Arcgate("default"), 1, 1, best=True)]
    return [*ours, *_lenstronomy(), *_caustics(device)]


def _lenstronomy() -> list[Entry]:
    """Fine: a grid of so many finer pixels a pixel, so many rays in each, of which pixel centres are kept."""
    common = Lenstronomy("common: once a band, 5x5 rays", rays=5, freed=False, common=True)
    pixel = Lenstronomy("pixel-scale kernel, 8x8 rays", rays=8, freed=False)
    modes = [Lenstronomy("pixel-scale kernel freed of the pixel, 8x8 rays", rays=8)]
    modes += [Lenstronomy(f"supersampled {k}x{k}", cells=k, half_pix=20, binned=True) for k in (3, 5)]
    slow = [Lenstronomy(f"supersampled {k}x{k}, core 21 px", cells=k, half_pix=20, binned=True, core_pix=21) for k in (8, 9)]
    for cells, rays in ((2, 4), (2, 6), (3, 2), (3, 3)):
        name = f"fine {cells}x{cells}, {rays}x{rays} rays, adaptive"
        modes.append(Lenstronomy(name, cells=cells, rays=rays, half_pix=20, adaptive=1e-4))
    modes.append(Lenstronomy("fine 3x3, 3x3 rays", cells=3, rays=3, half_pix=20))
    return [
        Entry("lenstronomy", common, 1, role="common", best=True),
        Entry("lenstronomy", pixel, role="pixel", best=True),
        *(
            Entry("lenstronomy", mode, best=mode.name == "fine 3x3, 3x3 rays, adaptive", tuned=mode.cells > 1 and not mode.binned)
            for mode in modes
        ),
        *(Entry("lenstronomy", mode, slow=True) for mode in slow),
    ]


def _caustics(device: str) -> list[Entry]:
    """Functions: so many cells a pixel, so many rays in each, rays traced in a square of so many pixels."""
    processes, batch = (2, 2) if device == "cpu" else (1, 50)
    pixel = Caustics("pixel-scale kernel, 8x8 rays, 40 px", rays=8, freed=False, field_pix=40, batch=batch)
    modes = []
    for cells, rays, field in ((2, 4, 40), (2, 5, 40), (3, 2, 40), (3, 3, 40), (3, 3, 48), (3, 3, 64)):
        name = f"functions {cells}x{cells}, {rays}x{rays} rays, {field} px"
        modes.append(Caustics(name, cells=cells, rays=rays, field_pix=field, batch=batch))
    best = "functions 3x3, 3x3 rays, 40 px"
    eager = [
        Caustics(f"functions 3x3, 3x3 rays, {field} px, not compiled", 3, 3, field_pix=field, batch=batch, compiled=False)
        for field in (40, 64)
    ]
    whole = Caustics("pixel-scale kernel, 8x8 rays, 64 px, not compiled", rays=8, freed=False, batch=batch, compiled=False)
    simulators = [
        Caustics("LensSource vmapped, pixel-scale kernel, quad_level 8", rays=8, freed=False, simulator=True),
        Caustics("LensSource vmapped, upsample 3, quad_level 3", cells=3, rays=3, simulator=True),
    ]
    threads = [] if processes == 1 else [Entry("caustics", Caustics(best, 3, 3, field_pix=40, batch=batch), 1, 2, tuned=True)]
    return [
        Entry("caustics", pixel, processes, role="pixel", best=True, tuned=True),
        Entry("caustics", whole, processes, role="pixel"),
        *(
            Entry("caustics", mode, processes, best=mode.name == best, tuned=mode.compiled or mode.field_pix < DECALS.size_pix)
            for mode in [*modes, *eager]
        ),
        *threads,
        *(Entry("caustics", mode, processes, slow=True) for mode in simulators),
    ]
