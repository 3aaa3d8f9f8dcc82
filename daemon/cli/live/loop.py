"""The life of the view: reads every few seconds, draws, and does what the keys say."""

from dataclasses import replace
from time import monotonic

from daemon.cli.live import figures, screen, verbs
from daemon.cli.live.figures import Figures
from daemon.cli.live.keys import Keys
from daemon.cli.live.view import Quit, View, press, settled
from daemon.cli.storyline import heading, sentences
from daemon.cli.times import Times
from daemon.config.place import Place
from daemon.decisions.explain import explain
from daemon.host.clock import utc_now
from daemon.host.terminal import Terminal
from daemon.model.errors import DaemonError
from daemon.storage import history
from daemon.storage.engine import reader

EVERY = 2.0
"""Seconds between two readings."""
ESCAPE_WAIT = 0.1
"""Seconds in which the rest of the sequence of a key comes; otherwise it was the key Escape."""


def watch(place: Place, terminal: Terminal, *, utc: bool) -> None:
    """Shows the view until somebody leaves it, or the terminal is over."""
    loop = _Loop(place, terminal, utc=utc)
    while not terminal.over and not loop.left:
        loop.turn()


class _Loop:
    def __init__(self, place: Place, terminal: Terminal, *, utc: bool) -> None:
        self._place = place
        self._terminal = terminal
        self._utc = utc
        self._keys = Keys()
        self._view = View()
        self._figures: Figures | None = None
        self._due = 0.0
        self.left = False

    def turn(self) -> None:
        """One reading if it is due, one drawing, and the keys that come before the next reading."""
        if monotonic() >= self._due or self._figures is None:
            self._figures = figures.read(self._place, utc_now(), self._figures)
            self._due = monotonic() + EVERY
        self._view = settled(self._view, self._figures.standing)
        width, height = self._terminal.size()
        self._terminal.draw(self._frame(self._figures, width, height))
        for key in self._typed():
            self._press(key, self._figures, height)

    def _typed(self) -> list[str]:
        wait = max(self._due - monotonic(), 0.0)
        typed = self._terminal.wait(min(wait, ESCAPE_WAIT) if self._keys.unfinished else wait)
        return self._keys.feed(typed) if typed else self._keys.finish()

    def _press(self, key: str, now: Figures, height: int) -> None:
        self._view, action = press(self._view, key, now.standing, max(height - 3, 1))
        if isinstance(action, Quit):
            self.left = True
        elif action is not None:
            said = verbs.done(self._place.url, action, utc_now())
            self._view = replace(self._view, said=said)
            self._due = 0.0

    def _frame(self, now: Figures, width: int, height: int) -> list[str]:
        times = Times(self._utc, now.at)
        if self._view.story is None:
            return screen.lists(self._view, now, times, width, height)
        head, told = self._story(self._view.story, now, times)
        lines = screen.story(told, width)
        self._view = replace(self._view, scroll=min(self._view.scroll, screen.most_scroll(lines, height)))
        return screen.page(head, lines, width, height, self._view.scroll)

    def _story(self, incident_id: str, now: Figures, times: Times) -> tuple[str, list[tuple[str, str]]]:
        """The heading and the sentences of `why`."""
        try:
            engine = reader(self._place.url, checked=False)
            found = None if engine is None else history.read(engine, incident_id, now.at)
        except DaemonError as error:
            return incident_id, [("", str(error))]
        if found is None or found.record is None:
            return incident_id, [("", "there is no such incident any more")]
        story = explain(found.record, replace(found.present, process=now.health.process))
        return heading(found.record, times), list(sentences(story, times))
