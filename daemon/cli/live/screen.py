"""The view as lines of a terminal of any size. Nothing is read here, and nothing decided.

Text from outside comes without control characters and is never interpreted as markup.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from itertools import pairwise

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from daemon.cli.live.figures import Figures
from daemon.cli.live.view import Asked, Focus, Question, View
from daemon.cli.render import BROADEST, plain
from daemon.cli.times import Times
from daemon.decisions import whereabouts
from daemon.decisions.ages import age
from daemon.decisions.rate_limit import CAREFUL
from daemon.model.delivery import WINDOW, DeliveryState
from daemon.model.destination import DEFAULT
from daemon.model.incident import Phase
from daemon.model.standing import Message, OpenIncident

KEYS = (
    "q quit  Tab other list  \N{UPWARDS ARROW}\N{DOWNWARDS ARROW} move  Enter why  r retry  R retry all dead  s silence"
)
KEYS_OF_A_STORY = "Esc back  \N{UPWARDS ARROW}\N{DOWNWARDS ARROW} PgUp PgDn move"
LEAST_ANSWER = 20
"""Characters of an answer that are seen, however long the question is."""
MOST_PROBLEMS = 4
"""Lines that the problems take in a window of 24."""


def lists(view: View, figures: Figures, times: Times, width: int, height: int) -> list[str]:
    """The lists below what is known of the whole."""
    console = _console(width)
    head = _lines(console, _head(figures, times, width, max(MOST_PROBLEMS, height // 6)))
    *said, last = _lines(console, _foot(view, width))
    foot = [*said[: height // 3], last]
    room = max(height - len(head) - len(foot) - 2, 0)
    opened, waiting = _shares(room, len(figures.standing.incidents), len(figures.standing.outbox))
    body = [
        *_section(console, view, figures, Focus.INCIDENTS, opened),
        *_section(console, view, figures, Focus.OUTBOX, waiting),
    ]
    return _fitted([*head, *body], foot, height)


def story(sentences: Sequence[tuple[str, str]], width: int) -> list[str]:
    """The story of an incident, wrapped at words behind the time of each sentence."""
    told = Table.grid(padding=(0, 2, 0, 0))
    told.add_column(no_wrap=True)
    told.add_column(overflow="fold")
    for before, sentence in sentences:
        told.add_row(Text(before), plain(sentence))
    return _lines(_console(min(width, BROADEST)), [told])


def page(heading: str, lines: Sequence[str], width: int, height: int, scroll: int) -> list[str]:
    """As much of a story as the window has room for, from line `scroll` on."""
    console = _console(width)
    head = _lines(console, [_cut(Text(heading, "bold"), width)])
    foot = _lines(console, [_cut(Text(KEYS_OF_A_STORY, "dim"), width)])
    return _fitted([*head, *lines[scroll:]], foot, height)


def most_scroll(lines: Sequence[str], height: int) -> int:
    """How far a story can be scrolled: its last page is a whole one."""
    return max(len(lines) - height + 2, 0)


def _console(width: int) -> Console:
    return Console(width=width, force_terminal=True, highlight=False, markup=False)


def _lines(console: Console, shown: Iterable[RenderableType]) -> list[str]:
    with console.capture() as capture:
        for one in shown:
            console.print(one)
    return capture.get().splitlines()


def _fitted(lines: Sequence[str], foot: Sequence[str], height: int) -> list[str]:
    """As many lines as the window has, the foot at its end."""
    above = list(lines[: max(height - len(foot), 0)])
    return [*above, *[""] * (height - len(above) - len(foot)), *foot][:height]


def _cut(text: Text, width: int) -> Text:
    """One line."""
    text.truncate(width, overflow="ellipsis")
    return text


def _head(figures: Figures, times: Times, width: int, most: int) -> Iterator[Text]:
    report = figures.health
    state = Text("healthy", "bold green") if report.healthy else Text("NOT HEALTHY", "bold red")
    process = "no process" if report.process is None else f"process {report.process.pid}"
    silences = f"   silences in force: {report.silences}" if report.silences else ""
    yield _cut(Text.assemble(f"{times.short(figures.at)}  ", state, f"  {process}{silences}"), width)
    yield from _problems(report.problems, width, most)
    yield _cut(plain(f"rounds  {_rounds(figures)}"), width)
    yield _cut(plain(f"limits  {_limits(figures)}"), width)


def _problems(problems: Sequence[str], width: int, most: int) -> Iterator[Text]:
    """Whole if they need no more than so many lines, else the beginning of each."""
    console, whole = _console(width), [plain(f"- {problem}") for problem in problems]
    lines = [line for problem in whole for line in problem.wrap(console, width)]
    if len(lines) > most:
        lines = [_cut(problem, width) for problem in whole]
    if len(lines) > most:
        more = len(lines) - most + 1
        lines[most - 1 :] = [Text(f"- and {more} more; `status` has them all")]
    for line in lines:
        line.stylize("red")
        yield line


def _rounds(figures: Figures) -> str:
    last = figures.health.last_complete_round_at
    whole = "none was ever complete" if last is None else f"last complete {age(last, figures.at)} ago"
    between = ", ".join(age(earlier, later) for later, earlier in pairwise(figures.rounds))
    seen = f", the ones before it {between} apart" if between else ""
    failing, error = figures.standing.snapshot.failing_since, figures.health.last_round_error
    fails = f"; for {age(failing, figures.at)} they fail: {error}" if failing is not None else ""
    return f"{whole}{seen}{fails}"


def _limits(figures: Figures) -> str:
    limit, sent = figures.standing.snapshot.event_limit, figures.standing.sent_lately
    known = f"{limit}" if limit is not None else f"{CAREFUL} until SIGNL4 says more"
    queue = figures.health.queue_seconds
    lasts = f"; what waits needs {age(figures.at - timedelta(seconds=queue), figures.at)}" if queue else ""
    held = "".join(
        f"; team {team} sends nothing for {age(figures.at, until)}" for team, until in figures.standing.holds.items()
    )
    return f"{sent} sent in the last {WINDOW.total_seconds():g} s, of {known}{lasts}{held}"


def _shares(room: int, opened: int, waiting: int) -> tuple[int, int]:
    """Lines for each list: half of them, and what the other one does not need."""
    half = room // 2
    below = min(waiting, max(half, room - opened))
    return room - below, below


def _section(console: Console, view: View, figures: Figures, focus: Focus, room: int) -> list[str]:
    is_here = view.focus is focus
    place = view.places[focus.value]
    top = max(min(place - room // 2, len(_rows(figures, focus)) - room), 0)
    shown = _rows(figures, focus)[top : top + room]
    table = Table.grid(padding=(0, 2, 0, 0), expand=True)
    for ratio in (None, None, None, 2, 3):
        table.add_column(no_wrap=True, overflow="ellipsis", ratio=ratio)
    for n, row in enumerate(shown, top):
        table.add_row(*_cells(row, figures, ">" if is_here and n == place else " "))
    title = _cut(Text(_title(figures, focus), "bold reverse" if is_here else "bold"), console.width)
    return _lines(console, [title, table] if shown else [title])


def _rows(figures: Figures, focus: Focus) -> Sequence[OpenIncident | Message]:
    return figures.standing.incidents if focus is Focus.INCIDENTS else figures.standing.outbox


def _title(figures: Figures, focus: Focus) -> str:
    report = figures.health
    if focus is Focus.INCIDENTS:
        return f"open incidents: {report.open_incidents}"
    held = f", of which rules hold {report.held_deliveries}" if report.held_deliveries else ""
    return f"outbox: {report.dead_deliveries} dead, {report.pending_deliveries} pending{held}"


def _cells(row: OpenIncident | Message, figures: Figures, mark: str) -> Iterator[Text]:
    style = "reverse" if mark == ">" else ""
    if isinstance(row, OpenIncident):
        state, colour = ("ack", "cyan") if row.phase is Phase.ACKNOWLEDGED else (str(row.phase), "bold")
        texts = (f"{mark} {row.id}", age(row.since, figures.at), state, _named(row.name, row.cause))
        where = whereabouts.of_incident(row, figures.at)
    else:
        colour = "bold red" if row.state is DeliveryState.DEAD else "yellow"
        texts = (f"{mark} {row.id}", row.incident_id, str(row.kind), _named(row.incident_name, ""))
        to = "" if row.team == DEFAULT else f"{row.team}: "
        where = f"{to}{whereabouts.of_message(row, figures.at)}"
    cells = [*map(plain, texts), plain(where)]
    cells[2].stylize(colour)
    for cell in cells[:1]:
        cell.stylize(style)
    yield from cells


def _named(name: str, cause: str) -> str:
    return ": ".join(filter(None, (name, cause))) or "-"


def _foot(view: View, width: int) -> Iterator[Text]:
    """What was said, each sentence on lines of its own, and below it the question; else the keys."""
    console = _console(width)
    for sentence in view.said:
        yield from plain(sentence).wrap(console, width)
    if view.question is not None:
        yield _asking(view.question, width)
    elif not view.said:
        yield _cut(Text(KEYS, "dim"), width)


def _asking(question: Question, width: int) -> Text:
    """The end of a long answer is what is being typed, so its beginning is left out."""
    of = question.subject if question.asked is Asked.LASTS else None
    asked = Text(f"{question.asked} ")
    about = plain("" if of is None else f"{of.field} {of.value!r}: ")
    before = Text.assemble(_cut(about, max(width - asked.cell_len - LEAST_ANSWER, 0)), asked)
    before = _cut(before, max(width - LEAST_ANSWER, 1))
    before.stylize("bold")
    room = max(width - before.cell_len - 1, 1)
    answer = plain(question.answer)
    while answer.cell_len > room:
        answer = answer[1:]
    return Text.assemble(before, answer, ("_", "blink"))
