"""Each mistake in the configuration is told in whole: the exact sentence, all of them at once, and never a secret."""

import json
import re
from dataclasses import asdict, fields
from pathlib import Path

import pytest

from daemon.config.load import load
from daemon.config.settings import KEYS, SECTIONS
from daemon.model.errors import ConfigError
from tests.support.each import each
from tests.support.values import settings

SECRETS = {"BETTERSTACK__TOKEN": "the-token", "SIGNL4__SECRET": "the-secret"}
DURATION = 'is not a duration; write it like "30s", "5m", "6h", "90d" or a number of seconds'
DATABASE = (
    "must name an SQLite file or a database of PostgreSQL; write it like "
    "sqlite:////var/lib/betterstack-signl4/state.db, or like postgresql+psycopg://USER:PASSWORD@HOST/NAME"
)
WHERE_TOKEN = (
    "set BETTERSTACK__TOKEN in the environment, put it in a credential file named betterstack.token, "
    "or as token under [betterstack]"
)


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def variable(key: str) -> str:
    return key.upper().replace(".", "__")


def problems(toml: str = "", environ: dict[str, str] | None = None) -> tuple[str, ...]:
    """The sentences that a file and an environment earn."""
    file = Path("settings.toml")
    file.write_text(toml, "utf-8")
    with pytest.raises(ConfigError) as caught:
        load(file, SECRETS if environ is None else environ)
    assert str(caught.value) == "\n".join(caught.value.problems)
    return caught.value.problems


@pytest.mark.parametrize(
    ("toml", "sentence"),
    [
        ("poll.interval = true", f"poll.interval ('True') {DURATION}"),
        ("poll.interval = [1]", f"poll.interval {DURATION}"),
        ("poll.interval = '0s'", "poll.interval ('0s') is out of range; take 1s to 1d"),
        ("poll.active_interval = '0.5s'", "poll.active_interval ('0.5s') is out of range; take 1s to 1d"),
        ("poll.initial = 7", "poll.initial ('7') should be 'open' or 'baseline'; the default is \"open\""),
        ("delivery.gap = '6m'", "delivery.gap ('6m') is out of range; take 0s to 5m"),
        (
            "delivery.concurrency = 0",
            "delivery.concurrency ('0') is out of range; take 1 to 64",
        ),
        (
            "delivery.acknowledged = 'maybe'",
            "delivery.acknowledged ('maybe') should be a valid boolean, unable to interpret input; the default is true",
        ),
        (
            "delivery.retry_min = '6m'",
            "delivery.retry_min (6m) is longer than delivery.retry_max (5m); swap them or leave one out",
        ),
        (
            "poll.active_interval = '31s'",
            "poll.active_interval (31s) is longer than poll.interval (30s); make it at most as long, or leave it out",
        ),
        ("database.url = 'mysql://x'", f"database.url ('mysql://x') {DATABASE}"),
        ("http.ca_file = 'no.pem'", "http.ca_file ('no.pem') is not a file; give the path of a PEM file"),
        ("http.timeout = '0.9s'", "http.timeout ('0.9s') is out of range; take 1s to 2m"),
        (
            "betterstack.team_name = 7",
            "betterstack.team_name ('7') should be a valid string; leave it out if you do not need it",
        ),
        ("payload = 'x'", "payload must be a table; write it as [payload] with its keys below"),
        ("poll = 3", "poll must be a table; write it as [poll] with its keys below"),
        ("[[poll]]", "poll must be a table; write it as [poll] with its keys below"),
        ("payload.new.at = 2026-11-23", "payload.new holds a date at 'at' that JSON cannot say; put it in quotes"),
        ("payload.new.a.b = [1, 10:00:00]", "payload.new holds a time at 'a.b' that JSON cannot say; put it in quotes"),
        ("payload.new.a = [{n = nan}]", "payload.new holds a number at 'a.n' that JSON cannot say; put it in quotes"),
        ("payload.new.a = inf", "payload.new holds a number at 'a' that JSON cannot say; put it in quotes"),
    ],
)
def test_a_mistake_is_one_exact_sentence(toml: str, sentence: str) -> None:
    assert problems(toml) == (sentence,)


@each("key", [key for key in KEYS if not key.startswith("payload")])
@each("value", ["[1]", "{a = 1}", "2026-11-23", "-7", "true", '"\\n"', "''", "nan", "'999999999999d'"])
def test_no_value_of_any_key_is_more_than_a_sentence(key: str, value: str) -> None:
    Path("settings.toml").write_text(f"{key} = {value}")
    sentences: tuple[str, ...] = ()
    try:
        load(Path("settings.toml"), {name: text for name, text in SECRETS.items() if name != variable(key)})
    except ConfigError as error:
        sentences = error.problems
    told = [problem for problem in sentences if "is missing" not in problem]
    assert all(re.match(rf"{key}[. ].*(; |, else )", problem) for problem in told)
    assert not [word for word in ("Undefined", "null", "None") if word in "".join(told)]


