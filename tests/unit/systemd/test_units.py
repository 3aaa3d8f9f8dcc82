"""The units are files that say the same where they mean the same; what they do is seen by tests/systemd."""

import pytest

from daemon.cli.main import EXIT_CODES
from daemon.config.settings import HttpSection
from daemon.host.journal import IDENTIFIER
from daemon.model.errors import ConfigError, DatabaseUnusableError
from daemon.runtime.life import TICK
from tests.support.each import each
from tests.support.paths import ROOT

HERE = ROOT / "systemd"
PLAIN, TEMPLATE, FAILED, RECOVERED = (
    (HERE / f"betterstack-signl4{kind}.service").read_text() for kind in ("", "@", "-failed@", "-recovered@")
)
BACKUP, TIMER = ((HERE / f"betterstack-signl4-backup@.{kind}").read_text() for kind in ("service", "timer"))
BY_TEAM = {
    "to SIGNL4\n": "to SIGNL4 (%i)\n",
    "failed@config.service": "failed@%i.service",
    "recovered@config.service": "recovered@%i.service",
    "betterstack-signl4/config.toml": "betterstack-signl4/%i.toml",
    "betterstack-signl4/config/": "betterstack-signl4/%i/",
    "StateDirectory=betterstack-signl4\n": "StateDirectory=betterstack-signl4-%i\n",
    "RuntimeDirectory=betterstack-signl4\n": "RuntimeDirectory=betterstack-signl4-%i\n",
    "/var/lib/betterstack-signl4\n": "/var/lib/betterstack-signl4-%i\n",
}
"""What differs from the plain service in that of one more team."""


def settings(unit: str) -> list[str]:
    return [line for line in unit.splitlines() if "=" in line and not line.startswith("#")]


def value(unit: str, name: str) -> str:
    (line,) = [line for line in settings(unit) if line.startswith(f"{name}=")]
    return line.partition("=")[2]


def sandboxing(unit: str) -> list[str]:
    lines = settings(unit)
    return [line for line in lines[lines.index("AmbientCapabilities=") :] if not line.startswith("WantedBy")]


def test_the_service_of_a_team_differs_in_its_places_alone() -> None:
    expected = PLAIN
    for plain, by_team in BY_TEAM.items():
        assert plain in expected
        expected = expected.replace(plain, by_team)
    assert expected == TEMPLATE


@pytest.mark.parametrize("unit", [TEMPLATE, FAILED, RECOVERED, BACKUP], ids=["team", "failed", "recovered", "backup"])
def test_each_unit_may_do_as_little_as_the_service(unit: str) -> None:
    assert len(sandboxing(PLAIN)) > 25
    assert sandboxing(unit) == sandboxing(PLAIN)


def test_the_two_that_tell_of_a_failure_are_told_the_same() -> None:
    told = ("User", "LoadCredential", "Environment", "EnvironmentFile", "ReadWritePaths", "Restart", "LimitCORE")
    assert [value(FAILED, name) for name in told] == [value(RECOVERED, name) for name in told]


@pytest.mark.parametrize(
    "unit", [PLAIN, TEMPLATE, FAILED, RECOVERED, BACKUP], ids=["plain", "team", "failed", "recovered", "backup"]
)
def test_no_unit_says_what_the_configuration_may_say(unit: str) -> None:
    """A variable of the unit would win over the file."""
    assert not [line for line in settings(unit) if line.startswith("Environment=") and "__" in line]


def test_each_unit_is_found_in_the_journal_by_one_name_and_leads_to_its_documentation() -> None:
    """Also what the program does not write there itself, such as the last words of an interpreter."""
    for file in HERE.glob("*.service"):
        unit = file.read_text()
        assert value(unit, "SyslogIdentifier") == IDENTIFIER, file
        assert value(unit, "Documentation") == "file:///opt/betterstack-signl4/share/doc/README.md", file
    assert 'install -D -m 644 "$page" "$new/share/doc/$page"' in (HERE / "install.sh").read_text()


def test_the_daily_copy_reaches_no_network_and_makes_up_for_days_that_were_missed() -> None:
    assert value(BACKUP, "PrivateNetwork") == "yes"
    assert (value(TIMER, "OnCalendar"), value(TIMER, "Persistent")) == ("daily", "yes")


def test_no_unit_of_the_copy_is_enabled_by_the_installation() -> None:
    assert "WantedBy" not in BACKUP
    assert "enable" not in (HERE / "install.sh").read_text()


def test_the_user_has_no_home() -> None:
    """What programs read there, such as `.curlrc`, would be written by whoever can write it."""
    (user,) = [line for line in (HERE / "sysusers.conf").read_text().splitlines() if line.startswith("u ")]
    assert user.split()[-1] == "/nonexistent"


def test_what_no_restart_can_mend_is_not_restarted() -> None:
    assert value(PLAIN, "RestartPreventExitStatus") == str(EXIT_CODES[ConfigError])
    assert EXIT_CODES[DatabaseUnusableError] == EXIT_CODES[ConfigError]


def test_the_watchdog_waits_for_many_signs_of_life() -> None:
    assert value(PLAIN, "WatchdogSec") == "1min"
    assert TICK * 20 < 60


def test_a_stop_has_time_for_a_request() -> None:
    patience = HttpSection().timeout.total_seconds() + 2
    assert float(value(PLAIN, "TimeoutStopSec").removesuffix("s")) > patience


@each(
    "line",
    sorted(
        {line.partition("=")[0] for line in [*settings(PLAIN), *settings(BACKUP), *settings(TIMER)]}
        - {"Description", "Documentation", "Wants", "After", "ExecStart", "Group", "WorkingDirectory", "WantedBy"}
    ),
)
def test_each_choice_has_a_line_of_explanation(line: str) -> None:
    explained = (HERE / "README.md").read_text()
    covered = {one.partition("=")[0] for one in sandboxing(PLAIN)}
    assert line in covered or line in explained
