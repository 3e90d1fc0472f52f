"""What MLflow keeps of the code of a network, and runs when it loads one: no pickled object, whose bytes nobody could read."""

from __future__ import annotations

from mlflow.models import set_model

from arcgate.tracking.network_model import NetworkModel

set_model(NetworkModel())
