"""The glossary of docs/reference/glossary.md as a part of the report, which has no network: `python docs/glossary.py`."""

from __future__ import annotations

import re
from html import escape
from pathlib import Path
from typing import Final

PAGE: Final = Path(__file__).parent / "reference" / "glossary.md"
PART: Final = Path(__file__).parents[1] / "src" / "arcgate" / "gate_report" / "templates" / "glossary.html"
_LINE: Final = re.compile(r"- \*\*(.+?)\*\*: (.+)")


def part(page: str) -> str:
    """A list of words and what they mean, without the page's links."""
    rows = [f"  <div><dt>{_text(word)}</dt><dd>{_text(meaning)}</dd></div>" for word, meaning in _LINE.findall(page)]
    return "\n".join(['<dl class="how">', *rows, "</dl>\n"])


def _text(words: str) -> str:
    plain = re.sub(r"\s*\(\[[^\]]*\]\([^)]*\)\)", "", words)
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", plain)
    spoken = re.sub(r"\*([^*]+)\*", r"<em>\1</em>", escape(plain, quote=False))
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", spoken)


def main() -> None:
    """Write the part."""
    PART.write_text(part(PAGE.read_text()))


if __name__ == "__main__":
    main()
