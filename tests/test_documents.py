"""What the documents tell to type runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parents[1] / "docs"


def test_the_renderers_example_gives_the_shapes_that_it_states() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", (DOCS / "python.md").read_text(), flags=re.DOTALL)
    found: dict[str, Any] = {}
    exec(code, found)  # our own document
    assert found["rendered"].image.shape == (2, 3, 64, 64)
    assert "(2, 3, 64, 64)" in code
    assert found["rendered"].total.shape == (2, 3)
