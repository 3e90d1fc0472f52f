"""Which control goes with which positive, where a data set was not made by arcgate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.foreign.exact_names import Place
from arcgate.ground.errors import ArcgateError

Rows = NDArray[np.int64]

# What a control has no value of: the arc, its lens, and the PSF that an arc was convolved with.
_OF_ARCS = (
    "theta_e",
    "lens_",
    "gamma",
    "n_images",
    "source_",
    "flux_scale",
    "psf_profile_used",
    "psf_fwhm_used",
    "psf_beta_used",
    "kernel_used",
    "arc_",
)
UNMATCHED = "unmatched"


@dataclass(frozen=True, eq=False)
class Pairs:
    """Stored rows that form pairs.

    Attributes
    ----------
    positive, control : ndarray of int, shape (pairs,)
        Stored rows of the members.
    same_galaxy : bool
        Whether every control shows its positive's galaxy.
    rule : str
        How they were matched, in words.
    """

    positive: Rows
    control: Rows
    same_galaxy: bool
    rule: str


@dataclass(frozen=True, eq=False)
class Arranged:
    """Rows in the order in which they are read: the members of a pair adjacent, rows without a partner at the end.

    Attributes
    ----------
    table : DataFrame
        Columns of the schema. The role of a row without a partner is `unmatched`: it counts for split integrity only.
    stored : ndarray of int
        Stored row of each row.
    own : ndarray of bool
        The stamp is that of the galaxy of the stored row before the injection, kept beside the stored row's own stamp.
    n_paired : int
        Rows that belong to pairs; they come first.
    """

    table: pd.DataFrame
    stored: Rows
    own: NDArray[np.bool_]
    n_paired: int

    def at(self, stored: Rows) -> Arranged:
        """The same for rows that are stored elsewhere: `stored` gives the stored row of each row that is now counted from 0."""
        return replace(self, stored=stored[self.stored])


def pair_rows(is_control: NDArray[np.bool_], scalars: pd.DataFrame) -> Pairs:
    """Match positives and controls: by recorded pair, else by galaxy, else in the order of the rows.

    Parameters
    ----------
    is_control : ndarray of bool, shape (n,)
    scalars : DataFrame, n rows
        `host_id`; `pair_id` and `split` where they are recorded. Without recorded pairs or shared galaxies, rows are matched
        within their split, so that no pair seems to cross splits.

    Returns
    -------
    Pairs
    """
    host = scalars["host_id"].to_numpy()
    positive, control = np.flatnonzero(~is_control), np.flatnonzero(is_control)
    if "pair_id" in scalars:
        first, second = _joined(positive, control, scalars["pair_id"])
        rule = "positives and controls are matched by the recorded pair_id"
    elif len(positive) and set(host[positive]) <= set(host[control]):
        first, second = _by_galaxy(positive, control, host)
        rule = "positives and controls of the same galaxy are matched"
    else:
        split = scalars["split"].to_numpy() if "split" in scalars else np.full(len(host), "")
        first, second = _in_order(positive, control, split)
        rule = "controls are other galaxies, matched with the positives in the order of the rows"
    same = bool(len(first)) and bool((host[first] == host[second]).all())
    return Pairs(first, second, same, rule)


def pair_names(
    pair: pd.Series, is_control: NDArray[np.bool_], runs: Mapping[str, NDArray[np.generic]], place: Place
) -> tuple[pd.Series, list[str]]:
    """Recorded pairs, told apart where their names start again: in every file, or in every split.

    Parameters
    ----------
    pair : Series of str, n rows
        None where a row is in no pair.
    is_control : ndarray of bool, shape (n,)
    runs : mapping of str to ndarray, shape (n,)
        Within which runs of rows names may start again, the likeliest first, and the run of each row.
    place : callable
        File and row of a row, for messages.

    Returns
    -------
    pair : Series of str
    notes : list of str

    Raises
    ------
    ArcgateError
        A name stays that of several positives with several controls.
    """
    if not _ambiguous(pair, is_control).any():
        return pair, []
    for name, run in runs.items():
        within = (pd.Series(run, index=pair.index).astype(str) + "/" + pair.astype(object)).where(pair.notna(), None)
        if not _ambiguous(within, is_control).any() and _has_both(within, is_control):
            return within, [f"pair_id starts again in every {name}: pairs are told apart by both"]
    wrong = _ambiguous(pair, is_control)
    row = int(np.argmax(wrong))
    raise ArcgateError(
        f"pair_id {pair.iloc[row]} is that of several positives and several controls",
        where=f"{place(row)}, column pair_id",
        todo="give each pair a name of its own, or leave pair_id out: rows of one galaxy are then matched",
    )


def _ambiguous(pair: pd.Series, is_control: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Rows whose pair's name is that of several positives and of several controls."""
    counts = [pair[mine].value_counts() for mine in (~is_control, is_control)]
    several = [set(count.index[count > 1]) for count in counts]
    return pair.isin(several[0] & several[1]).to_numpy(bool)


