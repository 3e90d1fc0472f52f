"""What MLflow keeps of the code of a network, and runs when it loads one: no pickled object, whose bytes nobody could read."""

from __future__ import annotations

import warnings

from mlflow.models import set_model

with warnings.catch_warnings():
    # MLflow asks for type hints of `predict`; the signature is stated when a network is logged.
    warnings.filterwarnings("ignore", message=".*type hint", category=UserWarning)
    from arcgate.tracking.network_model import NetworkModel

    set_model(NetworkModel())
