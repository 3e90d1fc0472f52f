"""What a network has learnt: counterfactuals and occlusion maps of a test set, its metrics and its files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from arcgate.dataset.reader import Dataset
from arcgate.dataset.schema import CERTIFYING_ROLES
from arcgate.evaluation.counterfactuals import counterfactual_logits, counterfactual_metrics, fade_in, of_roles
from arcgate.evaluation.metrics import Metrics
from arcgate.evaluation.mixture import purity_of_mixture
from arcgate.evaluation.occlusion import occlusion, occlusion_metrics
from arcgate.ground.atomic import atomically

if TYPE_CHECKING:
    from arcgate.evaluation_node import Evaluation
    from arcgate.variant import View


def has_certifying_rows(dataset: Dataset) -> bool:
    """Whether the test split of a data set has rows of certifying roles (`data.certifying`)."""
    return len(dataset.table(["sample_id"], split="test", roles=CERTIFYING_ROLES)) > 0


def ask(
    checkpoint: Path,
    dataset: Dataset,
    view: View,
    predictions: pd.DataFrame,
    threshold: float | None,
    evaluation: Evaluation,
    *,
    folder: Path,
    name: str,
    threads: int,
) -> Metrics:
    """Ask a network about the test split of a data set.

    Parameters
    ----------
    checkpoint : Path
        From `arcgate.learning.train`.
    dataset : Dataset
    view : View
        Of the training.
    predictions : DataFrame
        From `predict`, of the pairs that it is asked about: those that share nothing with its training set.
    threshold : float or None
        On the logit; None where the set allows none.
    evaluation : Evaluation
        Prior and mixture at which purity is stated.
    folder : Path
        Receives counterfactuals_<name>.parquet (logits of `counterfactual_logits`), counterfactuals_<name>_fade_in.csv and
        counterfactuals_<name>_roles.csv where there is a threshold, and occlusion_<name>.parquet.
    name : str
        Of the set.
    threads : int
        Threads of torch.

    Returns
    -------
    Metrics
        Those of `counterfactual_metrics`, `purity_of_mixture` and `occlusion_metrics`.

    Raises
    ------
    ArcgateError
        As `predict`.
    """
    pairs = predictions["pair_id"]
    logits = counterfactual_logits(checkpoint, dataset, view, split="test", threads=threads)
    logits = logits[logits["pair_id"].isin(pairs)]
    maps = occlusion(checkpoint, dataset, view, pairs, split="test", threads=threads)
    for what, table in (("counterfactuals", logits), ("occlusion", maps)):
        with atomically(folder / f"{what}_{name}.parquet") as temporary:
            table.to_parquet(temporary, index=False)
    for what, table_of in (("fade_in", fade_in), ("roles", of_roles)):
        path = folder / f"counterfactuals_{name}_{what}.csv"
        if threshold is None:
            path.unlink(missing_ok=True)
            continue
        with atomically(path) as temporary:
            table_of(logits, threshold).to_csv(temporary, index=False)
    found = Metrics()
    for part in (
        counterfactual_metrics(logits, threshold),
        purity_of_mixture(logits, predictions, threshold, evaluation.prior, evaluation.mixture),
        occlusion_metrics(maps),
    ):
        found.values |= part.values
        found.absent |= part.absent
    return found
