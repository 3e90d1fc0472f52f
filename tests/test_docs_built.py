"""The documentation is built without a warning, and the Python interface is on its page."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import arcgate

ROOT = Path(__file__).resolve().parents[1]


def test_what_is_imported_when_it_is_used_is_found_by_tab_completion():
    assert set(arcgate.__all__) <= set(dir(arcgate))


@pytest.mark.long
def test_the_documentation_is_built_without_a_warning(tmp_path):
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-E", "-c", ROOT / "docs", "-d", tmp_path / "trees"]
    done = subprocess.run([*command, ROOT, tmp_path / "html"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    pages = {path.relative_to(tmp_path / "html").with_suffix(".md") for path in (tmp_path / "html" / "docs").rglob("*.html")}
    assert pages == {path.relative_to(ROOT) for path in (ROOT / "docs").rglob("*.md")}
    interface = (tmp_path / "html" / "docs" / "reference" / "api.html").read_text()
    assert sorted(re.findall(r'id="arcgate\.(\w+)"', interface)) == sorted(arcgate.__all__)
