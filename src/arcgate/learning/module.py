"""The network: one logit per stamp from any timm backbone, trained on the objective that the configuration names."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import torch
from pytorch_lightning import LightningModule
from pytorch_lightning.utilities.types import OptimizerLRScheduler
from sklearn.metrics import roc_auc_score
from torch import Tensor
from torch.nn import Module
from torch.optim import Optimizer
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, SequentialLR

from arcgate.ground.draws import words
from arcgate.ground.errors import ArcgateError
from arcgate.imaging import Imaging
from arcgate.learning.batches import Batch
from arcgate.learning.network import backbone, logits_and_embeddings
from arcgate.learning.objective import Output, minimised
from arcgate.learning_node import Objective

WARM_UP_SHARE: Final = 0.1


class LensFinder(LightningModule):
    """A backbone that gives the logit of "this stamp holds an arc".

    Parameters
    ----------
    settings : dict
        Plain values: `learning` (fields of `arcgate.learning_node.Learning`), `view`, `imaging` and `data_digest`. Kept in the
        checkpoint.
    total_steps : int
        Optimiser steps of the whole training, which the schedule of the learning rate follows.
    """

    def __init__(self, settings: dict[str, Any], total_steps: int) -> None:
        super().__init__()
        self.save_hyperparameters({"settings": settings, "total_steps": total_steps}, logger=False)
        self.learning: dict[str, Any] = settings["learning"]
        self.imaging = Imaging.of(settings["imaging"])
        self.planes = len(settings["view"]["planes"])
        self.total_steps = total_steps
        self.objective = minimised(Objective(**self.learning["objective"]))
        self.network = self.configure_network()
        self._validated: list[tuple[Tensor, Tensor, Tensor]] = []

    def configure_network(self) -> Module:
        """Build the backbone; initial weights follow from `learning.seed` alone, or are those of `learning.weights`."""
        learning = self.learning
        with torch.random.fork_rng():
            torch.manual_seed(int(learning["seed"]))
            network = backbone(learning["backbone"], self.imaging, self.planes, learning["weights"], learning["stem_stride"])
            # Convolutions of stamps are a tenth to a fifth faster on a processor when channels lie innermost.
            return network.to(memory_format=torch.channels_last)

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """AdamW; per step a linear warm-up over the first tenth of all steps, then a cosine to zero."""
        optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=self.learning["lr"], weight_decay=self.learning["weight_decay"]
        )
        schedule = warm_up_and_cosine(optimizer, self.total_steps)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def forward(self, images: Tensor) -> Tensor:
        """Logits of shape (n,) for viewed images of shape (n, channels, y, x)."""
        logits: Tensor = self.network(images.contiguous(memory_format=torch.channels_last))[:, 0]
        return logits

    def output(self, images: Tensor) -> Output:
        """What the objective asks for."""
        if not self.objective.needs_embeddings:
            return Output(self(images))
        return Output(*logits_and_embeddings(self.network, images.contiguous(memory_format=torch.channels_last)))

    def on_train_epoch_start(self) -> None:
        """Key what layers draw (dropout, stochastic depth) on (seed, epoch), so that a resumed run draws the same."""
        (word,) = words(int(self.learning["seed"]), f"layers in epoch {self.current_epoch}", np.zeros(1, dtype=np.int64))
        torch.manual_seed(int(word))

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Loss of a batch."""
        loss = self.objective.loss(self.output(batch.images), batch)
        self.log("train_loss", loss, on_step=False, on_epoch=True, prog_bar=True, batch_size=len(batch))
        return loss

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Collect logits, labels and losses."""
        output = self.output(batch.images)
        loss = self.objective.loss(output, batch) * len(batch)
        self._validated.append((output.logits, batch.labels, loss.reshape(1)))

    def on_validation_epoch_end(self) -> None:
        """Log val_loss (the mean over batches by their rows) and val_auroc over the whole set.

        Raises
        ------
        ArcgateError
            If the network has diverged.
        """
        logits, labels, losses = (torch.cat(part) for part in zip(*self._validated, strict=True))
        self._validated.clear()
        if not bool(torch.isfinite(logits).all()):
            raise ArcgateError(
                f"the training has diverged: logits that are not finite after epoch {self.current_epoch}",
                where=f"learning.lr = {self.learning['lr']}",
                todo="lower learning.lr",
            )
        auroc = roc_auc_score(labels.cpu().numpy(), logits.float().cpu().numpy())
        self.log_dict({"val_loss": losses.sum() / len(labels), "val_auroc": float(auroc)}, prog_bar=True)


def warm_up_and_cosine(optimizer: Optimizer, total_steps: int) -> SequentialLR:
    """Schedule by steps: the learning rate rises linearly from 1/w of its value over w steps, then falls to 0 as half a cosine.

    Parameters
    ----------
    optimizer : Optimizer
        Its learning rate is the highest.
    total_steps : int
        Steps of the whole training; w is a tenth of it, at least 1.
    """
    warm_up = max(1, round(WARM_UP_SHARE * total_steps))
    rise = LinearLR(optimizer, start_factor=1.0 / warm_up, total_iters=warm_up - 1)
    return SequentialLR(optimizer, [rise, CosineAnnealingLR(optimizer, max(1, total_steps - warm_up))], milestones=[warm_up])


def load_finder(checkpoint: dict[str, Any]) -> LensFinder:
    """Rebuild the trained network of a checkpoint (see `checkpoints.load_checkpoint`) in evaluation mode."""
    finder = LensFinder(**checkpoint["hyper_parameters"])
    finder.load_state_dict(checkpoint["state_dict"])
    return finder.eval()
