"""Binds the address that the metrics are on: a TCP port or a socket in the file system."""

import errno
import socket
import stat
from contextlib import suppress
from pathlib import Path

from daemon.config.metrics import UNIX, Address, address
from daemon.model.errors import ConfigError

SOCKET_MODE = 0o660
"""The group may connect: it may read the state as well."""


def bound(listen: str) -> socket.socket:
    """A socket that listens on `metrics.listen`. Raises `ConfigError`."""
    where = address(listen)
    try:
        return _bound_to_path(Path(where.path)) if where.path is not None else _bound_to_port(where)
    except OSError as error:
        why = (error.strerror or type(error).__name__).lower()
        raise ConfigError(f"metrics.listen ({listen}) cannot be used: {why}; {_mend(where, error)}") from None


def name_of(listener: socket.socket) -> str:
    """The address of a socket, as it is written in `metrics.listen`."""
    if listener.family == socket.AF_UNIX:
        return f"{UNIX}{listener.getsockname()}"
    host, port = listener.getsockname()[:2]
    return f"[{host}]:{port}" if listener.family == socket.AF_INET6 else f"{host}:{port}"


def close(listener: socket.socket, address: str) -> None:
    """Closes a socket that may be closed already, and removes it from the file system. `address`: its name."""
    listener.close()
    if address.startswith(UNIX):
        with suppress(OSError):
            Path(address.removeprefix(UNIX)).unlink()


def _mend(where: Address, error: OSError) -> str:
    if where.path is None:
        ours = f"see who has it with: ss -lntp 'sport = :{where.port}', or take another port"
        return ours if error.errno == errno.EADDRINUSE else "take an address of this machine, and a port above 1023"
    if error.errno == errno.EADDRINUSE:
        return "another program listens there, or a file is in its place; remove that, or take another path"
    return "name a socket in a directory that this program's user can write"


def _bound_to_port(where: Address) -> socket.socket:
    [(family, kind, protocol, _, place), *_] = socket.getaddrinfo(where.host, where.port, type=socket.SOCK_STREAM)
    listener = socket.socket(family, kind, protocol)
    try:
        # Otherwise connections that were closed just before a restart would be in its way.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(place)
        listener.listen()
    except BaseException:
        listener.close()
        raise
    return listener


def _bound_to_path(path: Path) -> socket.socket:
    _remove_left_over(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(str(path))
        path.chmod(SOCKET_MODE)
        listener.listen()
    except BaseException:
        listener.close()
        raise
    return listener


def _remove_left_over(path: Path) -> None:
    """Removes the socket of a process that was killed: nobody listens on it."""
    try:
        if not stat.S_ISSOCK(path.lstat().st_mode):
            return
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
        except BlockingIOError:
            pass  # somebody listens, and is busy
