"""arcgate: training sets for strong-lens finding that are proven not to leak the label."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from arcgate.dataset.finding import open_dataset
    from arcgate.learning.torch_dataset import StampDataset
    from arcgate.tracking.results import results

__all__ = ["StampDataset", "open_dataset", "results"]


def __getattr__(name: str) -> Any:
    # Heavy libraries are imported when they are used, so that `arcgate --help` answers at once.
    if name == "open_dataset":
        from arcgate.dataset.finding import open_dataset

        return open_dataset
    if name == "StampDataset":
        from arcgate.learning.torch_dataset import StampDataset

        return StampDataset
    if name == "results":
        from arcgate.tracking.results import results

        return results
    raise AttributeError(f"module 'arcgate' has no attribute {name!r}")


def __dir__() -> list[str]:
    # Names that are imported when they are used are found by tab completion like others.
    return sorted({*globals(), *__all__})
