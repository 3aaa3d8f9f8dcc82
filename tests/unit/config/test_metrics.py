"""`[metrics]`: nothing is shown unless it is asked for, and nothing to other machines unless that is asked for, too."""

import pytest

from daemon.config.metrics import Address, MetricsSection, address
from daemon.model.errors import ConfigError
from tests.support.each import each
from tests.support.values import settings

ADDRESSES = {
    "127.0.0.1:9464": Address("127.0.0.1", 9464),
    "127.8.9.1:0": Address("127.8.9.1", 0),
    "[::1]:9464": Address("::1", 9464),
    "localhost:9464": Address("localhost", 9464),
    "unix:/run/a b.sock": Address(path="/run/a b.sock"),
}


@each("text", ADDRESSES)
def test_an_address_of_this_machine_needs_nothing_else(text: str) -> None:
    assert address(text) == ADDRESSES[text]
    assert settings(metrics={"listen": text}).metrics.is_on


def test_by_default_nothing_is_shown() -> None:
    assert settings().metrics == MetricsSection()
    assert not settings().metrics.is_on
    assert settings(metrics={"textfile": "/a.prom"}).metrics.is_on


@each("text", ["0.0.0.0:9464", "[::]:9464", "192.0.2.1:9464", "[2001:db8::1]:9464"])
def test_an_address_that_others_reach_needs_a_word(text: str) -> None:
    with pytest.raises(ConfigError) as refused:
        settings(metrics={"listen": text})
    [problem] = refused.value.problems
    assert problem == (
        f"metrics.listen ({text!r}) is reached from other machines, without a password and in the clear; take a "
        "loopback address like 127.0.0.1:9464, or set metrics.remote = true"
    )
    assert settings(metrics={"listen": text, "remote": True}).metrics.listen == text


FORM = "write it like 127.0.0.1:9464, [::1]:9464 or unix:/run/betterstack-signl4/metrics.sock"
TOO_LONG = "unix:/" + "x" * 107
MISTAKES = {
    **dict.fromkeys(
        (
            *("127.0.0.1", "9464", ":9464", "::1:9464", "prometheus:9464", "127.0.0.1:port", "127.0.0.1:65536", ""),
            *("http://127.0.0.1:9464", "127.0.0.1:9464/metrics", "u@127.0.0.1:1", "127.0.0.1:9464 ", "127.0.0.1:-1"),
        ),
        f"is no address with a port; {FORM}",
    ),
    **dict.fromkeys(["unix:", "unix:metrics.sock", "unix:/run/", "unix:/a\n"], "needs the whole path of a socket"),
    TOO_LONG: "is longer than the 107 bytes that the path of a socket may have; shorten it",
}


@each("text", MISTAKES)
def test_anything_else_is_a_sentence_with_the_mend(text: str) -> None:
    with pytest.raises(ConfigError) as refused:
        settings(metrics={"listen": text, "remote": True})
    [problem] = refused.value.problems
    assert problem.startswith("metrics.listen ")
    assert MISTAKES[text] in problem


def test_the_longest_path_is_taken() -> None:
    assert address(TOO_LONG[:-1]).path == TOO_LONG[5:-1]


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("x.prom", "is not the whole path of a file; write it from / on, in node_exporter's textfile directory"),
        ("/a/x.txt", "does not end with .prom; give it that ending: node_exporter reads no other file"),
        ("/a/.prom", "does not end with .prom; give it that ending: node_exporter reads no other file"),
    ],
)
def test_a_file_that_node_exporter_would_not_read_is_refused(path: str, sentence: str) -> None:
    with pytest.raises(ConfigError) as refused:
        settings(metrics={"textfile": path})
    assert refused.value.problems == (f"metrics.textfile ({path!r}) {sentence}",)
