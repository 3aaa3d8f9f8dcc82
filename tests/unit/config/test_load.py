"""Where settings come from: environment before credentials before file before default, key by key."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from daemon.config.configuration import Configuration
from daemon.config.load import load
from daemon.config.settings import KEYS
from daemon.config.sources import CONFIG_VARIABLE
from daemon.config.validate import validated
from daemon.model.errors import ConfigError
from daemon.model.secret import Secret
from tests.support.each import each
from tests.support.paths import CERTIFICATE
from tests.support.values import settings

SECRETS = {"BETTERSTACK__TOKEN": "the-token", "SIGNL4__SECRET": "the-secret"}

# Three values for each key, as text; the first is not the default, and neighbours differ.
VALUES: dict[str, tuple[str, str, str]] = {
    "betterstack.token": ("token-1", "token-2", "token-3"),
    "betterstack.base_url": ("https://one.test", "http://127.0.0.1:8080", "https://three.test/path"),
    "betterstack.team_name": ("One", "Two & Co", "Drei"),
    "betterstack.dashboard_url": ("https://one.test/team/t1", "http://two.test", "https://three.test"),
    "signl4.secret": ("secret1", "secret2", "secret3"),
    "signl4.base_url": ("https://one.test", "http://localhost", "https://three.test"),
    "signl4.external_id": ("a$INCIDENT_ID", "b$INCIDENT_ID", "c-$INCIDENT_ID"),
    "signl4.api_key": ("key-1", "key-2", "key-3"),
    "signl4.teams": ('{"night": {"secret": "one1"}}', '{"night": {"secret": "two2"}}', '{"night": {"secret": "6"}}'),
    "poll.interval": ("20s", "1m", "40"),
    "poll.active_interval": ("5s", "6", "7s"),
    "poll.sweep_interval": ("1m", "2m", "3m"),
    "poll.initial": ("baseline", "open", "BASELINE"),
    "poll.gone_after": ("2m", "3m", "4m"),
    "delivery.acknowledged": ("false", "true", "false"),
    "delivery.stale_after": ("0s", "1h", "2d"),
    "delivery.gap": ("0s", "1s", "3s"),
    "delivery.concurrency": ("1", "64", "8"),
    "delivery.retry_min": ("1s", "3s", "0.5s"),
    "delivery.retry_max": ("10s", "1h", "20s"),
    "payload.new": ('{"Title": "a", "deep": {"b": [1]}}', '{"b": 1}', '{"c": null}'),
    "payload.acknowledged": ('{"a": "1"}', "{}", '{"c": "$NAME"}'),
    "payload.resolved": ('{"a": "1"}', "{}", '{"c": "$NAME"}'),
    "alarm.poll_after": ("1m", "10m", "1h"),
    "alarm.team": ("default", "default", "default"),
    "write_back.acknowledge": ("false", "true", "false"),
    "write_back.resolve": ("true", "false", "true"),
    "write_back.by": ("$USER", "SIGNL4", "$USER by pager"),
    "write_back.interval": ("5s", "1h", "30"),
    "duty.warn_after": ("1m", "7d", "90"),
    "monitors.enabled": ("true", "false", "true"),
    "monitors.heartbeats": ("true", "false", "true"),
    "monitors.interval": ("1s", "1d", "90"),
    "monitors.paused_after": ("1m", "365d", "off"),
    "monitors.maintenance_after": ("OFF", "7d", "5m"),
    "monitors.pending_after": ("2h", "off", "7200"),
    "monitors.deleted": ("false", "true", "false"),
    "monitors.tell": ('["created"]', '["deleted", "Paused"]', "[]"),
    "heartbeat.urls": ('["https://one.test/a?b=1"]', '["https://two.test/", "http://127.0.0.1/x"]', "[]"),
    "heartbeat.interval": ("30s", "2m", "1h"),
    "database.url": ("sqlite:///one.db", "sqlite:////var/two.db", "sqlite:///three.db"),
    "database.retention": ("7d", "365d", "8d"),
    "lease.duration": ("45s", "12s", "10m"),
    "log.level": ("debug", "warning", "ERROR"),
    "log.format": ("json", "auto", "JSON"),
    "http.timeout": ("1s", "2m", "5s"),
    "http.proxy": ("http://one.test:3128", "http://jane:pw@two.test", "http://three.test"),
    "http.ca_file": ("one.pem", "two.pem", "three.pem"),
    "metrics.listen": ("127.0.0.1:9464", "unix:/run/metrics.sock", "[::1]:1"),
    "metrics.remote": ("true", "false", "true"),
    "metrics.textfile": ("/one/a.prom", "/two.prom", "/three.prom"),
}
BARE = {
    *("delivery.acknowledged", "delivery.concurrency", "heartbeat.urls", "metrics.remote"),
    *("write_back.acknowledge", "write_back.resolve"),
    *("monitors.enabled", "monitors.heartbeats", "monitors.deleted", "monitors.tell"),
}
LISTS = {"heartbeat.urls", "monitors.tell"}
TABLES = {"payload.new", "payload.acknowledged", "payload.resolved", "signl4.teams"}
every_key = each("key", VALUES)


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory without a configuration."""
    monkeypatch.chdir(tmp_path)
    for name in VALUES["http.ca_file"]:
        (tmp_path / name).write_bytes((CERTIFICATE).read_bytes())
    return tmp_path


