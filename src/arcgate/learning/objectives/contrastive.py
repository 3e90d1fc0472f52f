"""Cross-entropy, and a term that pushes the embedding of a positive away from that of its own control."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, normalize

from arcgate.ground.errors import ArcgateError
from arcgate.learning.batches import Batch, weighted_mean
from arcgate.learning.objective import Minimised, Output


def objective(weight: float = 0.5, margin: float = 1.0) -> Minimised:
    """Cross-entropy plus `weight` times the contrastive loss of dissimilar pairs (Hadsell et al. 2006, CVPR, equation 4).

    Parameters
    ----------
    weight : float
        Of the term beside the cross-entropy.
    margin : float
        Embeddings have length one; members of a pair that lie this far apart are not pushed any further. At most 2.
    """
    if weight < 0 or not 0 < margin <= 2:
        raise ArcgateError(
            f"no contrastive term has weight {weight:g} and margin {margin:g}",
            where="learning.objective.parameters",
            todo="give a weight of 0 or more, and a margin of at most 2, the largest distance of two embeddings",
        )

    def loss(output: Output, batch: Batch) -> Tensor:
        entropy = weighted_mean(binary_cross_entropy_with_logits(output.logits, batch.labels, reduction="none"), batch.weights)
        positive, control = batch.members()
        if not len(positive):
            return entropy
        assert output.embeddings is not None  # asked for below
        unit = normalize(output.embeddings, dim=1)
        # The square root has no slope at 0, where members are equal.
        distance = torch.sqrt((unit[positive] - unit[control]).square().sum(dim=1) + 1e-12)
        push = (margin - distance).clamp(min=0.0).square()
        return entropy + weight * weighted_mean(push, batch.weights[positive])

    return Minimised(loss, needs_embeddings=True, needs_pairs=True)
