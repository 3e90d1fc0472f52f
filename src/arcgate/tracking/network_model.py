"""The class by which MLflow loads a network, in a module of its own: it is named in what MLflow keeps."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any, Final

import numpy as np
from mlflow.pyfunc.model import PythonModel

from arcgate.evaluation.network import Network
from arcgate.learning.checkpoints import load_checkpoint
from arcgate.variant import View

CHECKPOINT: Final = "checkpoint"
"""Artifact that holds the weights."""


# MLflow asks for type hints where a class is defined, and lets no filter keep it from saying so; nothing else can be said here.
# The signature is stated when a network is logged.
with warnings.catch_warnings(record=True):

    class NetworkModel(PythonModel):
        """Logits of cutouts, as `mlflow.pyfunc.load_model(...).predict` gives them.

        The input is a mapping of arrays: `image` (n, band, y, x) in nanomaggies per pixel, `x_pix` and `y_pix` (n,), the
        galaxy's centre, and for views that divide by the sky's noise `sky_sigma` (n, band).
        """

        def load_context(self, context: Any) -> None:
            """Read the checkpoint that was kept with the model."""
            path = Path(context.artifacts[CHECKPOINT])
            view = View(**load_checkpoint(path)["hyper_parameters"]["settings"]["view"])
            self.network = Network.load(path, view)

        # Without annotations: MLflow would read them as a schema, beside the one that is stated.
        def predict(self, context, model_input, params=None):  # type: ignore[no-untyped-def]
            """Logits (n,): higher means more like a lens."""
            given = {name: np.asarray(values) for name, values in dict(model_input).items()}
            return self.network.of_arrays(given["image"], given.get("x_pix"), given.get("y_pix"), given.get("sky_sigma"))