def variable(key: str) -> str:
    return key.upper().replace(".", "__")


def toml(key: str, text: str) -> str:
    """The key as a file has it."""
    section, _, name = key.partition(".")
    if key in TABLES:
        text = text.replace('":', '" =')
    return f"[{section}]\n{name} = {text if key in TABLES | BARE else json.dumps(text)}\n"


def written(place: Path, text: str, mode: int = 0o600) -> Path:
    file = place / "settings.toml"
    file.write_text(text, "utf-8")
    file.chmod(mode)
    return file


def anew(place: Path, key: str) -> Path:
    """A directory for one key alone."""
    directory = place / key
    directory.mkdir()
    return directory


def credentials(place: Path, files: Mapping[str, str]) -> dict[str, str]:
    """The variable that leads to a directory with these files."""
    directory = place / "credentials"
    directory.mkdir(exist_ok=True)
    for name, text in files.items():
        (directory / name).write_text(text, "utf-8")
        (directory / name).chmod(0o400)
    return {"CREDENTIALS_DIRECTORY": str(directory)}


def given_secrets(key: str) -> dict[str, str]:
    """The secrets in the environment, but for the one that a test is about."""
    return {name: value for name, value in SECRETS.items() if name != variable(key)}


def held(configuration: Configuration, key: str) -> Any:
    section, _, name = key.partition(".")
    value = getattr(getattr(configuration.settings, section), name)
    return [shown(one) for one in value] if isinstance(value, list) else shown(value)


def shown(value: Any) -> Any:
    return value.reveal() if isinstance(value, Secret) else value


def as_read(key: str, text: str) -> Any:
    """The value that a text stands for."""
    section, _, name = key.partition(".")
    value = json.loads(text) if key in TABLES | LISTS else text
    layers: dict[str, dict[str, Any]] = {"betterstack": {"token": "t"}, "signl4": {"secret": "s"}}
    layers[section] = {**layers.get(section, {}), name: value}
    return held(Configuration(validated(layers, {}), None, ()), key)


def test_every_key_is_tried() -> None:
    assert set(VALUES) == set(KEYS)


class TestOrder:
    @every_key
    def test_each_source_wins_over_the_next(self, place: Path, key: str) -> None:
        file, credential, environment = VALUES[key]
        environ, place = given_secrets(key), anew(place, key)
        path = written(place, toml(key, file))
        assert held(load(path, environ), key) == as_read(key, file)
        environ |= credentials(place, {key: credential})
        assert held(load(path, environ), key) == as_read(key, credential)
        environ[variable(key)] = environment
        assert held(load(path, environ), key) == as_read(key, environment)
        assert held(load(None, environ), key) == as_read(key, environment)

    @every_key
    def test_an_empty_variable_is_none(self, place: Path, key: str) -> None:
        environ = given_secrets(key) | {variable(key): ""}
        assert held(load(written(place, toml(key, VALUES[key][0])), environ), key) == as_read(key, VALUES[key][0])

    @every_key
    def test_a_key_in_one_source_leaves_the_others_to_the_rest(self, place: Path, key: str) -> None:
        others = [name for name in ("poll.gone_after", "delivery.gap", "http.timeout") if name != key]
        place = anew(place, key)
        environ = SECRETS | credentials(place, {others[0]: VALUES[others[0]][1]})
        environ |= {variable(others[1]): VALUES[others[1]][2]}
        read = load(written(place, toml(key, VALUES[key][0])), environ | {variable(key): VALUES[key][0]})
        assert held(read, key) == as_read(key, VALUES[key][0])
        assert held(read, others[0]) == as_read(others[0], VALUES[others[0]][1])
        assert held(read, others[1]) == as_read(others[1], VALUES[others[1]][2])

    def test_without_any_the_defaults_hold(self) -> None:
        assert load(None, SECRETS).settings == settings(
            betterstack={"token": "the-token"}, signl4={"secret": "the-secret"}
        )

    @pytest.mark.parametrize("name", ["poll__interval", "Poll__Interval", "POLL__INTERVAL"])
    def test_a_variable_is_known_in_any_case(self, name: str) -> None:
        assert held(load(None, SECRETS | {name: "20s"}), "poll.interval") == as_read("poll.interval", "20s")

    def test_variables_of_others_are_left_alone(self) -> None:
        names = """
            LOG HTTP DATABASE POLL LOG_LEVEL HTTP_PROXY DATABASE_URL POLL_INTERVAL SIGNL4 MY__LOG__LEVEL LOGS__LEVEL
            __LOG A__B __ PAYLOAD DELIVERY_GAP BETTERSTACK
        """
        others = dict.fromkeys(names.split(), "surprise")
        assert load(None, SECRETS | others).settings == load(None, SECRETS).settings


