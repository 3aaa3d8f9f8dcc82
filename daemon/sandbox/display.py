"""The output of the demo: its progress while it runs, and the verdict after it.

On a terminal both services are shown side by side in a live display. Elsewhere each event is a line, or for a long run
each tenth of it. Nothing is decided here.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median, quantiles
from typing import Protocol, Self

from rich import box
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from daemon.model.incident import Kind, Phase
from daemon.sandbox.history import Act, Happening
from daemon.sandbox.verdict import Case, Told, Verdict

FILE_WIDTH = 120
MANY = 60
"""Above this number of events or incidents, only figures are shown."""
OTHER_ROWS = 8
"""Lines of the live display that are not events."""
WORD_WIDTH = 21
COLOURS: dict[str, str] = {
    Act.OPENED: "red",
    Act.CONFIRMED: "red",
    Act.REOPENED: "red",
    Act.REOPENED_AFRESH: "red",
    Kind.NEW: "red",
    Kind.ACKNOWLEDGED: "yellow",
    Kind.RESOLVED: "green",
    Act.DELETED: "green",
}


@dataclass(frozen=True, slots=True)
class Frame:
    """The state of the run at one moment."""

    began: datetime
    elapsed: float
    """Seconds."""
    length: float
    """Seconds."""
    history: Sequence[Happening]
    verdict: Verdict
    down: bool
    """Whether SIGNL4 is down according to the script."""
    doing: str

    @property
    def done(self) -> float:
        """The completed part of the script, from 0 to 1."""
        return min(1.0, max(0.0, self.elapsed / self.length))

    @property
    def happened(self) -> list[tuple[datetime, Text]]:
        """A line for each change at Better Stack, in order."""
        return [(one.at, _happening(one, self.began, one.name)) for one in self.history]

    @property
    def told(self) -> list[tuple[datetime, Text]]:
        """A line for each event that SIGNL4 got, in order."""
        lines = [(told.at, _told(told, self.began, case.name)) for case in self.verdict.cases for told in case.told]
        return sorted(lines, key=lambda line: line[0])


class Display(Protocol):
    """Shows the progress of a run, inside a `with` block."""

    def __enter__(self) -> Self:
        """Begins the display."""

    def __exit__(self, *_: object) -> None:
        """Ends the display."""

    def show(self, frame: Frame) -> None:
        """Shows this state."""


class LiveDisplay:
    """A live display on a terminal."""

    def __init__(self, console: Console) -> None:
        """Nothing is shown yet."""
        self._console = console
        self._live = Live(console=console, transient=True, auto_refresh=False)

    def __enter__(self) -> Self:
        """Starts the live display."""
        self._live.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        """Clears it."""
        self._live.__exit__(None, None, None)

    def show(self, frame: Frame) -> None:
        """Redraws the display."""
        rows = max(3, min(24, self._console.height - OTHER_ROWS))
        table = Table(expand=True, title=f"{frame.elapsed:.1f} s: {frame.doing}", title_justify="left")
        signl4 = Text("SIGNL4: down, answers 503", "bold red") if frame.down else Text("SIGNL4")
        table.add_column("Better Stack", ratio=1, no_wrap=True)
        table.add_column(signl4, ratio=1, no_wrap=True)
        table.add_row(_last(frame.happened, rows), _last(frame.told, rows))
        bar = ProgressBar(total=1.0, completed=frame.done, width=self._console.width)
        self._live.update(Group(table, bar), refresh=True)


class LineDisplay:
    """Plain lines, for a file or a pipe."""

    def __init__(self, console: Console, *, every_thing: bool) -> None:
        """`every_thing`: a line for each event; else for each tenth of the run."""
        self._console = console
        self._every_thing = every_thing
        self._shown = [0, 0]
        self._tenth = -1
        self._down = False

    def __enter__(self) -> Self:
        """Nothing to prepare."""
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to clean up."""

    def show(self, frame: Frame) -> None:
        """Prints what is new."""
        if frame.down != self._down:
            self._down = frame.down
            self._console.print(
                f"SIGNL4        {frame.elapsed:6.1f}  {'down, answers 503' if frame.down else 'up again'}"
            )
        if self._every_thing:
            for line in self._new(frame):
                self._console.print(line, no_wrap=True, overflow="ignore", crop=False)
        elif (tenth := int(frame.done * 10)) > self._tenth:
            self._tenth = tenth
            things, events = len(frame.history), len(frame.told)
            self._console.print(f"{tenth * 10:3d} %  {things} things happened, SIGNL4 was told {events}")

    def _new(self, frame: Frame) -> Iterator[Text]:
        sides = [(frame.happened, "Better Stack  "), (frame.told, "SIGNL4        ")]
        lines: list[tuple[datetime, Text]] = []
        for side, (items, label) in enumerate(sides):
            lines += [(at, Text(label).append_text(text)) for at, text in items[self._shown[side] :]]
            self._shown[side] = len(items)
        yield from (line for _, line in sorted(lines, key=lambda line: line[0]))


