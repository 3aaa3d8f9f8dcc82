"""Whether the metrics are shown, and where. What nobody asks for is not even imported."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from daemon.config.settings import Settings
from daemon.model.event import Listener
from daemon.model.readings import Readings

if TYPE_CHECKING:
    from daemon.runtime.shown import Shown, Wanted


class Exposure:
    """One per process: what is counted outlives a configuration.

    `prepare` and `heard` are called by any thread, all else by the main thread.
    """

    def __init__(self, *, allowed: bool = True) -> None:
        """`allowed`: whether the process may show any. A dry run, beside the daemon, may not."""
        self._allowed = allowed
        self._shown: Shown | None = None

    def heard(self, settings: Settings, log: Listener) -> Listener:
        """The log; or one that also counts what happens, if metrics are wanted."""
        return self._live().heard(settings, log) if self._is_on(settings) else log

    def prepare(self, settings: Settings, read: Callable[[], Readings]) -> "Wanted | None":
        """What a configuration wants, so that nothing can fail later. Raises `ConfigError` and `DaemonError`."""
        return self._live().prepare(settings.metrics, read) if self._is_on(settings) else None

    def begin(self, wanted: "Wanted | None", log: Listener) -> None:
        """Puts it in force, in place of what was."""
        if self._shown is not None:
            self._shown.begin(wanted, log)

    def write_once(self, settings: Settings, read: Callable[[], Readings], log: Listener) -> None:
        """Writes the file for node_exporter, if one is wanted; for a process that ends."""
        if self._is_on(settings):
            self._live().write_once(settings.metrics, read, log)

    def close(self) -> None:
        """The process ends."""
        if self._shown is not None:
            self._shown.close()

    def _is_on(self, settings: Settings) -> bool:
        return self._allowed and settings.metrics.is_on

    def _live(self) -> "Shown":
        if self._shown is None:
            from daemon.runtime.shown import Shown  # noqa: PLC0415 - prometheus-client takes 2 MB

            self._shown = Shown()
        return self._shown
