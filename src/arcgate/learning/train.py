"""One training: skipped when finished, resumed when interrupted, the same weights either way."""

from __future__ import annotations

import json
import logging
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import pandas as pd
import torch
from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.loggers import Logger

from arcgate.dataset.reader import Dataset
from arcgate.ground.atomic import remove_leftovers, write_json
from arcgate.ground.errors import ArcgateError
from arcgate.ground.hashing import as_plain
from arcgate.ground.progress import Advance, step
from arcgate.learning.checkpoints import (
    BEST,
    LAST,
    AtomicCheckpointIO,
    EpochCheckpoints,
    load_checkpoint,
    read_history,
    write_history,
)
from arcgate.learning.datamodule import StampData
from arcgate.learning.module import LensFinder
from arcgate.learning.out_of_memory import batches_fit
from arcgate.learning.own_callbacks import own_callbacks
from arcgate.learning.schedule import steps_at_ends

if TYPE_CHECKING:
    from arcgate.learning_node import Learning
    from arcgate.variant import View

FINISHED: Final = "finished.json"
Status = Literal["trained", "resumed", "skipped"]


@dataclass(frozen=True)
class TrainingResult:
    """What a training left.

    Attributes
    ----------
    status : {'trained', 'resumed', 'skipped'}
        Run from the start, taken up after an interruption, or found finished.
    best_checkpoint : Path
        Weights of the epoch with the highest val_auroc.
    last_epoch : int
        The last epoch that was trained, 0-based.
    history : DataFrame
        Columns epoch, train_loss, val_loss, val_auroc; one row an epoch.
    steps : list of int
        Optimiser steps that were done when each epoch ended.
    """

    status: Status
    best_checkpoint: Path
    last_epoch: int
    history: pd.DataFrame
    steps: list[int]


def train(
    dataset: Dataset,
    variant_view: View,
    learning: Learning,
    *,
    folder: Path,
    threads: int,
    logger: Logger | None = None,
) -> TrainingResult:
    """Train a network on a data set, or take up or skip what is already there.

    Batches, augmentation, initial weights and the draws of the network's layers are keyed on `learning.seed` and the
    epoch, so that a training that was killed after any epoch ends with the weights of one that was not, bit by bit, on
    the same machine at the same number of threads.

    Parameters
    ----------
    dataset : Dataset
        Its splits train and val are read.
    variant_view : View
        What the network sees.
    learning : Learning
        Backbone, epochs and optimisation.
    folder : Path
        Receives best.ckpt, last.ckpt, history.csv and, last of all, finished.json. One process at a time.
    threads : int
        Threads of torch.
    logger : Logger, optional
        Receives train_loss, val_loss and val_auroc of each epoch that is run now.

    Returns
    -------
    TrainingResult

    Raises
    ------
    ArcgateError
        If the folder holds a training with other settings, a class is missing, the backbone is unknown, a batch does not
        fit into memory, or the training diverges.
    """
    settings = {
        "learning": as_plain(learning),
        "view": as_plain(variant_view),
        "imaging": as_plain(dataset.imaging),
        "data_digest": dataset.data_digest,
    }
    if all((folder / name).is_file() for name in (FINISHED, BEST)):
        _same_settings(_finished(folder)["settings"], settings, folder)
        return _result("skipped", folder)
    folder.mkdir(parents=True, exist_ok=True)
    remove_leftovers(folder)
    resume_from = _resume_point(folder, settings)
    with _reproducible(threads), _quiet():
        data = StampData(dataset, variant_view, learning)
        checkpoints = EpochCheckpoints(folder)
        steps = steps_at_ends(data.epochs, learning.trainer.accumulate)
        with step("training: epochs", len(data.epochs)) as advance:
            callbacks = [checkpoints, _Epochs(advance), *own_callbacks(learning.trainer)]
            trainer = _trainer(learning, len(data.epochs), callbacks, folder=folder, logger=logger)
            with batches_fit(learning):
                _fit(trainer, LensFinder(settings, steps[-1]), data, resume_from, compiled=learning.trainer.compile)
    write_history(folder, checkpoints.history)
    # A callback may have ended it before all epochs ran.
    done = steps[: len(checkpoints.history)]
    mark = {"settings": settings, "best": checkpoints.best, "threads": threads, "steps": done}
    write_json(folder / FINISHED, mark)
    return _result("resumed" if resume_from else "trained", folder)


