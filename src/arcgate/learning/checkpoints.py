"""Files that are either whole or absent, whenever the process dies: checkpoints, history, finish marks."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any, Final, cast

import pandas as pd
import torch
from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import Checkpoint
from pytorch_lightning.plugins.io import CheckpointIO

from arcgate.ground.atomic import atomically
from arcgate.ground.errors import ArcgateError

BEST: Final = "best.ckpt"
LAST: Final = "last.ckpt"
HISTORY: Final = "history.csv"
HISTORY_COLUMNS: Final = ("epoch", "train_loss", "val_loss", "val_auroc")


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Load a checkpoint as tensors and plain values only, so that a file from elsewhere runs no code.

    Raises
    ------
    ArcgateError
        If there is no such file, or it is not a checkpoint of this kind.
    """
    if not path.is_file():
        raise ArcgateError("there is no checkpoint", where=path, todo="train first, or correct the path")
    try:
        return cast(dict[str, Any], torch.load(path, map_location="cpu", weights_only=True))
    except (RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise ArcgateError(f"the checkpoint is damaged: {error}", where=path, todo="remove its folder and train again") from error


class AtomicCheckpointIO(CheckpointIO):
    """Checkpoints that are whole or absent.

    Lightning's own writer goes through a file in the system's temporary folder, which is moved by copying where that is
    another file system: a process killed meanwhile leaves half a checkpoint.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | os.PathLike[str], storage_options: Any = None) -> None:
        """Write a checkpoint; its folder is made where it is not there, which Lightning's callbacks leave to the writer."""
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        with atomically(Path(path)) as temporary:
            torch.save(checkpoint, temporary)

    def load_checkpoint(
        self, path: str | os.PathLike[str], map_location: Any = "cpu", weights_only: bool | None = True
    ) -> dict[str, Any]:
        """Load a checkpoint, tensors and plain values only."""
        return load_checkpoint(Path(path))

    def remove_checkpoint(self, path: str | os.PathLike[str]) -> None:
        """Remove a checkpoint if it exists."""
        Path(path).unlink(missing_ok=True)


class EpochCheckpoints(Checkpoint):
    """After each epoch: its line of the history, the best weights if they are new, and the state to resume from.

    Best is the highest val_auroc, ties broken by the lowest val_loss, then by the earliest epoch. The history and the best
    so far live in the resumable state itself, so that files written just before a crash are written again alike.

    Parameters
    ----------
    folder : Path
        Receives best.ckpt (weights and settings), last.ckpt (everything) and history.csv.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.history: list[dict[str, float]] = []
        self.stopped = False

    @property
    def best(self) -> dict[str, float]:
        """The history's best line."""
        return min(self.history, key=lambda line: (-line["val_auroc"], line["val_loss"], line["epoch"]))

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Train no further where a callback had ended the training that is resumed."""
        trainer.should_stop = trainer.should_stop or self.stopped

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save; validation has run by now, and other callbacks have had their say."""
        metrics = {name: float(trainer.callback_metrics[name]) for name in HISTORY_COLUMNS[1:]}
        self.stopped = trainer.should_stop
        self.history.append({"epoch": trainer.current_epoch} | metrics)
        if self.best is self.history[-1]:
            trainer.save_checkpoint(self.folder / BEST, weights_only=True)
        trainer.save_checkpoint(self.folder / LAST)
        write_history(self.folder, self.history)

    def state_dict(self) -> dict[str, Any]:
        """Plain values for the checkpoint."""
        return {"history": [dict(line) for line in self.history], "stopped": self.stopped}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up the history of the epochs that are done, and whether these are all."""
        self.history = [dict(line) for line in state_dict["history"]]
        self.stopped = state_dict.get("stopped", False)


def write_history(folder: Path, history: list[dict[str, float]]) -> None:
    """Write history.csv: one line an epoch, losses in nats."""
    table = pd.DataFrame(history, columns=list(HISTORY_COLUMNS))
    with atomically(folder / HISTORY) as temporary:
        table.to_csv(temporary, index=False, float_format="%.17g")


def read_history(folder: Path) -> pd.DataFrame:
    """Read history.csv."""
    return pd.read_csv(folder / HISTORY)
