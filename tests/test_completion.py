"""Tab completion: the words that a shell is given, what they cost, and the script for bash."""

from __future__ import annotations

import subprocess
import sys

import pytest

from arcgate import cli
from arcgate.completion import CONFIGURATIONS, candidates, script

PSFS = [f"psf={name}" for name in ("gaussian", "measured", "moffat_converted", "moffat_fitted", "moffat_naive")]


def test_every_verb_is_completed():
    assert list(CONFIGURATIONS) == list(cli.VERBS)
    assert candidates("arcgate ") == [*cli.VERBS, "--help", "--version"]
    assert candidates("arcgate r") == ["run", "report"]
    assert candidates("arcgate fly ") == []


@pytest.mark.parametrize(
    ("line", "some"),
    [
        ("arcgate run psf=", PSFS),
        ("arcgate run psf=mof", PSFS[2:]),
        ("arcgate run core_mask=none ps", ["psf="]),
        ("arcgate run -m experiment=", ["experiment=pilot", "experiment=study_20k"]),
        ("arcgate simulate hosts=pack data.hosts.pix", ["data.hosts.pixel_scale_arcsec="]),
        ("arcgate run learning.back", ["learning.backbone="]),
        ("arcgate audit gates=", ["gates=default", "gates=full", "gates=quick"]),
        ("arcgate parents parents=", ["parents=desi_lrg", "parents=mission"]),
        ("arcgate parents selection.cuts.r_m", ["selection.cuts.r_magnitude."]),
        ("arcgate audit tr", ["track="]),
        ("arcgate ui po", ["port="]),
        ("arcgate run --he", ["--help"]),
        ("arcgate run 'study=a b' ps", ["psf="]),
    ],
)
def test_groups_choices_and_keys(line, some):
    assert set(some) <= set(candidates(line))
    assert not any(word.startswith("hydra") for word in candidates(line))


def test_files_are_offered_where_a_file_is_meant(tmp_path, monkeypatch):
    (tmp_path / "sets").mkdir()
    (tmp_path / "sets" / "one.npz").touch()
    (tmp_path / ".hidden").touch()
    monkeypatch.chdir(tmp_path)
    assert candidates("arcgate audit data=") == ["data=sets/"]
    assert candidates("arcgate inspect data=sets/o") == ["data=sets/one.npz"]
    assert candidates("arcgate inspect data=nowhere/o") == []


def test_nothing_heavy_is_imported():
    command = "import sys; from arcgate.cli import main; sys.argv = ['arcgate', '--complete', 'arcgate run psf=']\n"
    heavy = ("torch", "numpy", "pandas", "pydantic")
    command += f"try:\n    main()\nfinally:\n    print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [*PSFS, "[]"]


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ("arcgate au", ["audit"]),
        # Bash has taken what stands before the equals sign for a word of its own.
        ("arcgate run psf=mof", ["moffat_converted", "moffat_fitted", "moffat_naive"]),
        ("arcgate run learning.ep", ["learning.epochs="]),
    ],
)
def test_the_script_for_bash(tmp_path, line, reply):
    program = tmp_path / "arcgate"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m arcgate.cli "$@"\n')
    program.chmod(0o755)
    commands = f"""PATH="{tmp_path}:$PATH"
eval "$(arcgate --completion bash)"
complete -p arcgate
COMP_LINE={line!r} COMP_POINT={len(line)} _arcgate
printf '%s\n' "${{COMPREPLY[@]}}"
"""
    done = subprocess.run(["bash", "--norc", "-c", commands], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["complete -F _arcgate arcgate", *reply]


def test_other_shells_have_scripts_that_ask_the_same_question():
    for shell in ("zsh", "fish"):
        assert "arcgate --complete" in script([shell])
