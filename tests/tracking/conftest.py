"""A tracking database that is made once and copied for each test: MLflow's migrations take seconds."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

with warnings.catch_warnings():
    # MLflow 3.17 maps its tables with an option that SQLAlchemy 2.1 deprecates; it says so once, at import.
    warnings.filterwarnings("ignore", message="The ``noload`` loader strategy is deprecated")
    import mlflow.store.tracking.sqlalchemy_store  # noqa: F401  # imported for that warning

from arcgate.gates.exhibit import Exhibit
from arcgate.gates.result import Cause, Evidence, GateResult, Nuisance
from arcgate.tracking.store import DATABASE, Store, open_store

MakeGate = Callable[..., GateResult]


@pytest.fixture(scope="session")
def made_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tracking")
    open_store(folder)
    return folder / DATABASE


@pytest.fixture
def mlruns(made_database: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "mlruns"
    folder.mkdir()
    shutil.copy(made_database, folder / DATABASE)
    return folder


@pytest.fixture
def store(mlruns: Path) -> Store:
    return open_store(mlruns)


@pytest.fixture
def make_gate() -> MakeGate:
    def make(name: str = "core", view: str = "raw", stratum: str = "overall", **changes: object) -> GateResult:
        values: dict[str, object] = {
            "role": "gate",
            "value": 0.53,
            "low": 0.504,
            "high": 0.556,
            "margin": 0.05,
            "smallest_leak": 0.02,
            "n": 4000,
            "n_groups": 2000,
            "status": "undetermined",
            "reason": "too few",
            "null": 0.0 if changes.get("margin") == 0.0 or name == "reference" else 0.5,
            "leak_unit": "sky sigma a pixel",
        }
        return GateResult(name=name, view=view, stratum=stratum, **(values | changes))  # type: ignore[arg-type]  # keywords by name

    return make


@pytest.fixture
def evidence(make_gate: MakeGate) -> Evidence:
    results = (
        make_gate(),
        make_gate(stratum="theta_e_lt_1"),
        make_gate("ring", value=0.61, low=0.58, high=0.64, status="failed"),
        make_gate("pedestal", view="annulus_robust", status="blind"),
        make_gate("pair_identity", value=0.0, low=0.0, high=0.0, margin=0.0, status="passed"),
        make_gate("psf", value=None, low=None, high=None, status="not_run"),
        make_gate("core_published", role="diagnostic", value=0.9, low=None, high=None, margin=None, status="reported"),
    )
    measured = (Nuisance("psf_width", "r", 2.35, 2.3, 2.4, 1.0, 0.03, "ratio"),)
    cause = Cause("sigma_for_fwhm + mask_edge", 0.97, "The arcs are 2.35 times as wide as declared.", measured)
    series = [{"label": "r", "x": [1.0, 2.0], "y": [0.1, None]}]
    lines = {"x_label": "radius", "y_label": "light", "x_log": False, "y_log": False, "series": series, "marks": []}
    exhibits = (
        Exhibit("profile", "Profile", "Light by radius.", "lines", lines),
        Exhibit("published_figures", "Published", "A table.", "table", {"columns": ["a"], "rows": [[1]]}),
    )
    return Evidence(key="e1", safe="failed", cause=cause, results=results, exhibits=exhibits)
