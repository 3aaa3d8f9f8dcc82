"""Where the state is: nobody leads the program elsewhere, and what is in the way is said with the mend."""

import os
import sqlite3
import stat
import sys
from contextlib import closing
from pathlib import Path

import pytest

from daemon.model.errors import DatabaseUnusableError
from daemon.model.printable import printable
from daemon.storage.backup import backup, copy_before_upgrade
from daemon.storage.engine import existing, open_engine, reader, transaction
from daemon.storage.instance import locked
from daemon.storage.revision import check_place
from daemon.storage.safe_path import resolved, status_of
from daemon.storage.sqlite import CANNOT_HOLD, NO_ROOM, why
from daemon.storage.upgrade import upgrade
from tests.support.namespace import apart, needs_fuse, needs_mounts, program_apart
from tests.support.outbox import dump
from tests.support.owner import as_owner, needs_an_owner
from tests.support.terminal import SECRETS, assert_sentence, process

MEMBER, GROUP = 12345, 23456
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be led astray by somebody else")


def url(file: Path) -> str:
    return f"sqlite:///{file}"


# -- links ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def group_directory(tmp_path: Path, empty_database: bytes) -> Path:
    """A state directory in which the members of a group may write, and somebody else's file outside of it."""
    directory = tmp_path / "var"
    directory.mkdir()
    (directory / "state.db").write_bytes(empty_database)
    (tmp_path / "precious").write_text("do not lose me")
    (tmp_path / "precious").chmod(0o600)
    directory.chmod(0o2770)
    return directory


LED_ASTRAY = ["state.db", "state.db.lock", "state.db-wal", "state.db-shm", "state.db-journal"]


@pytest.mark.parametrize("line", ["db upgrade", "once"])
@pytest.mark.parametrize("name", LED_ASTRAY)
@pytest.mark.parametrize("target", ["precious", "not there"])
def test_nothing_is_opened_or_changed_through_a_link_that_a_member_can_have_put_there(
    group_directory: Path, name: str, line: str, target: str
) -> None:
    (group_directory / name).unlink(missing_ok=True)
    (group_directory / name).symlink_to(f"../{target}")
    said = process(group_directory / "state.db", line)
    assert said.returncode == 78
    assert_sentence(said.stderr, str(group_directory / name), "is a link")
    precious = group_directory.parent / "precious"
    assert (precious.read_text(), stat.S_IMODE(precious.stat().st_mode)) == ("do not lose me", 0o600)
    assert not (group_directory.parent / "not there").exists()


@pytest.mark.parametrize("line", ["db upgrade", "once", "retry --dead", "status"])
@pytest.mark.parametrize("name", ["state.db-wal", "state.db-shm", "state.db-journal"])
def test_nor_through_another_name_of_the_file(group_directory: Path, name: str, line: str) -> None:
    precious = group_directory.parent / "precious"
    (group_directory / name).hardlink_to(precious)
    said = process(group_directory / "state.db", line)
    assert said.returncode == 78
    assert_sentence(said.stderr, str(group_directory / name), "is a link")
    assert (precious.read_text(), stat.S_IMODE(precious.stat().st_mode)) == ("do not lose me", 0o600)


def test_a_snapshot_of_a_directory_that_is_ours_alone_stops_nothing(tmp_path: Path, database: Path) -> None:
    (tmp_path / "snapshot").mkdir()
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("UPDATE progress SET last_round_error = 'seen'")
        connection.commit()
        for file in list(database.parent.glob("state.db*")):
            (tmp_path / "snapshot" / file.name).hardlink_to(file)
        assert process(database, "status").returncode == 1
        assert "is a link" not in process(database, "db upgrade").stderr


def test_a_copy_before_an_upgrade_goes_through_no_link(group_directory: Path) -> None:
    precious = group_directory.parent / "precious"
    for name in ("state.db.schema-0001.bak", "state.db.schema-0001.bak.part"):
        (group_directory / name).symlink_to(precious)
    copy_before_upgrade(group_directory / "state.db", "0001", lambda: None)
    assert precious.read_text() == "do not lose me"
    copy = group_directory / "state.db.schema-0001.bak"
    assert not copy.is_symlink()
    assert dump(copy) == dump(group_directory / "state.db")


