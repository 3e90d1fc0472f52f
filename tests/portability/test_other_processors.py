"""The tests marked `portable` pass under settings that make the libraries compute as on other processors.

By hand, for one setting: `.venv/bin/pytest -m long tests/portability -k numba-generic`.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from marked import PORTABLE
from processors import CHOSEN, SETTINGS, Setting

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 3000


def outside(environment: dict[str, str]) -> dict[str, str]:
    """The environment without what the running pytest and its settings left in it."""
    ours = {name for setting in SETTINGS for name in setting.variables}
    return {name: value for name, value in environment.items() if not name.startswith("PYTEST_") and name not in ours}


def run(setting: Setting, folder: Path) -> str:
    """Run the marked tests under a setting, with a folder and a cache of compiled loops of their own; what they print."""
    environment = outside(dict(os.environ)) | dict(setting.variables)
    environment |= {CHOSEN: setting.name, "NUMBA_CACHE_DIR": str(folder / "numba"), "PYTHONPATH": str(Path(__file__).parent)}
    command = [sys.executable, "-m", "pytest", "-m", "portable and not long", "-p", "processors", "-p", "no:cacheprovider"]
    with (folder / "log").open("w") as log:
        done = subprocess.run(
            [*command, f"--basetemp={folder / 'base'}"],
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            timeout=LIMIT_S,
            check=False,
        )
    out = (folder / "log").read_text()
    assert done.returncode == 0, f"{setting.name}: {dict(setting.variables)}\n{out[-8000:]}"
    return out


@pytest.mark.long
@pytest.mark.timeout(LIMIT_S + 60)
@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_marked_tests_pass_under(setting: Setting, tmp_path: Path) -> None:
    if setting.lacking():
        pytest.skip(f"{setting.name} was not run: {setting.lacking()}")
    passed = re.search(r"(\d+) passed", run(setting, tmp_path))
    assert passed is not None
    assert int(passed[1]) >= 500


def test_a_setting_that_takes_no_effect_is_heard() -> None:
    with pytest.raises(pytest.UsageError, match="sought no such processor, and this process runs"):
        replace(SETTINGS[0], expected="no such processor").check()


def test_a_setting_that_this_processor_lacks_says_so() -> None:
    assert replace(SETTINGS[0], needs=("AVX9000",)).lacking() == "this processor has no AVX9000"
    assert replace(SETTINGS[0], needs=()).lacking() == ""


@pytest.mark.parametrize("name", sorted(PORTABLE))
def test_a_marked_folder_holds_tests(name: str) -> None:
    assert list((ROOT / "tests" / name).glob("test_*.py"))
