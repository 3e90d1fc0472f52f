"""The tutorial, followed to the letter: its code, its commands, and what it says that they print."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[1] / "docs" / "tutorial" / "from-cutouts-to-a-verdict.md"
SCRIPT = "make_stamps.py"
# Made, found leaking, made anew and found sound.
CODES = [0, 3, 0, 0]


def blocks(language: str) -> list[str]:
    """Fenced blocks of the page in one language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(), flags=re.DOTALL | re.MULTILINE)


def mended(code: str) -> str:
    """The script after the change of one line that the page tells to make."""
    (change,) = blocks("diff")
    old, new = (re.findall(rf"^\{sign}(.+)$", change, flags=re.MULTILINE)[0] for sign in "-+")
    assert code.count(f"\n{old}\n") == 1
    return code.replace(f"\n{old}\n", f"\n{new}\n")


def assert_prints(shown: str, printed: str) -> None:
    """What is between the dots of the page is printed, in this order, however lines are folded."""
    words, rest = [" ".join(part.split()) for part in shown.split("...")], " ".join(printed.split())
    for part in words:
        assert part in rest, (part, rest)
        rest = rest.split(part, 1)[1] if part else rest


@pytest.mark.long
@pytest.mark.timeout(600)
def test_the_tutorial_finds_the_bug_and_the_mended_set_passes(tmp_path):
    (code,), commands, shown = blocks("python"), blocks("bash"), blocks("text")
    there = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    codes, printed = [], []
    for number, command in enumerate(line for block in commands for line in block.splitlines()):
        (tmp_path / SCRIPT).write_text(code if number < 2 else mended(code))
        done = subprocess.run(["bash", "-c", command], cwd=tmp_path, env=there, capture_output=True, text=True, check=False)
        codes.append(done.returncode)
        printed.append(done.stderr + done.stdout)
    assert codes == CODES, printed
    for part, audit in zip(shown, printed[1::2], strict=True):
        assert_prints(part, audit)
    (residual,) = [
        result["value"]
        for path in tmp_path.glob("data/audits/*/evidence.json")
        if (evidence := json.loads(path.read_text()))["safe"] == "failed"
        for result in evidence["results"]
        if (result["name"], result["view"], result["stratum"]) == ("residual_core", "raw", "overall")
    ]
    assert residual > 0.9, "the page says so"
    reports = [re.sub(r"<[^>]+>", "", path.read_text()) for path in tmp_path.glob("data/audits/*/report.html")]
    assert len(reports) == 2
    (advice,) = re.findall(r"^> (.+)$", PAGE.read_text(), flags=re.MULTILINE)
    assert sum(advice in report.split("What to do next")[1].split("What a pass needs here")[0] for report in reports) == 1
