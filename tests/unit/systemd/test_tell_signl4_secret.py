"""Every secret goes over the wire as the program sends it, and nowhere else."""

import os
import string
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.support.listener import Listener, answering, listening
from tests.support.tell_signl4 import SECRET, Place, path_of, place
from tests.support.values import mistake

TAKEN = b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}"
ACCEPTED = sorted(set(string.ascii_letters + string.digits + string.punctuation) - set("/?#:"))
"""What a secret may hold; `daemon.config.types` says so."""
SECRETS = {
    "plain": "96sbq49u",
    "every character that is accepted": "".join(ACCEPTED),
    "a quote": 'a"b',
    "quotes around it": '"96sbq49u"',
    "single quotes": "'a'b'",
    "a backslash": "a\\b\\",
    "escapes": "a\\nb\\tc\\\\",
    "percent": "100%",
    "percent-encoded already": "a%20b%2Fc%zz%",
    "braces": "a{b,c}d",
    "brackets": "a[1-3]b",
    "an open brace": "a{b",
    "a bracket that closes": "]a",
    "a leading @": "@config",
    "a leading dash": "-otmp",
    "dollar and backquote": "$HOME`id`$(id)",
    "an asterisk": "*",
    "a blank inside": "a b",
    "blanks around it": " ab ",
    "a tab": "a\tb",
    "a hash": "a#b",
    "a question mark": "a?b=c&d",
    "slashes": "https://connect.signl4.com/webhook/96sbq49u",
    "beyond ASCII": "gr\N{LATIN SMALL LETTER U WITH DIAERESIS}\N{LATIN SMALL LETTER SHARP S}\N{KEY}",
    "a line break inside": "a\nb",
    "long": "0123456789abcdef" * 64,
}
TOOLS = "awk cat curl dd grep gzip head od rm sed sleep tail tr".split()
"""All that the script calls: without curl, what Debian calls essential, or needs for that."""
ENDINGS = ["", "\n", "\r\n", "\r\n\r\n", "\n\n"]


@contextmanager
def heard(root: Path, secret: str, **more: str) -> Iterator[tuple[Place, Listener]]:
    with listening(answering(TAKEN)) as signl4:
        yield place(root, f'[signl4]\nbase_url = "{signl4.url}"\n', signl4__secret=secret, **more), signl4


def assert_alike(root: Path, secret: str, ending: str = "") -> None:
    with heard(root, secret + ending) as (ours, signl4):
        told = ours.tell()
        assert (told.returncode, told.stderr) == (0, "")
        (root / "credentials" / "signl4.secret").write_text(SECRET)
        ours.send(secret)
    script, program = signl4.asked
    assert path_of(script) == path_of(program)


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_is_sent_as_the_program_sends_it(tmp_path: Path, name: str) -> None:
    """Those too that its settings would refuse."""
    assert_alike(tmp_path, SECRETS[name])


def test_a_secret_behind_a_byte_order_mark_is_sent_without_it(tmp_path: Path) -> None:
    """The program refuses it, and that is what is to be told."""
    with heard(tmp_path, f"\ufeff{SECRET}\n") as (ours, signl4):
        assert ours.tell().returncode == 0
    [asked] = signl4.asked
    assert path_of(asked).endswith(f"/webhook/{SECRET}".encode())


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_secret_may_end_as_any_editor_ends_it(tmp_path: Path, ending: str) -> None:
    assert_alike(tmp_path, SECRETS["every character that is accepted"], ending)


def is_accepted(secret: str) -> bool:
    """Whether the program takes it: what stands in place of a secret is refused, whatever its characters are."""
    return mistake("signl4", "secret", secret) is None


@given(secret=st.text(ACCEPTED, min_size=1, max_size=40), ending=st.sampled_from(ENDINGS))
@settings(max_examples=25)
def test_whatever_secret_the_program_accepts_both_send_alike(
    tmp_path_factory: pytest.TempPathFactory, secret: str, ending: str
) -> None:
    assume(secret not in {".", ".."} and is_accepted(secret))
    with heard(tmp_path_factory.mktemp("secret"), secret + ending) as (ours, signl4):
        assert ours.tell().returncode == 0
        ours.send()
    script, program = signl4.asked
    assert path_of(script) == path_of(program)


@pytest.mark.parametrize(
    ("where", "name"),
    [
        *(("HOME", ".curlrc"), ("HOME", ".config/curlrc"), ("HOME", ".netrc"), ("CURL_HOME", ".curlrc")),
        *(("CURL_HOME", ".config/curlrc"), ("XDG_CONFIG_HOME", "curlrc"), ("XDG_CONFIG_HOME", ".curlrc")),
    ],
)
def test_no_file_of_curls_is_read(tmp_path: Path, where: str, name: str) -> None:
    home = tmp_path / "home"
    (home / name).parent.mkdir(parents=True)
    log = tmp_path / "said"
    (home / name).write_text(f'verbose\ntrace-ascii = "{log}"\nproxy = "http://127.0.0.1:1"\ndump-header = "{log}"\n')
    with heard(tmp_path, SECRET) as (ours, _):
        told = ours.tell(**{where: str(home)})
    assert (told.returncode, told.stdout, told.stderr) == (0, "", "")
    assert not log.exists()


