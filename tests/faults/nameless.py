"""The program on a machine whose names cannot be looked up at first: `python -m tests.faults.nameless HOW run`.

`HOW` is `fail` or `hang`. A line of standard input, one of these or an address, is what comes of look-ups from then on.
"""

import socket
import sys
from collections.abc import Callable
from threading import Condition, Thread
from typing import Any

from daemon.cli.main import main


class Names:
    """Stands in for the system's resolver."""

    def __init__(self, how: str, lookup: Callable[..., Any]) -> None:
        self._how = how
        self._lookup = lookup
        self._changed = Condition()

    def listen(self) -> None:
        """Does what each line of standard input says."""
        for line in sys.stdin:
            with self._changed:
                self._how = line.strip()
                self._changed.notify_all()

    def __call__(self, host: str, port: int, *more: Any, **named: Any) -> Any:
        if host[0] in "0123456789:":
            return self._lookup(host, port, *more, **named)
        with self._changed:
            self._changed.wait_for(lambda: self._how != "hang")
        if self._how == "fail":
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return self._lookup(self._how, port, *more, **named)


if __name__ == "__main__":
    names = Names(sys.argv.pop(1), socket.getaddrinfo)
    vars(socket).update(getaddrinfo=names)
    Thread(target=names.listen, daemon=True).start()
    main(prog_name="betterstack-signl4")
