"""The files that settings come from: what is wrong with them, and who else can read them."""

from pathlib import Path

import pytest

from daemon.config.load import load
from daemon.model.errors import ConfigError
from tests.support.owner import as_owner, needs_an_owner

SECRETS = {"BETTERSTACK__TOKEN": "the-token", "SIGNL4__SECRET": "the-secret"}
EMPTY = ["", "\n", "\r\n", "\n\n", " ", " \t\n"]
BOTH = "betterstack.token = 'the-token'\nsignl4.secret = 'the-secret'\n"

BOM = "begins with a byte order mark (BOM), which is not allowed there; save it as UTF-8 without BOM"
ENCODINGS = [
    ("utf-8-sig", BOM),
    ("utf-16", "begins with the byte order mark of UTF-16; save it as UTF-8"),
    ("latin-1", "is not UTF-8 in line 2; save it as UTF-8"),
]


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def problem(file: Path | None, environ: dict[str, str]) -> str:
    with pytest.raises(ConfigError) as caught:
        load(file, environ)
    [only] = caught.value.problems
    return only


class TestToml:
    @pytest.mark.parametrize(
        "content",
        [
            *(
                b"poll",
                b"[poll",
                b"a = ",
                b"[poll]\n[poll]",
                b"a = 1\na = 2",
                b"poll = 1\n[poll.x]",
                b'a = "\n"',
                b"a = 07",
            ),
            *(b"a = \x00", b"a = " + b"[" * 50_000),
        ],
        ids=lambda content: ascii(content[:10]),
    )
    def test_that_does_not_parse_is_a_mistake_with_its_line(self, place: Path, content: bytes) -> None:
        (place / "x.toml").write_bytes(content)
        sentence = problem(Path("x.toml"), SECRETS)
        assert sentence.startswith("x.toml is not valid TOML (")
        assert sentence.endswith("); mend that line: a text stands in quotes, also a name with spaces")

    @pytest.mark.parametrize(("encoding", "sentence"), ENCODINGS)
    def test_in_another_encoding_is_a_mistake_that_names_it(self, place: Path, encoding: str, sentence: str) -> None:
        (place / "x.toml").write_bytes('[betterstack]\nteam_name = "Büro"\n'.encode(encoding))
        assert problem(Path("x.toml"), SECRETS) == f"x.toml {sentence}"

    def test_that_is_missing_is_a_mistake_where_it_was_named(self) -> None:
        sentence = problem(Path("x.toml"), SECRETS)
        assert sentence == "x.toml cannot be read (No such file or directory); name another with --config, or mend it"
        assert problem(None, SECRETS | {"BETTERSTACK_SIGNL4_CONFIG": "x.toml"}) == sentence

    def test_that_is_a_directory_is_a_mistake_where_it_was_named(self, place: Path) -> None:
        (place / "config.toml").mkdir()
        assert problem(Path("config.toml"), SECRETS).startswith("config.toml cannot be read (Is a directory); ")
        assert load(None, SECRETS).file is None

    def test_with_carriage_returns_is_fine(self, place: Path) -> None:
        (place / "x.toml").write_bytes(b"[poll]\r\ninterval = '20s'\r\n")
        assert load(Path("x.toml"), SECRETS).settings.poll.interval.total_seconds() == 20

    @needs_an_owner
    @pytest.mark.parametrize("command", [("--config", "x.toml", "check"), ("check", "--config", "x.toml"), ("check",)])
    def test_that_may_not_be_read_is_a_mistake(self, place: Path, command: tuple[str, ...]) -> None:
        (place / "x.toml").touch(0o000)
        script = f"import os, sys; os.chdir({str(place)!r}); from daemon.cli.main import main; main()"
        asked = as_owner("-c", script, *command, environment={"BETTERSTACK_SIGNL4_CONFIG": "x.toml"})
        assert asked.returncode == 78
        assert asked.stderr.startswith("x.toml cannot be read (Permission denied); ")

    @pytest.mark.parametrize("section", ["betterstack", "signl4", "payload", "poll"])
    @pytest.mark.parametrize("value", ["5", "'token secret'", "[]"])
    def test_with_a_value_for_a_table_is_a_mistake_whatever_the_environment_adds(
        self, place: Path, section: str, value: str
    ) -> None:
        (place / "x.toml").write_text(f"{section} = {value}\n")
        environ = SECRETS | {"PAYLOAD__NEW": '{"Title": "x"}', "POLL__INTERVAL": "20s"}
        assert (
            problem(Path("x.toml"), environ)
            == f"{section} must be a table; write it as [{section}] with its keys below"
        )


