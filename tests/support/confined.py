"""What a process that starts warm does first, in place of setpriv(1) and unshare(1), which would start it cold."""

import ctypes
import os
import signal
import socket
import subprocess
from multiprocessing import forkserver
from pathlib import Path

_LIBC = ctypes.CDLL(None, use_errno=True)
_MOUNTS, _HOST_NAME, _NETWORK = 0x20000, 0x4000000, 0x40000000
_SIGNAL_AT_THE_END_OF_ITS_PARENT = 1
_CAPABILITIES_OF_64_BITS = 0x20080522
_DROP_FROM_THE_BOUNDING_SET = 24
_THEIRS = (1, 2)
"""CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH: what lets root pass by the modes of files."""


def as_owner() -> None:
    """Root too is bound by the modes of files from here on, with all that it starts."""
    if os.geteuid() != 0:
        return
    for capability in _THEIRS:
        _did(_LIBC.prctl(_DROP_FROM_THE_BOUNDING_SET, capability, 0, 0, 0))
    head = (ctypes.c_uint32 * 2)(_CAPABILITIES_OF_64_BITS, 0)
    sets = (ctypes.c_uint32 * 6)()
    _did(_LIBC.capget(head, sets))
    for number in range(3):
        sets[number] &= ~sum(1 << capability for capability in _THEIRS)
    _did(_LIBC.capset(head, sets))


def in_namespace(script: str, arguments: list[str], directory: Path | None) -> None:
    """Takes a mount namespace of its own, runs a shell script there, and goes to the directory."""
    _did(_LIBC.unshare(_MOUNTS))
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    subprocess.run(["sh", "-ec", script, "sh", *arguments], check=True)
    if directory is not None:
        os.chdir(directory)


def on_host(name: str, network: Path) -> None:
    """Enters the network namespace of a host, and has its name. It ends with the tests, however these end."""
    # Each process holds this open, so that the server it was forked from would outlive the tests with it.
    os.close(vars(forkserver._forkserver)["_forkserver_alive_fd"])
    _did(_LIBC.prctl(_SIGNAL_AT_THE_END_OF_ITS_PARENT, signal.SIGKILL, 0, 0, 0))
    with network.open() as its:
        _did(_LIBC.setns(its.fileno(), _NETWORK))
    _did(_LIBC.unshare(_HOST_NAME))
    socket.sethostname(name)


def at_terminal(*, under_nohup: bool) -> None:
    """The terminal that standard error leads to becomes the controlling one, whatever started the tests themselves."""
    os.setsid()
    os.close(os.open(os.ttyname(2), os.O_RDWR))
    signal.signal(signal.SIGHUP, signal.SIG_IGN if under_nohup else signal.SIG_DFL)


def _did(result: int) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), "the system refused")
