"""What a network was trained on must not be in the set that it is scored on."""

from __future__ import annotations

from arcgate.dataset.reader import Dataset
from arcgate.dataset.references import references_of
from arcgate.ground.errors import ArcgateError


def require_apart(own: Dataset, common: Dataset) -> None:
    """Raise ArcgateError if rows that a network learns from share a galaxy, PSF or source with the common test set.

    PSFs count by the model that they come from: at two places of one CCD it is nearly the same; sources by the galaxy that they
    show. Kernels and images count by their pixels, too.

    Parameters
    ----------
    own : Dataset
        Of which the splits train and val are looked at.
    common : Dataset
    """
    learnt: dict[str, set[str]] = {}
    for split in ("train", "val"):
        for what, names in _named(own, split).items():
            learnt.setdefault(what, set()).update(names)
    for what, names in _named(common, None).items():
        if shared := sorted(names & learnt.get(what, set())):
            raise ArcgateError(
                f"the training set and the common test set share {len(shared)} {what}, such as {shared[0]}",
                where=f"{own.path} and {common.path}",
                todo="keep evaluation.common.only_split=test, or take other files for it",
            )


def _named(dataset: Dataset, split: str | None) -> dict[str, set[str]]:
    """Galaxies, and all that rows refer to: by name, and by what it comes from."""
    table = dataset.table(["host_id", *dataset.referring], split=split)
    kernels, images = set(table.filter(like="kernel_").melt()["value"].dropna()), set(table["source_image"].dropna())
    named = {"galaxies": set(table["host_id"]), "PSF kernels": kernels, "source images": images}
    for what, origin_of in references_of(dataset.path).origins().items():
        named[what] = {origin for name, origin in origin_of.items() if name in kernels or name in images}
    return named
