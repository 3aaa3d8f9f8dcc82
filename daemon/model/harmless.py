"""Texts of others, as somebody at a terminal may see them."""

from unicodedata import category


def harmless(text: str) -> str:
    """`text` with a mark in place of whatever would not be seen for itself.

    Those are the control characters, which steer a terminal, old ones of eight bits too, separators of lines, and what
    only arranges the letters around it, such as the reversal of their order.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_shown, text.encode("utf-8", "replace").decode("utf-8")))


def _shown(character: str) -> str:
    if character.isprintable():
        return character
    return " " if category(character) == "Zs" else "\N{REPLACEMENT CHARACTER}"
