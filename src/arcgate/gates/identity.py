"""Gates on equality: null injection into pairs, and de-injection."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from arcgate.dataset.source import OWN_LAYOUT, Facts
from arcgate.gates.arms import Arms, Pixels, Stamps, matched
from arcgate.gates.canaries import SKY
from arcgate.gates.exhibit import Exhibit
from arcgate.gates.result import NETWORK, RAW, GateResult, Status
from arcgate.gates.rounding import rounding_of
from arcgate.ground.errors import ArcgateError
from arcgate.variant import Gates
from arcgate.views.view import Viewer

NULL_RAW: Final = f"null_equal/{RAW}"
NULL_NETWORK: Final = f"null_equal/{NETWORK}"
DEINJECTION: Final = f"deinjection/{RAW}"


@dataclass
class Count:
    """What was compared, and what was found.

    Attributes
    ----------
    rows, differing : int
        Number of rows, and of those that are not equal.
    hosts : set of str
    heard : dict
        For each canary whether it was heard in every shard.
    leak : float
        Size of the smallest canary, sky sigma a pixel.
    largest : float
        Largest difference of a pixel, sky sigma.
    """

    rows: int = 0
    differing: int = 0
    hosts: set[str] = field(default_factory=set)
    heard: dict[str, bool] = field(default_factory=dict)
    leak: float = 0.0
    largest: float = 0.0

    def merge(self, other: Count) -> None:
        """Add another shard's."""
        self.rows += other.rows
        self.hosts |= other.hosts
        self.differing += other.differing
        for canary, heard in other.heard.items():
            self.heard[canary] = self.heard.get(canary, True) and heard
        self.leak = max(self.leak, other.leak)
        self.largest = max(self.largest, other.largest)


