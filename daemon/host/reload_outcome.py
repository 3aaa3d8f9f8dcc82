"""The outcome of a reload, left for the process that asked for it.

`python -m daemon.host.reload_outcome PID` is `ExecReload=` of the unit: it sends SIGHUP, and waits until a
configuration that was read after that is in force or refused. From `READY=1` systemd learns that a reload is over, but
not how it ended.

The outcome is in a file in `$RUNTIME_DIRECTORY` (systemd.exec(5)). That is in memory, so a full disk fails no reload.
"""

import os
import select
import signal
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

NAME = "reload"
PATIENCE = 50.0
"""Seconds that a reload may take; `TimeoutStartSec=` of the unit is longer, so that the reason is in the journal."""
LOOK_AGAIN = 0.05
"""Seconds between two looks at the outcome."""
REFUSED = 78
"""The exit code for a configuration that is refused, as of every command."""


class ReloadOutcome:
    """The latest outcome; nothing is left and nothing is found if systemd did not start the program."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        """`environ`: the environment of the process."""
        directory = environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]
        self._file = Path(directory, NAME) if directory else None

    def leave(self, read_at: float, *, refused: bool) -> None:
        """`read_at`: the monotonic time at which reading the configuration began, in seconds."""
        if self._file is None:
            return
        with suppress(OSError):
            part = self._file.with_suffix(".part")
            part.write_text(f"{read_at} {REFUSED if refused else 0}\n")
            part.replace(self._file)

    def exit_code(self, since: float) -> int | None:
        """The exit code that reports the outcome of a configuration read since then; `None` if there is none yet."""
        if self._file is None:
            return None
        with suppress(OSError, ValueError):
            read_at, code = self._file.read_text().split()
            if float(read_at) >= since:
                return int(code)
        return None


def reload(pid: int, outcome: ReloadOutcome, patience: float = PATIENCE) -> int | str:
    """Asks the process for a reload and waits for its outcome: an exit code, or a sentence if there is none."""
    since = time.monotonic()
    try:
        process = os.pidfd_open(pid)
        signal.pidfd_send_signal(process, signal.SIGHUP)
    except ProcessLookupError:
        return "the program does not run"
    ending = select.poll()
    ending.register(process, select.POLLIN)
    while (code := outcome.exit_code(since)) is None:
        if ending.poll(LOOK_AGAIN * 1000):
            return "the program ended before the new configuration was in force"
        if time.monotonic() - since > patience:
            return f"the new configuration was not in force after {patience:g} s; the log says when it is, or why not"
    return code


if __name__ == "__main__":
    result = reload(int(sys.argv[1]), ReloadOutcome(os.environ))
    # The journal takes the number as the level of the line (sd-daemon(3)).
    sys.exit(f"<3>{result}" if isinstance(result, str) else result)
