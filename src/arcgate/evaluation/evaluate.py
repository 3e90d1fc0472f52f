"""Scoring one trained network on its own test set and on those that all variants share."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from arcgate.dataset.reader import Dataset
from arcgate.dataset.receipts import file_digest
from arcgate.evaluation.apart import Overlap, require_apart
from arcgate.evaluation.asked import ask, has_certifying_rows
from arcgate.evaluation.calibration import reliability
from arcgate.evaluation.completeness import COMPLETENESS_EDGES, completeness
from arcgate.evaluation.metrics import LEVEL, Metrics, set_metrics
from arcgate.evaluation.predict import predict
from arcgate.ground.atomic import atomically, remove_leftovers, write_json
from arcgate.ground.errors import ArcgateError
from arcgate.ground.hashing import as_plain

if TYPE_CHECKING:
    from arcgate.evaluation_node import Evaluation
    from arcgate.grounds import GroundName
    from arcgate.variant import View

SCORES: Final = "scores.json"
PREDICTIONS: Final = "predictions.parquet"
OWN: Final = "own"
COMMON: Final = "common"
# Column of the predictions: rows of pairs that share something with what the network was trained on.
LEAKED: Final = "leaked"


def evaluate(
    checkpoint: Path,
    own: Dataset,
    grounds: Mapping[GroundName, Dataset],
    view: View,
    evaluation: Evaluation,
    *,
    absent: Mapping[GroundName, str],
    folder: Path,
    threads: int,
) -> dict[str, float]:
    """Score a network on the test split of its own data set and on those of the test sets that all variants share.

    Parameters
    ----------
    checkpoint : Path
        From `arcgate.learning.train`.
    own : Dataset
        The variant's data set.
    grounds : mapping of str to Dataset
        Shared test sets by name, from which no variant is built.
    view : View
        The view of the training.
    evaluation : Evaluation
        False-positive rate, radius of the test-time core mask, and whether test sets that share something with the training set
        are scored all the same.
    absent : mapping of str to str
        Why other shared test sets are not available.
    folder : Path
        Receives predictions.parquet (all sets, column `set`, logits with and without core mask, `leaked`),
        completeness_<own|common|realistic>_<property>.csv, reliability_<own|common|realistic>.csv (`calibration.reliability`),
        the files of `arcgate.evaluation.asked` and, last of all, scores.json.
        With a scores.json of the same inputs nothing is computed.
    threads : int
        Threads of torch.

    Returns
    -------
    dict of str to float
        The metrics of `arcgate.evaluation.metrics.set_metrics` under `test/` for the own set, `common/` and `realistic/` for the
        shared ones; of one that shares something with the training set, without the pairs in question, and with them under
        `common_leaked/` and `realistic_leaked/`; those of `arcgate.evaluation.asked` for the common set, and for the own one if
        it has certifying rows. What these sets are too small for is absent; scores.json gives the reason under `absent`.

    Raises
    ------
    ArcgateError
        As `predict` and `require_apart`.
    """
    inputs = _inputs(checkpoint, own, grounds, view, evaluation) | {"absent": dict(absent)}
    overlaps = {name: require_apart(own, ground, name, force=evaluation.force) for name, ground in grounds.items()}
    if (scores := read_scores(folder)) is not None and scores["inputs"] == inputs:
        return dict(scores["metrics"])
    folder.mkdir(parents=True, exist_ok=True)
    remove_leftovers(folder)
    predictions = {OWN: _predictions(checkpoint, own, view, evaluation, threads).assign(**{LEAKED: False})}
    found = {OWN: set_metrics(predictions[OWN], evaluation.fpr, evaluation.prior).prefixed(_prefix(OWN))}
    for name, ground in grounds.items():
        table = _predictions(checkpoint, ground, view, evaluation, threads)
        predictions[name] = table.assign(**{LEAKED: table["pair_id"].isin(overlaps[name].pairs)})
        found[name] = _metrics(name, predictions[name], evaluation, overlaps[name])
    everything = pd.concat([part.assign(set=name) for name, part in predictions.items()], ignore_index=True)
    with atomically(folder / PREDICTIONS) as temporary:
        everything.to_parquet(temporary, index=False)
    _write_completeness(folder, predictions, found)
    _write_reliability(folder, predictions, found)
    metrics = Metrics({}, {str(name): reason for name, reason in absent.items()})
    for of_set, dataset in _asked_about(own, grounds).items():
        clean = predictions[of_set][~predictions[of_set][LEAKED]]
        threshold = found[of_set].values.get(f"{_prefix(of_set)}/recall_threshold_logit")
        asked = ask(checkpoint, dataset, view, clean, threshold, evaluation, folder=folder, name=of_set, threads=threads)
        found[f"asked about {of_set}"] = asked.prefixed(_prefix(of_set))
    for part in found.values():
        metrics.values |= part.values
        metrics.absent |= part.absent
    write_json(folder / SCORES, {"inputs": inputs, "metrics": metrics.values, "absent": metrics.absent, "fpr": evaluation.fpr})
    return metrics.values


def read_scores(folder: Path) -> dict[str, Any] | None:
    """Content of a finished evaluation's scores.json (`inputs`, `metrics`, `absent`, `fpr`), or None without one."""
    path = folder / SCORES
    if not path.is_file():
        return None
    try:
        content: dict[str, Any] = json.loads(path.read_text())
    except json.JSONDecodeError as error:
        raise ArcgateError(f"the scores are damaged: {error}", where=path, todo="delete the file and evaluate again") from error
    return content