class TestPayload:
    DEFAULT = ("Title", "Cause", "URL", "Started at", "Better Stack URL")

    @pytest.mark.parametrize("source", ["file", "credential", "environment"])
    def test_a_table_replaces_the_default_one(self, place: Path, source: str) -> None:
        environ = dict(SECRETS)
        text = ""
        if source == "file":
            text = '[payload.new]\n"Only" = "$NAME"\n'
        elif source == "credential":
            environ |= credentials(place, {"payload.new": '{"Only": "$NAME"}\n'})
        else:
            environ["PAYLOAD__NEW"] = '{"Only": "$NAME"}'
        read = load(written(place, text), environ)
        assert read.settings.payload.new == {"Only": "$NAME"}
        assert read.settings.payload.acknowledged == read.settings.payload.resolved == {}

    def test_a_table_in_the_environment_is_not_mixed_with_that_of_the_file(self, place: Path) -> None:
        file = written(place, '[payload.new]\n"A" = "a"\n[payload.resolved]\n"B" = "b"\n')
        payload = load(file, SECRETS | {"PAYLOAD__NEW": '{"C": {"d": null}}'}).settings.payload
        assert (payload.new, payload.resolved) == ({"C": {"d": None}}, {"B": "b"})

    def test_a_table_for_another_kind_leaves_the_default(self, place: Path) -> None:
        payload = load(written(place, '[payload.resolved]\n"B" = "b"\n'), SECRETS).settings.payload
        assert tuple(payload.new) == self.DEFAULT


class TestActiveInterval:
    @pytest.mark.parametrize(
        ("interval", "active", "becomes"),
        [
            (None, None, 10),
            ("5s", None, 5),
            ("10s", None, 10),
            ("1h", None, 10),
            ("1s", None, 1),
            (None, "30s", 30),
            (None, "1s", 1),
            ("5m", "5m", 300),
            ("5s", "2s", 2),
            (3, None, 3),
        ],
    )
    def test_follows_a_short_interval(self, interval: Any, active: Any, becomes: int) -> None:
        poll = {key: value for key, value in (("interval", interval), ("active_interval", active)) if value is not None}
        assert settings(poll=poll).poll.active_interval.total_seconds() == becomes

    @pytest.mark.parametrize(("interval", "active"), [("5s", "6s"), (None, "31s"), ("30s", "1m")])
    def test_is_never_longer_than_the_interval(self, place: Path, interval: str | None, active: str) -> None:
        environ = SECRETS | {"POLL__ACTIVE_INTERVAL": active} | ({"POLL__INTERVAL": interval} if interval else {})
        with pytest.raises(ConfigError, match=r"^poll\.active_interval \(.*\) is longer than poll\.interval \(.*\); "):
            load(None, environ)


class TestPlaces:
    def test_a_named_file_wins_over_the_variable_and_that_over_the_working_directory(self, place: Path) -> None:
        for name, interval in (("config.toml", "20s"), ("a.toml", "21s"), ("b.toml", "22s")):
            (place / name).write_text(f"poll.interval = '{interval}'")
        named = SECRETS | {CONFIG_VARIABLE: "a.toml"}
        for file, environ, seconds in (
            (None, SECRETS, 20),
            (None, SECRETS | {CONFIG_VARIABLE: ""}, 20),
            (None, named, 21),
            (Path("b.toml"), named, 22),
        ):
            read = load(file, environ)
            assert read.settings.poll.interval.total_seconds() == seconds
        assert read.file == Path("b.toml")

    def test_the_last_place_is_that_of_the_system(self, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        file = written(place, "poll.interval = '20s'")
        monkeypatch.setattr("daemon.config.sources.CONFIG_PLACES", (Path("config.toml"), file))
        assert load(None, SECRETS).file == file

    def test_no_file_at_all_is_fine(self) -> None:
        assert load(None, SECRETS).file is None

    def test_the_places_are_those_of_the_contract(self) -> None:
        from daemon.config.sources import CONFIG_PLACES  # noqa: PLC0415 - as it is, not as another test set it

        assert [str(file) for file in CONFIG_PLACES] == ["config.toml", "/etc/betterstack-signl4/config.toml"]
        assert CONFIG_VARIABLE == "BETTERSTACK_SIGNL4_CONFIG"


class TestOffline:
    def test_needs_no_secrets(self) -> None:
        assert load(None, {"POLL__INTERVAL": "20s"}, offline=True).settings.poll.interval.total_seconds() == 20

    def test_still_finds_mistakes(self) -> None:
        with pytest.raises(ConfigError, match=r"^poll\.interval"):
            load(None, {"POLL__INTERVAL": "x"}, offline=True)

    def test_takes_the_secrets_that_are_there(self) -> None:
        assert held(load(None, SECRETS, offline=True), "betterstack.token") == "the-token"