class Output:
    """Standard output."""

    def __init__(self) -> None:
        """A file gets lines of a fixed width."""
        terminal = Console(highlight=False, markup=False)
        self._console = terminal if terminal.is_terminal else Console(highlight=False, markup=False, width=FILE_WIDTH)

    def say(self, sentence: str) -> None:
        """Prints the sentence unchanged."""
        self._console.print(sentence, soft_wrap=not self._console.is_terminal)

    def display(self, things: int) -> Display:
        """The display for a script with this number of changes."""
        console = self._console
        return LiveDisplay(console) if console.is_terminal else LineDisplay(console, every_thing=things <= MANY)

    def report(self, verdict: Verdict, began: datetime) -> None:
        """Prints the verdict: every incident if there are few, else figures and the incidents with a flaw."""
        few = len(verdict.cases) <= MANY
        if not few:
            self._console.print(_figures(verdict))
        cases = [case for case in verdict.cases if few or case.findings]
        if cases:
            self._console.print(_table(cases, began))
        self._console.print(
            verdict.sentence,
            style="bold green" if verdict.good else "bold red",
            soft_wrap=not self._console.is_terminal,
        )


def _table(cases: Iterable[Case], began: datetime) -> Table:
    table = Table("Incident", "At Better Stack", "At SIGNL4", box=box.SIMPLE, show_lines=True)
    for case in cases:
        happened = Text("\n").join(_happening(one, began) for one in case.happened)
        told = Text("\n").join(_told(one, began) for one in case.told)
        table.add_row(Text.assemble(f"{case.name}\n", _opinion(case)), happened, told)
    return table


def _figures(verdict: Verdict) -> Table:
    table = Table(
        "", "told", "median", "95 in 100", "longest", title="Time from the fact to SIGNL4", title_justify="left"
    )
    for kind in Kind:
        took = [
            one.took.total_seconds()
            for case in verdict.cases
            for one in case.told
            if one.kind == kind and one.took is not None
        ]
        if took:
            figures = (median(took), quantiles([*took, took[-1]], n=20)[-1], max(took))
            table.add_row(kind, str(len(took)), *(f"{figure:.2f} s" for figure in figures))
    return table


def _opinion(case: Case) -> Text:
    if case.findings:
        return Text("\n".join(f"{finding.flaw}: {finding.why}" for finding in case.findings), "bold red")
    if case.superseded:
        return Text("right; acknowledged superseded", "green")
    return Text("right" if case.told else "right: nothing to tell", "green")


def _happening(one: Happening, began: datetime, name: str = "") -> Text:
    unconfirmed = (one.act, one.phase) == (Act.OPENED, Phase.UNCONFIRMED)
    by = f"by {one.by}" if one.by else ""
    return _line(one.at - began, one.phase if unconfirmed else one.act, f"{name} {by}".strip())


def _told(told: Told, began: datetime, name: str = "") -> Text:
    took = "" if told.took is None else f"+{told.took.total_seconds():.1f}"
    return _line(told.at - began, told.kind, f"{took:<6}{name}".rstrip())


def _line(time: timedelta, word: str, more: str) -> Text:
    line = Text.assemble(f"{time.total_seconds():6.1f}  ", (word, COLOURS.get(word, "")))
    return line.append(" " * max(1, WORD_WIDTH - len(line)) + more if more else "")


def _last(items: Sequence[tuple[datetime, Text]], rows: int) -> Text:
    lines = [text for _, text in items[-rows:]]
    return Text("\n").join([*lines, *[Text("")] * (rows - len(lines))])
