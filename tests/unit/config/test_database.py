"""`[database]` and `[lease]`: where the state may be, and how long a lease may last."""

import sys
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis.strategies import characters, text
from psycopg.conninfo import conninfo_to_dict

from daemon.cli.diagnose import plan
from daemon.config.configuration import Configuration, differences
from daemon.config.database import FORMS, NO_DRIVER, database_url
from daemon.config.in_force import listed
from daemon.config.load import load
from daemon.config.place import Place, place
from daemon.config.settings import Settings
from daemon.config.types import duration as read
from daemon.config.types import spelled
from daemon.config.validate import validated
from daemon.decisions.database_remarks import database_remarks
from daemon.model.errors import ConfigError
from daemon.model.redact import redacted
from daemon.storage.place import for_libpq, passwords, shown
from daemon.storage.server_url import ENCODED, FORM
from tests.support.each import each
from tests.support.values import mistake, settings

GIVEN = {"betterstack": {"token": "the-token"}, "signl4": {"secret": "the-secret"}}
SECRETS = {"BETTERSTACK__TOKEN": "the-token", "SIGNL4__SECRET": "the-secret"}
SERVER = "postgresql+psycopg://daemon:hunter2@db.test/alerts"


def on_a_server(duration: str, timeout: str) -> Settings:
    return validated(
        GIVEN | {"database": {"url": SERVER}, "lease": {"duration": duration}, "http": {"timeout": timeout}}, {}
    )


TAKEN = (
    "postgresql+psycopg://daemon@db.test/alerts",
    "postgresql+psycopg://daemon:hunter2@db.test:5433/alerts",
    "postgresql://daemon:a%40b%2Fc%3Ad@one.test:5432,two.test:5433/alerts?target_session_attrs=read-write&sslmode=verify-full",
    "postgresql+psycopg:///alerts",
    "postgresql+psycopg:///alerts?host=/var/run/postgresql&port=5433",
    "postgresql+psycopg://daemon@%2Fvar%2Frun%2Fpostgresql/alerts",
    "postgresql+psycopg://[::1]:5432/alerts",
    "postgresql+psycopg://?service=alerts",
    "postgresql+psycopg://daemon:a?b#c:d@db.test/alerts",
)
MISTAKES = {
    "postgresql+psycopg://db.test": f"names no database; {FORM}",
    "postgresql+psycopg://daemon:hunter2@db.test/": f"names no database; {FORM}",
    "postgresql+psycopg://": f"names no database; {FORM}",
    "postgresql+psycopg://daemon:hunter2@2@db.test/alerts": ENCODED,
    "postgresql+psycopg://daemon:hunter2/2@db.test/alerts": ENCODED,
    "postgresql+psycopg://daemon:hunter2%zz@db.test/alerts": ENCODED,
    "postgresql+psycopg://daemon:hunter2%00@db.test/alerts": ENCODED,
    "postgresql+psycopg://daemon:hunter2 2@db.test/alerts": ENCODED,
    "postgresql+psycopg://db.test:hunter2/alerts": ENCODED,
    "postgresql+psycopg://db.test:65536/alerts": "has a port that is none; take 1 to 65535",
    "postgresql+psycopg://db.test:1,two.test:0/alerts": "has a port that is none; take 1 to 65535",
    "postgresql+psycopg://daemon:hunter2@db.test/alerts?pool_size=3": (
        'has "pool_size" behind its ?, which PostgreSQL does not know; leave it out or correct it'
    ),
    "postgresql+psycopg://db.test/alerts?hunter2": f"is no URL of a database; {FORM}",
    "postgresql+psycopg://[::1/alerts": f"is no URL of a database; {FORM}",
    "postgresql+psycopg://daemon:hunter2\n@db.test/alerts": (
        f"holds a line break or another character that nobody sees; {FORM}"
    ),
    **dict.fromkeys(
        [
            "postgres://db.test/alerts",
            "postgresql+asyncpg://daemon:hunter2@db.test/a",
            "POSTGRESQL+psycopg2://db.test/a",
        ],
        "is of a driver that this program does not use; begin it with postgresql+psycopg://",
    ),
    **dict.fromkeys(
        ["mysql://daemon:hunter2@db.test/alerts", "db.test/alerts", "'postgresql://db.test/alerts'"], FORMS
    ),
}


class TestAServer:
    @each("url", TAKEN)
    def test_is_taken_as_it_is(self, url: str) -> None:
        assert validated(GIVEN | {"database": {"url": url}}, {}).database.url == url

    @each(("url", "sentence"), MISTAKES.items())
    def test_that_is_a_mistake_is_told_with_the_mend_and_without_the_password(self, url: str, sentence: str) -> None:
        with pytest.raises(ConfigError) as refused:
            validated(GIVEN | {"database": {"url": url}}, {})
        [said] = refused.value.problems
        assert said.removeprefix(f"database.url ({url!r}) ").removeprefix("database.url ") == sentence
        assert "hunter2" not in sentence
        assert "@" not in url or url not in said

    def test_without_its_driver_is_a_mistake_with_the_mend(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "daemon.storage.server_url", None)
        assert mistake("database", "url", "postgresql+psycopg:///alerts") == NO_DRIVER


