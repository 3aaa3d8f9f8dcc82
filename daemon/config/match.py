"""What a rule is about: conditions on the fields of an incident, all of which have to be met.

Values are plain and hashable. `read_match` and `as_table` are inverse to each other.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from daemon.config.alike import nearest_of
from daemon.config.pattern import found, read_pattern

FLAGS = ("call", "sms", "email", "push", "critical_alert")
_IDS = ("source_id", "escalation_policy_id")
SOURCES = ("monitor", "heartbeat", "integration")
KINDS = ("incident", "monitor", "heartbeat")
FIELDS = ("kind", "name", "cause", "url", "team_name", "status", "source", *_IDS, *FLAGS)
"""All fields but those of metadata."""
METADATA = "metadata"
_KNOWN = {"source": SOURCES, "kind": KINDS}


@dataclass(frozen=True, slots=True)
class Condition:
    """Met by a field that one of its values matches one of the patterns; if negated, by any other, absent ones too."""

    patterns: tuple[str, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Match:
    """Met by an incident that meets all conditions; without any, by each incident."""

    conditions: tuple[tuple[str, Condition], ...] = ()
    """By field, in the order in which they are written. A key of metadata is `metadata.KEY`."""


EVERY = Match()
"""Met by each incident."""


def read_match(table: object) -> Match:
    """Reads the table `match`. Raises `ValueError` with the key inside it, what is wrong and the fix."""
    if not isinstance(table, dict):
        raise ValueError('match is not a table; write it like match = { name = "db-*" }')
    return Match(tuple(_conditions(table)))


def as_table(match: Match) -> dict[str, Any]:
    """The table that `read_match` reads as this match. It is plain JSON."""
    table: dict[str, Any] = {}
    for field, condition in match.conditions:
        section, dot, key = field.partition(".")
        if dot:
            table.setdefault(section, {})[key] = _written(field, condition)
        else:
            table[field] = _written(field, condition)
    return table


def _conditions(table: Mapping[str, object]) -> Iterator[tuple[str, Condition]]:
    for key, value in table.items():
        if key == METADATA:
            if not isinstance(value, dict) or not value:
                raise ValueError('match.metadata names no key; write it like match.metadata.Region = "eu"')
            yield from (
                (f"{METADATA}.{name}", _condition(f"{METADATA}.{name}", given)) for name, given in value.items()
            )
        elif key in FIELDS:
            yield key, _condition(key, value)
        else:
            raise ValueError(f"match.{key} is not a known key; {_nearest(key)}")


def _nearest(key: str) -> str:
    return nearest_of(key.lower(), (*FIELDS, METADATA), "the keys of match are", "match.")


def _condition(field: str, value: object) -> Condition:
    if not isinstance(value, dict):
        return Condition(_patterns(field, value))
    if value.keys() != {"not"}:
        raise ValueError(f'match.{field} is a table without not, or with more; write it like {{ not = "db-*" }}')
    return Condition(_patterns(field, value["not"]), negated=True)


def _patterns(field: str, value: object) -> tuple[str, ...]:
    if field in FLAGS:
        if not isinstance(value, bool):
            raise ValueError(f"match.{field} ({_shown(value)}) is neither true nor false; write it without quotes")
        return (str(value).lower(),)
    values = value if isinstance(value, list) else [value]
    if not values:
        raise ValueError(f'match.{field} is an empty list, which nothing matches; any text is "*"')
    return tuple(_pattern(field, one) for one in values)


def _pattern(field: str, value: object) -> str:
    if field in _IDS and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    try:
        pattern = read_pattern(value)
        return _one_of(_KNOWN[field], field, pattern) if field in _KNOWN else pattern
    except ValueError as error:
        raise ValueError(f"match.{field} ({_shown(value)}) {error}") from None


def _one_of(known: tuple[str, ...], field: str, pattern: str) -> str:
    if not any(found(pattern, one.encode()) for one in known):
        raise ValueError(f"is no {field}; take {', '.join(known[:-1])} or {known[-1]}")
    return pattern


def _written(field: str, condition: Condition) -> object:
    values = [one == "true" for one in condition.patterns] if field in FLAGS else list(condition.patterns)
    value = values[0] if len(values) == 1 else values
    return {"not": value} if condition.negated else value


def _shown(value: object) -> str:
    return repr(str(value)[:80])
