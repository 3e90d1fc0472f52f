"""A network to take home: a model of MLflow that scores cutouts in nanomaggies without any folder of arcgate's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import mlflow
import numpy as np
from mlflow.models import ModelSignature
from mlflow.pyfunc import PythonModel
from mlflow.types.schema import Schema, TensorSpec
from numpy.typing import NDArray

from arcgate.evaluation.network import Network
from arcgate.ground.errors import ArcgateError
from arcgate.imaging import Imaging
from arcgate.tracking.store import Store
from arcgate.variant import View

NAME: Final = "network"
"""Of the model on its run."""
CHAMPION: Final = "champion"
_CHECKPOINT: Final = "checkpoint"


class NetworkModel(PythonModel):
    """Logits of cutouts, as `mlflow.pyfunc.load_model(...).predict` gives them.

    The input is a mapping of arrays: `image` (n, band, y, x) in nanomaggies per pixel, `x_pix` and `y_pix` (n,), the galaxy's
    centre, and for views that divide by the sky's noise `sky_sigma` (n, band).
    """

    def load_context(self, context: Any) -> None:
        """Read the checkpoint that was kept with the model."""
        self.network = Network.load(Path(context.artifacts[_CHECKPOINT]))

    def predict(self, context: Any, model_input: Any, params: dict[str, Any] | None = None) -> NDArray[np.float64]:
        """Logits (n,): higher means more like a lens."""
        given = {name: np.asarray(values) for name, values in dict(model_input).items()}
        return self.network.of_arrays(given["image"], given.get("x_pix"), given.get("y_pix"), given.get("sky_sigma"))


def log_network(
    store: Store,
    run_id: str,
    checkpoint: Path,
    imaging: Imaging,
    view: View,
    facts: Mapping[str, object],
    files: Mapping[str, Path],
) -> str | None:
    """Keep a network on its run.

    Parameters
    ----------
    store : Store
    run_id : str
        The variant's run.
    checkpoint : Path
        Best weights.
    imaging, view : Imaging, View
        Of its training.
    facts : mapping
        What whoever takes it home must know: threshold, verdict on its data set, digests.
    files : mapping of str to Path
        Evidence and completeness, kept beside it by these names.

    Returns
    -------
    str or None
        URI of the model; None where the input cannot be had of a real image, so that there is nothing to take home.
    """
    if not view.deployable:
        return None
    with _tracking(store), mlflow.start_run(run_id=run_id, log_system_metrics=False):
        logged = mlflow.pyfunc.log_model(
            name=NAME,
            python_model=NetworkModel(),
            artifacts={_CHECKPOINT: str(checkpoint)} | {name: str(path) for name, path in files.items()},
            signature=signature_of(imaging, view),
            pip_requirements=[f"arcgate=={version('arcgate')}"],
            metadata={name: value for name, value in facts.items() if value is not None},
        )
    return str(logged.model_uri)


def signature_of(imaging: Imaging, view: View) -> ModelSignature:
    """Types and shapes of what goes in and comes out; n is free."""
    inputs = [
        TensorSpec(np.dtype(np.float32), (-1, *imaging.shape), "image"),
        TensorSpec(np.dtype(np.float64), (-1,), "x_pix"),
        TensorSpec(np.dtype(np.float64), (-1,), "y_pix"),
    ]
    if view.normalisation == "noise":
        inputs.append(TensorSpec(np.dtype(np.float32), (-1, len(imaging.bands)), "sky_sigma"))
    return ModelSignature(Schema(inputs), Schema([TensorSpec(np.dtype(np.float64), (-1,))]))


@contextmanager
def _tracking(store: Store) -> Iterator[None]:
    """MLflow's functions on one database; what they were set to before is set again."""
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(store.uri)
    try:
        yield
    finally:
        mlflow.set_tracking_uri(before)


def load_network(uri: str) -> Network:
    """The network of a model, by `runs:/<run>/network`, `models:/<name>@champion` or a folder.

    Raises
    ------
    ArcgateError
        There is no such model, or it is none of arcgate's.
    """
    try:
        found = mlflow.pyfunc.load_model(uri).unwrap_python_model()
    except (mlflow.exceptions.MlflowException, OSError) as error:
        raise ArcgateError(f"there is no model {uri}: {error}", where="model", todo="name a run's network or a folder") from error
    if not isinstance(found, NetworkModel):
        raise ArcgateError(f"{uri} is no network of arcgate's", where="model", todo="name one that arcgate logged")
    return found.network
