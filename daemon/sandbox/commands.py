"""The commands that are typed into a running sandbox, a line each.

A word may be cut as long as it is clear. What cannot be done is answered with a sentence; nothing ends the sandbox but
`quit`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from daemon.model.errors import DaemonError
from daemon.model.incident import Phase
from daemon.model.printable import printable
from daemon.sandbox.history import Alert, AlertState
from daemon.sandbox.life import PERSON, Life
from daemon.sandbox.monitor_commands import MonitorCommands
from daemon.sandbox.record import TEAM, Record
from daemon.sandbox.server import Sandbox
from daemon.sandbox.signl4_account import ALLOWED
from daemon.sandbox.troubles import WORDS, Trouble
from daemon.sandbox.typed import ALL, CommandError, one_of

CLEARED = "cleared"
API = "signl4-api"
FAULTS = "\n".join(
    ["  503 …     answers that status (300 to 599)", *(f"  {word:<9} {WORDS[word][0]}" for word in WORDS)]
)
MOST_SECONDS = 86400
"""The longest time between two changes."""
ACTS = {"acknowledge": AlertState.ACKNOWLEDGED, "close": AlertState.CLOSED}
"""What a person can do to an alert in SIGNL4."""
Change = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Command:
    """One command."""

    usage: str
    what: str
    obey: Callable[[list[str]], Iterable[str]]
    """Takes the words after the command; gives the lines of its reply."""


class Commands:
    """All commands."""

    def __init__(self, sandbox: Sandbox, life: Life, clock: Callable[[], float]) -> None:
        """`clock`: monotonic, in seconds."""
        self._world, self._life, self._clock = sandbox.world, life, clock
        self._account = sandbox.signl4.account
        self._accounts = sandbox.betterstack.accounts
        self._troubles = {
            "signl4": Trouble(sandbox.signl4.faults),
            "betterstack": Trouble(sandbox.betterstack.faults),
            API: Trouble(sandbox.signl4.api_faults),
        }
        monitors = MonitorCommands(sandbox.world.monitors)
        self.over = False
        """Whether `quit` was given."""
        rows = (
            Command("open [NAME] [@ACCOUNT]", "open an incident, of that account", self._open),
            Command("acknowledge [ID]", "acknowledge it; the newest if no ID is given", self._acknowledge),
            Command("resolve [ID]", "resolve it", self._resolve),
            Command("reopen [ID] [cleared]", "reopen it; cleared: without its old times", self._reopen),
            Command("delete [ID]", "delete it", self._delete),
            Command("monitor [ACT ID]", "what is watched; monitor help: what can be done to it", monitors.obey),
            Command("signl4 ack|close NAME", "a person does that in SIGNL4; add: by WHO", self._signl4),
            Command("list", "the incidents, and how the services are", self._list),
            Command("fault SERVICE WHAT [N]", "signl4, signl4-api or betterstack fails (N times)", self._fault),
            Command("mend [SERVICE]", "it works again", self._mend),
            Command("every SECONDS", "time between changes by themselves; 0: none", self._every),
            Command("help", "this", self._help),
            Command("quit", "end the sandbox", self._quit),
        )
        self._commands: Mapping[str, Command] = {row.usage.partition(" ")[0]: row for row in rows}

    def obey(self, line: str) -> list[str]:
        """Carries out a line; the reply. Raises nothing."""
        word, *words = line.split() or [""]
        if not word or word.startswith("#"):
            return []
        try:
            return list(self._commands[one_of(word, self._commands, "command")].obey(words))
        except DaemonError as error:
            return [f"? {printable(str(error))}"]

    def help(self) -> str:
        """All commands, and the faults."""
        lines = [f"  {row.usage:<23} {row.what}" for row in self._commands.values()]
        ids = "ID: the whole id, its last digits, or all. A word may be cut: ack, res."
        return "\n".join([*lines, ids, "WHAT a service does in a fault:", FAULTS])

    def _open(self, words: list[str]) -> Iterable[str]:
        marks = {f"@{account}": account for account in self._accounts.values()}
        team = next((marks[word] for word in words if word in marks), TEAM)
        name = " ".join(word for word in words if word not in marks)
        self._world.open(name or self._life.next_name(), team_name=team)
        return ()

    def _acknowledge(self, words: list[str]) -> Iterable[str]:
        return self._each(words, {Phase.OPEN}, lambda one: self._world.acknowledge(one, PERSON), "acknowledge")

    def _resolve(self, words: list[str]) -> Iterable[str]:
        return self._each(words, set(Phase) - {Phase.RESOLVED}, lambda one: self._world.resolve(one, PERSON), "resolve")

    def _reopen(self, words: list[str]) -> Iterable[str]:
        keep_times = CLEARED not in words
        words = [word for word in words if word != CLEARED]
        reopen: Change = lambda one: self._world.reopen(one, PERSON, keep_times=keep_times)  # noqa: E731
        return self._each(words, {Phase.RESOLVED}, reopen, "reopen")

    def _delete(self, words: list[str]) -> Iterable[str]:
        return self._each(words, set(Phase), self._world.delete, "delete")

    def _each(self, words: Sequence[str], phases: set[Phase], change: Change, verb: str) -> Iterable[str]:
        """Changes the incidents that are meant; nothing is said, since all that happens is news."""
        if len(words) > 1:
            raise CommandError(f"{verb} takes one ID")
        for record in meant(self._world.records, words[0] if words else "", phases, verb):
            change(record.id)
        return ()

    def _signl4(self, words: list[str]) -> Iterable[str]:
        if not words:
            raise CommandError(
                "signl4 takes what a person does, to which alert, and who, such as: signl4 ack Shop by Jo"
            )
        state = ACTS[one_of(words[0], ACTS, "act in SIGNL4")]
        name, _, by = " ".join(words[1:]).partition(" by ")
        alert = alert_meant(self._account.alerts, name, state)
        self._account.change(alert.alert_id, state, self._account.people.named(by or PERSON))
        return ()

    def _list(self, _: list[str]) -> Iterable[str]:
        for record in reversed(self._world.records):
            name = printable(record.attributes["name"] or "")
            yield f"{record.id}  {record.phase:<12}  {record.attributes['started_at'][11:19]} UTC  {name}"
        for service in self._spoken_of():
            yield f"{service:<10}  {self._troubles[service]}"

    def _spoken_of(self) -> list[str]:
        """The services; the REST API, which few use, only while it fails."""
        return [name for name, trouble in self._troubles.items() if name != API or not trouble.works]

    def _fault(self, words: list[str]) -> Iterable[str]:
        if len(words) not in {2, 3}:
            raise CommandError("fault takes a service, what it does, and how often, such as: fault signl4 503 3")
        service = one_of(words[0], self._troubles, "service")
        times = words[2] if len(words) > 2 else "0"
        if not times.isascii() or not times.isdigit() or len(times) > 6:
            raise CommandError(f"{times!r} is no number of requests")
        self._troubles[service].begin(words[1], int(times))
        yield f"{service} {self._troubles[service]}"

    def _mend(self, words: list[str]) -> Iterable[str]:
        services = [one_of(word, self._troubles, "service") for word in words] or self._spoken_of()
        for service in services:
            self._troubles[service].mend()
            yield f"{service} {self._troubles[service]}"

    def _every(self, words: list[str]) -> Iterable[str]:
        seconds = seconds_of(words[0]) if len(words) == 1 else None
        if seconds is None:
            raise CommandError(f"every takes a number of seconds, at most {MOST_SECONDS}; 0: nothing changes by itself")
        self._life.go_on(seconds, self._clock())
        yield f"a change comes every {seconds:g} s" if seconds else "nothing changes by itself"

    def _help(self, _: list[str]) -> Iterable[str]:
        return self.help().splitlines()

    def _quit(self, _: list[str]) -> Iterable[str]:
        self.over = True
        return ()


def meant(records: Sequence[Record], text: str, phases: set[Phase], verb: str) -> list[Record]:
    """The incidents that a text means, the newest first. Raises `CommandError` if there is none, or more than one.

    The text is an id or its end, `all`, or empty for the newest one. The last two mean only incidents in these phases.
    """
    fit = [record for record in records if record.phase in phases]
    if text in {"", ALL}:
        if not fit:
            raise CommandError(f"there is no incident to {verb}")
        return fit if text == ALL else fit[:1]
    found = [record for record in records if record.id == text] or [one for one in records if one.id.endswith(text)]
    # An incident that allows it is meant before one that does not.
    found = [record for record in found if record in fit] or found
    if len(found) > 1:
        raise CommandError(f"{text} is the end of {len(found)} ids: give more digits")
    if not found:
        raise CommandError(f"there is no incident {text!r}; list shows all")
    return found


def alert_meant(alerts: Sequence[Alert], name: str, state: AlertState) -> Alert:
    """The newest alert that can get into this state; `name`: its title or external id, empty for any.

    If none of that name can, the newest of them. Raises `CommandError`.
    """
    found = [one for one in alerts if name.lower() in {"", one.title.lower(), one.external_id.lower()}]
    if not found:
        raise CommandError(f"there is no alert {name!r} in SIGNL4" if name else "there is no alert in SIGNL4")
    return ([one for one in found if one.state in ALLOWED[state]] or found)[-1]


def seconds_of(text: str) -> float | None:
    """A number of seconds from 0 to a day; `None` if it is none."""
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if 0 <= seconds <= MOST_SECONDS else None