def _finished(folder: Path) -> dict[str, Any]:
    """The mark of a finished training."""
    try:
        mark = json.loads((folder / FINISHED).read_text(encoding="utf-8"))
        return {"settings": dict(mark["settings"]), "steps": [int(step) for step in mark["steps"]]}
    except (ValueError, KeyError, TypeError) as error:
        raise ArcgateError(
            f"the mark of a finished training cannot be read: {error}",
            where=folder / FINISHED,
            todo="delete this folder and run again: the network is trained anew",
        ) from error


def _result(status: Status, folder: Path) -> TrainingResult:
    history = read_history(folder)
    return TrainingResult(status, folder / BEST, int(history["epoch"].max()), history, _finished(folder)["steps"])


def _resume_point(folder: Path, settings: dict[str, Any]) -> Path | None:
    last = folder / LAST
    if not last.is_file():
        return None
    _same_settings(load_checkpoint(last)["hyper_parameters"]["settings"], settings, folder)
    return last


def _same_settings(found: dict[str, Any], wanted: dict[str, Any], folder: Path) -> None:
    differing = sorted(name for name in wanted if found.get(name) != wanted[name])
    if differing:
        raise ArcgateError(
            f"the folder holds a training with other settings: {', '.join(differing)} differ",
            where=folder,
            todo="train in another folder, or remove this one",
        )


class _Epochs(Callback):
    """Counts epochs for whoever watches, those before a resume too."""

    def __init__(self, advance: Advance) -> None:
        self._advance = advance

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._advance(trainer.current_epoch)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._advance(1)


def _trainer(learning: Learning, epochs: int, callbacks: list[Callback], *, folder: Path, logger: Logger | None) -> Trainer:
    return Trainer(
        accelerator="gpu" if torch.cuda.is_available() else "cpu",
        devices=1,
        max_epochs=epochs,
        precision=learning.trainer.precision,
        accumulate_grad_batches=learning.trainer.accumulate,
        reload_dataloaders_every_n_epochs=1,
        callbacks=callbacks,
        plugins=[AtomicCheckpointIO()],
        logger=logger if logger is not None else False,
        default_root_dir=folder,
        deterministic=True,
        log_every_n_steps=1,
        num_sanity_val_steps=0,
        enable_progress_bar=False,
        enable_model_summary=False,
    )


def _fit(trainer: Trainer, finder: LensFinder, data: StampData, resume_from: Path | None, *, compiled: bool) -> None:
    handler = signal.getsignal(signal.SIGINT)
    if compiled:
        # In place, so that names of weights in the checkpoint stay those of the network.
        finder.network.compile()
    try:
        trainer.fit(finder, datamodule=data, ckpt_path=resume_from, weights_only=True)
    except SystemExit as stop:
        # Lightning turns Ctrl-C into an exit and leaves SIGINT ignored; callers expect KeyboardInterrupt.
        signal.signal(signal.SIGINT, handler)
        raise KeyboardInterrupt from stop


@contextmanager
def _reproducible(threads: int) -> Iterator[None]:
    """Deterministic algorithms, a number of threads, and torch's global generator left as it was found."""
    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(threads)
    try:
        with torch.random.fork_rng():
            yield
    finally:
        torch.set_num_threads(before[0])
        torch.use_deterministic_algorithms(before[1])


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence Lightning's notes on devices and products; its warnings and errors still come through, but for one."""
    log = logging.getLogger("pytorch_lightning")
    level = log.level
    log.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            # Lightning 2.6 flattens loaders by a class that torch 2.15 deprecates; nobody who trains can act on it.
            warnings.filterwarnings("ignore", message=r".*LeafSpec.* is deprecated", category=FutureWarning)
            yield
    finally:
        log.setLevel(level)
