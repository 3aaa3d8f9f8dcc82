"""Patterns of a match: shell patterns and `/regular expressions/`, as expressions that RE2 searches in a text.

A shell pattern is compared with the whole text, without regard to case: `*` stands for any characters, `?` for one,
line breaks included; `[a-z]` for one of these and `[!a-z]` for one of all others. A special character stands for itself
in brackets: `[*]`. A regular expression is searched as it is written: `/^db-[0-9]+$/`, or without regard to case
`/(?i)disk full/`.

RE2 takes time linear in the length of the text, whatever the text. It is imported only where a pattern is used.
"""

import re
from functools import lru_cache
from typing import Any

_TOKEN = re.compile(r"(?P<any>\*+)|(?P<one>\?)|\[(?P<none>!?+)(?P<of>\][^\]]*|[^\]]+)\]|(?P<plain>.)", re.DOTALL)
_SPECIAL = re.compile(r"[][^\\]")
"""What means something in the brackets of RE2 and not in those of a shell pattern."""
_FORM = 'write it like "db-*", or as a regular expression like "/^db-[0-9]+$/"'
_SYNTAX = (
    "RE2 has neither look-around nor back-references, which could take forever; its syntax is at "
    "https://github.com/google/re2/wiki/Syntax"
)


def read_pattern(value: object) -> str:
    """Checks one pattern. Raises `ValueError` with the fix."""
    if not isinstance(value, str):
        raise ValueError(f"is not a text; {_FORM}")
    if not value:
        raise ValueError('is empty; any text is "*", and none at all { not = "*" }')
    if value.startswith("/") and (len(value) == 1 or not value.endswith("/")):
        raise ValueError(
            "begins with / as a regular expression does, but does not end with one; add it, with flags inside as in "
            '"/(?i)text/", or write [/] at the beginning of a shell pattern'
        )
    if value == "//":
        raise ValueError('is an empty regular expression; any text is "*"')
    _check(value)
    return value


def is_exact(pattern: str) -> bool:
    """Whether the pattern is a shell pattern that stands for one text only, apart from its case."""
    return not pattern.startswith("/") and not set(pattern) & set("*?[")


def expression(pattern: str) -> str:
    """What RE2 searches in a text for this pattern.

    A `*` at an end becomes no anchor there, instead of `.*`: RE2 then goes through a text for a thousand such patterns
    as fast as for one.
    """
    if pattern.startswith("/"):
        return pattern[1:-1]
    begins = "" if pattern.startswith("*") else r"\A"
    ends = "" if pattern.endswith("*") else r"\z"
    return f"{begins}(?is:{_TOKEN.sub(_translated, pattern.strip('*'))}){ends}"


def found(pattern: str, text: bytes) -> bool:
    """Whether the text, in UTF-8, matches the pattern."""
    return _compiled(pattern).search(text) is not None


def _translated(token: re.Match[str]) -> str:
    if token["any"]:
        return ".*"
    if token["one"]:
        return "."
    if token["of"]:
        return f"[{'^' if token['none'] else ''}{_SPECIAL.sub(_escaped, token['of'])}]"
    return re.escape(token["plain"])


def _escaped(character: re.Match[str]) -> str:
    return f"\\{character[0]}"


def _check(pattern: str) -> None:
    import re2  # noqa: PLC0415 - see above: only where it is used

    try:
        _compiled(pattern)
    except re2.error as error:
        [why] = error.args
        raise ValueError(f"is not understood: {why.decode('utf-8', 'replace')!r}; {_SYNTAX}") from None
    except UnicodeEncodeError:
        raise ValueError("holds half a character; write it out") from None


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> Any:
    """RE2's own cache needs expression and options each time, which take longer to make than the search."""
    import re2  # noqa: PLC0415 - see above: only where it is used

    options = re2.Options()
    options.log_errors = False
    return re2.compile(expression(pattern), options)