def test_what_is_there_already_keeps_its_mode(group_directory: Path) -> None:
    for name in ("state.db", "state.db.lock"):
        (group_directory / name).touch()
        (group_directory / name).chmod(0o640)
    with locked(url(group_directory / "state.db")):
        upgrade(url(group_directory / "state.db"))
    for name in ("state.db", "state.db.lock"):
        assert stat.S_IMODE((group_directory / name).stat().st_mode) == 0o640


@pytest.mark.parametrize("name", ["state.db", "state.db.lock"])
def test_what_is_no_regular_file_is_refused_at_once(group_directory: Path, name: str) -> None:
    (group_directory / name).unlink(missing_ok=True)
    os.mkfifo(group_directory / name)
    said = process(group_directory / "state.db", "db upgrade")
    assert said.returncode == 78
    assert_sentence(said.stderr, f"{group_directory / name} is no regular file")


DIRECTORIES: dict[str, tuple[int, int, int, bool]] = {
    "ours alone": (0o700, 0, 0, True),
    "ours, and others may look": (0o755, 0, 0, True),
    "ours, a group may write": (0o775, 0, 0, False),
    "ours, a group may write and hands itself on": (0o2770, 0, 0, False),
    "ours, everybody may write": (0o777, 0, 0, False),
    "like /tmp, the link ours": (0o1777, 0, 0, True),
    "like /tmp, the link somebody else's": (0o1777, 0, MEMBER, False),
    "somebody else's": (0o755, MEMBER, 0, False),
}


@needs_root
@pytest.mark.parametrize("case", DIRECTORIES)
def test_a_link_is_followed_where_nobody_else_can_have_put_it(tmp_path: Path, database: Path, case: str) -> None:
    mode, owner, link_owner, trusted = DIRECTORIES[case]
    directory = tmp_path / "links"
    directory.mkdir()
    link = directory / "link.db"
    link.symlink_to(database)
    os.lchown(link, link_owner, 0)
    os.chown(directory, owner, GROUP)
    directory.chmod(mode)
    if trusted:
        with locked(url(link)):
            assert upgrade(url(link)) is False
        assert sorted(path.name for path in directory.iterdir()) == ["link.db"]
        return
    before = sorted(tmp_path.rglob("*"))
    for asking in (check_place, existing, reader, lambda place: locked(place).__enter__()):
        with pytest.raises(DatabaseUnusableError, match=f"^{link} is a link in a directory that others can write"):
            asking(url(link))
    assert sorted(tmp_path.rglob("*")) == before


def test_a_link_to_a_directory_is_judged_like_one_to_a_file(group_directory: Path) -> None:
    (group_directory / "sub").symlink_to(group_directory)
    with pytest.raises(DatabaseUnusableError, match="is a link in a directory that others can write"):
        resolved(group_directory / "sub" / "state.db")


def test_links_that_lead_nowhere_are_told_of(tmp_path: Path) -> None:
    (tmp_path / "one").symlink_to("two")
    (tmp_path / "two").symlink_to("one")
    said = process(tmp_path / "one", "db upgrade")
    assert said.returncode == 78
    assert_sentence(said.stderr, "leads through too many links")


def test_a_path_without_links_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").symlink_to("a")
    (tmp_path / "up").symlink_to("a/../a")
    for given, expected in {
        "a/state.db": "a/state.db",
        "b/state.db": "a/state.db",
        "b/../a/x": "a/x",
        "up/x": "a/x",
        "missing/x/y": "missing/x/y",
    }.items():
        assert resolved(tmp_path / given) == tmp_path / expected


# -- backups ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["-wal", "-shm", "-journal", ".lock"])
@pytest.mark.parametrize("through", ["the name", "a link", "another way"])
def test_a_backup_takes_no_name_of_the_state(database: Path, suffix: str, through: str) -> None:
    (database.parent / "x").mkdir()
    link = database.with_name("link.db")
    link.symlink_to(database)
    copy = {
        "the name": Path(f"{database}{suffix}"),
        "a link": Path(f"{database}{suffix}"),
        "another way": database.parent / "x" / ".." / f"state.db{suffix}",
    }[through]
    with pytest.raises(DatabaseUnusableError, match="is in use or no earlier backup, and is left alone"):
        backup(url(link if through == "a link" else database), copy)
    assert not copy.exists()
    assert process(database, "status").returncode == 1


