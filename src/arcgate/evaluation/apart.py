"""What a network was trained on must not be in the set that it is scored on."""

from __future__ import annotations

from arcgate.dataset.reader import Dataset
from arcgate.ground.errors import ArcgateError

_NAMES = {"host_id": "galaxies", "kernel": "PSF kernels", "source_image": "source images"}


def require_apart(own: Dataset, common: Dataset) -> None:
    """Raise ArcgateError if rows that a network learns from share a galaxy, kernel or source image with the common test set.

    Parameters
    ----------
    own : Dataset
        Of which the splits train and val are looked at.
    common : Dataset
    """
    columns = [name for name in own.schema.names if name.startswith(tuple(_NAMES))]
    learnt = [own.table(columns, split=split) for split in ("train", "val")]
    scored = common.table([name for name in common.schema.names if name in columns])
    for stem, what in _NAMES.items():
        sides = [
            {value for table in tables for name in table if str(name).startswith(stem) for value in table[name].dropna()}
            for tables in (learnt, [scored])
        ]
        if shared := sorted(sides[0] & sides[1]):
            raise ArcgateError(
                f"the training set and the common test set share {len(shared)} {what}, such as {shared[0]}",
                where=f"{own.path} and {common.path}",
                todo="keep evaluation.common.only_split=test, or take other files for it",
            )
