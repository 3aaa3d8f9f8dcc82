"""Which matches an incident meets. Pure.

The patterns of all matches for one field become one set of RE2, which goes through a text once, however many they are.
What it finds is translated into bit masks, so that the conditions of all matches are judged together.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from daemon.config.match import Condition, Match
from daemon.config.pattern import expression, found
from daemon.decisions.facts import Facts
from daemon.decisions.placeholders import cut
from daemon.model.printable import printable

_SHOWN_TEXT, _SHOWN_VALUES = 80, 3


class Matching:
    """Any number of matches, compiled once."""

    def __init__(self, matches: Sequence[Match]) -> None:
        conditions: dict[str, list[tuple[int, Condition]]] = {}
        for position, match in enumerate(matches):
            for field, condition in match.conditions:
                conditions.setdefault(field, []).append((1 << position, condition))
        self._all = (1 << len(matches)) - 1
        self._fields = {field: _Field(given) for field, given in conditions.items()}

    def which(self, facts: Facts) -> int:
        """The matches that are met, as a mask: bit i is set for `matches[i]`."""
        met = self._all
        for name, field in self._fields.items():
            met &= ~field.unmet(facts.get(name, []))
        return met


class _Field:
    """The conditions of all matches on one field. A mask has a bit for each match."""

    def __init__(self, conditions: Sequence[tuple[int, Condition]]) -> None:
        self._wanting = 0
        masks: dict[str, tuple[int, int]] = {}
        for bit, condition in conditions:
            self._wanting |= 0 if condition.negated else bit
            for pattern in condition.patterns:
                wanted, unwanted = masks.get(pattern, (0, 0))
                masks[pattern] = (wanted, unwanted | bit) if condition.negated else (wanted | bit, unwanted)
        self._masks = list(masks.values())
        self._parts = list(_parts(list(masks)))

    def unmet(self, values: Sequence[str]) -> int:
        """The matches whose condition on this field is not met by these values."""
        satisfied = spoiled = 0
        for text in values:
            encoded = text.encode("utf-8", "replace")
            for part in self._parts:
                for position in part.positions(encoded):
                    wanted, unwanted = self._masks[position]
                    satisfied |= wanted
                    spoiled |= unwanted
        return (self._wanting & ~satisfied) | spoiled


@dataclass(frozen=True, slots=True)
class _Part:
    """Patterns, and the set made of them and of one more pattern that each text matches.

    That last one tells "none of them" from a set that gives up for lack of memory: either way Python is told of no
    match, and without it an incident would silently match nothing. Then each pattern is searched by itself, which
    cannot fail: a single expression that needs too much memory is searched in another way.
    """

    first: int
    """The position of the first pattern among all of the field."""
    patterns: tuple[str, ...]
    searched: Any
    """`None` for a pattern that is too large for a set."""

    def positions(self, text: bytes) -> Iterator[int]:
        """Those of the patterns that the text matches."""
        any_text = len(self.patterns)
        matched = self.searched.Match(text) if self.searched else None
        if matched is None:
            matched = [position for position, pattern in enumerate(self.patterns) if found(pattern, text)]
        return (self.first + position for position in matched if position != any_text)


def _parts(patterns: Sequence[str], first: int = 0) -> Iterator[_Part]:
    """One part for all of them; halves, if together they are too large for one set."""
    import re2  # noqa: PLC0415 - 3 MB, which only rules need

    options = re2.Options()
    options.log_errors = False
    searched = re2.Set.SearchSet(options)
    for pattern in (*map(expression, patterns), ""):
        searched.Add(pattern)
    try:
        searched.Compile()
    except re2.error:
        if len(patterns) == 1:
            yield _Part(first, tuple(patterns), None)
        else:
            middle = len(patterns) // 2
            yield from _parts(patterns[:middle], first)
            yield from _parts(patterns[middle:], first + middle)
    else:
        yield _Part(first, tuple(patterns), searched)


def mismatch(match: Match, facts: Facts) -> str | None:
    """The first field that does not meet its condition, as a phrase such as `name is "web-1", not "db-*"`."""
    for field, condition in match.conditions:
        values = facts.get(field, [])
        if condition.negated is any(_matches(condition, text) for text in values):
            is_what = " and ".join(_quoted(values)) if values else "empty"
            return f"{field} is {is_what}, {'which must not be' if condition.negated else 'not'} {_listed(condition)}"
    return None


def _matches(condition: Condition, text: str) -> bool:
    encoded = text.encode("utf-8", "replace")
    return any(found(pattern, encoded) for pattern in condition.patterns)


def _listed(condition: Condition) -> str:
    return " or ".join(_quoted(condition.patterns))


def _quoted(values: Sequence[str]) -> Iterator[str]:
    for value in values[:_SHOWN_VALUES]:
        yield f'"{printable(cut(value, _SHOWN_TEXT))}"'
    if len(values) > _SHOWN_VALUES:
        yield f"{len(values) - _SHOWN_VALUES} more"
