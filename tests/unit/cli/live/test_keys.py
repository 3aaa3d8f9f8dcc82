"""Keys, from what a terminal sends."""

from daemon.cli.live.keys import Key, Keys
from tests.support.each import each

SENT = [
    (b"q", ["q"]),
    (b"\x1b[A\x1b[B", [Key.UP, Key.DOWN]),
    (b"\x1bOA", [Key.UP]),
    (b"\x1b[5~\x1b[6~", [Key.PAGE_UP, Key.PAGE_DOWN]),
    (b"\x1b[H\x1b[F\x1b[1~\x1b[4~", [Key.HOME, Key.END, Key.HOME, Key.END]),
    (b"\t\x1b[Z", [Key.TAB, Key.TAB]),
    (b"\r\n", [Key.ENTER, Key.ENTER]),
    (b"\x7f\b", [Key.ERASE, Key.ERASE]),
    (b"a\x1b[1;5Cb", ["a", "b"]),
    (b"\x1b[15~\x00\x01", []),
    ("grün\u202e".encode(), ["g", "r", "ü", "n"]),
    (b"\xff", ["\N{REPLACEMENT CHARACTER}"]),
    (b"\x1bq", [Key.ESCAPE, "q"]),
]


@each(("sent", "keys"), SENT)
def test_each_key_is_known_and_all_others_are_left_out(sent: bytes, keys: list[str]) -> None:
    assert Keys().feed(sent) == keys


@each(("sent", "keys"), SENT)
def test_a_key_that_comes_in_pieces_is_one_key(sent: bytes, keys: list[str]) -> None:
    pieces = Keys()
    found = [key for number in range(len(sent)) for key in pieces.feed(sent[number : number + 1])]
    assert [*found, *pieces.finish()] == keys


def test_escape_is_a_key_once_nothing_follows() -> None:
    keys = Keys()
    assert keys.feed(b"\x1b") == []
    assert keys.unfinished is True
    assert [keys.finish(), keys.finish()] == [[Key.ESCAPE], []]