class TestMissing:
    def test_secrets_are_asked_for_with_every_way_to_give_them(self) -> None:
        token, secret = problems(environ={})
        assert token == f"betterstack.token is missing; {WHERE_TOKEN}"
        assert secret.startswith("signl4.secret is missing; set SIGNL4__SECRET in the environment, ")

    @pytest.mark.parametrize("table", ["[betterstack]", "betterstack.team_name = 'x'", ""])
    def test_one_of_them_is_asked_for_alone(self, table: str) -> None:
        environ = {"SIGNL4__SECRET": "the-secret"}
        assert problems(table, environ) == (f"betterstack.token is missing; {WHERE_TOKEN}",)


class TestUnknownKeys:
    @pytest.mark.parametrize(
        ("toml", "sentence"),
        [
            ("poll.intervall = 1", "poll.intervall is not a known key; the nearest is poll.interval"),
            (
                "poll.timeout = 1",
                (
                    "poll.timeout is not a known key; the keys of [poll] are interval, active_interval, "
                    "sweep_interval, initial, gone_after"
                ),
            ),
            (
                "signl4.token = 'x'",
                (
                    "signl4.token is not a known key; the keys of [signl4] are secret, base_url, external_id, api_key, "
                    "teams"
                ),
            ),
            ("[database]\nRETENTION = 1", "database.RETENTION is not a known key; the nearest is database.retention"),
            ("betterstack.team = 'x'", "betterstack.team is not a known key; the nearest is betterstack.team_name"),
            ("signl4.baseurl = 'x'", "signl4.baseurl is not a known key; the nearest is signl4.base_url"),
            ("payload.New.Title = 'x'", "payload.New is not a known key; the nearest is payload.new"),
            ("[deliver]", "deliver is not a known key; the nearest is [delivery]"),
            (
                "[x]",
                (
                    "x is not a known key; the sections are [betterstack], [signl4], [poll], [delivery], [payload], "
                    "[alarm], [write_back], [duty], [monitors], [heartbeat], [database], [lease], [log], [http], "
                    "[metrics]"
                ),
            ),
        ],
    )
    def test_are_told_with_the_nearest_one_of_their_section_or_with_all_of_them(self, toml: str, sentence: str) -> None:
        assert problems(toml) == (sentence,)

    @pytest.mark.parametrize("name", ["POLL__INTERVALL", "POLL__", "POLL__A__B", "PAYLOAD__NEW__TITLE", "LOG__\u2603"])
    def test_in_the_environment_are_none_the_less(self, name: str) -> None:
        [problem] = problems(environ=SECRETS | {name: "surprise"})
        section, _, key = name.lower().partition("__")
        assert problem.startswith(f"{section}.{key} is not a known key; the ")
        assert "surprise" not in problem

    @each("section", SECTIONS)
    @each("key", ["x", "", "é", "a.b", "=", "\U0001f525" * 99])
    def test_never_lead_to_another_section(self, section: str, key: str) -> None:
        [problem] = problems(f"[{section}]\n{json.dumps(key, ensure_ascii=False)} = 1")
        _, _, hint = problem.rpartition("; the ")
        assert hint == f"keys of [{section}] are {', '.join(field.name for field in fields(SECTIONS[section]))}"


class TestMany:
    def test_mistakes_are_told_all_at_once(self) -> None:
        toml = """
            surprise = 1
            [poll]
            interval = "x"
            initial = "y"
            colour = "red"
            [delivery]
            retry_min = "1h"
            [http]
            timeout = 0
        """
        keys = [problem.split()[0] for problem in problems(toml, {"LOG__LEVEL": "z"})]
        assert sorted(keys) == [
            *("betterstack.token", "delivery.retry_min", "http.timeout", "log.level", "poll.colour", "poll.initial"),
            *("poll.interval", "signl4.secret", "surprise"),
        ]

    def test_one_in_json_hides_no_other(self) -> None:
        environ = SECRETS | {"PAYLOAD__NEW": "{", "PAYLOAD__RESOLVED": "[", "POLL__INTERVAL": "x"}
        keys = [problem.split()[0] for problem in problems(environ=environ)]
        assert sorted(keys) == ["payload.new", "payload.resolved", "poll.interval"]


