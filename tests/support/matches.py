"""Whether an incident meets a match, the slow and obvious way: one pattern after the other in the standard library."""

import fnmatch
import re

from daemon.config.match import Match
from daemon.decisions.facts import Facts

SHELL = ["db-*", "*-db", "*b*", "?", "a*b", "[ab]", "[!ab]*", "*", "ab", "AB", "b\n"]
REGULAR = {"/b$/": r"b\Z", "/^a/": "^a", "/a.b/": "a.b", "/(?i)AB/": "(?i)AB", "/^$/": r"^\Z", "/B/": "B"}
"""Regular expressions, and the same for the standard library, where `$` also stands before a last line break."""


def meets(match: Match, facts: Facts) -> bool:
    """The slow and obvious answer."""
    return all(
        any(found(pattern, text) for pattern in condition.patterns for text in facts.get(field, []))
        is not condition.negated
        for field, condition in match.conditions
    )


def found(pattern: str, text: str) -> bool:
    """As above, of one pattern."""
    if pattern in REGULAR:
        return re.search(REGULAR[pattern], text) is not None
    return re.fullmatch(fnmatch.translate(pattern), text, re.IGNORECASE) is not None
