"""Templates as text: inline or in a file, with placeholders in quotes or bare."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.config.in_force import listed
from daemon.config.load import load
from daemon.config.template_text import MOST_BYTES, parsed
from daemon.model.errors import ConfigError
from tests.support.each import each
from tests.support.owner import as_owner, needs_an_owner

SECRETS = {"BETTERSTACK__TOKEN": "the-token", "SIGNL4__SECRET": "the-secret"}
RECIPE = '{\n  "Title": "$NAME",\n  "Id": $INCIDENT_ID,\n  "Data": $METADATA_ARRAY\n}\n'
BODY = {"Title": "$NAME", "Id": "$INCIDENT_ID", "Data": "$METADATA_ARRAY"}


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "etc").mkdir()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    yield tmp_path


def configured(place: Path, toml: str) -> Path:
    file = place / "etc" / "config.toml"
    file.write_text(toml)
    return file


BARE = {
    '{"a": $NAME}': {"a": "$NAME"},
    '{"a":$NAME,"b":[$CAUSE,$URL]}': {"a": "$NAME", "b": ["$CAUSE", "$URL"]},
    '{"a": ${NAME:80:-no name}}': {"a": "${NAME:80:-no name}"},
    '{"a": ${METADATA.Surrounding logs:-none}, "b": 1}': {"a": "${METADATA.Surrounding logs:-none}", "b": 1},
    '{"a": $METADATA.Surrounding logs , "b": 1}': {"a": "$METADATA.Surrounding logs", "b": 1},
    '{"a": $METADATA.Region}': {"a": "$METADATA.Region"},
    '{"a": [$METADATA.Region\n]}': {"a": ["$METADATA.Region"]},
    '{"a": $METADATA_ARRAY}': {"a": "$METADATA_ARRAY"},
    '{"a": "$NAME \\"$CAUSE\\" $URL"}': {"a": '$NAME "$CAUSE" $URL'},
    '{"a": "\\\\", "b": $NAME}': {"a": "\\", "b": "$NAME"},
    '{$NAME: "a"}': {"$NAME": "a"},
    '{"a": $unknown}': {"a": "$unknown"},
    '{"a": "5 $ each"}': {"a": "5 $ each"},
    "$METADATA_ARRAY": "$METADATA_ARRAY",
    "{}": {},
}


@each(("text", "value"), BARE.items())
def test_a_bare_placeholder_is_a_text_of_itself(text: str, value: object) -> None:
    assert parsed(text) == value


PLACES = {
    '{"a": $NAME "b": 1}': (1, 13),
    '{\n "a": $NAME,\n "b": $CAUSE $URL\n}': (3, 14),
    '{"a": $NAME - $CAUSE}': (1, 13),
    '{"a": $': (1, 7),
    '{"a": $NAME': (1, 12),
    '{"a": "$NAME': (1, 7),
    "": (1, 1),
}


@each(("text", "place"), PLACES.items())
def test_a_mistake_is_where_it_was_written(text: str, place: tuple[int, int]) -> None:
    with pytest.raises(json.JSONDecodeError) as caught:
        parsed(text)
    assert (caught.value.lineno, caught.value.colno) == place


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.sampled_from('a$N{}"\\,: \n')),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


@given(VALUES)
def test_json_without_bare_placeholders_is_read_as_ever(value: Any) -> None:
    assert parsed(json.dumps(value)) == value


@each(
    "text",
    [
        *("$" * 50_000, '"' * 50_000, "${" * 50_000, "$METADATA.a" * 20_000, '"\\' * 50_000, "$A" * 50_000),
        *("$METADATA.a" + " " * 50_000, "${" + " " * 50_000, "$METADATA.a }" * 10_000),
    ],
)
def test_a_long_text_is_read_in_no_time(text: str) -> None:
    with pytest.raises(json.JSONDecodeError):
        parsed(f"{{{text}")


class TestWhereItIsGiven:
    @pytest.mark.parametrize("kind", ["new", "acknowledged", "resolved"])
    @pytest.mark.parametrize("how", ["inline", "file", "absolute", "environment", "environment file", "credential"])
    def test_it_gives_the_same_body(self, place: Path, kind: str, how: str) -> None:
        (place / "etc" / "a body.json").write_text(RECIPE)
        environ, toml = dict(SECRETS), ""
        match how:
            case "inline":
                toml = f"[payload]\n{kind} = '''\n{RECIPE}'''\n"
            case "file":
                toml = f"payload.{kind} = 'file:a body.json'\n"
            case "absolute":
                toml = f"payload.{kind} = 'file:{place}/etc/a body.json'\n"
            case "environment":
                environ[f"PAYLOAD__{kind.upper()}"] = RECIPE
            case "environment file":
                environ[f"PAYLOAD__{kind.upper()}"] = "file:a body.json"
            case "credential":
                (place / "elsewhere" / f"payload.{kind}").write_text("file:a body.json\n")
                environ["CREDENTIALS_DIRECTORY"] = str(place / "elsewhere")
        payload = load(configured(place, toml), environ).settings.payload
        assert getattr(payload, kind) == BODY

    def test_without_a_configuration_file_a_path_begins_at_the_working_directory(self, place: Path) -> None:
        (place / "elsewhere" / "new.json").write_text(RECIPE)
        assert load(None, SECRETS | {"PAYLOAD__NEW": "file:new.json"}).settings.payload.new == BODY

    def test_what_is_overridden_is_not_read(self, place: Path) -> None:
        file = configured(place, "payload.new = 'file:missing.json'\n")
        assert load(file, SECRETS | {"PAYLOAD__NEW": RECIPE}).settings.payload.new == BODY

    def test_it_is_read_again_each_time(self, place: Path) -> None:
        file = configured(place, "payload.new = 'file:new.json'\n")
        for title in ("one", "two"):
            (place / "etc" / "new.json").write_text(f'{{"Title": "{title}"}}')
            assert load(file, SECRETS).settings.payload.new == {"Title": title}

    def test_the_settings_in_force_say_where_it_comes_from(self, place: Path) -> None:
        (place / "etc" / "new.json").write_text('{"Title": $NAME}')
        (place / "etc" / "over.json").write_text("{}")
        file = configured(place, "[payload]\nnew = 'file:new.json'\nacknowledged = '{}'\n")
        read = load(file, SECRETS | {"PAYLOAD__RESOLVED": f"file:{place}/etc/over.json"})
        [new, acknowledged, resolved] = [
            line for line in listed(read.settings, read.origins) if line.startswith("payload.")
        ]
        assert new == (
            f'payload.new = {{"Title" = "$NAME"}}  # template file {place}/etc/new.json, named by file {file}'
        )
        assert acknowledged == f"payload.acknowledged = {{}}  # file {file}"
        assert resolved == (
            f"payload.resolved = {{}}  # template file {place}/etc/over.json, "
            "named by environment variable PAYLOAD__RESOLVED"
        )


MISTAKES: dict[str, tuple[bytes, str]] = {
    "no JSON": (
        b'{\n  "Title": "$NAME"\n  "Id": 1\n}',
        "is not JSON in line 3, column 3 (Expecting ',' delimiter); mend it there, or leave payload.new out",
    ),
    "behind a bare placeholder": (
        b'{"Id": $INCIDENT_ID, "Data": $METADATA_ARRAY "x": 1}',
        "is not JSON in line 1, column 46 (Expecting ',' delimiter); mend it there, or leave payload.new out",
    ),
    "nothing": (b"", "is not JSON in line 1, column 1 (Expecting value); mend it there, or leave payload.new out"),
    "a list": (b"[$NAME]", 'holds a list, not an object; write it like {"Title": "$NAME"}'),
    "a placeholder": (b"$METADATA_ARRAY", 'holds a text, not an object; write it like {"Title": "$NAME"}'),
    "null": (b"null", 'holds null, not an object; write it like {"Title": "$NAME"}'),
    "true": (b"true", 'holds true or false, not an object; write it like {"Title": "$NAME"}'),
    "a number too long": (
        b'{"a": ' + b"1" * 5_000 + b"}",
        "has a number that is too long, or is nested too deeply; shorten it",
    ),
    "too large": (
        b" " * (MOST_BYTES + 1),
        "holds more than 100,000 bytes; shorten it, SIGNL4 takes about 10,000",
    ),
    "a byte order mark": (
        b"\xef\xbb\xbf{}",
        "begins with a byte order mark (BOM), which is not allowed there; save it as UTF-8 without BOM",
    ),
    "another encoding": (b'{\n"a": "\xfc"}', "is not UTF-8 in line 2; save it as UTF-8"),
}


def problem(file: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        load(file, SECRETS)
    [only] = caught.value.problems
    return only


@pytest.mark.parametrize(("content", "sentence"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_in_a_file_is_a_sentence_with_key_file_and_mend(place: Path, content: bytes, sentence: str) -> None:
    (place / "etc" / "new.json").write_bytes(content)
    file = configured(place, "payload.new = 'file:new.json'\n")
    assert problem(file) == f"payload.new: {place}/etc/new.json {sentence}"


def test_a_file_that_cannot_be_read_is_a_sentence(place: Path) -> None:
    file = configured(place, "payload.resolved = 'file:new.json'\n")
    where = f"payload.resolved: {place}/etc/new.json"
    missing = "cannot be read (No such file or directory); put it there, or mend the path behind file:"
    assert problem(file) == f"{where} {missing}"
    (place / "etc" / "new.json").mkdir()
    assert problem(file) == f"{where} is not a file; name one that holds the body as JSON"


def test_what_is_no_path_is_a_sentence(place: Path) -> None:
    said = problem(configured(place, 'payload.new = "file:a\\u0000b"\n'))
    assert said == f"payload.new: {place}/etc/a\0b is no path; mend what is behind file:"


def test_a_line_break_that_toml_made_is_told_with_the_quotes_that_make_none(place: Path) -> None:
    said = problem(configured(place, 'payload.new = """\n{\n  "a": "b\\n"\n}"""\n'))
    begin = "payload.new is not JSON (Invalid control character at: line 2 column 10 (char 11)); "
    assert said == f"{begin}a line break there is \\n; between three single quotes TOML leaves that as it is"
    fine = configured(place, "payload.new = '''\n{\n  \"a\": \"b\\n\"\n}'''\n")
    assert load(fine, SECRETS).settings.payload.new == {"a": "b\n"}


@needs_an_owner
def test_a_file_that_may_not_be_read_is_78_and_says_how_to_let_the_service(place: Path) -> None:
    file = configured(place, "payload.new = 'file:new.json'\n")
    (place / "etc" / "new.json").touch(0o000)
    asked = as_owner("-m", "daemon", "--config", file, "check", environment=SECRETS)
    new = f"{place}/etc/new.json"
    mend = f"let the service read it: chgrp betterstack-signl4 {new}; chmod 640 {new}"
    assert asked.returncode == 78
    assert asked.stderr == f"payload.new: {new} cannot be read (Permission denied); {mend}\n"


def test_commands_on_the_database_need_no_template_file(place: Path) -> None:
    file = configured(place, "payload.new = 'file:none.json'\n")
    assert load(file, {}, offline=True).settings.payload.new["Title"] == "$NAME"


def test_a_mistake_hides_no_other(place: Path) -> None:
    file = configured(place, "payload.new = 'file:none.json'\npayload.resolved = '{'\npoll.interval = 'x'\n")
    with pytest.raises(ConfigError) as caught:
        load(file, SECRETS)
    assert sorted(sentence.split()[0] for sentence in caught.value.problems) == [
        "payload.new:",
        "payload.resolved",
        "poll.interval",
    ]


def test_a_key_that_is_none_is_still_called_so(place: Path) -> None:
    assert problem(configured(place, "payload.news = 'file:new.json'\n")).startswith("payload.news is not a known key")


@pytest.mark.parametrize("text", ['{"a":' * 9_000 + "1" + "}" * 9_000, '{"a":' * 9_000])
def test_what_is_nested_too_deeply_is_a_sentence_whichever_part_of_python_finds_it(text: str) -> None:
    """Up to 3.12 its JSON does; from 3.13 on that reads so deep a text."""
    with pytest.raises(
        ConfigError,
        match=r"nested too deeply; (shorten it|write it like)|is not JSON in line 1, column 45001 |is not JSON \(",
    ):
        load(None, SECRETS | {"PAYLOAD__NEW": text})
