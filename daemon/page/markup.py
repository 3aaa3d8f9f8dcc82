"""HTML and SVG that cannot be broken by a text.

1. `Markup` is made by this module alone: by `element`, `joined` and `stylesheet`.
2. `element` takes names from the lists below, and escapes each value of an attribute and each child that is no
   `Markup`. So a text from outside is a text in the page, whatever it holds.
3. There is no script, no attribute that runs one, and no address in these lists.
"""

from collections.abc import Iterable, Iterator
from html import escape
from typing import final
from unicodedata import category

from daemon.model.printable import printable

TAGS = frozenset(
    "html head meta title body header main section footer h1 h2 p div span ul li dl dt dd figure figcaption "
    "table caption thead tbody tr th td svg g rect line desc details summary strong small".split()
)
MOST_MARKS = 3
"""As many marks on one letter as any language needs."""
VOID = frozenset({"meta"})
ATTRIBUTES = frozenset(
    "lang charset name content http-equiv class scope colspan role aria-label aria-hidden data-label viewBox "
    "preserveAspectRatio x y x1 x2 y1 y2 width height rx".split()
)


@final
class Markup:
    """A piece of a page."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


NOTHING = Markup("")
Child = Markup | str | int


def element(tag: str, *children: Child, **attributes: str | float | None) -> Markup:
    """An element. `class_` is `class`, `data_label` is `data-label`; an attribute that is `None` is left out.

    Raises `ValueError` for a tag or an attribute that is not listed.
    """
    if tag not in TAGS or (children and tag in VOID):
        raise ValueError(f"no element <{tag}> is made like that")
    written = "".join(_attribute(name, value) for name, value in attributes.items() if value is not None)
    if tag in VOID:
        return Markup(f"<{tag}{written}>")
    return Markup(f"<{tag}{written}>{joined(children).text}</{tag}>")


def joined(children: Iterable[Child]) -> Markup:
    """One after the other."""
    return Markup("".join(one.text if isinstance(one, Markup) else _escaped(str(one)) for one in children))


def stylesheet(rules: str) -> Markup:
    """A style sheet. Raises `ValueError` if it could end its element."""
    if "<" in rules:
        raise ValueError("a style sheet holds no <")
    return Markup(f"<style>{rules}</style>")


def document(*children: Markup) -> str:
    """The whole page."""
    return f"<!doctype html>\n{joined(children).text}\n"


def _attribute(name: str, value: str | float) -> str:
    spelled = name.rstrip("_").replace("_", "-")
    if spelled not in ATTRIBUTES:
        raise ValueError(f"there is no attribute {spelled}")
    return f' {spelled}="{_escaped(f"{value:g}" if isinstance(value, float) else str(value))}"'


def legible(text: str) -> str:
    """What a page shows of a text: no control characters, none that reverse its direction, no towers of marks.

    Hundreds of marks above one letter would be drawn over the lines above.
    """
    return printable(text) if text.isascii() else "".join(_without_towers(printable(text)))


def _without_towers(text: str) -> Iterator[str]:
    marks = 0
    for character in text:
        marks = marks + 1 if category(character) in {"Mn", "Me"} else 0
        if marks <= MOST_MARKS:
            yield character


def _escaped(text: str) -> str:
    return escape(legible(text), quote=True)
