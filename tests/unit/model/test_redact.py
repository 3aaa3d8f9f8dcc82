"""Secrets are taken out of texts however those who quote them spell them."""

import html
import json
from collections.abc import Callable
from html.entities import html5
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.model.printable import printable
from daemon.model.redact import redacted

BEFORE, AFTER = "⟦", "⟧"
"""No secret of the tests holds these."""
ODD = "\"'\\&<>%+=/?#:;@ ~$|{}[]()*^`.,-_!\t\näß€😀\xa0"
LETTERS = st.sampled_from(ODD) | st.characters(exclude_categories=["Cs"], exclude_characters=BEFORE + AFTER)
SECRETS = st.text(st.sampled_from("aZ09") | LETTERS, min_size=1, max_size=16)
NAMES = {meant: name for name, meant in sorted(html5.items())}

ONE_LETTER: dict[str, Callable[[str], str]] = {
    "itself": lambda letter: letter,
    "URL": lambda letter: "".join(f"%{octet:02X}" for octet in letter.encode()),
    "URL, lower case": lambda letter: "".join(f"%{octet:02x}" for octet in letter.encode()),
    "URL in a URL": lambda letter: "".join(f"%25{octet:02X}" for octet in letter.encode()),
    "HTML, by name": lambda letter: f"&{NAMES[letter].rstrip(';')};" if letter in NAMES else letter,
    "HTML, decimal": lambda letter: f"&#{ord(letter)};",
    "HTML, decimal, with zeros": lambda letter: f"&#000{ord(letter)};",
    "HTML, hexadecimal": lambda letter: f"&#x{ord(letter):x};",
    "HTML, hexadecimal, upper case": lambda letter: f"&#X00{ord(letter):X};",
    "HTML in HTML": lambda letter: f"&amp;#{ord(letter)};",
}


def in_units(letter: str) -> str:
    units = letter.encode("utf-16-be").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


WHOLE: dict[str, Callable[[str], str]] = {
    "itself": str,
    "URL": lambda secret: quote(secret, safe=""),
    "URL, partial": quote,
    "URL in lower case": lambda secret: "".join(map(ONE_LETTER["URL, lower case"], secret)),
    "form": quote_plus,
    "URL in a URL": lambda secret: quote(quote(secret, safe=""), safe=""),
    "JSON": lambda secret: json.dumps(secret)[1:-1],
    "JSON, its letters as they are": lambda secret: json.dumps(secret, ensure_ascii=False)[1:-1],
    "JSON, each letter by its number": lambda secret: "".join(map(in_units, secret)),
    "JSON of PHP": lambda secret: json.dumps(secret)[1:-1].replace("/", "\\/"),
    "JSON in JSON": lambda secret: json.dumps(json.dumps(secret)[1:-1])[1:-1],
    "repr": lambda secret: repr(secret)[1:-1],
    "ascii": lambda secret: ascii(secret)[1:-1],
    "repr of bytes": lambda secret: repr(secret.encode())[2:-1],
    "repr in JSON": lambda secret: json.dumps(repr(secret)[1:-1], ensure_ascii=False)[1:-1],
    "HTML": html.escape,
    "HTML, the quotes as they are": lambda secret: html.escape(secret, quote=False),
    "HTML in HTML": lambda secret: html.escape(html.escape(secret)),
    "JSON in HTML": lambda secret: html.escape(json.dumps(secret, ensure_ascii=False)[1:-1]),
}


@given(secret=SECRETS)
@settings(max_examples=60)
def test_no_spelling_of_a_whole_secret_hides_it(secret: str) -> None:
    for spelling, spell in WHOLE.items():
        assert redacted(f"{BEFORE}{spell(secret)}{AFTER}", secret) == f"{BEFORE}***{AFTER}", spelling


@given(secret=SECRETS, data=st.data())
def test_no_mixture_of_spellings_hides_it(secret: str, data: st.DataObject) -> None:
    spellings = data.draw(st.lists(st.sampled_from(list(ONE_LETTER)), min_size=len(secret), max_size=len(secret)))
    spelled = "".join(ONE_LETTER[spelling](letter) for letter, spelling in zip(secret, spellings, strict=True))
    assert redacted(f"{BEFORE}{spelled}{AFTER}", secret) == f"{BEFORE}***{AFTER}"


@pytest.mark.parametrize("spelled", ["a&amp;b", "a&AMP;b", "a&ampb", "a&#38;b", "a&#x26;b", "a&#X0026b", "%61%26%62"])
def test_an_entity_is_one_by_name_or_number_with_its_semicolon_or_without(spelled: str) -> None:
    assert redacted(f"at {spelled} now", "a&b") == "at *** now"


@given(text=st.text(st.sampled_from("ab%&#;\\u0612x\"'"), max_size=60))
def test_a_text_without_the_secret_stays_as_it_is(text: str) -> None:
    assert redacted(text, "canary-of-a-watcher") == text


@given(secrets=st.lists(SECRETS, max_size=4))
def test_one_secret_that_holds_another_leaves_no_rest(secrets: list[str]) -> None:
    whole = max(secrets, key=len, default="")
    assert redacted(f"{BEFORE}{whole}{AFTER}", *secrets, "") == f"{BEFORE}{'***' if whole else ''}{AFTER}"


HARD = [
    ("\\" * 64, "\\" * 63 + "x"),
    ('\\"' * 32, '\\\\\\\\"' * 400 + "x"),
    ("%25" * 20, "%25" * 4000),
    ("&amp;" * 20, "&amp;" * 4000),
    ("a\\" * 30 + "b", "a\\\\" * 4000),
    ("96sbq49u", "\\" * 100_000),
    ("96sbq49u", "&#" + "0" * 100_000),
    ("96sbq49u", "96sbq49" * 20_000),
]


@pytest.mark.parametrize(("secret", "text"), HARD, ids=range(len(HARD)))
def test_no_text_is_too_hard_to_look_through(secret: str, text: str) -> None:
    """Where it would be, this does not end."""
    redacted(text, secret)


@given(text=st.text(), secret=SECRETS)
def test_what_was_made_harmless_holds_nothing_that_is_not_seen_for_itself(text: str, secret: str) -> None:
    shown = printable(f"{text}\x1b]0;{secret}\x07\x7f\x9b\u2028\u202e\ud800")
    assert shown.isprintable()
    assert printable(shown) == shown
    shown.encode()
