"""A service manager's end of the notify protocol: a socket that keeps what it is told."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from socket import AF_UNIX, SOCK_DGRAM, socket
from threading import Condition, Thread


class Manager:
    """What a service told, a message each, as the lines of it."""

    def __init__(self, address: str, on_message: Callable[[], None] = lambda: None) -> None:
        """`address` as it stands in `$NOTIFY_SOCKET`; `@` begins an abstract one."""
        self.address = address
        self.told: list[dict[str, str]] = []
        self._bell = Condition()
        self._on_message = on_message
        self._socket = socket(AF_UNIX, SOCK_DGRAM)
        self._socket.bind(address.replace("@", "\0", 1) if address.startswith("@") else address)
        self._thread = Thread(target=self._listen)
        self._thread.start()

    def close(self) -> None:
        with socket(AF_UNIX, SOCK_DGRAM) as last:
            last.sendto(b"", self._socket.getsockname())
        self._thread.join()
        self._socket.close()

    def said(self, key: str) -> list[str]:
        """All values of a key, in order."""
        return [message[key] for message in self.told if key in message]

    def wait_for(self, key: str, patience: float = 30.0) -> None:
        """Until the key was said."""
        with self._bell:
            assert self._bell.wait_for(lambda: self.said(key), patience), f"{key} was not said"

    def _listen(self) -> None:
        while message := self._socket.recv(65536):
            with self._bell:
                self.told.append(dict(line.split("=", 1) for line in message.decode().splitlines()))
                self._bell.notify_all()
            self._on_message()


def fill(address: str) -> None:
    """Sends until the queue of the socket there is full."""
    with socket(AF_UNIX, SOCK_DGRAM) as sender:
        sender.setblocking(False)
        with suppress(BlockingIOError):
            while True:
                sender.sendto(b"X=1", address)


@contextmanager
def managing(place: Path, on_message: Callable[[], None] = lambda: None) -> Iterator[Manager]:
    manager = Manager(str(place), on_message)
    try:
        yield manager
    finally:
        manager.close()
