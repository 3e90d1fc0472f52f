"""MLflow: runs and tables of a study, with its figures. No other package of arcgate imports MLflow.

Importing this package switches MLflow's usage reports off for this process and its children, before MLflow is loaded.
"""

from __future__ import annotations

import os

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["DO_NOT_TRACK"] = "true"
