"""Whether a match leaves anything for those that come after it."""

from collections.abc import Sequence

from daemon.config.match import Condition, Match
from daemon.config.pattern import found, is_exact


def matches_all(match: Match) -> bool:
    """Whether each incident meets it, because it has no condition."""
    return not match.conditions


def hides(earlier: Match, later: Match) -> bool:
    """Whether each incident that meets `later` is known to meet `earlier`.

    It may be so without being known: whether one regular expression contains another is not examined.
    """
    conditions = dict(later.conditions)
    return all(
        field in conditions and _follows(condition, conditions[field]) for field, condition in earlier.conditions
    )


def _follows(condition: Condition, given: Condition) -> bool:
    """Whether a field that meets `given` meets the condition."""
    if condition.negated is not given.negated:
        return False
    narrow, wide = (condition, given) if given.negated else (given, condition)
    return all(_is_within(pattern, wide.patterns) for pattern in narrow.patterns)


def _is_within(pattern: str, patterns: Sequence[str]) -> bool:
    """Whether each text that matches the pattern matches one of the patterns.

    A regular expression may tell apart what an exact text does not, upper and lower case: only shell patterns count.
    """
    if pattern in patterns:
        return True
    shell = [one for one in patterns if not one.startswith("/")]
    return "*" in shell or (is_exact(pattern) and any(found(one, pattern.encode()) for one in shell))
