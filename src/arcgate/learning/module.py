"""The network: one logit per stamp from any timm backbone, trained with binary cross-entropy."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import timm
import torch
from pytorch_lightning import LightningModule
from pytorch_lightning.utilities.types import OptimizerLRScheduler
from sklearn.metrics import roc_auc_score
from torch import Tensor
from torch.nn import Module
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.optim import Optimizer
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, SequentialLR

from arcgate.ground.draws import words
from arcgate.ground.errors import ArcgateError
from arcgate.imaging import Imaging
from arcgate.learning.backbones import check_backbone

WARM_UP_SHARE: Final = 0.1
LabelledImages = tuple[Tensor, Tensor]


def backbone(name: str, imaging: Imaging, planes: int = 1) -> Module:
    """Build a timm network with a channel a band and plane, and one output, random weights.

    Parameters
    ----------
    name : str
        Name as timm lists it.
    imaging : Imaging
        Of the stamps.
    planes : int
        How often each band is shown.

    Raises
    ------
    ArcgateError
        If timm has no such model (with the closest names), or it cannot take stamps of this size.
    """
    check_backbone(name)
    default = timm.get_pretrained_cfg(name)
    size: dict[str, Any] = {"img_size": imaging.size_pix} if default is not None and default.fixed_input_size else {}
    try:
        network: Module = timm.create_model(name, pretrained=False, in_chans=planes * len(imaging.bands), num_classes=1, **size)
        _try(network, imaging, planes)
    except (AssertionError, RuntimeError, TypeError, ValueError) as error:
        raise ArcgateError(
            f"timm's {name} does not work on stamps of {imaging.size_pix} x {imaging.size_pix} pixels: {error}",
            where="learning.backbone",
            todo="choose a convolutional backbone, for example resnet18",
        ) from error
    return network


def _try(network: Module, imaging: Imaging, planes: int) -> None:
    network.eval()
    with torch.no_grad():
        shape = tuple(network(torch.zeros(2, planes * len(imaging.bands), *imaging.shape[1:])).shape)
    network.train()
    if shape != (2, 1):
        raise ValueError(f"its output has shape {shape}, not (2, 1)")


class LensFinder(LightningModule):
    """A backbone that gives the logit of "this stamp holds an arc".

    Parameters
    ----------
    settings : dict
        Plain values: `learning` (fields of `arcgate.variant.Learning`), `view`,
        `imaging` and `data_digest`. Kept in the checkpoint.
    steps_per_epoch : int
        Batches in an epoch; the schedule's length is this times `epochs`.
    """

    def __init__(self, settings: dict[str, Any], steps_per_epoch: int) -> None:
        super().__init__()
        self.save_hyperparameters({"settings": settings, "steps_per_epoch": steps_per_epoch}, logger=False)
        self.learning: dict[str, Any] = settings["learning"]
        self.imaging = Imaging.of(settings["imaging"])
        self.planes = len(settings["view"]["planes"])
        self.total_steps = steps_per_epoch * int(self.learning["epochs"])
        self.network = self.configure_network()
        self._logits: list[Tensor] = []
        self._labels: list[Tensor] = []

    def configure_network(self) -> Module:
        """Build the backbone; initial weights follow from `learning.seed` alone."""
        with torch.random.fork_rng():
            torch.manual_seed(int(self.learning["seed"]))
            # Convolutions of stamps are a tenth to a fifth faster on a processor when channels lie innermost.
            return backbone(self.learning["backbone"], self.imaging, self.planes).to(memory_format=torch.channels_last)

    def configure_losses(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Mean binary cross-entropy in nats; logits and labels of shape (n,)."""
        return binary_cross_entropy_with_logits(logits, labels)

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """AdamW; per step a linear warm-up over the first tenth of all steps, then a cosine to zero."""
        optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=self.learning["lr"], weight_decay=self.learning["weight_decay"]
        )
        schedule = warm_up_and_cosine(optimizer, self.total_steps)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def forward(self, images: Tensor) -> Tensor:
        """Logits of shape (n,) for viewed images of shape (n, band, y, x)."""
        logits: Tensor = self.network(images.contiguous(memory_format=torch.channels_last))[:, 0]
        return logits

    def on_train_epoch_start(self) -> None:
        """Key what layers draw (dropout, stochastic depth) on (seed, epoch), so that a resumed run draws the same."""
        (word,) = words(int(self.learning["seed"]), f"layers in epoch {self.current_epoch}", np.zeros(1, dtype=np.int64))
        torch.manual_seed(int(word))

    def training_step(self, batch: LabelledImages, batch_idx: int) -> Tensor:
        """Loss of a batch."""
        images, labels = batch
        loss = self.configure_losses(self(images), labels)
        self.log("train_loss", loss, on_step=False, on_epoch=True, prog_bar=True, batch_size=len(labels))
        return loss

    def validation_step(self, batch: LabelledImages, batch_idx: int) -> None:
        """Collect logits and labels."""
        images, labels = batch
        self._logits.append(self(images))
        self._labels.append(labels)

    def on_validation_epoch_end(self) -> None:
        """Log val_loss and val_auroc over the whole set.

        Raises
        ------
        ArcgateError
            If the network has diverged.
        """
        logits, labels = torch.cat(self._logits), torch.cat(self._labels)
        self._logits.clear()
        self._labels.clear()
        if not bool(torch.isfinite(logits).all()):
            raise ArcgateError(
                f"the training has diverged: logits that are not finite after epoch {self.current_epoch}",
                where=f"learning.lr = {self.learning['lr']}",
                todo="lower learning.lr",
            )
        auroc = roc_auc_score(labels.cpu().numpy(), logits.cpu().numpy())
        self.log_dict({"val_loss": self.configure_losses(logits, labels), "val_auroc": float(auroc)}, prog_bar=True)


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
