"""The sentence for a mistake in a `[[route]]` or `[[maintenance]]` table, which has a number in place of a name."""

from dataclasses import fields

from pydantic_core import ErrorDetails

from daemon.config.alike import nearest_of
from daemon.config.maintenance import MaintenanceSection
from daemon.config.routes import FlapSection, OverlaySection, RouteSection

_TABLES: dict[tuple[str, ...], type] = {
    ("route",): RouteSection,
    ("route", "flap"): FlapSection,
    ("route", "payload"): OverlaySection,
    ("maintenance",): MaintenanceSection,
}


def rule_sentence(detail: ErrorDetails) -> str:
    """What pydantic found wrong with a rule, for the operator."""
    name, *place = (str(part) for part in detail["loc"])
    if not place:
        return f"{name} must be a list of tables; write each as [[{name}]] with its keys below"
    which = f"{name} {int(place[0]) + 1}"
    inside = [_written(part) for part in place[1:]]
    about = f"{'.'.join(inside)} of {which}" if inside else which
    match detail["type"]:
        case "missing":
            return f"{about} is missing; write it into that table"
        case "extra_forbidden" | "unexpected_keyword_argument":
            return f"{about} is not a known key; {_nearest(name, inside)}"
        case "value_error":
            names_its_key = inside == ["match"] or name == "maintenance"
            subject = f"{which}:" if names_its_key else f"{about}{_shown(detail['input'])}"
            return f"{subject} {detail['ctx']['error']}"
        case "dataclass_type" | "dict_type" if not inside:
            return f"{about} must be a table; write it as [[{name}]] with its keys below"
        case _:
            plain = detail["msg"].removeprefix("Input ")
            return f"{about}{_shown(detail['input'])} {plain}; mend it, or leave it out"


def _written(part: str) -> str:
    """As in the file: Python keeps `continue` for itself."""
    return "continue" if part == "continues" else part


def _nearest(name: str, inside: list[str]) -> str:
    *tables, key = inside
    known = [_written(one.name) for one in fields(_TABLES[(name, *tables)])]
    return nearest_of(key.lower(), known, "the keys are", "".join(f"{table}." for table in tables))


def _shown(value: object) -> str:
    return f" ({str(value)[:80]!r})" if isinstance(value, str | int | float) else ""
