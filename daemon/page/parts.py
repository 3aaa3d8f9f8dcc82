"""What the parts of a page are made of: a section, a tile, a table."""

from collections.abc import Iterable, Sequence

from daemon.model.report import Spread
from daemon.page.markup import NOTHING, Child, Markup, element
from daemon.page.words import span


def tile(about: str, figure: str, more: Child, mark: str = "") -> Markup:
    """One figure. `mark`: `alarm` or `good` for one that says so."""
    return element(
        "div",
        element("dt", about),
        element("dd", element("div", figure, class_="figure"), element("div", more, class_="more")),
        class_=f"tile {mark}".rstrip(),
    )


def tile_of(about: str, found: Spread | None) -> Markup:
    """The median of spans."""
    if found is None:
        return tile(about, span(None), "nothing to measure")
    more = element("span", "90 % within ", element("span", span(found.ninety), class_="whole"))
    return tile(about, span(found.median), more)


def section(heading: str, note: str, *parts: Markup, empty: str = "") -> Markup:
    """A part of the page; `empty` in place of a table without rows."""
    shown = [element("p", empty)] if empty and any(part is NOTHING for part in parts) else parts
    return element("section", element("h2", heading), element("p", note, class_="note"), *shown)


def table(caption: str, headings: Sequence[str], rows: Iterable[Sequence[Child]]) -> Markup:
    """A table that becomes a list of cards on a phone; `NOTHING` without rows."""
    written = [
        element(
            "tr",
            *(
                element("td", cell, data_label=heading, class_=None if at else "wide")
                for at, (heading, cell) in enumerate(zip(headings, row, strict=True))
            ),
        )
        for row in rows
    ]
    if not written:
        return NOTHING
    head = element("thead", element("tr", *(element("th", heading, scope="col") for heading in headings)))
    return element("table", element("caption", caption), head, element("tbody", *written), class_="cards")