TROUBLES = {
    "a refusal": {"HTTP__PROXY": "http://127.0.0.1:1"},
    "a password in the proxy": {"HTTPS_PROXY": "http://jane:hunter2@127.0.0.1:1"},
    "an address that is none": {"SIGNL4__BASE_URL": "https://["},
    "a port that is none": {"SIGNL4__BASE_URL": "https://127.0.0.1:99999"},
    "globs": {"SIGNL4__BASE_URL": "https://127.0.0.1:1/[a-/{b"},
    "a name that nobody knows": {"SIGNL4__BASE_URL": "https://nowhere.invalid"},
    "a proxy that is none": {"HTTP__PROXY": "socks5://jane:hunter2@127.0.0.1:99999"},
    "no proxy at all": {"HTTP__PROXY": "gopher://jane:hunter2@127.0.0.1"},
    "a user without a password": {"HTTPS_PROXY": "http://hunter2@127.0.0.1:1"},
}


@pytest.mark.parametrize(
    ("trouble", "secret"),
    [
        *((trouble, 'a"b\\c%d{e') for trouble in TROUBLES),
        *product(["a password in the proxy", "globs"], ["96sbq49u", "a b\nc"]),
    ],
)
def test_no_trouble_shows_a_secret_or_a_password(tmp_path: Path, trouble: str, secret: str) -> None:
    """SIGNL4 itself is out of reach, behind a proxy that is not there."""
    environment = {"SIGNL4__BASE_URL": "https://127.0.0.1:1", "ALL_PROXY": "http://127.0.0.1:1"} | TROUBLES[trouble]
    told = place(tmp_path, signl4__secret=secret).tell(**environment)
    said = told.stdout + told.stderr
    assert told.returncode == 1
    assert "SIGNL4 was not reached: curl ended with " in said
    assert not any(part in said for part in (secret, "hunter2", "a%22b", "a%20b"))


def test_no_command_line_holds_the_secret(tmp_path: Path) -> None:
    """Everything that the script starts is found by name, so each can be replaced by one that writes down its own."""
    (tmp_path / "bin").mkdir()
    log = tmp_path / "lines"
    shim = '#!/bin/sh\nprintf \'%s \' "$0" "$@" >>{}\nPATH=${{PATH#*:}} exec "${{0##*/}}" "$@"\n'
    for name in TOOLS:
        (tmp_path / "bin" / name).write_text(shim.format(log))
        (tmp_path / "bin" / name).chmod(0o755)
    with heard(tmp_path, SECRET, http__proxy="http://jane:hunter2@127.0.0.1:1") as (ours, signl4):
        told = ours.tell(PATH=f"{tmp_path}/bin:{os.environ['PATH']}", NO_PROXY="127.0.0.1")
    assert (told.returncode, len(signl4.asked)) == (0, 1)
    lines = log.read_text()
    assert "/bin/curl -q --config -" in lines
    assert not any(part in lines for part in (SECRET, "hunter2", "jane"))


def test_what_the_script_calls_is_what_every_debian_has(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    for name in TOOLS:
        where = subprocess.run(["which", name], check=True, capture_output=True, text=True).stdout.strip()
        (tmp_path / "bin" / name).symlink_to(where)
    with heard(tmp_path, SECRET) as (ours, _):
        told = ours.tell(PATH=f"{tmp_path}/bin")
    assert (told.returncode, told.stderr) == (0, "")


@pytest.mark.parametrize("content", ["", "\n", " \r\n", None])
def test_a_secret_that_is_not_there_is_named(tmp_path: Path, content: str | None) -> None:
    ours = place(tmp_path, signl4__secret=content or "")
    if content is None:
        (ours.credentials / "signl4.secret").unlink()
    told = ours.tell()
    assert told.returncode == 1
    assert "write the secret into /etc/betterstack-signl4/config/signl4.secret" in told.stderr


def test_a_secret_in_the_configuration_or_the_environment_is_found_too(tmp_path: Path) -> None:
    with heard(tmp_path, "") as (ours, signl4):
        ours.config.write_text(f"{ours.config.read_text()}secret = 'in \"the\" file'\n")
        assert ours.tell().returncode == 0
        ours.mark.unlink()
        assert ours.tell(SIGNL4__SECRET="of-the-environment").returncode == 0
    assert [path_of(asked) for asked in signl4.asked] == [
        b"/webhook/in%20%22the%22%20file",
        b"/webhook/of-the-environment",
    ]


QUOTING = r"""#!/bin/sh
{ sed -n 's/^url = "\(.*\)"$/no such thing: \1/p; s/^proxy-user = "jane:\(.*\)"$/nor \1 nor/p'; echo 'p@ss"'; } |
    tr '\n' ' ' | sed "s/^/$(printf '\036')000 3 /; s/\$/$(printf '\036')/" >&2
exit 3
"""
"""A curl that says what it was told."""


@pytest.mark.parametrize("secret", ["96sbq49u", "a%b'c", "***"])
def test_a_curl_that_quotes_what_it_was_given_shows_no_secret(tmp_path: Path, secret: str) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "curl").write_text(QUOTING)
    (tmp_path / "bin" / "curl").chmod(0o755)
    told = place(tmp_path, signl4__secret=secret).tell(
        PATH=f"{tmp_path}/bin:{os.environ['PATH']}", HTTP__PROXY='http://jane:p@ss"@127.0.0.1:1'
    )
    assert told.returncode == 1
    said = "no such thing: https://connect.signl4.com/webhook/*** nor *** nor ***"
    assert told.stderr == f"SIGNL4 was not reached: curl ended with 3 {said} \n"
