"""Room of an HTML page under test: parsed strictly, and asked what must hold of every page."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import pairwise

VOID = {"meta", "img", "br", "wbr"}
LOADING = {"src", "href", "srcset", "poster", "data", "action", "xlink:href"}


@dataclass
class Element:
    """One element: its name, attributes, and what stands in it."""

    name: str
    attributes: dict[str, str]
    children: list[Element | str] = field(default_factory=list)

    def every(self, *names: str) -> list[Element]:
        """Those of these names in it, at any depth, in order."""
        found = []
        for each in self.children:
            if isinstance(each, Element):
                found += [each] if each.name in names or not names else []
                found += each.every(*names)
        return found

    @property
    def text(self) -> str:
        """All the text in it."""
        return "".join(e if isinstance(e, str) else e.text for e in self.children)


class Page(HTMLParser):
    """A page; what is not well-formed is an AssertionError."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("", {})
        self._open = [self.root]
        assert text.startswith("<!doctype html>\n")
        self.feed(text)
        self.close()
        assert self._open == [self.root], [each.name for each in self._open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"an attribute twice in <{tag}>"
        element = Element(tag, {name: value or "" for name, value in attrs})
        self._open[-1].children.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self._open[-1].name == tag, f"</{tag}> ends <{self._open[-1].name}>"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        self._open[-1].children.append(data)

    def every(self, *names: str) -> list[Element]:
        return self.root.every(*names)

    def sound(self) -> None:
        """What holds of every page: nothing runs, nothing is loaded, everything has its name."""
        everything = self.every()
        assert not self.every("script", "iframe", "object", "embed", "link", "base", "form")
        for each in everything:
            assert not any(name.startswith("on") for name in each.attributes), each
            for name in LOADING & each.attributes.keys():
                value = each.attributes[name]
                assert value.startswith(("data:image/png;base64,", "data:audio/wav;base64,", "#"))
            assert "style" not in each.attributes, "styles stand in one place"
        (style,) = self.every("style")
        assert "url(" not in style.text
        assert "@import" not in style.text
        ids = [each.attributes["id"] for each in everything if "id" in each.attributes]
        assert len(ids) == len(set(ids))
        for each in self.every("a"):
            assert each.attributes["href"][1:] in ids
        for each in everything:
            assert each.attributes.get("aria-labelledby", ids[0]) in ids
        levels = [int(each.name[1]) for each in self.every("h1", "h2", "h3", "h4")]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(after - before <= 1 for before, after in pairwise(levels))
        for each in self.every("table"):
            assert len(each.every("caption")) == 1
            assert all("scope" in head.attributes for head in each.every("th"))
            assert {head.attributes["scope"] for head in each.every("thead")[0].every("th")} == {
                "col"
            }
        for each in self.every("img"):
            assert each.attributes["alt"]
        for each in self.every("svg", "audio"):
            assert each.attributes["aria-label"]
        for each in self.every("details"):
            assert isinstance(each.children[0], Element)
            assert each.children[0].name == "summary"
        (html,) = self.every("html")
        assert html.attributes["lang"] == "en"
        assert self.every("title")[0].text
        assert self.every("main")


def colours(css: str) -> list[dict[str, str]]:
    """The variables of each scheme of a style sheet, in its order."""
    blocks = re.findall(r":root\s*{(.*?)}", css, re.DOTALL)
    return [dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6})", each)) for each in blocks]


def contrast(first: str, second: str) -> float:
    """The ratio of two colours, 1 to 21; WCAG 2.2, relative luminance."""

    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(first), luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)
