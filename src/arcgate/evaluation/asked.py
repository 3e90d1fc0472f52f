"""What a network has learnt: counterfactuals and occlusion maps of a test set, its metrics and its files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from arcgate.dataset.reader import Dataset
from arcgate.dataset.schema import CERTIFYING_ROLES
from arcgate.evaluation.counterfactuals import counterfactual_logits, counterfactual_metrics, fade_in, of_roles
from arcgate.evaluation.metrics import Metrics
from arcgate.evaluation.occlusion import occlusion, occlusion_metrics
from arcgate.ground.atomic import atomically

if TYPE_CHECKING:
    from arcgate.variant import View


def has_certifying_rows(dataset: Dataset) -> bool:
    """Whether the test split of a data set has rows of certifying roles (`data.certifying`)."""
    return len(dataset.table(["sample_id"], split="test", roles=CERTIFYING_ROLES)) > 0


def ask(
    checkpoint: Path,
    dataset: Dataset,
    view: View,
    pairs: pd.Series,
    threshold: float | None,
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
    pairs : Series of int
        The pairs that it is asked about: those that share nothing with its training set.
    threshold : float or None
        On the logit; None where the set allows none.
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
        Those of `counterfactual_metrics` and `occlusion_metrics`.

    Raises
    ------
    ArcgateError
        As `predict`.
    """
    logits = counterfactual_logits(checkpoint, dataset, view, split="test", threads=threads)
    logits = logits[logits["pair_id"].isin(pairs)]
    maps = occlusion(checkpoint, dataset, view, pairs, split="test", threads=threads)
    for what, table in (("counterfactuals", logits), ("occlusion", maps)):
        with atomically(folder / f"{what}_{name}.parquet") as temporary:
            table.to_parquet(temporary, index=False)
    for what, found in (("fade_in", fade_in), ("roles", of_roles)):
        path = folder / f"counterfactuals_{name}_{what}.csv"
        if threshold is None:
            path.unlink(missing_ok=True)
            continue
        with atomically(path) as temporary:
            found(logits, threshold).to_csv(temporary, index=False)
    asked, seen = counterfactual_metrics(logits, threshold), occlusion_metrics(maps)
    return Metrics(asked.values | seen.values, asked.absent | seen.absent)
