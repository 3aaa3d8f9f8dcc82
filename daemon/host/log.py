"""Logs events as lines on standard error: for the journal, for a terminal, or as JSON.

All lines of the process pass through here, including those of libraries and of uncaught exceptions, and are redacted. A
slow reader does not block the program: logging must never delay an alert.
"""

import json
import logging
import os
import sys
import threading
import traceback
from collections.abc import Callable, Mapping, MutableMapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from types import TracebackType
from typing import Any, TextIO

from daemon.host.journal import PRIORITIES, Journal, entry, reaches
from daemon.host.output import Line, Outlet, lost_sentence, outlet_to
from daemon.host.slim_imports import without
from daemon.model.event import Event, Listener
from daemon.model.printable import printable
from daemon.model.redact import redacted

with without("rich"):
    import structlog

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}

Entry = MutableMapping[str, Any]
Renderer = Callable[[Entry], str]


def set_up(level: str, form: str, secrets: tuple[str, ...], stream: TextIO | None = sys.stderr) -> Listener:
    """Sends all log lines of this process to `stream`; returns the listener that logs the program's own events."""
    render = _json if form == "json" else _for_journal if os.environ.get("JOURNAL_STREAM") else _for_terminal
    # The journal's own protocol carries fields, which plain lines do not.
    journal = Journal() if render is _for_journal and reaches(stream, os.environ) else None

    def line(_logger: object, method: str, event: Entry) -> tuple[tuple[Line], dict[str, Any]]:
        whole = {"event": event.pop("event"), "level": method, **event}
        entered = None if journal is None else partial(journal.write, _shown(_entry(whole), secrets))
        return (Line(_shown(render(whole), secrets), entered),), {}

    outlet = outlet_to(stream)
    if outlet is not None:
        outlet.lost_line = lambda lost: line(None, "warning", {"event": lost_sentence(lost)})[0][0]
    structlog.configure(
        processors=[line],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=lambda *_: _Lines(outlet or stream),
        cache_logger_on_first_use=True,
    )
    log = structlog.get_logger()
    _adopt_libraries(log)

    least = _LEVELS[level]

    def listen(event: Event) -> None:
        severity = event.severity()
        if _LEVELS[severity] >= least:
            getattr(log, severity)(event.text(), **event.shown())

    return listen


def _adopt_libraries(log: Any) -> None:
    root = logging.getLogger()
    root.handlers = [_Forward(log)]
    root.setLevel(logging.WARNING)
    # It warns of every job that is due while still running, which a wake-up causes.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    logging.captureWarnings(capture=True)

    def uncaught(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
        whole = "".join(traceback.format_exception(kind, error, trace))
        log.error("uncaught exception", error=repr(error), trace=whole)

    sys.excepthook = uncaught
    threading.excepthook = lambda args: uncaught(args.exc_type, args.exc_value, args.exc_traceback)
    sys.unraisablehook = lambda args: uncaught(args.exc_type, args.exc_value, args.exc_traceback)


class _Lines:
    """Writes whole lines, through the outlet if the reader could block."""

    def __init__(self, way: Outlet | TextIO | None) -> None:
        self._way = way

    def debug(self, line: Line) -> None:
        if isinstance(self._way, Outlet):
            self._way.put(line)
        elif self._way is not None:
            with suppress(OSError, ValueError):
                self._way.write(f"{line.text}\n")
                self._way.flush()

    info = warning = error = debug


class _Forward(logging.Handler):
    """Forwards the records of libraries to the program's own log."""

    def __init__(self, log: Any) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        say = self._log.error if record.levelno >= logging.ERROR else self._log.warning
        trace = {"trace": "".join(traceback.format_exception(*record.exc_info))} if record.exc_info else {}
        try:
            message = record.getMessage()
        except (TypeError, ValueError):
            message = str(record.msg)
        say(message, logger=record.name, **trace)


def _shown(text: str, secrets: tuple[str, ...]) -> str:
    """One or more lines, without secrets and without control characters."""
    return "\n".join(map(printable, redacted(text, *secrets).split("\n")))


def complaint(sentence: str) -> str:
    """An error sentence for the operator, as a JSON log line."""
    return _json({"event": sentence, "level": "error"})


def _json(event: Entry) -> str:
    return json.dumps({"time": datetime.now(UTC).isoformat(timespec="milliseconds"), **event}, default=str)


def _entry(event: Entry) -> str:
    fields = {key: value for key, value in event.items() if key not in {"event", "level"}}
    return entry(_sentence(event), event["level"], fields)


def _for_journal(event: Entry) -> str:
    """The journal reads the level from the prefix of a line."""
    return f"<{PRIORITIES[event['level']]}>{_sentence(event)}"


def _for_terminal(event: Entry) -> str:
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}Z {event['level']:<7} {_sentence(event)}"


def _sentence(event: Mapping[str, Any]) -> str:
    fields = [f"{key}={_value(value)}" for key, value in event.items() if key not in {"event", "level"}]
    # One line per event: the journal ends an entry at a line break.
    return " ".join([" | ".join(event["event"].splitlines()), *fields])


def _value(value: object) -> str:
    text = str(value)
    plain = text and text.isprintable() and not set(text) & set(" =\"'")
    return text if plain else json.dumps(text, ensure_ascii=False)
