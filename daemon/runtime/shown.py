"""The metrics while they are shown: on an address, in a file for node_exporter, or both.

A change of the configuration first binds the new address, which may fail, and then takes the place of the old one. An
address or a file that stays is never closed.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from daemon.config.metrics import MetricsSection
from daemon.config.settings import Settings
from daemon.host import textfile
from daemon.host.earlier_counts import counts_in
from daemon.host.exposition import CONTENT_TYPE, text_of, text_of_process
from daemon.host.listening import bound
from daemon.host.metrics import Tally
from daemon.host.metrics_file import MetricsFile
from daemon.host.metrics_server import MetricsServer, Reading
from daemon.model.event import Event, Listener
from daemon.model.events.process import MetricsServed
from daemon.model.readings import Readings


@dataclass(slots=True)
class Wanted:
    """What one configuration wants to be shown."""

    section: MetricsSection
    read: Callable[[], Readings]
    server: MetricsServer | None = None
    """Of a new address, until it is in force."""
    file: MetricsFile | None = None
    """The same for a new file."""

    def close(self) -> None:
        """Ends what did not come into force."""
        for one in (self.server, self.file):
            if one is not None:
                one.close()
        self.server = self.file = None


class Shown:
    """`prepare` and `heard` are called by any thread, all else by the main thread."""

    def __init__(self) -> None:
        self._tally = Tally()
        self._in_force = MetricsSection()
        self._server: MetricsServer | None = None
        self._file: MetricsFile | None = None
        self._counts = False
        """Whether it has begun to count."""

    def heard(self, settings: Settings, log: Listener) -> Listener:
        """The log, and the tally."""
        self._go_on_from(settings.metrics.textfile)
        self._tally.know(settings.destinations)

        def both(event: Event) -> None:
            log(event)
            self._tally(event)

        return both

    def prepare(self, section: MetricsSection, read: Callable[[], Readings]) -> Wanted:
        """Does all that can fail. Raises `ConfigError`, and `DaemonError` if no thread can be started."""
        wanted = Wanted(section, read)
        try:
            if section.listen is not None and section.listen != self._in_force.listen:
                wanted.server = MetricsServer(bound(section.listen), lambda: self._reading(read))
                wanted.server.start()
            if section.textfile is not None and section.textfile != self._in_force.textfile:
                wanted.file = MetricsFile(section.textfile, lambda: self._text(read))
                wanted.file.start()
        except BaseException:
            wanted.close()
            raise
        return wanted

    def begin(self, wanted: Wanted | None, log: Listener) -> None:
        """Puts it in force; `None`: nothing is wanted."""
        section = wanted.section if wanted is not None else MetricsSection()
        if section.listen != self._in_force.listen:
            self._end(self._server)
            self._server = None
        if section.textfile != self._in_force.textfile:
            self._end(self._file)
            self._file = None
        self._in_force = section
        if wanted is not None:
            self._take_over(wanted, log)

    def write_once(self, section: MetricsSection, read: Callable[[], Readings], log: Listener) -> None:
        """Writes the file."""
        if section.textfile is not None:
            MetricsFile(section.textfile, lambda: self._text(read), log).write()

    def close(self) -> None:
        """The process ends."""
        self._end(self._server)
        self._end(self._file)

    def _take_over(self, wanted: Wanted, log: Listener) -> None:
        read = wanted.read
        if wanted.server is not None:
            self._server, wanted.server = wanted.server, None
            log(MetricsServed(self._server.address))
        if wanted.file is not None:
            self._file, wanted.file = wanted.file, None
            self._file.begin()
        if self._server is not None:
            self._server.read = lambda: self._reading(read)
        if self._file is not None:
            self._file.content, self._file.log = lambda: self._text(read), log

    @staticmethod
    def _end(one: MetricsServer | MetricsFile | None) -> None:
        if one is not None:
            one.close()

    def _go_on_from(self, file: Path | None) -> None:
        """Counters begin where an earlier process left them in the file; without a usable one at zero.

        What this process has counted stays: a reload that names a file takes nothing from it.
        """
        is_first, self._counts = not self._counts, True
        if file is not None and is_first:
            with suppress(OSError, ValueError, KeyError):
                self._tally.go_on(counts_in(textfile.read(file)))

    def _text(self, read: Callable[[], Readings]) -> bytes:
        return text_of(self._tally.copy(), read())

    def _reading(self, read: Callable[[], Readings]) -> Reading:
        found = read()
        return Reading(text_of(self._tally.copy(), found) + text_of_process(), CONTENT_TYPE, found.problems)
