"""Output for people. Loads Rich, which `run` never does.

Text from outside is printed without control characters, and never interpreted as markup.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice

from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from daemon.cli.tables import BATCH, Row, Table, safe
from daemon.cli.times import Times
from daemon.decisions.ages import age
from daemon.decisions.health import TOLERATED_SKEW, Health
from daemon.model.monitor import MonitorFigures
from daemon.model.polling import section_of
from daemon.model.printable import printable
from daemon.model.snapshot import Holder, StandbyProcess
from daemon.model.two_way import TwoWay

BROADEST = 120
"""Characters of a line of text, however wide the terminal is: longer ones are hard to read."""
_STYLES = {
    "pending": "yellow",
    "dead": "bold red",
    "delivered": "green",
    "open": "bold",
    "acknowledged": "cyan",
    "paused": "yellow",
    "maintenance": "yellow",
    "down": "bold red",
}


def show_status(report: Health, times: Times) -> None:
    """`status` for people."""
    console = Console(highlight=False, soft_wrap=True)
    healthy = report.healthy
    console.print(Text("healthy" if healthy else "NOT HEALTHY", "bold green" if healthy else "bold red"))
    for problem in report.problems:
        console.print(plain(f"  - {problem}"))
    console.print(plain(f"process               {_process(report.process, times)}"))
    if report.standbys is not None:
        console.print(plain(f"stands by             {_standbys(report.standbys)}"))
    last = report.last_complete_round_at
    oldest = report.oldest_pending_seconds
    console.print(plain(f"last complete round   {times.whole(last) or 'never'}"))
    console.print(plain(f"last round error      {report.last_round_error or 'none'}"))
    console.print(plain(f"open incidents        {report.open_incidents}"))
    waiting = "" if oldest is None else f", the oldest for {_span(oldest)}"
    queue = report.queue_seconds
    lasts = f"; at SIGNL4's limit they need {_span(queue)}" if queue else ""
    held = f", of which rules hold {report.held_deliveries}" if report.held_deliveries else ""
    console.print(plain(f"pending deliveries    {report.pending_deliveries}{held}{waiting}{lasts}"))
    console.print(plain(f"dead deliveries       {report.dead_deliveries}"))
    if report.unpaged_alerts:
        console.print(plain(f"paged nobody          {report.unpaged_alerts}"))
    if report.drift:
        console.print(plain(f"drift                 {report.drift}; look at: reconcile"))
    if report.silences:
        console.print(plain(f"silences in force     {report.silences}; look at: silence list"))
    for one in report.sources or ():
        since = times.whole(one.last_complete_round_at) or "never polled"
        error = f": {one.last_round_error}" if one.last_round_error else ""
        console.print(plain(f"{f'[{section_of(one.name)}]':<21} {since}{error}"))
    if report.two_way is not None:
        _show_two_way(console, report.two_way, times)
    if report.monitors is not None:
        _show_monitors(console, report.monitors, times)
    skew = report.clock_ahead_seconds or 0
    if abs(skew) > TOLERATED_SKEW.total_seconds():
        ahead = "ahead of" if skew > 0 else "behind"
        console.print(plain(f"clock                 {_span(abs(skew))} {ahead} Better Stack's; look at: timedatectl"))


def _show_two_way(console: Console, figures: TwoWay, times: Times) -> None:
    """The looks at SIGNL4, and what is written back."""
    console.print(plain(f"last look at SIGNL4   {times.whole(figures.last_look_at) or 'none yet'}"))
    console.print(plain(f"last look error       {figures.last_error or 'none'}"))
    dead = f", {figures.dead_write_backs} dead" if figures.dead_write_backs else ""
    console.print(plain(f"pending write-backs   {figures.pending_write_backs}{dead}"))


def _show_monitors(console: Console, figures: MonitorFigures, times: Times) -> None:
    """The looks at monitors and heartbeats."""
    alerts = "1 alert" if figures.open_alerts == 1 else f"{figures.open_alerts} alerts"
    about = f", {alerts} open; look at: monitors" if figures.open_alerts else ""
    console.print(plain(f"monitors              {figures.monitors}, heartbeats {figures.heartbeats}{about}"))
    console.print(plain(f"last look at them     {times.whole(figures.last_look_at) or 'none yet'}"))
    console.print(plain(f"their last error      {figures.last_error or 'none'}"))


def _process(holder: Holder | None, times: Times) -> str:
    if holder is None:
        return "none"
    version = "" if holder.version is None else f", version {holder.version}"
    began = "" if holder.since is None else f", since {times.whole(holder.since)}"
    where = "" if holder.host is None else f" on {holder.host}"
    return f"{holder.pid}{where}{version}{began}"


def _standbys(found: Sequence[StandbyProcess]) -> str:
    waiting = [f"{one.host}, process {one.pid}, version {one.version}" for one in found]
    return "; ".join(waiting) or "nobody, so no host would take over"


def show_table(table: Table, rows: Iterable[Row], times: Times) -> None:
    """A listing at a terminal, in a table of its width. Long ones come in several tables, one below the other."""
    remaining = iter(rows)
    while batch := list(islice(remaining, BATCH)):
        shown = RichTable(box=None, pad_edge=False)
        for column in table.screen:
            shown.add_column(column.heading.format(times.zone), no_wrap=not column.folds, overflow="fold")
        for row in map(safe, batch):
            shown.add_row(*(_coloured(column.text(row, times)) for column in table.screen))
        Console(highlight=False).print(shown)


def show_story(heading: str, sentences: Iterable[tuple[str, str]]) -> None:
    """The story of an incident at a terminal, wrapped at words behind the time of each sentence."""
    console = Console(highlight=False)
    width = min(console.width, BROADEST)
    shown = RichTable.grid(padding=(0, 2, 0, 0))
    shown.add_column(no_wrap=True)
    shown.add_column(overflow="fold")
    for before, sentence in sentences:
        shown.add_row(Text(before), Text(sentence))
    console.print(Text(heading, "bold"), width=width)
    console.print(shown, width=width)


def _coloured(text: str) -> Text:
    """The text of a cell; the first word of a phase or a state has its colour."""
    word = text.partition("\n")[0].partition(",")[0]
    shown = Text(text)
    shown.stylize(_STYLES.get(word, ""), 0, len(word))
    return shown


def plain(text: str) -> Text:
    """Text from outside, safe for a terminal and never interpreted as markup."""
    return Text(printable(text))


def _span(seconds: int) -> str:
    now = datetime.now(UTC)
    return age(now - timedelta(seconds=seconds), now)
