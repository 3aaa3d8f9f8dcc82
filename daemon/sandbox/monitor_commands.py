"""The command `monitor`: what people, and time, do to monitors and heartbeats while the sandbox runs."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from daemon.model.monitor import MonitorKind, MonitorStatus
from daemon.model.printable import printable
from daemon.sandbox.monitor_record import MonitorRecord
from daemon.sandbox.monitors import Monitors
from daemon.sandbox.typed import ALL, CommandError, one_of


@dataclass(frozen=True, slots=True)
class _Act:
    """What follows the word `monitor`."""

    usage: str
    what: str
    obey: Callable[[list[str]], Iterable[str]]
    """Takes the words after it; gives the lines of the reply."""


class MonitorCommands:
    """All that the command can do."""

    def __init__(self, monitors: Monitors) -> None:
        self._monitors = monitors
        rows = (
            _Act("list", "all of them; so does monitor alone", self._list),
            _Act("add NAME", "add a monitor", lambda words: self._add(words, MonitorKind.MONITOR)),
            _Act("heartbeat NAME", "add a heartbeat", lambda words: self._add(words, MonitorKind.HEARTBEAT)),
            _Act("pause ID", "a person pauses it", lambda words: self._each(words, "pause", monitors.pause)),
            _Act("unpause ID", "it goes on", lambda words: self._each(words, "unpause", monitors.unpause)),
            *(self._status(word) for word in (MonitorStatus.MAINTENANCE, MonitorStatus.PENDING, "up", "down")),
            _Act("set ID KEY VALUE", "a person changes it: check_frequency 60", self._set),
            _Act("delete ID", "delete it", lambda words: self._each(words, "delete", monitors.delete)),
            _Act("help", "this", self._help),
        )
        self._acts: Mapping[str, _Act] = {row.usage.partition(" ")[0]: row for row in rows}

    def obey(self, words: list[str]) -> Iterable[str]:
        """Carries out what follows the word `monitor`. Raises `DaemonError`."""
        word, *rest = words or ["list"]
        return self._acts[one_of(word, self._acts, "act on a monitor")].obey(rest)

    def _status(self, word: str) -> _Act:
        def obey(words: list[str]) -> Iterable[str]:
            return self._each(words, word, lambda monitor_id: self._monitors.set_status(monitor_id, word))

        return _Act(f"{word} ID", f"its status becomes {word}, by itself", obey)

    def _list(self, _: list[str]) -> Iterable[str]:
        for record in self._monitors.records():
            status = str(record.attributes.get("status") or "-")
            yield printable(f"{record.id:<10}  {record.kind:<9}  {status:<12}  {record.name}")

    def _add(self, words: list[str], kind: MonitorKind) -> Iterable[str]:
        if not words:
            raise CommandError(f"a {kind} needs a name")
        self._monitors.add(" ".join(words), kind)
        return ()

    def _each(self, words: list[str], verb: str, change: Callable[[str], object]) -> Iterable[str]:
        """Changes those that are meant; nothing is said, since all that happens is news."""
        if len(words) != 1:
            raise CommandError(f"monitor {verb} takes one ID, or all")
        for record in self._meant(words[0]):
            change(record.id)
        return ()

    def _set(self, words: list[str]) -> Iterable[str]:
        if len(words) < 3:
            raise CommandError("monitor set takes an ID, an attribute and its value, such as: check_frequency 60")
        for record in self._meant(words[0]):
            self._monitors.update(record.id, **{words[1]: _value(" ".join(words[2:]))})
        return ()

    def _help(self, _: list[str]) -> Iterable[str]:
        yield from (f"  monitor {row.usage:<17} {row.what}" for row in self._acts.values())
        yield "ID: the whole id of a monitor or a heartbeat, its last digits, or all."

    def _meant(self, text: str) -> list[MonitorRecord]:
        """Raises `CommandError` if there is none, or if it is not clear which."""
        records = list(self._monitors.records())
        if text == ALL:
            return records
        found = [one for one in records if one.id == text] or [one for one in records if one.id.endswith(text)]
        if len(found) > 1:
            raise CommandError(f"{text} is the end of {len(found)} ids: give more digits")
        if not found:
            raise CommandError(f"there is no monitor {text!r}; monitor list shows all")
        return found


def _value(text: str) -> object:
    """A number, a truth value or whatever else is JSON; any other text is that text."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
