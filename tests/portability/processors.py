"""Settings under which the libraries compute as on another processor, and the proof in the process that they do.

A library that does not know a setting's name falls back in silence (OpenBLAS takes `Zen` for Haswell), so each setting asks the
loaded library what it runs. As a plugin of pytest (`-p processors`) this module asks before any test, in the tests' process.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import scipy.linalg  # noqa: F401  # loads SciPy's own OpenBLAS, so that it is asked too
import torch
from numba.core.registry import cpu_target
from numpy._core import _multiarray_umath as numpy_core
from threadpoolctl import threadpool_info

CHOSEN = "ARCGATE_TESTS_PROCESSOR"
"""Environment variable that names the setting of this process."""

_MKL_BRANCH, _MKL_COMPATIBLE = 1, 3
"""MKL's codes (mkl_types.h): the question `which branch` and the answer `COMPATIBLE`."""


@dataclass(frozen=True)
class Setting:
    """Variables for a process to start with; what they must lead to, and what runs, in that process.

    `needs` names features of the processor without which the setting cannot run here.
    """

    name: str
    variables: Mapping[str, str]
    expected: str
    running: Callable[[], set[str]]
    needs: tuple[str, ...] = ()

    def lacking(self) -> str:
        """Why this machine cannot run under the setting, or nothing."""
        missing = [feature for feature in self.needs if not numpy_core.__cpu_features__.get(feature)]
        return f"this processor has no {', '.join(missing)}" if missing else ""

    def check(self) -> None:
        """Fail unless the libraries of this process run as the setting says."""
        found = self.running()
        if found != {self.expected}:
            raise pytest.UsageError(f"{self.name}: sought {self.expected}, and this process runs {sorted(found)}")


def _openblas() -> set[str]:
    return {str(pool["architecture"]) for pool in threadpool_info() if pool["internal_api"] == "openblas"}


def _torch() -> set[str]:
    return {torch.backends.cpu.get_cpu_capability()}


def _mkl() -> set[str]:
    library = next((Path(torch.__file__).parent / "lib").glob("libtorch_cpu.*"))
    branch = ctypes.CDLL(str(library)).mkl_serv_cbwr_get(_MKL_BRANCH)
    return {"COMPATIBLE" if branch == _MKL_COMPATIBLE else f"branch {branch}"}


def _numpy_beyond_its_baseline() -> set[str]:
    used = [name for name in numpy_core.__cpu_dispatch__ if numpy_core.__cpu_features__[name]]
    return set(used) or {"baseline"}


def _numba() -> set[str]:
    _, name, features = cpu_target.target_context.codegen().magic_tuple()
    return {f"{name} {features}".strip()}


# NumPy warns of features that it has no code for, or that the processor lacks: only the others are taken away.
_DISPATCHED = " ".join(sorted(_numpy_beyond_its_baseline() - {"baseline"}))

SETTINGS = (
    Setting("openblas-haswell", {"OPENBLAS_CORETYPE": "Haswell"}, "Haswell", _openblas, ("AVX2",)),
    Setting("openblas-skylakex", {"OPENBLAS_CORETYPE": "SkylakeX"}, "SkylakeX", _openblas, ("AVX512F", "AVX512_SKX")),
    Setting("torch-default", {"ATEN_CPU_CAPABILITY": "default"}, "DEFAULT", _torch, ("SSE2",)),
    Setting("torch-avx2", {"ATEN_CPU_CAPABILITY": "avx2"}, "AVX2", _torch, ("AVX2",)),
    Setting("mkl-compatible", {"MKL_CBWR": "COMPATIBLE"}, "COMPATIBLE", _mkl, ("SSE2",)),
    Setting("numpy-baseline", {"NPY_DISABLE_CPU_FEATURES": _DISPATCHED}, "baseline", _numpy_beyond_its_baseline),
    Setting("numba-generic", {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}, "generic", _numba),
)


def pytest_sessionstart() -> None:
    """Ask, in the process of the tests."""
    chosen = os.environ.get(CHOSEN)
    for setting in SETTINGS:
        if setting.name == chosen:
            setting.check()
