"""What becomes of an event: one line in one of three forms, without secrets, whoever spoke and whatever broke."""

import io
import json
import logging
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest
import structlog
import time_machine

from daemon.host.log import set_up
from tests.support.each import each
from tests.support.values import NOW

SECRET = "hunter2"
FORMS = ("terminal", "journal", "json")
LEVELS = ("debug", "info", "warning", "error")
every_form = pytest.mark.parametrize("form", FORMS)


@pytest.fixture(autouse=True)
def _global_state_is_given_back() -> Iterator[None]:
    root, scheduler = logging.getLogger(), logging.getLogger("apscheduler")
    kept = (root.handlers, root.level, scheduler.level, sys.excepthook, threading.excepthook)
    yield
    root.handlers, level, scheduler_level, sys.excepthook, threading.excepthook = kept
    root.setLevel(level)
    scheduler.setLevel(scheduler_level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


class Output:
    """What came out since the log was last set up."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.stream = io.StringIO()
        self._monkeypatch = monkeypatch

    def log(self, form: str = "terminal", level: str = "debug", secrets: tuple[str, ...] = (SECRET,)) -> Any:
        if form == "journal":
            self._monkeypatch.setenv("JOURNAL_STREAM", "8:12345")
        else:
            self._monkeypatch.delenv("JOURNAL_STREAM", raising=False)
        self.stream = io.StringIO()
        set_up(level, "json" if form == "json" else "auto", secrets, self.stream)
        return structlog.get_logger()

    @property
    def lines(self) -> list[str]:
        text = self.stream.getvalue()
        assert text == "" or text.endswith("\n")
        return text.split("\n")[:-1]


@pytest.fixture
def output(monkeypatch: pytest.MonkeyPatch) -> Output:
    return Output(monkeypatch)


FIELDS: dict[str, Any] = {"incident": "7", "why": "no way", "attempts": 3, "empty": "", "none": None, "eq": "a=b"}
SAID = 'alert sent incident=7 why="no way" attempts=3 empty="" none=None eq="a=b"'


class TestForms:
    @pytest.mark.parametrize(("level", "priority"), [*zip(LEVELS, (7, 6, 4, 3), strict=True)])
    def test_the_journal_gets_priorities(self, output: Output, level: str, priority: int) -> None:
        getattr(output.log("journal"), level)("alert sent", **FIELDS)
        assert output.lines == [f"<{priority}>{SAID}"]

    @pytest.mark.parametrize("level", LEVELS)
    @time_machine.travel(NOW, tick=False)
    def test_a_terminal_gets_times(self, output: Output, level: str) -> None:
        getattr(output.log("terminal"), level)("alert sent", **FIELDS)
        assert output.lines == [f"2026-11-23 09:30:00Z {level:<7} {SAID}"]

    @pytest.mark.parametrize("level", LEVELS)
    @pytest.mark.parametrize("journal", ["", "8:12345"])
    @time_machine.travel(NOW, tick=False)
    def test_programs_get_json(self, output: Output, monkeypatch: pytest.MonkeyPatch, level: str, journal: str) -> None:
        """Under systemd too, where it is asked for."""
        log = output.log("json")
        monkeypatch.setenv("JOURNAL_STREAM", journal)
        getattr(log, level)("alert sent", **FIELDS)
        [line] = map(json.loads, output.lines)
        assert line == {"time": "2026-11-23T09:30:00.000+00:00", "event": "alert sent", "level": level, **FIELDS}

    @every_form
    @each("value", [datetime.now(UTC), object(), b"bytes", {1: {2}}, ValueError("x"), float("inf")])
    def test_a_value_of_any_type_is_shown(self, output: Output, form: str, value: object) -> None:
        output.log(form).info("event", value=value)
        assert len(output.lines) == 1

    @every_form
    @each("text", ["a\nb", "a\r\nb", "a\x85b", "a\u2028b", "a\x1b[31mb", "a\x00b", "\n", "\"'", "ä\u2603"])
    def test_a_field_with_anything_in_it_stays_on_its_line(self, output: Output, form: str, text: str) -> None:
        output.log(form).info("event", text=text)
        assert len(output.lines) == 1
        assert "\x1b" not in output.lines[0]

    @every_form
    @pytest.mark.parametrize("text", ["one\ntwo", "one\n\ntwo\n", "one\r\ntwo"])
    def test_an_event_of_several_lines_becomes_one(self, output: Output, form: str, text: str) -> None:
        output.log(form).info(text)
        assert len(output.lines) == 1
        assert "one" in output.lines[0]
        assert "two" in output.lines[0]

    @every_form
    def test_percent_signs_and_braces_are_only_characters(self, output: Output, form: str) -> None:
        output.log(form).warning("100% {sure} %s %(x)s", rate="5%d")
        assert "100% {sure} %s %(x)s" in output.lines[0]

    @every_form
    @pytest.mark.parametrize("least", [*range(4)])
    def test_events_below_the_level_are_left_out(self, output: Output, form: str, least: int) -> None:
        log = output.log(form, LEVELS[least])
        for level in LEVELS:
            getattr(log, level)(f"said at {level}")
        assert [line for line in output.lines if "said at" in line] == output.lines
        assert len(output.lines) == 4 - least


def raises(error: Exception) -> None:
    raise error


class TestLibraries:
    @every_form
    @each(
        ("name", "speak", "level"),
        [
            ("sqlalchemy.pool", logging.Logger.error, "error"),
            ("sqlalchemy.pool", logging.Logger.critical, "error"),
            ("httpx", logging.Logger.warning, "warning"),
            ("anything.else", logging.Logger.warning, "warning"),
            ("apscheduler.scheduler", logging.Logger.error, "error"),
        ],
    )
    def test_are_heard(self, output: Output, form: str, name: str, speak: Callable[..., None], level: str) -> None:
        output.log(form)
        speak(logging.getLogger(name), "pool %s is %d", "main", 7)
        [line] = output.lines
        assert "pool main is 7" in line
        assert name in line
        assert {"terminal": level, "journal": "<3>" if level == "error" else "<4>", "json": f'"{level}"'}[form] in line

    @pytest.mark.parametrize(
        ("name", "speak"),
        [
            ("httpx", logging.Logger.info),
            ("httpcore", logging.Logger.debug),
            ("anything", logging.Logger.info),
            ("apscheduler.scheduler", logging.Logger.warning),
        ],
    )
    def test_are_not_heard_chatting(self, output: Output, name: str, speak: Callable[..., None]) -> None:
        """The HTTP client's own records hold URLs."""
        output.log()
        speak(logging.getLogger(name), f"POST https://connect.signl4.com/webhook/{SECRET}")
        assert output.lines == []

    @every_form
    def test_bring_their_exceptions(self, output: Output, form: str) -> None:
        output.log(form)
        try:
            raises(KeyError("lost"))
        except KeyError:
            logging.getLogger("apscheduler.executors").exception("Job failed")
        [line] = output.lines
        assert all(part in line for part in ("Job failed", "Traceback", "KeyError"))

    @every_form
    def test_warnings_come_through(self, output: Output, form: str) -> None:
        output.log(form)
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn("soon to go", DeprecationWarning, stacklevel=1)
        assert len(output.lines) == 1
        assert "DeprecationWarning: soon to go" in output.lines[0]

    @pytest.mark.parametrize(("message", "args"), [("%d", ("x",)), ("%s", ("a", "b")), ("100%", ("a",))])
    def test_with_a_mistake_in_their_record_do_not_fail_for_it(
        self, output: Output, message: str, args: tuple[str, ...]
    ) -> None:
        """The log is never the reason why an alert is not sent."""
        output.log()
        logging.getLogger("library").error(message, *args)
        assert len(output.lines) == 1
        assert message in output.lines[0]


class TestUncaughtExceptions:
    @every_form
    def test_of_the_main_thread_come_through(self, output: Output, form: str) -> None:
        output.log(form)
        try:
            raises(ValueError(f"with {SECRET}"))
        except ValueError as error:
            sys.excepthook(ValueError, error, error.__traceback__)
        [line] = output.lines
        assert all(part in line for part in ("uncaught exception", "ValueError", "Traceback", "***"))
        assert SECRET not in line

    @every_form
    def test_of_other_threads_come_through(self, output: Output, form: str) -> None:
        output.log(form)
        thread = threading.Thread(target=raises, args=(KeyError("lost"),))
        thread.start()
        thread.join()
        [line] = output.lines
        assert all(part in line for part in ("uncaught exception", "KeyError", "lost"))


ODD = 'a"b\\c/d+e%f'


class TestSecrets:
    @every_form
    @each("secret", [SECRET, ODD, "tok/en+with=="], ids=["plain", "odd", "base64"])
    @each("spelling", [str, lambda text: quote(text, safe="")], ids=["plain", "url"])
    def test_are_in_no_line_however_they_are_spelled(
        self, output: Output, form: str, secret: str, spelling: Callable[[str], str]
    ) -> None:
        log = output.log(form, secrets=("other", secret))
        text = f"at {spelling(secret)} now"
        log.info(text)
        log.info("event", text=text)
        log.info("event", nested={"a": [text]}, error=ValueError(text))
        log.info("event", key=spelling(secret))
        logging.getLogger("library").error(text)
        assert len(output.lines) == 5
        for line in output.lines:
            assert "***" in line
            assert not [form for form in (secret, quote(secret, safe=""), json.dumps(secret)[1:-1]) if form in line]

    def test_that_hold_one_another_leave_no_rest(self, output: Output) -> None:
        output.log(secrets=("abcd", "abcd-efgh")).info("event", token="abcd-efgh")
        assert "efgh" not in output.lines[0]


class Broken(io.StringIO):
    """A stream that nobody reads any more."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error
        self.written = 0

    def write(self, text: str) -> int:
        self.written += 1
        raise self.error


@pytest.mark.parametrize(
    "error",
    [
        BrokenPipeError(),
        OSError(28, "No space left"),
        ValueError("closed"),
        UnicodeEncodeError("ascii", "ä", 0, 1, "no"),
    ],
)
def test_a_stream_that_broke_is_no_error(error: Exception) -> None:
    stream = Broken(error)
    set_up("info", "auto", (), stream)
    log = structlog.get_logger()
    log.info("one")
    log.error("two")
    logging.getLogger("library").error("three")
    assert stream.written == 3


def test_each_line_is_out_before_the_next_event() -> None:
    """What was said before a crash has been said."""

    class Counting(io.StringIO):
        flushed = 0

        def flush(self) -> None:
            self.flushed += 1

    stream = Counting()
    set_up("info", "auto", (), stream)
    log = structlog.get_logger()
    for count in range(1, 4):
        log.info("event")
        assert stream.flushed == count
