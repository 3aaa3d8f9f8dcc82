"""Patterns: what they match, and what is said of one that cannot be."""

import fnmatch
import re
from collections.abc import Iterator, Sequence
from itertools import product

from daemon.config.pattern import found, is_exact, read_pattern
from tests.support.each import each


def up_to(most: int, parts: Sequence[str]) -> Iterator[str]:
    """All texts of up to so many of the parts."""
    return ("".join(one) for length in range(most + 1) for one in product(parts, repeat=length))


def mistake(pattern: object) -> str:
    """What is said of it; empty if it is taken."""
    try:
        read_pattern(pattern)
    except ValueError as error:
        return str(error)
    return ""


MATCHING = {
    "db-*": (["db-", "DB-1", "db-1\nand more"], ["adb-1", "db", "\ndb-1"]),
    "*-db": (["-db", "a-DB", "line\n-db"], ["-db\n", "-db2"]),
    "*db*": (["db", "a db b", "\ndb\n"], ["d-b", ""]),
    "a*b": (["ab", "a\nb", "AxB"], ["ab\n", "xab"]),
    "db": (["db", "Db"], ["db\n", "\ndb", "db1", ""]),
    "?": (["a", "ü", "\n", "€"], ["", "ab"]),
    "db-[0-9]": (["db-1"], ["db-a", "db-[0-9]"]),
    "db-[!0-9]": (["db-a", "db-\n"], ["db-1", "db-"]),
    "[^a]": (["^", "A"], ["b"]),
    "[]]": (["]"], ["[]]"]),
    "100% [*]": (["100% *"], ["100% x"]),
    "a.b$": (["a.b$"], ["axb", "a.b"]),
    "a[": (["a["], ["a"]),
    "GRÜN": (["grün", "Grün"], ["gruen"]),
    "*": (["a", "\n", ""], []),
    "/db/": (["db", "a db b", "x\ndb\ny"], ["DB", "d"]),
    "/(?i)db/": (["DB"], ["d"]),
    "/^db$/": (["db"], ["db\n", "a\ndb", "db1"]),
    "/(?m)^db$/": (["db", "a\ndb\nb"], ["db1"]),
    "/a.b/": (["a b", "aüb"], ["a\nb"]),
    "/(?s)a.b/": (["a\nb"], ["ab"]),
    "/^/a/b/": (["/a/b"], ["a/b"]),
    "[/]a": (["/a"], ["a"]),
}


@each(("pattern", "texts"), list(MATCHING.items()))
def test_what_a_pattern_matches(pattern: str, texts: tuple[list[str], list[str]]) -> None:
    assert mistake(pattern) == ""
    for text in texts[0]:
        assert found(pattern, text.encode()), text
    for text in texts[1]:
        assert not found(pattern, text.encode()), text


def test_a_shell_pattern_matches_what_it_does_for_the_standard_library() -> None:
    tokens = ["a", "B", "*", "?", "[ab]", "[!a]", "[!", "]", "\n", "\\", "^"]
    texts = list(up_to(2, ["a", "b", "B", "\n", "]", "\\"]))
    for pattern in filter(None, up_to(3, tokens)):
        assert mistake(pattern) == "", pattern
        expected = re.compile(fnmatch.translate(pattern), re.IGNORECASE)
        for text in texts:
            assert found(pattern, text.encode()) is (expected.fullmatch(text) is not None), (pattern, text)
            assert not is_exact(pattern) or (pattern.lower() == text.lower()) is found(pattern, text.encode()), pattern


MISTAKES: list[tuple[object, str]] = [
    ("", 'is empty; any text is "*"'),
    (None, 'is not a text; write it like "db-*"'),
    (7, 'is not a text; write it like "db-*"'),
    ({"not": "a"}, 'is not a text; write it like "db-*"'),
    ("/", "begins with / as a regular expression does, but does not end with one; add it"),
    ("/a", "begins with / as a regular expression does, but does not end with one; add it"),
    ("/a/i", 'with flags inside as in "/(?i)text/"'),
    ("//", 'is an empty regular expression; any text is "*"'),
    ("/(a/", "is not understood: 'missing ): (a'; RE2 has neither look-around nor back-references"),
    ("/a(?=b)/", "is not understood: 'invalid perl operator: (?='; RE2 has neither look-around"),
    (r"/(a)\1/", r"is not understood: 'invalid escape sequence: \\1'; RE2 has neither look-around nor back-references"),
    ("/(?<!ü)a/", "is not understood: 'invalid perl operator: (?<!'"),
    ("/ü(/", "is not understood: 'missing ): ü('"),
    ("[z-a]", "is not understood: 'invalid character class range: z-a'"),
    ("a\udc80", "holds half a character; write it out"),
]


@each(("pattern", "sentence"), MISTAKES)
def test_what_is_no_pattern_is_refused_with_the_fix(pattern: object, sentence: str) -> None:
    assert sentence in mistake(pattern)
