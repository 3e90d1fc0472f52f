"""What many tests need: composed configurations, and one small data set built once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from composing import Compose, composed

from arcgate.dataset.reader import Dataset, open_dataset
from arcgate.injection.build import build_dataset
from arcgate.variant import Variant


@pytest.fixture(scope="session")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the session's surveys and data sets."""
    return tmp_path_factory.mktemp("work")


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