@pytest.mark.parametrize("content", ["half of it", None])
def test_a_backup_touches_no_file_that_it_did_not_make(database: Path, content: str | None) -> None:
    part = database.with_name("copy.db.part")
    part.write_text(content) if content else part.symlink_to(database)
    before = dump(database)
    backup(url(database), database.with_name("copy.db"))
    assert dump(database.with_name("copy.db")) == dump(database) == before
    assert part.is_symlink() if content is None else part.read_text() == content
    assert {path.name for path in database.parent.iterdir()} == {"state.db", "copy.db", "copy.db.part"}


def test_a_backup_beside_a_database_that_has_its_own_name_with_part_is_a_copy(
    tmp_path: Path, empty_database: bytes
) -> None:
    file = tmp_path / "state.db.part"
    file.write_bytes(empty_database)
    backup(url(file), tmp_path / "state.db")
    assert dump(tmp_path / "state.db") == dump(file)


def test_a_backup_into_a_pipe_is_refused_at_once(database: Path) -> None:
    os.mkfifo(database.with_name("pipe"))
    with pytest.raises(DatabaseUnusableError, match="is in use or no earlier backup"):
        backup(url(database), database.with_name("pipe"))


def test_a_backup_goes_to_no_directory_behind_a_link_of_others(group_directory: Path) -> None:
    (group_directory / "sub").symlink_to(group_directory.parent)
    with pytest.raises(DatabaseUnusableError, match="is a link in a directory that others can write"):
        backup(url(group_directory / "state.db"), group_directory / "sub" / "copy.db")
    assert not (group_directory.parent / "copy.db").exists()


