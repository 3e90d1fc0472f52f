"""Focal loss: cross-entropy in which stamps that the network is sure of count little."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from arcgate.ground.errors import ArcgateError
from arcgate.learning.batches import Batch, weighted_mean
from arcgate.learning.objective import Minimised, Output


def objective(gamma: float = 2.0) -> Minimised:
    """Focal loss (Lin et al. 2017, ICCV, equation 4, without class weights), nats.

    Parameters
    ----------
    gamma : float
        The loss of a stamp is multiplied by (1 - p)^gamma with p the probability of its own class; 0 is cross-entropy.
    """
    if gamma < 0:
        raise ArcgateError(f"gamma cannot be {gamma:g}", where="learning.objective.parameters", todo="give 0 or more")

    def loss(output: Output, batch: Batch) -> Tensor:
        entropy = binary_cross_entropy_with_logits(output.logits, batch.labels, reduction="none")
        missing = torch.sigmoid(torch.where(batch.labels > 0.5, -output.logits, output.logits))
        return weighted_mean(missing**gamma * entropy, batch.weights)

    return Minimised(loss)
