"""Lightning's logger, bound to a variant's run."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from pytorch_lightning.loggers import MLFlowLogger
from pytorch_lightning.utilities import rank_zero_only

from arcgate.tracking.store import Store


class RunLogger(MLFlowLogger):
    """Sends epoch metrics to a run that it neither makes nor ends.

    Lightning's own logger ends the run with the training, though evaluation follows, and logs the module's
    hyperparameters, which MLflow refuses on a run that is taken up again.
    """

    @rank_zero_only
    def log_hyperparams(self, params: dict[str, Any] | Namespace) -> None:
        """Log nothing: the variant's parameters are on the run already."""

    @rank_zero_only
    def finalize(self, status: str = "success") -> None:
        """Leave the run open."""


def lightning_logger(store: Store, run_id: str) -> RunLogger:
    """Logger for `Trainer(logger=...)` that writes to an existing run.

    Parameters
    ----------
    store : Store
        From `open_store`.
    run_id : str
        The variant's run.
    """
    return RunLogger(tracking_uri=store.uri, run_id=run_id, save_dir=str(store.folder), log_model=False)
