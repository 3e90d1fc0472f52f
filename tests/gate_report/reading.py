"""A strict reader of the report: elements must be closed, and texts are kept by the section that holds them."""

from __future__ import annotations

from collections import Counter
from html.parser import HTMLParser

VOID = {"meta", "link", "br", "img", "path", "use", "rect", "line", "circle", "image", "stop"}


class Reader(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[tuple[str, str]] = []
        self.ids: list[str] = []
        self.targets: list[str] = []
        self.links: list[str] = []
        self.tags: Counter[str] = Counter()
        self.unnamed: list[str] = []
        self.texts: dict[str, str] = {}
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = {name: value or "" for name, value in attrs}
        self.tags[tag] += 1
        if "id" in names:
            self.ids.append(names["id"])
        if tag == "svg" and not names.get("aria-label"):
            self.unnamed.append(str(names))
        for name, value in names.items():
            if name in ("href", "xlink:href", "src", "action", "data", "poster", "srcset"):
                (self.targets if value.startswith("#") else self.links).append(value)
            if name in ("style", "clip-path", "fill", "mask") and "url(" in value:
                self.targets.append(value.split("url(")[1].split(")")[0])
        if tag not in VOID:
            self.open.append((tag, names.get("id", "") if tag in ("section", "header", "footer") else ""))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open[-1][0] == tag, (tag, self.open[-3:], self.getpos())
            if tag in ("td", "th"):
                self.handle_data(" ")
            self.open.pop()

    def handle_data(self, data: str) -> None:
        for _, name in self.open:
            if name:
                self.texts[name] = self.texts.get(name, "") + data

    def text(self, section: str) -> str:
        return " ".join(self.texts[section].split())
