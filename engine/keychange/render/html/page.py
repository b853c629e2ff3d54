"""Page: elements that escape what they hold, and the frame of every page."""

from __future__ import annotations

import html
import re
from base64 import b64encode
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import TypeAlias

from keychange.render.style import visible
from keychange.secrets import without_secrets

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; media-src data:"
"""What the page may load: nothing, but for what stands in it."""
_VOID = frozenset({"meta", "img", "br"})


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


Child: TypeAlias = "str | Iterable[Child] | None"


def escaped(text: str) -> Markup:
    """Any text as HTML: nothing in it is markup, nothing unseen, nothing in it an issued secret."""
    return Markup(html.escape(visible(without_secrets(text))))


def tag(name: str, /, *children: Child, **attributes: str | int | bool | None) -> Markup:
    """An element. Children that are plain text are escaped, as are the attributes' values.

    Of an attribute's name a last ``_`` is left away, another one is a hyphen. False and None leave
    the attribute away; True gives it no value.
    """
    parts = [name]
    for key, value in attributes.items():
        shown = key.removesuffix("_").replace("_", "-")
        if value is True:
            parts.append(shown)
        elif value is not False and value is not None:
            parts.append(f'{shown}="{escaped(str(value))}"')
    opening = f"<{' '.join(parts)}>"
    return Markup(opening if name in _VOID else f"{opening}{join(children)}</{name}>")


def join(children: Child) -> Markup:
    """Children one after the other."""
    if children is None:
        return Markup()
    if isinstance(children, Markup):
        return children
    if isinstance(children, str):
        return escaped(children)
    return Markup("".join(map(join, children)))


def breakable(text: str) -> Markup:
    """A path or an address that may be broken after its separators, and there first."""
    whole = without_secrets(text)  # in pieces it would not be known as one
    return Markup("<wbr>".join(map(escaped, re.split(r"(?<=[/_.-])(?=\w)", whole))))


def cell(label: str, *children: Child, **attributes: str | int | bool | None) -> Markup:
    """A cell of a table that names its column, for where the page is too narrow for columns."""
    inner = join(children)
    return tag("td", inner, data_label=label if inner else None, **attributes)


def table(caption: str, heads: Iterable[str], rows: Iterable[Child]) -> Markup:
    """A table of rows; where the page is narrow each row is a block."""
    return tag(
        "div",
        tag(
            "table",
            tag("caption", caption, class_="unseen"),
            tag("thead", tag("tr", (tag("th", each, scope="col") for each in heads))),
            tag("tbody", rows),
            class_="rows",
        ),
        class_="scroll",
    )


def data_url(kind: str, data: bytes) -> Markup:
    """Bytes as an address; they are part of the page then, and are not text to be searched."""
    return Markup(f"data:{kind};base64,{b64encode(data).decode('ascii')}")


def embedded(name: str, kind: str, data: bytes, **attributes: str | int | bool) -> Markup:
    """An element such as ``img`` or ``audio`` with its bytes in it."""
    whole = tag(name, src="?", **attributes)
    return Markup(whole.replace('src="?"', f'src="{data_url(kind, data)}"', 1))


def section(identifier: str, title: str, *children: Child) -> Markup:
    """A part of a page under a heading, with a name to be linked to."""
    heading = tag("h2", title, id=identifier)
    return tag("section", heading, *children, aria_labelledby=identifier)


def page(
    title: str, kicker: str, header: Child, sections: Iterable[tuple[str, str, Child]]
) -> Markup:
    """The whole document: a header, its parts by (id, title, content), and links to them."""
    parts = list(sections)
    links = [tag("li", tag("a", name, href=f"#{identifier}")) for identifier, name, _ in parts]
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        tag("meta", name="generator", content=f"keychange {_version()}"),
        tag("title", f"{title} · {kicker}"),
        tag("style", Markup(_styles())),
    )
    body = tag(
        "body",
        tag("a", "Skip to the content", href="#content", class_="skip"),
        tag("header", tag("p", tag("b", "keychange"), f" {kicker}", class_="kicker"), header),
        tag("nav", tag("ul", links), aria_label="Parts of this page") if links else None,
        tag("main", [section(*each) for each in parts], id="content", tabindex=-1),
        tag(
            "footer",
            tag(
                "p",
                f"Made by keychange {_version()}. This page holds all that it shows: no script, "
                "nothing from elsewhere. Secrets are masked.",
            ),
        ),
    )
    return Markup(f"<!doctype html>\n{tag('html', head, body, lang='en')}\n")


@cache
def _styles() -> str:
    return Path(__file__).with_name("page.css").read_text("utf-8")


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("keychange")
    except PackageNotFoundError:
        return "(not installed)"