class TestThePassword:
    """Whatever has it in it, nobody reads it."""

    URLS = (
        SERVER,
        "postgresql+psycopg://db.test/alerts?user=daemon&password=hunter2",
        "postgresql+psycopg://daemon@db.test/alerts?sslkey=/k&sslpassword=hunter2&sslmode=require",
    )

    @each("url", URLS)
    def test_shows_nowhere(self, url: str) -> None:
        whole = validated(GIVEN | {"database": {"url": url}}, {})
        other = validated(GIVEN | {"database": {"url": url.replace("db.test", "two.test")}}, {})
        file = validated(GIVEN, {})
        texts = [repr(whole), *listed(whole, {}), *plan(Configuration(whole, None, ()))]
        texts += [*differences(whole, other), *differences(file, whole), repr(Place.of(whole))]
        assert [text for text in texts if "hunter2" in text] == []
        assert any("two.test/alerts" in text for text in differences(whole, other))

    @each("url", URLS)
    def test_is_redacted(self, url: str) -> None:
        whole = validated(GIVEN | {"database": {"url": url}}, {})
        assert "hunter2" in whole.secrets()
        assert redacted(f"no such host: {url}", *whole.secrets()) == f"no such host: {url.replace('hunter2', '***')}"

    def test_is_redacted_as_it_is_written_and_as_it_is(self) -> None:
        whole = validated(GIVEN | {"database": {"url": "postgresql://daemon:a%40b@db.test/alerts"}}, {})
        assert {"a%40b", "a@b"} <= set(whole.secrets())

    @given(text(characters(codec="utf-8", exclude_characters="\0"), min_size=1), text(alphabet="ab&c=/", max_size=5))
    def test_of_any_characters_is_taken_hidden_and_redacted(self, password: str, behind: str) -> None:
        written = quote(password, safe="")
        for url in (
            f"postgresql+psycopg://alerts:{written}@db.test:5432,two.test/alerts?application_name={quote(behind)}",
            f"postgresql+psycopg://alerts@db.test/alerts?sslmode=require&password={written}&application_name=x",
        ):
            assert database_url(url) == url
            assert conninfo_to_dict(for_libpq(url))["password"] == password
            assert {password, written} <= set(passwords(url))
            assert database_url(shown(url)) == shown(url)
            assert passwords(shown(url)) in {(), ("***",)}

    @each(("url", "exposed"), [(SERVER, True), (SERVER.replace(":hunter2", ""), False), ("sqlite:///a.db", False)])
    def test_in_a_file_that_everybody_can_read_is_warned_of(self, url: str, exposed: bool, tmp_path: Path) -> None:
        file = tmp_path / "config.toml"
        file.write_text(f"[database]\nurl = '{url}'\n")
        file.chmod(0o644)
        assert bool(load(file, SECRETS).warnings) is exposed

    def test_can_be_a_credential(self, tmp_path: Path) -> None:
        (tmp_path / "database.url").write_text(f"{SERVER}\n")
        (tmp_path / "database.url").chmod(0o400)
        found = load(Path("/dev/null"), SECRETS | {"CREDENTIALS_DIRECTORY": str(tmp_path)})
        assert (found.settings.database.url, found.warnings) == (SERVER, ())
        assert place(Path("/dev/null"), {"CREDENTIALS_DIRECTORY": str(tmp_path)}).url == SERVER


@each(
    ("option", "remark"),
    [
        ("options=-cstatement_timeout%3D9", "database.url has options=, which PgBouncer refuses; leave it out, "),
        ("target_session_attrs=any", "database.url has target_session_attrs=any, with which a server that only "),
        ("target_session_attrs=prefer-standby", "database.url has target_session_attrs=prefer-standby, with which "),
    ],
)
def test_an_option_that_hardly_works_is_warned_of(option: str, remark: str) -> None:
    [said] = database_remarks(validated(GIVEN | {"database": {"url": f"{SERVER}?sslmode=require&{option}"}}, {}))
    assert said.startswith(remark)
    assert "hunter2" not in said


@each("url", [*TAKEN, "sqlite:///options=.db", "sqlite:///a&options=1.db"])
def test_any_other_is_not(url: str) -> None:
    assert list(database_remarks(validated(GIVEN | {"database": {"url": url}}, {}))) == []


class TestALease:
    @each(("duration", "timeout"), [("25s", "15s"), ("30s", "20s"), ("12s", "2s"), ("130s", "2m"), ("10m", "2m")])
    def test_outlasts_each_request(self, duration: str, timeout: str) -> None:
        assert spelled(on_a_server(duration, timeout).lease.duration) == spelled(read(duration))

    @each(
        ("duration", "timeout", "least"),
        [
            ("24.999s", "15s", "25s"),
            ("30s", "21s", "31s"),
            ("2m", "2m", "130s"),
            ("20s", "1m", "70s"),
            ("12s", "2.5s", "12.5s"),
        ],
    )
    def test_that_is_too_short_for_a_request_is_a_mistake_with_the_mend(
        self, duration: str, timeout: str, least: str
    ) -> None:
        with pytest.raises(ConfigError) as refused:
            on_a_server(duration, timeout)
        [sentence] = refused.value.problems
        assert sentence.startswith(f"lease.duration ({duration}) is too short for http.timeout ({timeout}): ")
        assert sentence.endswith(f"; make it at least {least}, or http.timeout shorter")

    def test_is_nothing_to_who_has_no_server(self) -> None:
        assert settings(lease={"duration": "12s"}, http={"timeout": "2m"}) is not None

    @each("duration", ["11.9s", "601s", "0s", "1d"])
    def test_out_of_range_is_a_mistake(self, duration: str) -> None:
        assert mistake("lease", "duration", duration) == "is out of range; take 12s to 10m"
