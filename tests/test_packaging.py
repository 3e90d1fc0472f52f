"""An installed wheel works outside the checkout, configuration included."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
VERSION = PROJECT["project"]["version"]


def test_an_installed_wheel_composes_its_configuration_outside_the_checkout(tmp_path):
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    # Built from a copy: setuptools leaves its build folder beside the sources.
    source = tmp_path / "source"
    source.mkdir()
    for name in ("src", "conf", "pyproject.toml", "README.md", "LICENSE"):
        (source / name).symlink_to(ROOT / name)
    wheels, site = tmp_path / "wheels", tmp_path / "site"
    subprocess.run(
        [*pip, "wheel", "--no-deps", "--no-build-isolation", "--no-index", "-w", wheels, source], check=True, capture_output=True
    )
    (wheel,) = wheels.glob("arcgate-*.whl")
    assert_holds_what_is_read_and_no_more(wheel)
    subprocess.run([*pip, "install", "--no-deps", "--no-index", "--target", site, wheel], check=True, capture_output=True)
    # -P and the cleared import hooks keep the checkout's editable install out of the way.
    program = (
        "import contextlib, sys; sys.meta_path = [f for f in sys.meta_path if 'editable' not in repr(f).lower()]\n"
        f"sys.path.insert(0, {str(site)!r})\n"
        "import arcgate, arcgate.conf\n"
        f"assert arcgate.__file__.startswith({str(site)!r}), arcgate.__file__\n"
        f"assert list(arcgate.conf.__path__)[0].startswith({str(site)!r}), arcgate.conf.__path__\n"
        "from arcgate.cli import main\n"
        "sys.argv = ['arcgate', '--version']\n"
        "with contextlib.suppress(SystemExit): main()\n"
        "sys.argv = ['arcgate', 'run', '--cfg', 'job', 'controls=unpaired', 'experiment=pilot', 'hydra.mode=RUN']; main()\n"
    )
    done = subprocess.run([sys.executable, "-P", "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"arcgate {VERSION}\n")
    assert "match_on:" in done.stdout
    assert "name: unpaired" in done.stdout


def assert_holds_what_is_read_and_no_more(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    settings = {f"arcgate/conf/{path.relative_to(ROOT / 'conf').as_posix()}" for path in (ROOT / "conf").rglob("*.yaml")}
    templates = {path.relative_to(ROOT / "src").as_posix() for path in (ROOT / "src").rglob("templates/*")}
    assert len(settings) > 50
    assert len(templates) > 2
    assert settings | templates | {"arcgate/py.typed"} <= names
    assert {name.split("/")[0] for name in names} == {"arcgate", f"arcgate-{VERSION}.dist-info"}
    assert not any("docs" in name.split("/") for name in names)


def test_the_citation_and_the_changelog_name_this_version():
    assert f"\nversion: {VERSION}\n" in (ROOT / "CITATION.cff").read_text()
    first = next(line for line in (ROOT / "CHANGELOG.md").read_text().splitlines() if re.match(r"## \[\d", line))
    assert first.startswith(f"## [{VERSION}] - ")


def test_every_package_is_in_the_wheel():
    packages = PROJECT["tool"]["setuptools"]["packages"]
    there = {file.parent.relative_to(ROOT / "src").as_posix().replace("/", ".") for file in (ROOT / "src").rglob("__init__.py")}
    assert set(packages) == there | {"arcgate.conf"}
