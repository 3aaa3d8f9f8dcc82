"""A private copy is consistent, seen by nobody else, and gone at the end, however that comes."""

import tempfile
from pathlib import Path

import pytest

from daemon.model.errors import DatabaseUnusableError, StoppedError
from daemon.storage.backup import private_copy
from daemon.storage.revision import file_of, revision_of
from tests.support.outbox import NEW, dump, tell
from tests.support.store import Store


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory for temporary files."""
    directory = tmp_path / "temporary"
    directory.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(directory))
    return directory


def test_it_holds_all_that_is_committed_and_is_private(database: Path, store: Store, place: Path) -> None:
    tell(store, "1", NEW)
    with private_copy(f"sqlite:///{database}") as url:
        copy = file_of(url)
        assert dump(copy) == dump(database)
        assert [file.stat().st_mode & 0o777 for file in (copy, copy.parent)] == [0o600, 0o700]
        assert [copy.parent] == list(place.iterdir())
    assert list(place.iterdir()) == []


@pytest.mark.parametrize("content", [None, b""])
def test_where_there_is_no_database_it_is_the_place_for_one(tmp_path: Path, place: Path, content: bytes | None) -> None:
    file = tmp_path / "state.db"
    if content is not None:
        file.write_bytes(content)
    with private_copy(f"sqlite:///{file}") as url:
        assert revision_of(url) is None
        assert file_of(url).parent.parent == place
    assert file.exists() is (content is not None)


def test_an_error_removes_it(database: Path, place: Path) -> None:
    with pytest.raises(StoppedError), private_copy(f"sqlite:///{database}"):
        raise StoppedError
    assert list(place.iterdir()) == []


def test_without_room_for_it_a_sentence_says_what_to_do(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    wanted = r"state\.db cannot be copied to a temporary directory \(No such file or directory\); name one .* in TMPDIR"
    with pytest.raises(DatabaseUnusableError, match=wanted), private_copy(f"sqlite:///{database}"):
        pass


def test_a_database_that_cannot_be_used_is_not_copied(database: Path, place: Path) -> None:
    database.write_bytes(b"no database" * 99)
    with pytest.raises(DatabaseUnusableError, match=r"state\.db cannot be read"):
        with private_copy(f"sqlite:///{database}"):
            pass
    assert list(place.iterdir()) == []
