"""What shows the metrics, through changes of the configuration."""

import http.client
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from daemon.config.settings import Settings
from daemon.host.listening import bound, close, name_of
from daemon.model.errors import ConfigError
from daemon.model.events.rounds import RoundEnded, RoundResult
from daemon.model.readings import Readings
from daemon.runtime.exposure import Exposure
from tests.support.kept_log import KeptLog
from tests.support.metrics import READINGS, value, whole
from tests.support.values import settings

SERVED = "metrics are served"
OFF = settings()


class Setting:
    """One process, through its configurations."""

    def __init__(self, log: KeptLog) -> None:
        self.exposure, self.log = Exposure(), log

    def put_in_force(self, configuration: Settings, readings: Readings = READINGS) -> None:
        """As a start or a reload does."""
        wanted = self.exposure.prepare(configuration, lambda: readings)
        heard = self.exposure.heard(configuration, self.log)
        heard(RoundEnded(RoundResult.COMPLETE, 0.1))
        self.exposure.begin(wanted, heard)

    @property
    def addresses(self) -> list[str]:
        """All that were ever served."""
        return [one["address"] for one in self.log.named(SERVED)]


@pytest.fixture
def setting(log: KeptLog) -> Iterator[Setting]:
    setting = Setting(log)
    yield setting
    setting.exposure.close()


def served(address: str) -> bytes | None:
    """The metrics there; `None` if nobody listens."""
    host, _, port = address.rpartition(":")
    with closing(http.client.HTTPConnection(host.strip("[]"), int(port), timeout=30)) as connection:
        try:
            connection.request("GET", "/metrics")
            return connection.getresponse().read()
        except ConnectionRefusedError:
            return None


def lasting() -> list[str]:
    """The threads of metrics, but for those of a reading that may just be ending."""
    names = (thread.name for thread in threading.enumerate())
    return sorted(name for name in names if name in {"metrics", "metrics-file"})


def on(**metrics: Any) -> Settings:
    return settings(metrics={"listen": "127.0.0.1:0", **metrics})


def rounds(text: bytes | None) -> float | None:
    return value(text or b"", "round_duration_seconds_count", result="complete")


def test_who_wants_none_has_none(setting: Setting, log: KeptLog) -> None:
    threads = lasting()
    assert setting.exposure.heard(OFF, log) is log
    assert setting.exposure.prepare(OFF, lambda: READINGS) is None
    setting.put_in_force(OFF)
    setting.exposure.write_once(OFF, lambda: READINGS, log)
    assert setting.exposure._shown is None
    assert lasting() == threads


def test_who_may_not_has_none(log: KeptLog) -> None:
    """A dry run, beside the daemon."""
    exposure = Exposure(allowed=False)
    assert exposure.heard(on(), log) is log
    assert exposure.prepare(on(), lambda: READINGS) is None


def test_an_address_that_stays_is_never_closed_and_shows_the_new(setting: Setting) -> None:
    setting.put_in_force(on())
    [address] = setting.addresses
    assert rounds(served(address)) == 1
    assert setting.exposure._shown is not None
    server = setting.exposure._shown._server
    assert server is not None
    server._read_at -= 10
    setting.put_in_force(on(), replace(READINGS, problems=()))
    assert setting.addresses == [address]
    assert rounds(text := served(address)) == 2
    assert value(text or b"", "healthy") == 1


def test_another_address_takes_the_place_of_the_one_before(setting: Setting) -> None:
    setting.put_in_force(on())
    setting.put_in_force(settings(metrics={"listen": "[::1]:0"}))
    first, second = setting.addresses
    assert served(first) is None
    assert rounds(served(second)) == 2, "what was counted stays"


def test_it_is_switched_off_and_on_again(setting: Setting) -> None:
    setting.put_in_force(on())
    setting.put_in_force(OFF)
    setting.put_in_force(on())
    first, second = setting.addresses
    assert served(first) is None
    assert rounds(served(second)) == 2


def test_an_address_that_is_taken_leaves_the_old_one(setting: Setting) -> None:
    setting.put_in_force(on())
    taken = bound("127.0.0.1:0")
    threads = lasting()
    with pytest.raises(ConfigError, match="address already in use"):
        setting.exposure.prepare(on(listen=name_of(taken)), lambda: READINGS)
    assert lasting() == threads
    close(taken, "")
    assert served(setting.addresses[0])


def test_what_does_not_come_into_force_is_closed(setting: Setting, tmp_path: Path) -> None:
    setting.put_in_force(on())
    threads = lasting()
    other = settings(metrics={"listen": "[::1]:0", "textfile": str(tmp_path / "x.prom")})
    wanted = setting.exposure.prepare(other, lambda: READINGS)
    assert wanted is not None
    assert wanted.server is not None
    address = wanted.server.address
    assert served(address)
    wanted.close()
    assert served(address) is None
    assert lasting() == threads
    assert not (tmp_path / "x.prom").exists()
    assert served(setting.addresses[0])


def test_the_file_goes_on_where_the_one_before_ended(setting: Setting, log: KeptLog, tmp_path: Path) -> None:
    """`once` lives for seconds, and writes it at its end."""
    file = tmp_path / "x.prom"
    configuration = settings(metrics={"textfile": str(file)})
    for number in (1, 2, 3):
        exposure = Exposure()
        exposure.heard(configuration, log)(RoundEnded(RoundResult.COMPLETE, 0.1))
        exposure.write_once(configuration, lambda: READINGS, log)
        assert rounds(file.read_bytes()) == number
    file.write_text("{ no metrics")
    exposure = Exposure()
    exposure.heard(configuration, log)(RoundEnded(RoundResult.COMPLETE, 0.1))
    exposure.write_once(configuration, lambda: READINGS, log)
    assert rounds(file.read_bytes()) == 1


def test_a_reload_that_names_a_file_takes_nothing_from_what_was_counted(setting: Setting, tmp_path: Path) -> None:
    file = tmp_path / "x.prom"
    file.write_bytes(whole())
    assert rounds(file.read_bytes()) == 1
    for _ in range(2):
        setting.put_in_force(on())
    setting.put_in_force(on(textfile=str(file)))
    assert rounds(served(setting.addresses[0])) == 3


def test_the_file_has_no_figures_that_node_exporter_has_itself(setting: Setting, log: KeptLog, tmp_path: Path) -> None:
    file = tmp_path / "x.prom"
    setting.exposure.write_once(settings(metrics={"textfile": str(file)}), lambda: READINGS, log)
    assert b"\nprocess_" not in file.read_bytes()
    setting.put_in_force(on())
    assert b"\nprocess_" in (served(setting.addresses[0]) or b"")


def test_once_listens_on_nothing(setting: Setting, log: KeptLog) -> None:
    setting.exposure.write_once(on(), lambda: READINGS, log)
    assert log.events == []


def test_libraries_for_it_are_imported_only_for_it() -> None:
    """In a process of its own."""
    import subprocess  # noqa: PLC0415 - for this alone

    told = (
        "import sys, daemon.runtime.run, daemon.runtime.once, daemon.cli.main; "
        "print([name for name in sys.modules if name.startswith(('prometheus_client', 'daemon.host.metrics', "
        "'daemon.runtime.shown'))])"
    )
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
