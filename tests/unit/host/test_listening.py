"""The address that the metrics are on."""

import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.host.listening import bound, close, name_of
from daemon.model.errors import ConfigError


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "m.sock"


def refused(listen: str) -> str:
    with pytest.raises(ConfigError) as error:
        bound(listen)
    [problem] = error.value.problems
    return problem


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
def test_a_port_that_is_taken_is_a_sentence_with_the_mend(host: str) -> None:
    first = bound(f"{host}:0")
    try:
        listen = name_of(first)
        assert listen.rpartition(":")[0] == host
        port = listen.rpartition(":")[2]
        assert refused(listen) == (
            f"metrics.listen ({listen}) cannot be used: address already in use; see who has it with: "
            f"ss -lntp 'sport = :{port}', or take another port"
        )
    finally:
        close(first, listen)
    again = bound(listen)
    close(again, listen)


def test_an_address_of_another_machine_is_a_sentence() -> None:
    assert refused("192.0.2.1:9464") == (
        "metrics.listen (192.0.2.1:9464) cannot be used: cannot assign requested address; take an address of this "
        "machine, and a port above 1023"
    )


def test_a_socket_is_for_the_group_and_goes_with_its_process(path: Path) -> None:
    before = os.umask(0o077)
    try:
        listener = bound(f"unix:{path}")
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o660
    assert name_of(listener) == f"unix:{path}"
    close(listener, f"unix:{path}")
    assert not path.exists()
    close(listener, f"unix:{path}")


def test_the_socket_of_a_killed_process_is_no_hindrance(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(path))
    listener = bound(f"unix:{path}")
    close(listener, f"unix:{path}")


def test_where_somebody_listens_or_a_file_is_nothing_is_removed(path: Path, tmp_path: Path) -> None:
    taken = "cannot be used: address already in use; another program listens there, or a file is in its place; remove "
    first = bound(f"unix:{path}")
    try:
        assert taken in refused(f"unix:{path}")
        assert path.is_socket()
    finally:
        close(first, f"unix:{path}")
    file, link = tmp_path / "file", tmp_path / "link"
    file.write_text("precious")
    link.symlink_to(tmp_path / "nowhere")
    for other in (file, link):
        assert taken in refused(f"unix:{other}")
    assert file.read_text() == "precious"
    assert link.is_symlink()


def test_somebody_who_is_busy_listens_too(path: Path) -> None:
    """The queue of a socket is full: to connect would wait."""
    with socket.socket(socket.AF_UNIX) as busy, socket.socket(socket.AF_UNIX) as first:
        busy.bind(str(path))
        busy.listen(0)
        first.connect(str(path))
        assert "address already in use" in refused(f"unix:{path}")
    assert path.is_socket()


def test_a_directory_that_is_missing_is_a_sentence(tmp_path: Path) -> None:
    assert refused(f"unix:{tmp_path}/nowhere/x").endswith(
        "cannot be used: no such file or directory; name a socket in a directory that this program's user can write"
    )