def _has_both(pair: pd.Series, is_control: NDArray[np.bool_]) -> bool:
    """Whether every pair that has a positive has a control."""
    return set(pair[~is_control].dropna()) <= set(pair[is_control].dropna())


def arrange(scalars: pd.DataFrame, is_control: NDArray[np.bool_], pairs: Pairs | None) -> Arranged:
    """Order the rows by pairs and give them the structural columns of the schema.

    Parameters
    ----------
    scalars : DataFrame, n rows
        Columns of the schema as recorded, with `host_id`.
    is_control : ndarray of bool, shape (n,)
    pairs : Pairs or None
        None: every positive has its galaxy's stamp beside it, which is its control.

    Returns
    -------
    Arranged
    """
    every = np.arange(len(scalars))
    if pairs is None:
        positive = control = every[~is_control]
    else:
        positive, control = pairs.positive, pairs.control
    alone = np.setdiff1d(every, np.union1d(positive, control))
    stored = np.concatenate([np.stack([positive, control], axis=1).ravel(), alone])
    n_paired = 2 * len(positive)
    second = np.arange(len(stored)) % 2 == 1
    second[n_paired:] = False
    table = scalars.iloc[stored].reset_index(drop=True)
    no_arc = np.concatenate([second[:n_paired], is_control[alone]])
    for name in table.columns:
        if name.startswith(_OF_ARCS) and name != "arc_noise":
            table[name] = table[name].where(~no_arc)
    kind = "paired" if pairs is None or pairs.same_galaxy else "unpaired"
    structural = pd.DataFrame(
        {
            "sample_id": np.arange(len(stored)),
            "pair_id": np.concatenate([np.arange(n_paired) // 2, np.arange(len(alone)) + len(positive)]),
            "role": np.where(second, "control", "positive"),
            "label": (~no_arc).astype(np.int64),
            "control_kind": [kind if control else None for control in second],
        }
    )
    structural.loc[n_paired:, "role"] = UNMATCHED
    kept = table.drop(columns=[name for name in structural if name in table])
    own = second if pairs is None else np.zeros(len(stored), dtype=bool)
    return Arranged(pd.concat([structural, kept], axis=1), stored, own, n_paired)


def _joined(positive: Rows, control: Rows, pair: pd.Series) -> tuple[Rows, Rows]:
    """Rows with the same recorded pair; of several controls of a pair the first."""
    known = pd.Series(control, index=pair.to_numpy()[control])
    known = known[~known.index.duplicated() & known.index.notna()]
    place = known.index.get_indexer(pd.Index(pair.to_numpy()[positive]))
    found = place >= 0
    return positive[found], known.to_numpy()[place[found]]


def _by_galaxy(positive: Rows, control: Rows, host: NDArray[np.object_]) -> tuple[Rows, Rows]:
    """The k-th positive of a galaxy with its k-th control, from the first one again when they run out."""
    rank = pd.Series(positive).groupby(host[positive]).cumcount().to_numpy()
    of_host = {name: rows.to_numpy() for name, rows in pd.Series(control).groupby(host[control])}
    chosen = [of_host[name][k % len(of_host[name])] for name, k in zip(host[positive], rank, strict=True)]
    return positive, np.array(chosen, dtype=np.int64)


def _in_order(positive: Rows, control: Rows, split: NDArray[np.object_]) -> tuple[Rows, Rows]:
    first, second = [positive[:0]], [control[:0]]
    for name in pd.unique(split):
        ours, theirs = positive[split[positive] == name], control[split[control] == name]
        n = min(len(ours), len(theirs))
        first.append(ours[:n])
        second.append(theirs[:n])
    return np.concatenate(first), np.concatenate(second)
