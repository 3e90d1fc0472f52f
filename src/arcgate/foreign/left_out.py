"""Rows without a stamp: left out, counted by class, and compared between the classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import binomtest, fisher_exact

from arcgate.foreign.exact_names import Place
from arcgate.ground.counting import count_of
from arcgate.ground.errors import ArcgateError

# Columns in which makers say that a cutout failed: 0 or false where there is none.
FLAGS: Final = ("cutout_ok", "stamp_ok", "image_ok", "has_cutout", "has_stamp")
# A difference between the classes that chance makes less often than this is a finding.
CHANCE: Final = 1e-3


@dataclass(frozen=True, eq=False)
class LeftOut:
    """Which rows stay.

    Attributes
    ----------
    kept : ndarray of int
        Rows with a stamp, ascending.
    p : float or None
        Probability that chance makes the classes differ as much or more in the share that was left out, two-sided and exact; None
        where nothing was left out.
    notes : tuple of str
    """

    kept: NDArray[np.int64]
    p: float | None
    notes: tuple[str, ...]


def flagged(scalars: pd.DataFrame, place: Place) -> tuple[NDArray[np.bool_], tuple[str, ...]]:
    """Rows whose cutout failed, as a column says, and the columns that say so.

    Raises
    ------
    ArcgateError
        Such a column holds something else than true and false.
    """
    names = tuple(name for name in FLAGS if name in scalars)
    failed = np.zeros(len(scalars), dtype=bool)
    for name in names:
        # Where the column is empty, the cell says whether there is a stamp.
        failed |= ~truth(scalars[name].astype(object).where(scalars[name].notna(), 1), name, place)
    return failed, names


def truth(values: pd.Series, name: str, place: Place) -> NDArray[np.bool_]:
    """A column of true and false, which may be written as numbers or words.

    Raises
    ------
    ArcgateError
        For another value, or none.
    """
    words = values.astype(object).map(lambda value: value.decode("utf-8", "replace") if isinstance(value, bytes) else value)
    known = {"1": True, "1.0": True, "true": True, "0": False, "0.0": False, "false": False}
    found = words.astype(str).str.strip().str.lower().map(known)
    if (strange := found.isna().to_numpy()).any():
        row = int(np.argmax(strange))
        raise ArcgateError(
            f"{name} is {values.iloc[row]!s} in {count_of(int(strange.sum()), 'row')}; it is true or false",
            where=f"{place(row)}, column {name}",
            todo="write 1 for true and 0 for false",
        )
    return found.to_numpy(bool)


def leave_out(
    is_control: NDArray[np.bool_], no_stamp: NDArray[np.bool_], no_own: NDArray[np.bool_] | None, flags: tuple[str, ...]
) -> LeftOut:
    """Leave out rows without a stamp, or without the galaxy's stamp beside it.

    Parameters
    ----------
    is_control, no_stamp : ndarray of bool, shape (n,)
    no_own : ndarray of bool, shape (n,), or None
        Positives that lack the stamp of their galaxy; None where controls are rows of their own.
    flags : tuple of str
        Columns that were asked, for the note.
    """
    if no_own is None:
        gone = no_stamp
        lost = int((gone & ~is_control).sum()), int((gone & is_control).sum())
        total = int((~is_control).sum()), int(is_control.sum())
        p = float(fisher_exact([lost, [all_ - n for all_, n in zip(total, lost, strict=True)]]).pvalue)
    else:
        gone = no_stamp | (no_own & ~is_control)
        lost = int((no_stamp & ~is_control).sum()), int((no_own & ~is_control).sum())
        total = (int((~is_control).sum()),) * 2
        # Rows that lack both tell nothing of the classes.
        either = int((no_stamp & ~no_own & ~is_control).sum()), int((no_own & ~no_stamp & ~is_control).sum())
        p = float(binomtest(either[0], sum(either)).pvalue) if sum(either) else 1.0
    if not gone.any():
        return LeftOut(np.arange(len(gone)), None, ())
    because = f" (empty cells{', or ' + ', '.join(flags) + ' is false' if flags else ''})"
    note = (
        f"rows without a stamp are left out{because}: {int(gone.sum())}; missing are the stamps of {lost[0]} of {total[0]} "
        f"positives and {lost[1]} of {total[1]} controls; chance makes the classes differ that much with p = {p:.2g}"
    )
    if p < CHANCE:
        note += (
            ". FINDING: stamps are missing in one class more than chance explains, so that what decides whether a stamp is there "
            "tells the classes apart"
        )
    return LeftOut(np.flatnonzero(~gone), p, (note,))
