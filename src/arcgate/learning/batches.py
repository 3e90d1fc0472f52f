"""A batch of stamps as networks and objectives get it."""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor


@dataclass(frozen=True)
class Batch:
    """Viewed stamps, with what is known of them.

    Attributes
    ----------
    images : Tensor of float32, shape (n, channels, y, x)
        What the network sees.
    labels : Tensor of float32, shape (n,)
        1 for positives, 0 for controls.
    weights : Tensor of float32, shape (n,)
        Of each row in the objective.
    sample, pair, galaxy : Tensor of int64, shape (n,)
        Identity of the row, of its pair, and of its galaxy by the hash of its name.
    theta_e_arcsec, arc_snr : Tensor of float32, shape (n,)
        Of the pair's arc, controls too: Einstein radius, and S/N as added.
    x_pix, y_pix : Tensor of float64, shape (n,)
        Centre of the galaxy.
    """

    images: Tensor
    labels: Tensor
    weights: Tensor
    sample: Tensor
    pair: Tensor
    galaxy: Tensor
    theta_e_arcsec: Tensor
    arc_snr: Tensor
    x_pix: Tensor
    y_pix: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: Tensor) -> Batch:
        """The rows at these places."""
        return Batch(*(getattr(self, each.name)[rows] for each in fields(self)))

    def to(self, device: torch.device | str) -> Batch:
        """The batch on a device; Lightning asks for it."""
        return Batch(*(getattr(self, each.name).to(device) for each in fields(self)))

    def members(self) -> tuple[Tensor, Tensor]:
        """Places of the positives whose control lies in the batch too, and of their controls."""
        positives, controls = (torch.nonzero(self.labels == label)[:, 0] for label in (1, 0))
        order = self.pair[controls].argsort(stable=True)
        known = self.pair[controls][order].contiguous()
        place = torch.searchsorted(known, self.pair[positives].contiguous()).clamp(max=max(len(known) - 1, 0))
        if not len(known):
            return positives[:0], controls
        found = known[place] == self.pair[positives]
        return positives[found], controls[order[place[found]]]

    @staticmethod
    def joined(parts: list[Batch]) -> Batch:
        """One after another."""
        if len(parts) == 1:
            return parts[0]
        return Batch(*(torch.cat([getattr(part, each.name) for part in parts]) for each in fields(Batch)))


def weighted_mean(values: Tensor, weights: Tensor) -> Tensor:
    """Mean of (n,) by weights (n,)."""
    return (values * weights).sum() / weights.sum()
