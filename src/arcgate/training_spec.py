"""What `arcgate train` is asked for."""

from __future__ import annotations

from pydantic.dataclasses import dataclass

from arcgate.settings import STRICT
from arcgate.variant import Variant


@dataclass(config=STRICT, frozen=True)
class Training(Variant):
    """A variant that is trained if its gates do not forbid it.

    Attributes
    ----------
    force : bool
        Whether it is trained whatever the gates say; its run in MLflow has the reason against it as a tag.
    """

    force: bool = False
