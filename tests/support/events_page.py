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

What the log says, and what to do about it. Fields follow as `name=value`, and the last table says what each means; in
JSON (`log.format = json`) they are keys beside `time`, `level` and `event`. What is only repeated is said at the level
`debug`. Lines of libraries carry `logger=`, and `uncaught exception` is a fault of this program: please report it, with
its `trace`.

At `error` a person must act. At `warning` the program goes on by itself, and the last column says what to do if that
stays so. `status` says at any time what is wrong now, whatever the log said.
"""
FIELDS = {
    "address": "where the metrics are shown",
    "after": "how long it had failed",
    "attributes": "the names of the attributes that are others now, without their values",
    "attempt": "the number of the attempt, from 1",
    "by": "how far the clock was set",
    "changed": "each setting that is another one: before and now",
    "delivery": "the number of the delivery, as `deliveries` lists it",
    "did": "what the person did: `acknowledged` or `closed`; to a monitor: `created`, `updated`, `paused`, `unpaused`, "
    "`deleted`",
    "done": "how the program repaired it; without it: not",
    "epoch": "the number of the take-over",
    "error": "what went wrong",
    "event_id": "SIGNL4's id of the event, as its reports have it",
    "failed_rounds": "how many rounds had failed",
    "file": "the path of the file",
    "generation": "how often the incident was opened",
    "incident": "the id of the incident, for `why ID`; that of an alarm begins with `betterstack-signl4-`",
    "incidents": "how many there were",
    "interval": "`poll.interval`",
    "job": "`poll`, `deliver`, `self-check`; `poll-` and a source, or `deliver-` and a team",
    "kind": "what the delivery tells: `new`, `acknowledged` or `resolved`",
    "leader": "the process and the host that lead",
    "mend": "the command to type once the cause is mended",
    "monitor": "`monitor` or `heartbeat`, and its id",
    "name": "the name of the incident, or of the monitor",
    "next_in": "when it is tried again",
    "problems": "what is wrong, as `status` says it",
    "reason": "what the record said, that made it so",
    "result": "how the round ended",
    "seconds": "how long it took",
    "sent_again": "whether `reconcile --repair` sends it again",
    "silent_for": "since when it gave no sign of life",
    "source": "the NAME of the `[source.NAME]`; without it: `[betterstack]`",
    "taken": "whether SIGNL4 accepted it",
    "team": "the team, where it is not `default`",
    "times": "in how many reconciliations in a row it was found",
    "tracked_by": "the section of the account that tracks the incident",
    "until": "when it is looked at again",
    "user": "the name of a person in SIGNL4",
    "version": "that of the program",
    "what": "the sentence of the alarm",
    "which": "the id of the incident, or where in the list the record stands",
    "why": "the rule, or another reason, with its name",
}
"""What each field means, of whatever event."""
TOP = "| event | level | fields | what happened | what to do |\n|---|---|---|---|---|"
ORDER = ("process", "rounds", "deliveries", "pages", "two_way", "monitors", "health", "lease")


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
    meanings = "\n".join(f"| `{name}` | {FIELDS[name]} |" for name in sorted(FIELDS))
    parts.append(f"## Fields\n\n| field | meaning |\n|---|---|\n{meanings}\n")
    return "\n".join(parts)


def shown_fields() -> set[str]:
    """The names of all fields that the log shows."""
    return {one.name for subject in ORDER for kind in kinds(subject) for one in fields(kind)} - HIDDEN


def modules() -> set[str]:
    """Those that hold events."""
    return {module.name for module in iter_modules(events.__path__)}


if __name__ == "__main__":
    PAGE.write_text(written(), "utf-8")
