"""Whatever a text holds, it is a text in the page."""

import ast
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import daemon.page
from daemon.page.markup import ATTRIBUTES, MOST_MARKS, TAGS, element, joined, legible, stylesheet

FOLDER = Path(str(daemon.page.__file__)).parent


class Parsed(HTMLParser):
    """What a browser makes of it: tags with their attributes, and the text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags = list[tuple[str, dict[str, str | None]]]()
        self.text = ""
        self.others = list[str]()
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        self.others.append(data)

    def handle_pi(self, data: str) -> None:
        self.others.append(data)

    def unknown_decl(self, data: str) -> None:
        self.others.append(data)


@given(st.text() | st.sampled_from(["<script>", '"><img onerror=x>', "&lt;", "</p>", "<!--", "]]>", "\0", "'"]))
def test_a_text_is_the_same_text_as_a_child_and_as_a_value(text: str) -> None:
    parsed = Parsed(element("p", text, element("span", text), aria_label=text).text)
    shown = legible(text)
    assert [tag for tag, _ in parsed.tags] == ["p", "span"]
    assert parsed.text == shown * 2
    assert parsed.tags[0][1] == {"aria-label": shown}
    assert parsed.others == []


def test_what_reverses_a_text_or_controls_a_terminal_is_not_in_the_page() -> None:
    assert element("p", "a\u202eb\x1b\x07").text == "<p>a\ufffdb\ufffd\ufffd</p>"


def test_marks_do_not_pile_up_over_other_lines() -> None:
    mark = "\N{COMBINING ACUTE ACCENT}"
    assert element("p", f"Z{mark * 300}algo e{mark}").text == f"<p>Z{mark * MOST_MARKS}algo e{mark}</p>"


def test_numbers_and_pieces_are_taken_as_they_are() -> None:
    assert joined([1, element("p", 2), "<"]).text == "1<p>2</p>&lt;"
    assert element("rect", x=0.5, y=480.0, width=1).text == '<rect x="0.5" y="480" width="1"></rect>'
    assert element("td", class_=None).text == "<td></td>"


@pytest.mark.parametrize("tag", ["script", "a", "img", "iframe", "p onclick=x", "style"])
def test_a_tag_that_is_not_listed_is_refused(tag: str) -> None:
    with pytest.raises(ValueError, match="no element"):
        element(tag, "x")


@pytest.mark.parametrize("attribute", ["onclick", "href", "src", "style", "x y"])
def test_an_attribute_that_is_not_listed_is_refused(attribute: str) -> None:
    with pytest.raises(ValueError, match="no attribute"):
        element("p", **{attribute: "x"})


def test_no_listed_attribute_runs_or_loads_anything() -> None:
    assert [name for name in ATTRIBUTES if name.startswith("on") or name in {"href", "src", "style", "srcdoc"}] == []
    assert (
        TAGS & {"script", "iframe", "object", "embed", "link", "a", "img", "form", "base", "style", "foreignObject"}
        == set()
    )


def test_a_style_sheet_cannot_end_its_element() -> None:
    assert stylesheet("p{color:red}").text == "<style>p{color:red}</style>"
    with pytest.raises(ValueError, match="no <"):
        stylesheet("</style><script>")


def test_pieces_of_a_page_are_made_by_one_module_alone() -> None:
    """So there is no way around the escaping: nobody else makes `Markup`, and nobody writes a tag by hand."""
    for file in FOLDER.glob("*.py"):
        if file.name == "markup.py":
            continue
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                called = node.func
                name = called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")
                assert name not in {"Markup", "document"} or file.name == "document.py", f"{file}:{node.lineno}"
                assert name != "Markup", f"{file}:{node.lineno}"
            if isinstance(node, ast.Attribute) and node.attr == "text" and isinstance(node.ctx, ast.Store):
                pytest.fail(f"{file}:{node.lineno} changes a piece")
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert "</" not in node.value, f"{file}:{node.lineno}"
