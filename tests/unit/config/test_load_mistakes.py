"""Each mistake in the configuration is one sentence, with the key, the fault and the mend, and exit code 78."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from daemon.cli.main import main
from daemon.config.load import load
from daemon.model.errors import ConfigError

SECRETS = {"BETTERSTACK__TOKEN": "a-token", "SIGNL4__SECRET": "a-secret"}

MISTAKES = [
    ({"BETTERSTACK__TOKEN": ""}, "betterstack.token is empty: BETTERSTACK__TOKEN in the environment holds nothing"),
    ({"SIGNL4__SECRET": ""}, "signl4.secret is empty: SIGNL4__SECRET in the environment holds nothing"),
    ({"BETTERSTACK__TOKEN": "a b"}, "betterstack.token holds a space"),
    ({"SIGNL4__SECRET": "https://connect.signl4.com/webhook/x"}, "give only the part after /webhook/"),
    ({"POLL__INTERVALL": "3"}, "poll.intervall is not a known key; the nearest is poll.interval"),
    ({"POLL__INTERVAL": "soon"}, "poll.interval ('soon') is not a duration"),
    ({"POLL__INTERVAL": "0.5s"}, "poll.interval ('0.5s') is out of range; take 1s to 1d"),
    (
        {"POLL__INTERVAL": "5s", "POLL__ACTIVE_INTERVAL": "6s"},
        "poll.active_interval (6s) is longer than poll.interval (5s)",
    ),
    ({"DELIVERY__RETRY_MIN": "10m"}, "delivery.retry_min (10m) is longer than delivery.retry_max (5m)"),
    ({"DELIVERY__CONCURRENCY": "65"}, "delivery.concurrency ('65')"),
    ({"DELIVERY__ACKNOWLEDGED": "perhaps"}, "delivery.acknowledged ('perhaps')"),
    ({"DATABASE__RETENTION": "6d"}, "database.retention ('6d') is out of range; take 7d"),
    ({"DATABASE__URL": "mysql://db"}, "database.url ('mysql://db') must name an SQLite file"),
    ({"DATABASE__URL": "postgresql://h/n", "LEASE__DURATION": "24s"}, "lease.duration (24s) is too short"),
    ({"DATABASE__URL": "sqlite:////nowhere/at/all/state.db"}, "database.url names /nowhere/at/all/state.db"),
    ({"BETTERSTACK__BASE_URL": "uptime"}, "betterstack.base_url ('uptime') is not a URL"),
    (
        {"SIGNL4__BASE_URL": "http://connect.signl4.com"},
        "signl4.base_url ('http://connect.signl4.com') would send a secret",
    ),
    ({"SIGNL4__EXTERNAL_ID": "$NAME"}, "signl4.external_id ('$NAME') must hold $INCIDENT_ID"),
    ({"PAYLOAD__NEW": "{"}, "payload.new is not JSON"),
    ({"PAYLOAD__NEW": "[]"}, "payload.new must be a table"),
    ({"PAYLOAD__RESOLVED": '{"Region": "$METADATA."}'}, "payload.resolved has $METADATA. without a key"),
    ({"HTTP__CA_FILE": "/nowhere.pem"}, "http.ca_file"),
    ({"LOG__LEVEL": "loud"}, "log.level ('loud')"),
]


@pytest.mark.parametrize(("environment", "sentence"), MISTAKES, ids=lambda value: next(iter(value), ""))
def test_a_mistake_is_a_sentence_and_exit_78(tmp_path: Path, environment: dict[str, str], sentence: str) -> None:
    state = {"DATABASE__URL": f"sqlite:///{tmp_path}/state.db"}
    result = CliRunner().invoke(main, ["--config", "/dev/null", "check"], env={**state, **SECRETS, **environment})
    assert result.exit_code == 78
    assert sentence in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[pol]\ninterval = 1\n[poll]\ninitial = "all"\n[signl4]\nsecret = "wh y"\n')
    with pytest.raises(ConfigError) as caught:
        load(file, {})
    told = "\n".join(caught.value.problems)
    for part in (
        "betterstack.token is missing",
        "the nearest is [poll]",
        "poll.initial ('all')",
        "signl4.secret holds",
    ):
        assert part in told
    assert "wh y" not in told


def test_the_environment_wins_over_credentials_over_the_file_over_the_default(tmp_path: Path) -> None:
    file, credentials = tmp_path / "config.toml", tmp_path / "credentials"
    credentials.mkdir()
    file.write_text('[poll]\ninterval = "40s"\nsweep_interval = "4m"\ngone_after = "4s"\n')
    (credentials / "poll.interval").write_text("50s\n")
    (credentials / "poll.sweep_interval").write_text("5m\n")
    (credentials / "betterstack.token").write_text("from-a-credential\n")
    environment = {"SIGNL4__SECRET": "abcd", "POLL__INTERVAL": "60s", "CREDENTIALS_DIRECTORY": str(credentials)}
    settings = load(file, environment).settings
    seconds = [settings.poll.interval, settings.poll.sweep_interval, settings.poll.gone_after]
    assert [moment.total_seconds() for moment in seconds] == [60, 300, 4]
    assert settings.betterstack.token.reveal() == "from-a-credential"
    assert "from-a-credential" not in repr(settings)
    assert settings.poll.initial == "open"


def test_a_payload_of_the_environment_replaces_that_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[payload.new]\nTitle = "from the file"\nMore = "x"\n')
    settings = load(file, {**SECRETS, "PAYLOAD__NEW": '{"Title": "from outside"}'}).settings
    assert settings.payload.new == {"Title": "from outside"}


def test_a_short_interval_alone_means_both() -> None:
    settings = load(Path("/dev/null"), {**SECRETS, "POLL__INTERVAL": "3s"}).settings
    assert settings.poll.active_interval == settings.poll.interval


@pytest.mark.parametrize(("mode", "warned"), [(0o600, False), (0o640, False), (0o644, True)])
def test_a_file_with_a_secret_that_all_can_read_is_warned_of(tmp_path: Path, mode: int, warned: bool) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[betterstack]\ntoken = "a-token"\n[signl4]\nsecret = "a-secret"\n')
    file.chmod(mode)
    assert bool(load(file, {}).warnings) is warned


def test_variables_of_other_programs_are_none_of_ours() -> None:
    assert load(Path("/dev/null"), {**SECRETS, "LOG": "x", "HTTP": "y", "OTHER__KEY": "z"}).settings.log.level == "info"