class TestCredentials:
    @pytest.mark.parametrize("end", ["", "\n", "\r\n", "\n\n"])
    def test_lose_their_line_break(self, place: Path, end: str) -> None:
        (place / "betterstack.token").write_bytes(f"the-token{end}".encode())
        (place / "signl4.secret").write_bytes(f"the-secret{end}".encode())
        settings = load(None, {"CREDENTIALS_DIRECTORY": str(place)}).settings
        assert settings.secrets() == ("the-token", "the-secret")

    @pytest.mark.parametrize("text", ["the token", "the\ntoken", " token", "token \n"])
    def test_keep_everything_else(self, place: Path, text: str) -> None:
        (place / "betterstack.token").write_text(text)
        sentence = problem(None, {"SIGNL4__SECRET": "x", "CREDENTIALS_DIRECTORY": str(place)})
        assert sentence.startswith("betterstack.token holds a space")

    @pytest.mark.parametrize("text", EMPTY)
    def test_that_are_empty_count_as_not_given(self, place: Path, text: str) -> None:
        (place / "betterstack.token").write_text(text)
        (place / "signl4.secret").write_text(text)
        (place / "http.proxy").write_text(text)
        (place / "config.toml").touch(0o600)
        (place / "config.toml").write_text(BOTH)
        found = load(None, {"CREDENTIALS_DIRECTORY": str(place)})
        assert found.settings.secrets() == ("the-token", "the-secret")
        assert found.warnings == ()

    @pytest.mark.parametrize("text", EMPTY)
    def test_that_are_empty_are_called_empty_where_nothing_else_gives_them(self, place: Path, text: str) -> None:
        (place / "signl4.secret").write_text(text)
        sentence = problem(None, {"BETTERSTACK__TOKEN": "the-token", "CREDENTIALS_DIRECTORY": str(place)})
        assert sentence == (
            f"signl4.secret is empty: the credential file {place}/signl4.secret holds nothing; write the value into "
            "it, or under systemd into the file that LoadCredential= names"
        )

    @pytest.mark.parametrize(("encoding", "sentence"), [ENCODINGS[0], ("latin-1", "is not UTF-8 in line 1; save")])
    def test_in_another_encoding_are_a_mistake_that_names_it(self, place: Path, encoding: str, sentence: str) -> None:
        (place / "betterstack.token").write_bytes("hunter2ü".encode(encoding))
        said = problem(None, SECRETS | {"CREDENTIALS_DIRECTORY": str(place)})
        assert said.startswith(f"{place}/betterstack.token {sentence}")
        assert "hunter2" not in said

    def test_of_others_are_left_alone(self, place: Path) -> None:
        for name in ("tls.key", "other", "poll", ".hidden", "polls.interval"):
            (place / name).write_bytes(b"\xff")
        (place / "state").mkdir()
        assert load(None, SECRETS | {"CREDENTIALS_DIRECTORY": str(place)}).settings == load(None, SECRETS).settings

    def test_with_an_unknown_key_are_a_mistake(self, place: Path) -> None:
        (place / "signl4.secrets").write_text("x")
        sentence = problem(None, SECRETS | {"CREDENTIALS_DIRECTORY": str(place)})
        assert sentence == "signl4.secrets is not a known key; the nearest is signl4.secret"

    @pytest.mark.parametrize(
        ("kind", "why"),
        [
            ("missing", "credentials: No such file or directory"),
            ("file", "credentials: Not a directory"),
            ("directory", "credentials/signl4.secret: Is a directory"),
        ],
    )
    def test_that_cannot_be_read_are_a_mistake_that_names_the_file(self, place: Path, kind: str, why: str) -> None:
        directory = place / "credentials"
        if kind == "file":
            directory.touch()
        elif kind == "directory":
            (directory / "signl4.secret").mkdir(parents=True)
        sentence = problem(None, SECRETS | {"CREDENTIALS_DIRECTORY": str(directory)})
        assert sentence == f"the credentials cannot be read ({place}/{why}); mend what CREDENTIALS_DIRECTORY names"

    def test_are_none_where_the_variable_is_empty(self) -> None:
        Path("signl4.secret").write_text("another")
        assert load(None, SECRETS | {"CREDENTIALS_DIRECTORY": ""}).settings.secrets() == ("the-token", "the-secret")


class TestWhoElseCanRead:
    @pytest.mark.parametrize(
        ("toml", "mode", "warned"),
        [
            (BOTH, 0o644, True),
            (BOTH, 0o604, True),
            (BOTH, 0o640, False),
            (BOTH, 0o600, False),
            ("signl4.secret = 'the-secret'", 0o644, True),
            ("betterstack.token = 'the-token'", 0o644, True),
            ("http.proxy = 'http://jane:pw@one.test'", 0o644, True),
            ("poll.interval = '20s'\n[signl4]\n[http]\n", 0o644, False),
            ("", 0o666, False),
        ],
    )
    def test_a_file_with_a_secret_is_warned_of(self, place: Path, toml: str, mode: int, warned: bool) -> None:
        (place / "x.toml").write_text(toml)
        (place / "x.toml").chmod(mode)
        sentence = "x.toml holds a secret and everybody on this machine can read it; run: chmod o-rwx x.toml"
        assert load(Path("x.toml"), SECRETS).warnings == ((sentence,) if warned else ())

    @pytest.mark.parametrize(
        ("name", "mode", "warned"),
        [
            ("betterstack.token", 0o444, True),
            ("signl4.secret", 0o644, True),
            ("signl4.secret", 0o440, False),
            ("http.proxy", 0o644, True),
            ("poll.interval", 0o644, False),
        ],
    )
    def test_a_credential_is_warned_of(self, place: Path, name: str, mode: int, warned: bool) -> None:
        text = {"poll.interval": "20s", "http.proxy": "http://one.test"}.get(name, "secret")
        (place / name).write_text(text)
        (place / name).chmod(mode)
        warnings = load(None, SECRETS | {"CREDENTIALS_DIRECTORY": str(place)}).warnings
        assert [warning.split()[0] for warning in warnings] == ([str(place / name)] if warned else [])
