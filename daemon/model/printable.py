"""What of a text from outside can be seen, and what is safe to print on a terminal."""

from unicodedata import category

_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0\U0001d159")
"""Letters and symbols without a shape: fillers of Hangul, the empty Braille pattern, the null note head."""


def printable(text: str) -> str:
    """Replaces every unprintable character by a mark, and every kind of space by a plain one.

    Unprintable are control characters (C0 and C1), which a terminal would execute, line separators, and format
    characters such as those that reverse the text direction.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_shown, text.encode("utf-8", "replace").decode("utf-8")))


def is_visible(text: str) -> bool:
    """Whether anything of the text can be seen: a letter, digit, mark of punctuation or symbol.

    A combining mark or a variation selector alone cannot, though Python calls it printable.
    """
    return any(category(character)[0] in "LNPS" and character not in _BLANK for character in text)


def _shown(character: str) -> str:
    if character.isprintable():
        return character
    return " " if category(character) == "Zs" else "\N{REPLACEMENT CHARACTER}"
