"""What a silence matches: from `--match` to the table that is kept, and from that to words for people."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from daemon.config.match import FLAGS, METADATA, read_match
from daemon.model.alarm import Cause, SourceCause

ALARM = "alarm"
"""The field that names one of the program's own alarms."""
_CONDITION = re.compile(r"([^=!]+)(!?)=(.*)", re.DOTALL)


def as_table(conditions: Sequence[str]) -> dict[str, Any]:
    """The conditions of `--match` as the table of a match. All fields must match; of one field, any pattern.

    Raises `ValueError` with a sentence.
    """
    if not conditions:
        raise ValueError("a silence needs a --match, like --match name='db-*'; --match name='*' silences all")
    patterns: dict[tuple[str, bool], list[str]] = {}
    for condition in conditions:
        found = _CONDITION.fullmatch(condition)
        if found is None:
            raise ValueError(f"{condition!r} is no condition; write it like name='db-*', or name!='db-*' for all else")
        patterns.setdefault((found[1], found[2] == "!"), []).append(found[3])
    if ALARM in {field for field, _ in patterns}:
        return {ALARM: _alarm(patterns)}
    table = _table(patterns)
    read_match(table)
    return table


def _alarm(patterns: Mapping[tuple[str, bool], Sequence[str]]) -> str:
    """The id of the alarm that is the only condition."""
    # That the state cannot be written is told without the database, which knows the silences.
    known = [cause.external_id for cause in Cause if cause is not Cause.STATE]
    match patterns.get((ALARM, False)):
        case [name] if len(patterns) == 1 and (name in known or SourceCause.of(name) is not None):
            return name
    raise ValueError(f"{ALARM} stands alone and is the whole id of one alarm, one of {', '.join(known)}")


def _table(patterns: Mapping[tuple[str, bool], Sequence[str]]) -> dict[str, Any]:
    table: dict[str, Any] = {}
    for (field, negated), given in patterns.items():
        if (field, not negated) in patterns:
            raise ValueError(f"{field} is given with = and with !=; keep one of them")
        section, dot, key = field.partition(".")
        if section == METADATA and not key:
            raise ValueError(f"{METADATA} needs a key, as in {METADATA}.Region=eu")
        values = [_flag(field, one) if field in FLAGS else one for one in given]
        value = values[0] if len(values) == 1 else values
        where, name = (table.setdefault(METADATA, {}), key) if section == METADATA and dot else (table, field)
        where[name] = {"not": value} if negated else value
    return table


def _flag(field: str, text: str) -> bool:
    if text not in {"true", "false"}:
        raise ValueError(f"{field} is either true or false, as in {field}=true")
    return text == "true"


def exactly(name: str) -> str:
    """The pattern that only this text meets, whatever its case."""
    escaped = re.sub(r"[*?[]", r"[\g<0>]", name)
    return f"[/]{escaped[1:]}" if escaped.startswith("/") else escaped


def described(match: Mapping[str, Any]) -> str:
    """The match for people, as in `name "db-*" or "web-*", metadata.Region not "eu"`."""
    return ", ".join(f"{field} {_alternatives(value)}" for field, value in _fields(match))


def _fields(match: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for field, value in match.items():
        if field == METADATA:
            yield from ((f"{METADATA}.{key}", one) for key, one in value.items())
        else:
            yield field, value


def _alternatives(value: Any) -> str:
    negated = isinstance(value, Mapping)
    patterns = value["not"] if negated else value
    spelled = [json.dumps(one, ensure_ascii=False) for one in (patterns if isinstance(patterns, list) else [patterns])]
    return f"not {' nor '.join(spelled)}" if negated else " or ".join(spelled)
