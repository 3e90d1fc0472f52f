"""Scoring one trained network on its own test set and on the common one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from arcgate.dataset.reader import Dataset
from arcgate.dataset.receipts import file_digest
from arcgate.evaluation.apart import require_apart
from arcgate.evaluation.completeness import COMPLETENESS_EDGES, completeness
from arcgate.evaluation.counterfactuals import counterfactual_logits, counterfactual_metrics, fade_in, of_roles
from arcgate.evaluation.metrics import Metrics, set_metrics
from arcgate.evaluation.occlusion import occlusion, occlusion_metrics
from arcgate.evaluation.predict import predict
from arcgate.ground.atomic import atomically, remove_leftovers, write_json
from arcgate.ground.errors import ArcgateError
from arcgate.ground.hashing import as_plain

if TYPE_CHECKING:
    from arcgate.variant import Evaluation, View

SCORES: Final = "scores.json"
PREDICTIONS: Final = "predictions.parquet"
COUNTERFACTUALS: Final = "counterfactuals.parquet"
OCCLUSION: Final = "occlusion.parquet"
# Prefix of the metrics of each test set.
PREFIXES: Final = {"own": "test", "common": "common"}


def evaluate(
    checkpoint: Path,
    own: Dataset,
    common: Dataset,
    view: View,
    evaluation: Evaluation,
    *,
    folder: Path,
    threads: int,
) -> dict[str, float]:
    """Score a network on the test split of its own data set and on that of the common one.

    Parameters
    ----------
    checkpoint : Path
        From `arcgate.learning.train`.
    own, common : Dataset
        The variant's data set, and the common test set from which no variant is built.
    view : View
        The view of the training.
    evaluation : Evaluation
        False-positive rate and radius of the test-time core mask.
    folder : Path
        Receives predictions.parquet (both sets, column `set`, logits with and without core mask),
        completeness_<own|common>_<property>.csv, counterfactuals.parquet (logits of `counterfactual_logits` on the common set),
        counterfactuals_fade_in.csv, counterfactuals_roles.csv, occlusion.parquet and, last of all, scores.json. With one of the
        same inputs nothing is computed.
    threads : int
        Threads of torch.

    Returns
    -------
    dict of str to float
        The metrics of `arcgate.evaluation.metrics.set_metrics` under `test/` for the own set and `common/` for the common
        one, with those of `counterfactual_metrics` and `occlusion_metrics` there. A metric that these sets are too small for is
        absent; scores.json gives the reason under `absent`.

    Raises
    ------
    ArcgateError
        As `predict` and `require_apart`.
    """
    inputs = _inputs(checkpoint, own, common, view, evaluation)
    require_apart(own, common)
    if (scores := read_scores(folder)) is not None and scores["inputs"] == inputs:
        return dict(scores["metrics"])
    folder.mkdir(parents=True, exist_ok=True)
    remove_leftovers(folder)
    predictions = {
        name: _predictions(checkpoint, dataset, view, evaluation, threads) for name, dataset in (("own", own), ("common", common))
    }
    found = {
        name: set_metrics(table, evaluation.fpr, evaluation.prior).prefixed(PREFIXES[name]) for name, table in predictions.items()
    }
    asked = counterfactual_logits(checkpoint, common, view, split="test", threads=threads)
    threshold = found["common"].values.get("common/recall_threshold_logit")
    found["counterfactuals"] = counterfactual_metrics(asked, threshold).prefixed("common")
    taken_out = occlusion(checkpoint, common, view, split="test", threads=threads)
    found["occlusion"] = occlusion_metrics(taken_out).prefixed("common")
    _write_table(
        folder / PREDICTIONS, pd.concat([part.assign(set=name) for name, part in predictions.items()], ignore_index=True)
    )
    _write_table(folder / OCCLUSION, taken_out)
    _write_completeness(folder, predictions, found)
    _write_counterfactuals(folder, asked, threshold)
    metrics = Metrics({}, {})
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


def _inputs(checkpoint: Path, own: Dataset, common: Dataset, view: View, evaluation: Evaluation) -> dict[str, Any]:
    """Everything that the scores follow from."""
    if not checkpoint.is_file():
        raise ArcgateError("there is no checkpoint to score", where=checkpoint, todo="train first, or correct the path")
    return {
        "checkpoint": file_digest(checkpoint),
        "own": own.data_digest,
        "common": common.data_digest,
        "view": as_plain(view),
        "fpr": evaluation.fpr,
        "prior": evaluation.prior,
        "core_mask_radius_pix": evaluation.core_mask_radius_pix,
    }


def _predictions(checkpoint: Path, dataset: Dataset, view: View, evaluation: Evaluation, threads: int) -> pd.DataFrame:
    plain = predict(checkpoint, dataset, view, split="test", threads=threads)
    masked = predict(checkpoint, dataset, view, split="test", threads=threads, mask_radius_pix=evaluation.core_mask_radius_pix)
    return plain.assign(logit_core_masked=masked["logit"])


def _write_table(path: Path, table: pd.DataFrame) -> None:
    with atomically(path) as temporary:
        table.to_parquet(temporary, index=False)


def _write_completeness(folder: Path, predictions: dict[str, pd.DataFrame], found: dict[str, Metrics]) -> None:
    """One table a set and property, at the set's own threshold; none where the set allows no threshold."""
    for name, table in predictions.items():
        threshold = found[name].values.get(f"{PREFIXES[name]}/recall_threshold_logit")
        for by in COMPLETENESS_EDGES:
            path = folder / f"completeness_{name}_{by}.csv"
            if threshold is None:
                path.unlink(missing_ok=True)
                continue
            with atomically(path) as temporary:
                completeness(table, by, threshold).to_csv(temporary, index=False)


def _write_counterfactuals(folder: Path, asked: pd.DataFrame, threshold: float | None) -> None:
    """Logits, and the tables of what is found where there is a threshold."""
    _write_table(folder / COUNTERFACTUALS, asked)
    for name, table in (("fade_in", fade_in), ("roles", of_roles)):
        path = folder / f"counterfactuals_{name}.csv"
        if threshold is None:
            path.unlink(missing_ok=True)
            continue
        with atomically(path) as temporary:
            table(asked, threshold).to_csv(temporary, index=False)