def test_a_backup_whose_place_is_taken_by_somebody_while_it_begins_is_not_written(
    group_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    precious, whole = group_directory.parent / "precious", sqlite3.connect
    (precious).write_bytes((group_directory / "state.db").read_bytes())
    before = precious.read_bytes()

    def swapped(address: str, **options: object) -> sqlite3.Connection:
        for part in group_directory.glob(".*.part"):
            part.unlink()
            part.symlink_to(precious)
        return whole(address, **options)  # type: ignore[call-overload,no-any-return]

    monkeypatch.setattr(sqlite3, "connect", swapped)
    with pytest.raises(DatabaseUnusableError, match="was replaced by somebody else"):
        backup(url(group_directory / "state.db"), group_directory / "copy.db")
    assert precious.read_bytes() == before


# -- file systems -----------------------------------------------------------------------------------------------------


@needs_mounts
@pytest.mark.parametrize("name", ["state.db", "with space\\ and tab\t.db"])
@pytest.mark.parametrize("line", ["check", "once", "db upgrade", "status", "incidents", "retry --dead", "drop 1 --yes"])
def test_a_file_that_is_mounted_by_itself_is_refused(database: Path, name: str, line: str) -> None:
    place = database.parent / "box" / name
    place.parent.mkdir()
    place.touch()
    said = program_apart(
        line, 'mount --bind "$1" "$2"', database, place, environment={**SECRETS, "DATABASE__URL": url(place)}
    )
    assert said.returncode == 78
    assert_sentence(
        said.stderr, f"{printable(str(place))} is mounted by itself", f"mount the directory {place.parent} instead"
    )


@needs_mounts
def test_a_directory_that_is_mounted_is_fine(database: Path, tmp_path: Path) -> None:
    (tmp_path / "box").mkdir()
    box = tmp_path / "box"
    said = program_apart(
        "check",
        'mount --bind "$1" "$2"',
        database.parent,
        box,
        environment={**SECRETS, "DATABASE__URL": url(box / "state.db")},
    )
    assert (said.returncode, said.stderr) == (0, "")


MOUNTED = 'bindfs $4 "$1" "$2"; trap \'umount "$2"\' EXIT; "$3" -m daemon '


@needs_fuse
@pytest.mark.parametrize("state", ["none yet", "a database"])
@pytest.mark.parametrize("line", ["once", "db upgrade"])
def test_a_file_system_that_cannot_hold_the_state_is_named_as_such(
    tmp_path: Path, empty_database: bytes, state: str, line: str
) -> None:
    for name in ("disk", "mounted"):
        (tmp_path / name).mkdir()
    if state == "a database":
        (tmp_path / "disk" / "state.db").write_bytes(empty_database)
    place = tmp_path / "mounted" / "state.db"
    said = apart(
        MOUNTED + line,
        tmp_path / "disk",
        tmp_path / "mounted",
        sys.executable,
        "-odirect_io",
        DATABASE__URL=url(place),
        **SECRETS,
    )
    assert said.returncode == 78
    assert_sentence(said.stderr, str(place), CANNOT_HOLD)


@needs_fuse
@pytest.mark.parametrize("line", ["status", "incidents", "deliveries", "check", "db backup copy.db"])
def test_what_only_reads_through_a_mount_leaves_the_log_of_a_running_daemon_alone(
    database: Path, tmp_path: Path, line: str
) -> None:
    (tmp_path / "mounted").mkdir()
    engine = open_engine(url(database))
    with transaction(engine, writes=True) as connection:
        connection.exec_driver_sql("UPDATE progress SET last_round_error = 'in the log alone'")
    before = [database.with_name(name).stat() for name in ("state.db-wal", "state.db-shm")]
    said = apart(
        MOUNTED + f"{line.replace('copy.db', str(tmp_path / 'copy.db'))}; cd /",
        tmp_path,
        tmp_path / "mounted",
        sys.executable,
        "",
        DATABASE__URL=url(tmp_path / "mounted" / "state.db"),
        **SECRETS,
    )
    assert said.stderr == ""
    after = [database.with_name(name).stat() for name in ("state.db-wal", "state.db-shm")]
    assert [(file.st_ino, file.st_size) for file in before] == [(file.st_ino, file.st_size) for file in after]
    with transaction(engine, writes=False) as connection:
        error = connection.exec_driver_sql("SELECT last_round_error FROM progress").scalar()
    assert error == "in the log alone"
    if line == "status":
        assert "in the log alone" in said.stdout
    engine.dispose()


@pytest.mark.parametrize("name", ["SQLITE_IOERR_SHMMAP", "SQLITE_IOERR_SHMOPEN", "SQLITE_IOERR_SHMSIZE"])
def test_an_error_of_the_shared_memory_is_one_of_the_file_system(name: str) -> None:
    error = sqlite3.OperationalError("disk I/O error")
    assert why(error) == "disk I/O error"
    error.sqlite_errorname = name
    hint = NO_ROOM if name.endswith("SIZE") else CANNOT_HOLD
    assert why(error) == f"disk I/O error, {name}: {hint}"


# -- what cannot be reached -------------------------------------------------------------------------------------------


@needs_an_owner
@pytest.mark.parametrize("line", ["status", "incidents", "deliveries", "incidents --json", "retry --dead"])
def test_a_directory_that_may_not_be_entered_is_not_taken_for_an_empty_one(database: Path, line: str) -> None:
    directory = database.parent / "var"
    directory.mkdir()
    file = database.rename(directory / "state.db")
    directory.chmod(0o000)
    environment = {**os.environ, "DATABASE__URL": url(file)}
    said = as_owner("-m", "daemon", *line.split(), environment=environment)
    directory.chmod(0o700)
    assert (said.returncode, said.stdout) == (78, "")
    assert_sentence(said.stderr, f"{file} cannot be reached (Permission denied)")


@needs_an_owner
def test_what_is_not_there_is_told_from_what_nobody_may_look_at(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(0o000)
    (tmp_path / "a file").touch()
    assert status_of(tmp_path / "missing" / "state.db") is None
    assert status_of(tmp_path / "a file" / "state.db") is None
    script = (
        "import sys; from pathlib import Path; from daemon.storage.safe_path import status_of; "
        "status_of(Path(sys.argv[1]))"
    )
    said = as_owner("-c", script, tmp_path / "closed" / "state.db")
    assert said.stderr.splitlines()[-1].startswith("PermissionError: ")


@needs_an_owner
def test_a_configuration_that_may_not_be_reached_is_not_taken_for_none(tmp_path: Path) -> None:
    (tmp_path / "config.toml").symlink_to("closed/config.toml")
    closed = tmp_path / "closed"
    closed.mkdir()
    (closed / "config.toml").touch()
    closed.chmod(0o000)
    script = f"import os, sys; os.chdir({str(tmp_path)!r}); from daemon.cli.main import main; main(['incidents'])"
    said = as_owner("-c", script)
    closed.chmod(0o700)
    assert said.returncode == 78
    assert_sentence(said.stderr, "config.toml cannot be reached (Permission denied)")