def _inputs(
    checkpoint: Path, own: Dataset, grounds: Mapping[GroundName, Dataset], view: View, evaluation: Evaluation
) -> dict[str, Any]:
    """Everything that the scores follow from."""
    if not checkpoint.is_file():
        raise ArcgateError("there is no checkpoint to score", where=checkpoint, todo="train first, or correct the path")
    return {
        "checkpoint": file_digest(checkpoint),
        OWN: own.data_digest,
        **{name: ground.data_digest for name, ground in grounds.items()},
        "view": as_plain(view),
        "fpr": evaluation.fpr,
        "prior": evaluation.prior,
        "mixture": dict(evaluation.mixture),
        "core_mask_radius_pix": evaluation.core_mask_radius_pix,
    }


def _asked_about(own: Dataset, grounds: Mapping[GroundName, Dataset]) -> dict[str, Dataset]:
    """Sets about which a network is asked what it has learnt."""
    certified = {OWN: own} if has_certifying_rows(own) else {}
    return certified | {name: ground for name, ground in grounds.items() if name == COMMON}


def _prefix(name: str) -> str:
    """First word of the names of a set's metrics."""
    return "test" if name == OWN else name


def _metrics(name: str, table: pd.DataFrame, evaluation: Evaluation, overlap: Overlap) -> Metrics:
    """Metrics of a shared test set; where pairs of it share something with the training set, without these and with them."""
    if not overlap.shared:
        return set_metrics(table, evaluation.fpr, evaluation.prior).prefixed(name)
    leaked = set_metrics(table, evaluation.fpr, evaluation.prior).prefixed(f"{name}_leaked")
    clean = table[~table[LEAKED]]
    galaxies = clean.groupby("label")["host_id"].nunique().reindex([0, 1], fill_value=0)
    if galaxies.min() < 2:
        reason = f"{len(overlap.pairs)} of {overlap.n_pairs} pairs share with the training set {overlap.in_words}"
        return Metrics(leaked.values, leaked.absent | {f"{name}/auroc": reason})
    found = set_metrics(clean, evaluation.fpr, evaluation.prior).prefixed(name)
    return Metrics(found.values | leaked.values, found.absent | leaked.absent)


def _predictions(checkpoint: Path, dataset: Dataset, view: View, evaluation: Evaluation, threads: int) -> pd.DataFrame:
    plain = predict(checkpoint, dataset, view, split="test", threads=threads)
    masked = predict(checkpoint, dataset, view, split="test", threads=threads, mask_radius_pix=evaluation.core_mask_radius_pix)
    return plain.assign(logit_core_masked=masked["logit"])


def _write_completeness(folder: Path, predictions: dict[str, pd.DataFrame], found: dict[str, Metrics]) -> None:
    """One table a set and property, at the set's own threshold; none where the set allows no threshold."""
    for name, table in predictions.items():
        threshold = found[name].values.get(f"{_prefix(name)}/recall_threshold_logit")
        for by in COMPLETENESS_EDGES:
            path = folder / f"completeness_{name}_{by}.csv"
            if threshold is None:
                path.unlink(missing_ok=True)
                continue
            with atomically(path) as temporary:
                completeness(table[~table[LEAKED]], by, threshold).to_csv(temporary, index=False)


def _write_reliability(folder: Path, predictions: dict[str, pd.DataFrame], found: dict[str, Metrics]) -> None:
    """One table a set, from which its calibration error is; none where what is not leaked was too little to be scored."""
    for name, table in predictions.items():
        path = folder / f"reliability_{name}.csv"
        if f"{_prefix(name)}/calibration_error" not in found[name].values:
            path.unlink(missing_ok=True)
            continue
        clean = table[~table[LEAKED]]
        with atomically(path) as temporary:
            reliability(clean["logit"].to_numpy(), clean["label"].to_numpy(), LEVEL).to_csv(temporary, index=False)
