"""Binary cross-entropy, with smoothed labels if asked for; controls are the hardest of negatives, since they share the galaxy."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from arcgate.ground.errors import ArcgateError
from arcgate.learning.batches import Batch
from arcgate.learning.objective import Minimised, Output


def objective(smoothing: float = 0.0) -> Minimised:
    """Cross-entropy in nats.

    Parameters
    ----------
    smoothing : float
        Labels are drawn so far towards one half (Szegedy et al. 2016, CVPR, section 7): 1 becomes 1 - smoothing / 2.
    """
    if not 0 <= smoothing < 1:
        raise ArcgateError(
            f"labels cannot be smoothed by {smoothing:g}", where="learning.objective.parameters", todo="give 0 to less than 1"
        )

    def loss(output: Output, batch: Batch) -> Tensor:
        target = batch.labels * (1.0 - smoothing) + 0.5 * smoothing
        # With equal weights the loss and its slope are those of torch's own mean, to the last bit.
        return binary_cross_entropy_with_logits(output.logits, target, weight=batch.weights / batch.weights.mean())

    return Minimised(loss)
