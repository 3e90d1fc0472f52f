"""Gates on equality by value: null injection into pairs, and de-injection."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from arcgate.gates.arms import Arms, Pixels, Stamps
from arcgate.gates.result import NETWORK, RAW, GateResult, Status
from arcgate.variant import Gates
from arcgate.views.view import Viewer


@dataclass
class Identities:
    """Counts rows that differ, shard by shard.

    Attributes
    ----------
    paired : bool
        Whether controls are the hosts themselves. Otherwise a null row stands for its pair's host.
    """

    paired: bool
    viewer: Viewer
    settings: Gates
    _differing: dict[str, int] = field(default_factory=dict)
    _rows: dict[str, int] = field(default_factory=dict)
    _heard: dict[str, bool] = field(default_factory=dict)
    _leak: dict[str, float] = field(default_factory=dict)
    _hosts: dict[str, set[str]] = field(default_factory=dict)

    def add(self, arms: Arms) -> None:
        """Compare one shard's rows; each canary moves one pixel of one null row."""
        size = self.settings.canary_sizes_sky_sigma[0]
        if self.paired:
            rows, controls = _matched(arms.null, arms.control)
            null, control = _take(arms.null, rows), _take(arms.control, controls)
            nudged, ulp = _one_ulp(null)
            self._count("null_equal", RAW, null, null.image, control.image, nudged.image, ulp)
            seen, expected = null.viewed(self.viewer), control.viewed(self.viewer)
            planted = _one_pixel(null, size).viewed(self.viewer)
            self._count("null_equal", NETWORK, null, seen, expected, planted, size)
        host = arms.control if self.paired else arms.null
        rows, hosts = _matched(arms.stamp, host)
        twin = _take(host, hosts)
        arc, stamp = arms.arc[rows], _take(arms.stamp, rows)
        # Not one unit in the last place here: the sum with a brighter arc may round it away.
        planted = _one_pixel(twin, size).image + arc
        self._count("deinjection", RAW, stamp, twin.image + arc, stamp.image, planted, size)

    def _count(self, name: str, view: str, stamps: Stamps, value: Pixels, expected: Pixels, planted: Pixels, leak: float) -> None:
        key = f"{name}/{view}"
        differs = (value != expected).any(axis=(1, 2, 3))
        self._differing[key] = self._differing.get(key, 0) + int(differs.sum())
        self._rows[key] = self._rows.get(key, 0) + len(differs)
        self._hosts.setdefault(key, set()).update(stamps.table["host_id"])
        if len(differs):
            more = int((planted != expected).any(axis=(1, 2, 3)).sum()) > int(differs.sum())
            self._heard[key] = self._heard.get(key, False) or more
            self._leak[key] = max(self._leak.get(key, 0.0), leak)

    def judge(self) -> list[GateResult]:
        """One result for each comparison: the share of rows that differ, of which none may."""
        return [self._judged(key) for key in self._rows]

    def _judged(self, key: str) -> GateResult:
        name, view = key.split("/")
        n, differing, groups = self._rows[key], self._differing[key], len(self._hosts[key])
        share = differing / n if n else None
        leak = self._leak.get(key) if self._heard.get(key) else None
        status: Status
        if n == 0:
            status, reason = "not_run", "no pair has the rows that are compared"
        elif differing:
            status, reason = "failed", f"{differing} of {n} rows are not equal by value"
        elif leak is None:
            status, reason = "blind", "a changed pixel went unnoticed"
        else:
            status, reason = "passed", f"all {n} rows are equal by value"
        return GateResult(name, view, "overall", "gate", share, share, share, 0.0, leak, n, groups, status, reason)


def _matched(one: Stamps, other: Stamps) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Positions of the pairs that both hold."""
    _, first, second = np.intersect1d(one.table["pair_id"], other.table["pair_id"], return_indices=True)
    return first, second


def _take(stamps: Stamps, rows: NDArray[np.intp]) -> Stamps:
    return Stamps(stamps.image[rows], stamps.seen[rows], stamps.table.iloc[rows].reset_index(drop=True))


def _one_pixel(stamps: Stamps, size_sky_sigma: float) -> Stamps:
    """The stamps with `size` sky sigma added to one pixel of the first row."""
    leak = np.zeros(stamps.image.shape)
    if len(leak):
        leak[0, 0, 32, 32] = size_sky_sigma * stamps.sky[0, 0, 0, 0]
    return stamps.with_leak(leak)


def _one_ulp(stamps: Stamps) -> tuple[Stamps, float]:
    """The stamps with one pixel of the first row moved by one unit in the last place, and that in sky sigma."""
    if not len(stamps.image):
        return stamps, 0.0
    image = stamps.image.copy()
    before = image[0, 0, 32, 32]
    image[0, 0, 32, 32] = np.nextafter(before, np.float32(np.inf))
    return Stamps(image, image, stamps.table), float((image[0, 0, 32, 32] - before) / stamps.sky[0, 0, 0, 0])
