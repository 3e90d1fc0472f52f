"""A trained network with its view: logits of stamps in nanomaggies, wherever they come from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from arcgate.ground.errors import ArcgateError
from arcgate.ground.hashing import as_plain
from arcgate.imaging import Imaging
from arcgate.learning.checkpoints import load_checkpoint
from arcgate.learning.module import LensFinder, load_finder
from arcgate.views.arrays import stamps_of
from arcgate.views.planes import Stamps
from arcgate.views.view import Viewer

if TYPE_CHECKING:
    from arcgate.variant import View

AT_ONCE: Final = 256


@dataclass(frozen=True)
class Network:
    """What a checkpoint holds, ready to score.

    Attributes
    ----------
    finder : LensFinder
        In evaluation mode.
    viewer : Viewer
        Of its training.
    settings : dict
        Plain values of its training: learning, view, imaging, data_digest.
    """

    finder: LensFinder
    viewer: Viewer
    settings: dict[str, Any]

    @classmethod
    def load(cls, checkpoint: Path, view: View, device: str = "cpu") -> Network:
        """Read a checkpoint of `arcgate.learning.train`.

        Parameters
        ----------
        checkpoint : Path
        view : View
            Of its training.
        device : str
            Of torch.

        Raises
        ------
        ArcgateError
            For a checkpoint that is missing, damaged, or was trained on another view.
        """
        content = load_checkpoint(checkpoint)
        settings = content["hyper_parameters"]["settings"]
        if settings["view"] != as_plain(view):
            raise ArcgateError(
                "the network was trained on another view than it is to be scored on",
                where=checkpoint,
                todo="score with the view of the training",
            )
        return cls(load_finder(content).to(device), Viewer(view, Imaging.of(settings["imaging"])), settings)

    def logits(self, stamps: Stamps) -> NDArray[np.float64]:
        """Logit of each stamp, shape (n,); errors as `Viewer`."""
        return self.of_seen(self.viewer(stamps))

    def of_seen(self, seen: torch.Tensor) -> NDArray[np.float64]:
        """Logits of what the view makes of stamps, shape (n,)."""
        if not len(seen):
            return np.empty(0)
        with torch.inference_mode():
            parts = [self.finder(part.to(self.finder.device)) for part in torch.split(seen, AT_ONCE)]
        return np.concatenate([part.double().cpu().numpy() for part in parts])

    def of_arrays(
        self,
        image: NDArray[np.float32],
        x_pix: NDArray[np.float64] | None = None,
        y_pix: NDArray[np.float64] | None = None,
        sky_sigma: NDArray[np.float32] | None = None,
    ) -> NDArray[np.float64]:
        """Logits of cutouts.

        Parameters
        ----------
        image : ndarray of float32, shape (n, band, y, x)
            Nanomaggies per pixel, bands, size and scale those of the training.
        x_pix, y_pix : ndarray, shape (n,), optional
            Centre of the galaxy, 0-based pixels; the middle of the stamp by default.
        sky_sigma : ndarray, shape (n, band), optional
            Standard deviation of the sky, nanomaggies per pixel; for views that divide by it.
        """
        middle = np.full(len(image), self.viewer.imaging.middle_pix)
        x, y = (middle if given is None else np.asarray(given, np.float64) for given in (x_pix, y_pix))
        sky = None if sky_sigma is None else np.asarray(sky_sigma, np.float32)
        return self.logits(stamps_of(np.asarray(image, np.float32), x, y, sky))
