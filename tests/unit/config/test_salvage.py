"""Of a configuration that is not valid, what the listings need is found as long as its line is whole."""

from pathlib import Path

import pytest

from daemon.config.load import load
from daemon.config.salvage import salvage
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
    settings = salvage(file, {}).settings
    found = (settings.database.url, settings.poll.interval.total_seconds(), settings.alarm.poll_after.total_seconds())
    assert found == expected
    if old:
        with pytest.raises(ConfigError):
            load(file, {}, offline=True)


def test_the_environment_counts_as_ever(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(GOOD.replace("[poll]", "[poll"))
    settings = salvage(tmp_path / "config.toml", {"DATABASE__URL": "sqlite:////elsewhere.db"}).settings
    assert settings.database.url == "sqlite:////elsewhere.db"


def test_what_cannot_be_read_or_is_wrong_in_the_environment_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        salvage(tmp_path / "none.toml", {})
    (tmp_path / "config.toml").write_text(GOOD)
    with pytest.raises(ConfigError, match=r"database\.url"):
        salvage(tmp_path / "config.toml", {"DATABASE__URL": "nowhere"})
