"""Events of the process: start, stop, configuration, clock and files."""

from dataclasses import dataclass

from daemon.model.event import Event, Level
from daemon.model.of_source import OfSource


@dataclass(frozen=True, slots=True)
class Started(Event):
    """The daemon has started; the first round begins."""

    event = "started"
    version: str
    interval: str


@dataclass(frozen=True, slots=True)
class Stopping(Event):
    """The daemon was asked to stop. Results of requests in flight are still recorded."""

    event = "stopping"


@dataclass(frozen=True, slots=True)
class Stopped(Event):
    """Everything is recorded; the process ends."""

    event = "stopped"


@dataclass(frozen=True, slots=True)
class StopOverdue(Event):
    """A request did not end in time. It may have succeeded; at worst it is repeated with the same external id."""

    event = "requests in flight did not end in time; what they did is found out at the next start"
    level = Level.ERROR
    todo = "start it again; if this comes back, look at the way to the services"


@dataclass(frozen=True, slots=True)
class TerminalClosed(Event):
    """SIGHUP came from the daemon's terminal, which was closed, so the daemon stops."""

    event = "the terminal that this was started from was closed"


@dataclass(frozen=True, slots=True)
class Stuck(Event):
    """A job hangs, so the process ends with exit code 70, and the service manager restarts it."""

    event = "stuck, so this process ends; a restart is safe"
    level = Level.ERROR
    todo = "if it comes back, look at the disk and at what the job waits for"
    job: str
    silent_for: str


@dataclass(frozen=True, slots=True)
class ConfigurationReloaded(Event):
    """The new configuration is in force. The changes are listed, secrets without their values."""

    event = "configuration reloaded"
    changed: str


@dataclass(frozen=True, slots=True)
class ReloadPostponed(Event):
    """No thread can be started for the new configuration. It is tried again until one can."""

    event = "reload postponed"
    level = Level.ERROR
    todo = "look at `TasksMax=` of the unit, and at `ulimit -u`"
    error: str


@dataclass(frozen=True, slots=True)
class ConfigurationRefused(Event):
    """The new configuration cannot be used; the old one stays in force."""

    event = "the new configuration is refused, the old one stays in force"
    level = Level.ERROR
    todo = "mend what the sentence names, and reload again"
    sentence: str

    def text(self) -> str:
        """The message with the reason."""
        return f"{self.event}: {self.sentence}"


@dataclass(frozen=True, slots=True)
class ClockStepped(Event):
    """The clock of this machine was set. Elapsed-time proofs restart."""

    event = "the clock was set"
    level = Level.WARNING
    todo = "if nobody set it, look at what keeps it right: `timedatectl`"
    by: str


@dataclass(frozen=True, slots=True)
class ClockOff(Event):
    """The clock of this machine differs from Better Stack's; the sentence says by how much."""

    event = "(the clock of this machine is off)"
    level = Level.WARNING
    todo = "set the clock, and let it be kept right"
    sentence: str

    def text(self) -> str:
        """The sentence alone."""
        return self.sentence


@dataclass(frozen=True, slots=True)
class ClockRight(Event):
    """The clock of this machine agrees with Better Stack's again."""

    event = "the clock of this machine is right again"


@dataclass(frozen=True, slots=True)
class DatabaseFileChanged(Event):
    """The database file was moved, removed or replaced while in use; `done` says how that was repaired."""

    event = "the database file was …"
    level = Level.ERROR
    todo = "leave the file alone while the daemon runs; `db backup` makes copies"
    sentence: str
    file: str
    done: str | None

    def text(self) -> str:
        """What happened to the file."""
        return self.sentence


@dataclass(frozen=True, slots=True)
class MetricsServed(Event):
    """The metrics are on this address from now on."""

    event = "metrics are served"
    address: str


@dataclass(frozen=True, slots=True)
class MetricsNotWritten(Event):
    """The file for node_exporter cannot be written. It is tried again every 15 seconds; nothing else depends on it."""

    event = "the metrics file is not written"
    level = Level.WARNING
    todo = "give this program's user write access to the directory; under systemd with `ReadWritePaths=`, too"
    file: str
    error: str


@dataclass(frozen=True, slots=True)
class MetricsWritten(Event):
    """The file for node_exporter is written again."""

    event = "the metrics file is written again"
    file: str


@dataclass(frozen=True, slots=True)
class Warned(OfSource):
    """Better Stack did something odd that is handled, or the configuration has an oddity. Each is logged once."""

    event = "(the sentence)"
    level = Level.WARNING
    todo = "what the sentence says"
    sentence: str

    def text(self) -> str:
        """The sentence alone."""
        return self.sentence
