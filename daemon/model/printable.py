"""Makes text from outside safe to print on a terminal."""

from unicodedata import category


def printable(text: str) -> str:
    """Replaces every unprintable character by a mark, and every kind of space by a plain one.

    Unprintable are control characters (C0 and C1), which a terminal would execute, line separators, and format
    characters such as those that reverse the text direction.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_shown, text.encode("utf-8", "replace").decode("utf-8")))


def _shown(character: str) -> str:
    if character.isprintable():
        return character
    return " " if category(character) == "Zs" else "\N{REPLACEMENT CHARACTER}"
