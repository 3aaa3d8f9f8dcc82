"""What a command on the database needs is found also in a configuration that is not valid, if its line is whole."""

from pathlib import Path

import pytest

from daemon.config.load import load
from daemon.config.place import Place, place
from daemon.model.errors import ConfigError
from tests.support.each import each

GOOD = """
# url = "sqlite:///comment.db"
[poll]
interval = "7m"
active_interval = "1s"

[database]
url = "sqlite:////var/lib/x/state.db" # here

[alarm]
poll_after = 90
"""
WHOLE = ("sqlite:////var/lib/x/state.db", 420, 90)
PLACE_ALONE = ("sqlite:////var/lib/x/state.db", 30, 300)
BROKEN: dict[str, tuple[str, str, tuple[str, float, float]]] = {
    "nothing": ("", "", WHOLE),
    "an unknown key": ("[poll]", "[poll]\nintervall = 1", WHOLE),
    "a value of the wrong kind": ('"1s"', "{}", WHOLE),
    "a duration that is none": ('"7m"', '"soon"', PLACE_ALONE),
    "a quote that is not closed": ('"1s"', '"1s', WHOLE),
    "a header that is not closed": ("[poll]", "[poll", (WHOLE[0], 30, 90)),
    "the header of the database": ("[database]", "[database", ("sqlite:///state.db", 420, 90)),
    "a header whose keys have a name of ours": ("[alarm]", '[heartbeat\nurl = "sqlite:///no.db"\n[alarm]', WHOLE),
    "half a file": ("\n[alarm]\npoll_after = 90\n", "\n[alarm]\npoll_af", (WHOLE[0], 420, 300)),
    "a text of several lines that does not end": ("[alarm]", '[signl4]\nsecret = """\n[alarm]', WHOLE),
    "bytes that are no text": ("# url", "# \udcff url", WHOLE),
    "a byte order mark": ('\n# url = "sqlite:///comment.db"\n', "\ufeff", WHOLE),
    "a key with its section": ("[poll]", 'log.level = "loud"\n[poll]', WHOLE),
}


@each("what", BROKEN)
def test_a_mistake_hides_nothing_but_its_line(tmp_path_factory: pytest.TempPathFactory, what: str) -> None:
    old, new, expected = BROKEN[what]
    file = tmp_path_factory.mktemp("broken") / "config.toml"
    file.write_text(GOOD.replace(old, new, 1), errors="surrogateescape")
    found = place(file, {})
    assert (found.url, found.poll_interval.total_seconds(), found.poll_after.total_seconds()) == expected
    if old:
        with pytest.raises(ConfigError):
            load(file, {}, offline=True)
    else:
        assert found == Place.of(load(file, {}, offline=True).settings)


def test_the_environment_counts_as_ever(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(GOOD.replace("[poll]", "[poll"))
    assert (
        place(tmp_path / "config.toml", {"DATABASE__URL": "sqlite:////elsewhere.db"}).url == "sqlite:////elsewhere.db"
    )


def test_credentials_count_as_ever(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(GOOD)
    (tmp_path / "poll.interval").write_text("11s\n")
    found = place(tmp_path / "config.toml", {"CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert found.poll_interval.total_seconds() == 11


def test_without_a_configuration_it_is_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert place(None, {}) == Place.of(load(None, {}, offline=True).settings)


def test_what_cannot_be_read_or_is_wrong_in_the_environment_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        place(tmp_path / "none.toml", {})
    (tmp_path / "config.toml").write_text(GOOD)
    with pytest.raises(ConfigError, match=r"database\.url"):
        place(tmp_path / "config.toml", {"DATABASE__URL": "nowhere"})


def test_how_long_nobody_may_be_on_duty_counts_unless_it_is_no_duration(tmp_path: Path) -> None:
    for written, expected in (("2h", 7200), ("soon", None)):
        (tmp_path / "config.toml").write_text(f"{GOOD}\n[duty]\nwarn_after = '{written}'\n")
        found = place(tmp_path / "config.toml", {})
        assert (found.warn_after and found.warn_after.total_seconds()) == expected