class TestJsonInTheEnvironment:
    @pytest.mark.parametrize("text", ["{", "Title", "{'Title': 1}", '{"a": }'])
    def test_that_is_none_is_a_mistake(self, text: str) -> None:
        [problem] = problems(environ=SECRETS | {"PAYLOAD__NEW": text})
        assert problem.startswith("payload.new is not JSON (")
        or_file = "" if text.startswith("{") else ", or name a file, like file:new.json"
        assert problem.endswith(f'; write it like {{"Title": "$NAME"}}{or_file}')

    @pytest.mark.parametrize("text", ["[" * 100_000, f"[{'9' * 5000}]"])
    def test_that_python_does_not_read_is_a_mistake(self, text: str) -> None:
        [problem] = problems(environ=SECRETS | {"PAYLOAD__NEW": text})
        assert problem.startswith("payload.new has a number that is too long, or is nested too deeply; write it like ")

    @pytest.mark.parametrize("text", ["[]", '"Title"', "null", "7", "true"])
    def test_that_is_no_table_is_a_mistake(self, text: str) -> None:
        [problem] = problems(environ=SECRETS | {"PAYLOAD__NEW": text})
        assert problem == "payload.new must be a table; write it as [payload.new] with its keys below"

    @pytest.mark.parametrize("text", ['{"a": NaN}', '{"a": 1e999}', '{"a": [-Infinity]}'])
    def test_that_holds_no_number_is_a_mistake(self, text: str) -> None:
        [problem] = problems(environ=SECRETS | {"PAYLOAD__NEW": text})
        assert problem.startswith("payload.new holds a number at 'a' ")

    @pytest.mark.parametrize("text", [r'{"Title": "\ud83d"}', r'{"\udc00": "x"}', r'{"a": [{"b": "\ud83d"}]}'])
    def test_that_cannot_be_sent_is_a_mistake(self, text: str) -> None:
        [problem] = problems(environ=SECRETS | {"PAYLOAD__NEW": text})
        assert problem.startswith("payload.new ")


class TestWhatOnlyTheConnectionWouldFind:
    """Both would otherwise end the daemon at its start with a traceback."""

    @pytest.mark.parametrize("proxy", ["garbage", "127.0.0.1:3128", "ftp://one.test", "socks5://one.test", "http://"])
    def test_a_proxy_that_cannot_be_used_is_a_mistake(self, proxy: str) -> None:
        [problem] = problems(environ=SECRETS | {"HTTP__PROXY": proxy})
        assert problem.startswith("http.proxy ")

    def test_a_ca_file_without_a_certificate_is_a_mistake(self, place: Path) -> None:
        (place / "ca.pem").write_text("nothing of the kind\n")
        [problem] = problems("http.ca_file = 'ca.pem'")
        assert problem.startswith("http.ca_file ")


class TestSecrets:
    @pytest.mark.parametrize("text", ["hunter2 ", "hunter2\nx", "hunter2\u2603", " hunter2", "hunter2\x00", "hun ter2"])
    @pytest.mark.parametrize("name", SECRETS)
    def test_are_not_shown_when_they_are_refused(self, name: str, text: str) -> None:
        [problem] = problems(environ=SECRETS | {name: text})
        key = name.lower().replace("__", ".")
        assert problem == f"{key} holds a space, a line break or a character outside ASCII; copy it again"

    def test_that_are_urls_are_not_shown_either(self) -> None:
        [problem] = problems(environ=SECRETS | {"SIGNL4__SECRET": "https://connect.signl4.com/webhook/hunter2"})
        assert problem == "signl4.secret looks like a URL; give only the part after /webhook/"

    @pytest.mark.parametrize("name", SECRETS)
    def test_that_are_empty_in_the_environment_are_called_empty(self, name: str) -> None:
        key = name.lower().replace("__", ".")
        for nothing in ("", " "):
            [problem] = problems(environ=SECRETS | {name: nothing})
            assert problem == f"{key} is empty: {name} in the environment holds nothing; write the value behind its ="

    @pytest.mark.parametrize("name", SECRETS)
    def test_that_are_empty_are_asked_for(self, name: str) -> None:
        key = name.lower().replace("__", ".")
        assert problems(f"{key} = ''", {other: SECRETS[other] for other in SECRETS if other != name}) == (
            f"{key} is empty; put the secret there",
        )

    @pytest.mark.parametrize("value", ["12345678", "['hunter2']", "{hunter2 = 1}", "hunter2"])
    @pytest.mark.parametrize("key", ["betterstack.token", "signl4.secret", "http.proxy"])
    def test_of_another_type_or_without_quotes_are_not_shown(self, key: str, value: str) -> None:
        text = "\n".join(problems(f"{key} = {value}", {}))
        assert not [part for part in ("hunter2", "12345678", "Undefined") if part in text]

    @pytest.mark.parametrize("key", ["betterstack.base_url", "signl4.base_url", "betterstack.dashboard_url"])
    def test_within_an_address_are_not_shown(self, key: str) -> None:
        [problem] = problems(environ=SECRETS | {variable(key): "https://jane:hunter2@one.test"})
        assert problem.startswith(key)
        assert "hunter2" not in problem

    def test_are_in_no_repr(self) -> None:
        whole = settings(
            betterstack={"token": "hunter1"}, signl4={"secret": "hunter2"}, http={"proxy": "http://h3.test"}
        )
        assert not [text for text in (repr(whole), str(whole), str(asdict(whole))) if "hunter" in text or "h3" in text]
        assert sorted(whole.secrets()) == ["http://h3.test", "hunter1", "hunter2"]
