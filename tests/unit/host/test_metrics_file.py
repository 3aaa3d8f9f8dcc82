"""The file is written while it can be, and nothing else depends on it."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.host import metrics_file
from daemon.host.metrics_file import MetricsFile
from daemon.model.errors import DaemonError
from tests.support.fakes import LONG
from tests.support.kept_log import KeptLog

NOT_WRITTEN, WRITTEN = "the metrics file is not written", "the metrics file is written again"


class Content:
    """What is written; each writing is one more."""

    def __init__(self) -> None:
        self.written = 0
        self._changed = threading.Condition()

    def __call__(self) -> bytes:
        with self._changed:
            self.written += 1
            self._changed.notify_all()
            return b"a %d\n" % self.written

    def wait_for(self, written: int) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self.written >= written, LONG)


@pytest.fixture
def content() -> Content:
    return Content()


@pytest.fixture
def file(tmp_path: Path, content: Content, log: KeptLog) -> Iterator[MetricsFile]:
    file = MetricsFile(tmp_path / "x.prom", content, log)
    yield file
    file.close()


def test_it_is_written_from_the_beginning_on_and_again_and_again(
    file: MetricsFile, content: Content, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics_file, "EVERY", 0.01)
    file.start()
    assert content.written == 0
    assert not (tmp_path / "x.prom").exists()
    file.begin()
    assert content.wait_for(3)
    file.close()
    assert (tmp_path / "x.prom").read_bytes() == b"a %d\n" % content.written


def test_what_never_began_writes_nothing(file: MetricsFile, content: Content) -> None:
    file.start()
    file.close()
    assert content.written == 0


def test_a_failure_is_logged_once_and_so_is_its_end(file: MetricsFile, tmp_path: Path, log: KeptLog) -> None:
    directory = tmp_path / "x.prom"
    (directory / "in the way").mkdir(parents=True)
    file.write()
    file.write()
    assert log.named(NOT_WRITTEN) == [{"file": str(directory), "error": "Is a directory"}]
    (directory / "in the way").rmdir()
    directory.rmdir()
    file.write()
    file.write()
    assert log.named(WRITTEN) == [{"file": str(directory)}]
    file.content = lambda: b"%d" % (1 // 0)
    file.write()
    assert log.named(NOT_WRITTEN)[1:] == [
        {"file": str(directory), "error": "a fault of this program: ZeroDivisionError"}
    ]


def test_a_machine_without_threads_is_an_error(file: MetricsFile, monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", none_left)
    with pytest.raises(DaemonError, match="no thread can be started for the metrics now"):
        file.start()
