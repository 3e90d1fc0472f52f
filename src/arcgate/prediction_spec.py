"""What `arcgate predict` is asked for."""

from __future__ import annotations

from pydantic.dataclasses import dataclass

from arcgate.imaging import Imaging
from arcgate.settings import STRICT
from arcgate.variant import Runtime


@dataclass(config=STRICT, frozen=True)
class Prediction:
    """A network that was kept, and the data set that it scores.

    Attributes
    ----------
    model : str
        `models:/<study>@champion`, `runs:/<run>/network`, the tag `arcgate.model` of a run, or the folder of a saved model.
    data : str
        A data set's folder or digest, or another maker's stamps (see `arcgate.foreign.opening`).
    out : str or None
        File of the table, `.parquet`; None: `<data_dir>/predictions/<key>.parquet`.
    overwrite : bool
        Whether a table that is there is replaced.
    imaging : Imaging or None
        Of another maker's stamps; None: what the file states, else that of DECaLS.
    """

    model: str
    data: str
    out: str | None
    overwrite: bool
    runtime: Runtime
    imaging: Imaging | None = None
    dry_run: bool = False
