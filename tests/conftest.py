"""What many tests need: composed configurations, one small data set built once, and results of gates."""

from __future__ import annotations

import one_thread  # noqa: F401  # before the libraries that it limits

# isort: split
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from composing import Compose, composed
from hypothesis import settings
from marked import PORTABLE

from arcgate.dataset.reader import Dataset, open_dataset
from arcgate.gates.core.exhibit import Exhibit
from arcgate.gates.core.result import Cause, Evidence, GateResult, RefitParameter
from arcgate.gates.core.words import Words
from arcgate.injection.build import build_dataset
from arcgate.variant import Variant

# The same examples in every run: a failure that comes and goes would be met by whoever changed something else.
settings.register_profile("same", derandomize=True, deadline=None)
settings.load_profile("same")

MakeGate = Callable[..., GateResult]
TESTS = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what `tests/portability` runs again as on other processors."""
    for item in items:
        if not PORTABLE.isdisjoint(item.path.relative_to(TESTS).parts):
            item.add_marker(pytest.mark.portable)


@pytest.fixture(scope="session")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the session's surveys and data sets, one for all worker processes: what one builds, the others find."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "work"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def small(work: Path) -> Compose:
    """Compose a variant on a survey of 240 galaxies, kept in the session's folder."""

    def make(*overrides: str) -> Variant:
        sizes = ("data.hosts.n_hosts=240", "data.n_pairs=100", "evaluation.common.n_pairs=15")
        place = (f"runtime.data_dir={work / 'data'}", f"runtime.mlruns_dir={work / 'mlruns'}", "runtime.workers=1")
        return composed(*sizes, *place, *overrides)

    return make


@pytest.fixture(scope="session")
def built(small: Compose) -> Callable[..., Dataset]:
    """Build (once) the data set of a small variant and open it."""

    def make(*overrides: str) -> Dataset:
        spec = small(*overrides)
        return open_dataset(build_dataset(spec.data, spec.runtime).folder)

    return make


@pytest.fixture
def make_gate() -> MakeGate:
    def make(name: str = "core", view: str = "raw", stratum: str = "overall", **changes: object) -> GateResult:
        values: dict[str, object] = {
            "role": "gate",
            "value": 0.53,
            "low": 0.504,
            "high": 0.556,
            "margin": 0.05,
            "detected_sensitivity": 0.02,
            "required_sensitivity": 0.1,
            "n": 4000,
            "n_groups": 2000,
            "status": "undetermined",
            "reason": "too few",
            "null": 0.0 if changes.get("margin") == 0.0 or name == "reference" else 0.5,
            "sensitivity_unit": "sky sigma a pixel",
        }
        return GateResult(name=name, view=view, stratum=stratum, **(values | changes))  # type: ignore[arg-type]  # keywords by name

    return make


@pytest.fixture
def evidence(make_gate: MakeGate) -> Evidence:
    results = (
        make_gate(),
        make_gate(stratum="theta_e_lt_1"),
        make_gate("ring", value=0.61, low=0.58, high=0.64, status="failed"),
        make_gate("pedestal", view="annulus_robust", status="insensitive"),
        make_gate("pair_identity", value=0.0, low=0.0, high=0.0, margin=0.0, status="passed"),
        make_gate("psf", value=None, low=None, high=None, status="not_run"),
        make_gate("core_published", role="diagnostic", value=0.9, low=None, high=None, margin=None, status="reported"),
    )
    measured = (RefitParameter("psf_width", "r", 2.35, 2.3, 2.4, 1.0, 0.03, "ratio"),)
    cause = Cause("sigma_for_fwhm + mask_edge", "The arcs are 2.35 times as wide as declared.", measured)
    series = [{"label": "r", "x": [1.0, 2.0], "y": [0.1, None]}]
    lines = {"x_label": "radius", "y_label": "light", "x_log": False, "y_log": False, "series": series, "marks": []}
    exhibits = (
        Exhibit("profile", "Profile", "Light by radius.", "lines", lines),
        Exhibit("published_figures", "Published", "A table.", "table", {"columns": ["a"], "rows": [[1]]}),
    )
    words = {
        "core": Words("residual", "Core"),
        "ring": Words("mask_edge", "Ring"),
        "core_published": Words("published", "Core AUC"),
    }
    return Evidence(key="e1", safe="failed", cause=cause, results=results, exhibits=exhibits, words=words)
