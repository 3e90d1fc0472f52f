"""What the dry runs of a command have counted so far, so that what its jobs share is counted once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

SECONDS_TO_ATTACK: Final = 45.0
"""What a network that is trained against a data set takes, on one core of 2020s hardware."""


@dataclass
class Planned:
    """Rough time and disk of all jobs together.

    Attributes
    ----------
    seconds, size_bytes : float
        Of what is not there yet.
    jobs : int
        Dry runs so far.
    """

    seconds: float = 0.0
    size_bytes: float = 0.0
    jobs: int = 0
    _counted: set[str] = field(default_factory=set)

    def first(self, digest: str) -> bool:
        """Whether something is met for the first time; an earlier job will have made it otherwise."""
        new = digest not in self._counted
        self._counted.add(digest)
        return new

    def add(self, seconds: float, size_bytes: float) -> None:
        """Count what one job would take."""
        self.seconds += seconds
        self.size_bytes += size_bytes
        self.jobs += 1

    def __str__(self) -> str:
        jobs = "1 job" if self.jobs == 1 else f"all {self.jobs} jobs"
        return f"{jobs}: {rough(self.seconds, self.size_bytes)}, what they share counted once"


def rough(seconds: float, size_bytes: float) -> str:
    """Time and disk in words."""
    return f"roughly {seconds / 60:.1f} min and {size_bytes / 1e9:.2f} GB more"