@dataclass
class Identities:
    """Counts rows that differ, shard by shard; each canary changes the first row of a shard.

    Attributes
    ----------
    viewer : Viewer
        The view of the network.
    settings : Gates
        The smallest planted size is taken from them.
    facts : Facts
        What the data set holds. Where controls are other galaxies, a null row stands for its pair's host. Sets of arcgate are
        equal bit by bit. In other makers' files sums may be off by rounding (`rounding.rounding_of`): they may have been added
        in another precision, or scaled.
    """

    viewer: Viewer
    settings: Gates
    facts: Facts
    _counts: dict[str, Count] = field(default_factory=dict)
    _broken: list[str] = field(default_factory=list)

    def add(self, arms: Arms) -> None:
        """Compare one shard's rows."""
        if self.facts.paired and arms.null is not None:
            self._null(arms.null, arms.control)
        host = arms.control if self.facts.paired else arms.null
        if self.facts.has_arc and arms.arc is not None and host is not None:
            rows, hosts = matched(arms.stamp, host)
            twin, stamp, arc = host.take(hosts), arms.stamp.take(rows), arms.arc[rows]
            if len(rows):
                self._sum(twin, arc, stamp)

    def merge(self, other: Identities) -> None:
        """Take over what another shard gave."""
        for key, count in other._counts.items():
            self._counts.setdefault(key, Count()).merge(count)
        self._broken.extend(other._broken)

    def judge(self) -> list[GateResult]:
        """The share of rows that differ, of which none may, for each comparison."""
        keys = (NULL_RAW, NULL_NETWORK, DEINJECTION) if self.facts.paired else (DEINJECTION,)
        return [self._judged(key) for key in keys]

    def exhibits(self) -> list[Exhibit]:
        """Nothing to draw: a row differs or not."""
        return []

    def _null(self, null: Stamps, control: Stamps) -> None:
        rows, controls = matched(null, control)
        null, control = null.take(rows), control.take(controls)
        if not len(rows):
            return
        place = _middle(null)
        ulp = float(_one_ulp(null)[place] - null.image[place]) / float(null.sky[0, 0, 0, 0])
        planted = {**_planted(null, None), "one unit in the last place": _one_ulp(null)}
        self._count(NULL_RAW, null, null.image, control.image, planted, ulp)
        leak = self.settings.canary_sizes_sky_sigma[0]
        try:
            seen = null.viewed(self.viewer)
            # Identical stamps look the same: a view treats each by itself.
            expected = seen if np.array_equal(null.image, control.image) else control.viewed(self.viewer)
            leaks = _planted(null, leak)
            planted = {name: self.viewer(image, null.x[:1], null.y[:1]) for name, image in leaks.items()}
        except ArcgateError as error:
            self._broken.append(str(error))
            return
        self._count(NULL_NETWORK, null, seen, expected, planted, leak)

    def _sum(self, twin: Stamps, arc: Pixels, stamp: Stamps) -> None:
        """Hold host + arc against the stamp."""
        tolerated = None
        leak = self.settings.canary_sizes_sky_sigma[0]
        half = True
        if self.facts.layout != OWN_LAYOUT:
            largest = np.maximum(np.abs(twin.image), np.abs(stamp.image))
            tolerated = rounding_of(np.maximum(largest, np.abs(arc)), self.facts.precision)
            # Twice what is tolerated there, where that is more: a brighter pixel that hides in the rounding is no leak to hear.
            leak = max(leak, 2.0 * float(tolerated[_middle(twin)]) / float(twin.sky[0, 0, 0, 0]))
            half = self.facts.precision != "float16"
        # Not one unit in the last place here: the sum with a brighter arc may round it away.
        planted = {name: image + arc[:1] for name, image in _planted(twin, leak, half).items()}
        self._count(DEINJECTION, stamp, twin.image + arc, stamp.image, planted, leak, tolerated)

    def _count(
        self,
        key: str,
        stamps: Stamps,
        value: Pixels,
        expected: Pixels,
        planted: dict[str, Pixels],
        leak: float,
        tolerated: Pixels | None = None,
    ) -> None:
        differs = _differs(value, expected, tolerated)
        # The planted row is held against itself, so that a leak that is there already drowns nothing.
        first = None if tolerated is None else tolerated[:1]
        heard = {name: bool(_differs(image, value[:1], first).all()) for name, image in planted.items()}
        largest = 0.0
        if tolerated is not None or (differs.any() and key != NULL_NETWORK):
            largest = float((np.abs(value - expected).max(axis=(2, 3)) / stamps.sky[:, :, 0, 0]).max())
        count = Count(len(value), int(np.count_nonzero(differs)), set(stamps.table["host_id"]), heard, leak, largest)
        self._counts.setdefault(key, Count()).merge(count)

    def _judged(self, key: str) -> GateResult:
        name, view = key.split("/")
        count = self._counts.get(key, Count())
        status, reason = self._status(key, count)
        share = count.differing / count.rows if count.rows and status != "not_run" else None
        leak = count.leak if all(count.heard.values()) and share is not None else None
        return GateResult(
            name,
            view,
            "overall",
            "gate",
            share,
            share,
            share,
            0.0,
            leak,
            count.rows,
            len(count.hosts),
            status,
            reason,
            null=0.0,
            leak_unit=SKY,
        )

    def _status(self, key: str, count: Count) -> tuple[Status, str]:
        if key == NULL_NETWORK and self._broken:
            return "not_run", self._broken[0]
        if not count.rows:
            return "not_run", self._missing_arm(key)
        deaf = [name for name, heard in count.heard.items() if not heard]
        exact = key != DEINJECTION or self.facts.layout == OWN_LAYOUT
        equal = "equal by value" if exact else f"equal within the rounding of {self.facts.precision}"
        size = f", by {count.largest:.2g} sky sigma at most" if count.largest else ""
        if count.differing:
            return "failed", f"{count.differing} of {count.rows} rows are not {equal}{size}"
        if deaf:
            return "blind", f"went unnoticed: {', '.join(deaf)}"
        largest = f"; largest difference of a pixel: {count.largest:.2g} sky sigma" if count.largest else ""
        return "passed", f"all {count.rows} rows are {equal}{largest}; noticed in a planted row: {', '.join(count.heard)}"

    def _missing_arm(self, key: str) -> str:
        if key == DEINJECTION and not self.facts.has_arc:
            return "the light as added is not stored: store the arcs"
        if not self.facts.has_null and (key != DEINJECTION or not self.facts.paired):
            return "there are no null rows (the injection with flux 0): build the set with data.null_rows"
        return "no pair has the rows that are compared"


def _differs(one: Pixels, other: Pixels, tolerated: Pixels | None = None) -> NDArray[np.bool_]:
    """Rows with a pixel that differs, by more than is tolerated there."""
    different = one != other if tolerated is None else np.abs(one - other) > tolerated
    rows: NDArray[np.bool_] = different.any(axis=(1, 2, 3))
    return rows


def _planted(stamps: Stamps, size_sky_sigma: float | None, half: bool = True) -> dict[str, Pixels]:
    """The first row with each leak in it: half precision, where the file is not in it, and with a size a brighter pixel."""
    first = stamps.image[:1]
    leaks = {"rounding to half precision": first.astype(np.float16).astype(np.float32)} if half else {}
    if size_sky_sigma is not None:
        brighter = first.copy()
        brighter[_middle(stamps)] += np.float32(size_sky_sigma * stamps.sky[0, 0, 0, 0])
        leaks[f"one pixel brighter by {size_sky_sigma:g} sky sigma"] = brighter
    return leaks


def _one_ulp(stamps: Stamps) -> Pixels:
    image = stamps.image[:1].copy()
    place = _middle(stamps)
    image[place] = np.nextafter(image[place], np.float32(np.inf))
    return image


def _middle(stamps: Stamps) -> tuple[int, int, int, int]:
    """The first band's middle pixel of the first row."""
    half = stamps.imaging.size_pix // 2
    return 0, 0, half, half
