"""The output of the demo: its progress while it runs, and the verdict after it.

On a terminal both services are shown side by side in a live display. Elsewhere each event is a line, or for a long run
each tenth of it. Nothing is decided here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from daemon.sandbox.explanation import WIDTH, legend
from daemon.sandbox.history import Happening
from daemon.sandbox.lines import happening, signl4_lines, title
from daemon.sandbox.report import figures, reasons, sentence_of, table
from daemon.sandbox.verdict import Verdict

MANY = 60
"""Above this number of events or incidents, only figures are shown."""
OTHER_ROWS = 8
"""Lines of the live display that are not events."""


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
        return [(one.at, happening(one, self.began, one.name)) for one in self.history]

    @property
    def told(self) -> list[tuple[datetime, Text]]:
        """A line for each event that SIGNL4 got and for what people did there, in order."""
        lines = [line for case in self.verdict.cases for line in signl4_lines(case, self.began, title(case))]
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
        title = f"{frame.elapsed:.1f} s: {frame.doing}"
        table = Table(expand=True, title=title, title_justify="left", show_edge=False, pad_edge=False)
        signl4 = Text("SIGNL4: down, answers 503", "bold red") if frame.down else Text("SIGNL4")
        # Names of sixteen letters fit on both sides of a terminal of 80 columns.
        table.add_column("Better Stack", ratio=6, no_wrap=True)
        table.add_column(signl4, ratio=7, no_wrap=True)
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
                self._console.print(line, no_wrap=True, overflow="ellipsis")
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
        self._console = terminal if terminal.is_terminal else Console(highlight=False, markup=False, width=WIDTH)

    def say(self, sentence: str) -> None:
        """Prints the sentence; what is longer than a line is wrapped between words."""
        self._console.print(sentence)

    def quote(self, line: str) -> None:
        """Prints the line unchanged, however long it is."""
        self._console.print(line, soft_wrap=True)

    def display(self, things: int) -> Display:
        """The display for a script with this number of changes."""
        console = self._console
        return LiveDisplay(console) if console.is_terminal else LineDisplay(console, every_thing=things <= MANY)

    def report(self, verdict: Verdict, began: datetime) -> None:
        """Prints the verdict: every incident if there are few, else figures and the incidents with a flaw."""
        few = len(verdict.cases) <= MANY
        if not few:
            self._console.print(figures(verdict))
        cases = [case for case in verdict.cases if few or case.findings]
        if cases:
            self._console.print(table(cases, began))
        for reason in reasons(cases):
            self.say(reason)
        self.say(legend(silenced=any(case.silenced for case in verdict.cases)))
        self._console.print(sentence_of(verdict), style="bold green" if verdict.good else "bold red")


def _last(items: Sequence[tuple[datetime, Text]], rows: int) -> Text:
    lines = [text for _, text in items[-rows:]]
    return Text("\n").join([*lines, *[Text("")] * (rows - len(lines))])
