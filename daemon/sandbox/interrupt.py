"""SIGINT and SIGTERM end what runs here in order, as a `KeyboardInterrupt`."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

ENDING = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def interruptible() -> Iterator[None]:
    """Raises `KeyboardInterrupt` in the main thread at either signal, also where SIGINT was ignored at the start."""
    before = {number: signal.signal(number, signal.default_int_handler) for number in ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
