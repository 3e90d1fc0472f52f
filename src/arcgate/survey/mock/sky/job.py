"""`arcgate mock`: what is written where, or would be."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from pydantic.dataclasses import dataclass

from arcgate.ground.counting import count_of
from arcgate.settings import STRICT
from arcgate.survey.mock.sky.choosing import pointings
from arcgate.survey.mock.sky.claim import require_folder, require_ours
from arcgate.survey.mock.sky.settings import MockSky
from arcgate.variant import Runtime

# Rough costs on one core of 2020s hardware, seconds: a brick's noise and files by image and by other plane, and an object.
_SECONDS_PER_IMAGE, _SECONDS_PER_PLANE, _SECONDS_PER_ROW = 2.5, 0.5, 0.004
# Rough sizes, bytes: noise compresses badly, planes of equal pixels well; a row stands in sweep, tractor and truth.
_BYTES_PER_IMAGE, _BYTES_PER_PLANE, _BYTES_PER_ROW, _BYTES_OF_GEOMETRY = 13.5e6, 0.3e6, 1500.0, 15e6


@dataclass(config=STRICT, frozen=True)
class MockJob(MockSky):
    """A mock survey and where it goes.

    Attributes
    ----------
    out : str
        Its folder.
    runtime : Runtime
    dry_run : bool
        Whether only to say what would be written.
    """

    out: str
    runtime: Runtime
    dry_run: bool = False

    @property
    def sky(self) -> MockSky:
        """What determines pixels and rows."""
        return MockSky(**{field.name: getattr(self, field.name) for field in fields(MockSky)})


def planned(job: MockJob) -> str:
    """What a job would write: bricks, rows, gigabytes and minutes.

    Raises
    ------
    ArcgateError
        Nothing could be written there: it is a file, or holds another mock survey.
    """
    root = Path(job.out).absolute()
    require_folder(root)
    begun = require_ours(job.sky, root)
    seen = pointings(job.sky)
    images = len(job.bands) * ("image" in job.planes)
    others = sum(1 if plane == "maskbits" else len(job.bands) for plane in job.planes if plane != "image")
    size = len(seen) * (images * _BYTES_PER_IMAGE + others * _BYTES_PER_PLANE + job.rows_per_brick * _BYTES_PER_ROW)
    seconds = len(seen) * (images * _SECONDS_PER_IMAGE + others * _SECONDS_PER_PLANE + job.rows_per_brick * _SECONDS_PER_ROW)
    south = sum(pointing.footprint == "south" for pointing in seen)
    return (
        f"mock survey in {root}{', which has been begun: finished bricks are kept' if begun else ''}\n"
        f"  {count_of(south, 'brick')} in the south, {len(seen) - south:,} of them in the north too; layout {job.layout}\n"
        f"  {count_of(len(seen) * job.rows_per_brick, 'catalogue row')}\n"
        f"  {count_of(len(seen) * job.parents_per_brick, 'parent')} if all were seen everywhere\n"
        f"  planes {', '.join(job.planes)} in {', '.join(job.bands)}\n"
        f"  roughly {seconds / 60 / job.runtime.workers:.1f} min with {count_of(job.runtime.workers, 'process')}, "
        f"and {(size + _BYTES_OF_GEOMETRY) / 1e9:.2f} GB"
    )
