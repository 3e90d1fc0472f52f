"""What the documents tell to type runs."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

from composing import audited, composed
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


def test_every_link_between_documents_leads_to_a_file() -> None:
    root = DOCS.parent
    pages = [root / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
    pages += [page for folder in ("docs", "experiments", "benchmarks", "notebooks") for page in (root / folder).rglob("*.md")]
    links = [(page, link) for page in pages for link in re.findall(r"\]\(([^)#\s]+)", page.read_text())]
    local = [(page, link) for page, link in links if "://" not in link]
    assert len(local) > 100
    assert [(page, link) for page, link in local if not (page.parent / link).exists()] == []


def test_the_renderers_example_gives_the_shapes_that_it_states() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", (DOCS / "reference" / "python.md").read_text(), flags=re.DOTALL)
    found: dict[str, Any] = {}
    exec(code, found)  # our own document
    assert found["rendered"].image.shape == (2, 3, 64, 64)
    assert "(2, 3, 64, 64)" in code
    assert found["rendered"].total.shape == (2, 3)


def test_the_options_of_ones_own_compose_where_the_page_puts_them(tmp_path: Path) -> None:
    text = (DOCS / "how-to" / "add-a-factor.md").read_text()
    files = re.findall(r"`my_conf/([a-z_/0-9]+\.yaml)`[^`]*```yaml\n(.*?)```", text, flags=re.DOTALL)
    assert len(files) == text.count("```yaml") == 3
    for name, content in files:
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(content)
    place = f"hydra.searchpath=[file://{tmp_path}]"
    swept = composed(place, "experiment=small_masks", "core_mask=hard_r3")
    assert (swept.study, swept.data.n_pairs, swept.data.core_mask.radius_pix) == ("small_masks", 120, 3.0)
    bright = composed(place, "variant=unpaired_bright")
    assert "host_mag_r" in bright.data.controls.match_on


def test_the_glossary_of_the_report_is_that_of_the_documents() -> None:
    written = runpy.run_path(str(DOCS / "glossary.py"))
    part = written["PART"].read_text()
    assert part == written["part"]((DOCS / "reference" / "glossary.md").read_text()), "run `python docs/glossary.py`"
    assert part.count("<dt>") > 60
    assert "](" not in part


def test_the_table_of_gates_is_theirs() -> None:
    page = (DOCS / "explanation" / "gates.md").read_text()
    written, settings = runpy.run_path(str(DOCS / "gates_table.py")), audited("data=here", "gates=full").gates
    assert page == written["with_table"](page, gates_of(settings.gate_modules), settings), "run `python docs/gates_table.py`"
    # Three of the listed ones are diagnostics.
    assert written["table"](gates_of(settings.gate_modules), settings).count("\n") == len(settings.gate_modules) - 3 + 1


def test_the_table_of_bug_models_is_theirs() -> None:
    page = (DOCS / "explanation" / "verdict.md").read_text()
    written = runpy.run_path(str(DOCS / "bug_models.py"))
    assert page == written["with_table"](page, MODELS), "run `python docs/bug_models.py`"
    assert written["table"](MODELS).count("\n") == len(MODELS)
