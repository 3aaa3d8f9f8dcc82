"""docs/events.md, made from the events themselves. `python -m tests.support.events_page` writes it anew."""

import inspect
from dataclasses import fields
from importlib import import_module
from pkgutil import iter_modules

from daemon.model import events
from daemon.model.event import HIDDEN, Event
from tests.support.paths import ROOT

PAGE = ROOT / "docs" / "events.md"
HEAD = """# Events

What the log says, and what to do about it. Fields follow as `name=value`; in JSON (`log.format = json`) they are keys
beside `time`, `level` and `event`. What is only repeated is said at the level `debug`. Lines of libraries carry
`logger=`, and `uncaught exception` is a fault of this program: please report it.
"""
TOP = "| event | level | fields | what happened | what to do |\n|---|---|---|---|---|"
ORDER = ("process", "rounds", "deliveries", "pages", "two_way", "health")


def kinds(subject: str) -> list[type[Event]]:
    """The events of one module, as they stand there."""
    module = import_module(f"{events.__name__}.{subject}")
    return [
        kind
        for _, kind in inspect.getmembers_static(module, inspect.isclass)
        if issubclass(kind, Event) and kind.__module__ == module.__name__ and hasattr(kind, "event")
    ]


def row(kind: type[Event]) -> str:
    """The line of one event."""
    names = " ".join(f"`{one.name}`" for one in fields(kind) if one.name not in HIDDEN)
    said = " ".join((kind.__doc__ or "").split())
    return f"| {kind.event} | {kind.level} | {names} | {said} | {kind.todo or 'nothing'} |"


def written() -> str:
    """The whole page."""
    parts = [HEAD]
    for subject in ORDER:
        title = (import_module(f"{events.__name__}.{subject}").__doc__ or "").splitlines()[0]
        rows = "\n".join(sorted(map(row, kinds(subject))))
        parts.append(f"## {title.rstrip('.')}\n\n{TOP}\n{rows}\n")
    return "\n".join(parts)


def modules() -> set[str]:
    """Those that hold events."""
    return {module.name for module in iter_modules(events.__path__)}


if __name__ == "__main__":
    PAGE.write_text(written(), "utf-8")
