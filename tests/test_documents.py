"""What the documents tell to type runs."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

from composing import audited
from shipped_models import MODELS

from arcgate.gates.core.listing import gates_of

DOCS = Path(__file__).resolve().parents[1] / "docs"


def anchors(page: Path) -> set[str]:
    """What links to a document's headings say."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), flags=re.MULTILINE)
    return {re.sub(r"[^a-z -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_glossary_has_each_word_once_in_the_order_of_the_alphabet_and_its_links_lead_somewhere() -> None:
    page = DOCS / "reference" / "glossary.md"
    text = page.read_text()
    words = re.findall(r"^- \*\*(.+?)\*\*: ", text, flags=re.MULTILINE)
    assert len(words) == text.count("\n- ") > 60
    assert words == sorted(set(words), key=lambda word: re.sub(r"[^a-z ]", "", word.lower()))
    links = re.findall(r"\]\(([^)#]+)(?:#([a-z-]+))?\)", text)
    assert len(links) > 5
    for file, heading in links:
        assert not heading or heading in anchors(page.parent / file), (file, heading)


def test_the_renderers_example_gives_the_shapes_that_it_states() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", (DOCS / "reference" / "python.md").read_text(), flags=re.DOTALL)
    found: dict[str, Any] = {}
    exec(code, found)  # our own document
    assert found["rendered"].image.shape == (2, 3, 64, 64)
    assert "(2, 3, 64, 64)" in code
    assert found["rendered"].total.shape == (2, 3)


def test_the_glossary_of_the_report_is_that_of_the_documents() -> None:
    written = runpy.run_path(str(DOCS / "glossary.py"))
    part = written["PART"].read_text()
    assert part == written["part"]((DOCS / "reference" / "glossary.md").read_text()), "run `python docs/glossary.py`"
    assert part.count("<dt>") > 60
    assert "](" not in part


def test_the_table_of_gates_is_theirs() -> None:
    page = (DOCS / "explanation" / "gates.md").read_text()
    written, settings = runpy.run_path(str(DOCS / "gates_table.py")), audited("data=here").gates
    assert page == written["with_table"](page, gates_of(settings.listed), settings), "run `python docs/gates_table.py`"
    # Three of the listed ones are diagnostics.
    assert written["table"](gates_of(settings.listed), settings).count("\n") == len(settings.listed) - 3 + 1


def test_the_table_of_bug_models_is_theirs() -> None:
    page = (DOCS / "explanation" / "gates.md").read_text()
    written = runpy.run_path(str(DOCS / "bug_models.py"))
    assert page == written["with_table"](page, MODELS), "run `python docs/bug_models.py`"
    assert written["table"](MODELS).count("\n") == len(MODELS)
