"""Reads a text file of the operator's, and names what an editor may have done to its encoding."""

import codecs
from pathlib import Path

from daemon.model.errors import ConfigError

MARKS = (
    (codecs.BOM_UTF8, "a byte order mark (BOM), which is not allowed there; save it as UTF-8 without BOM"),
    (codecs.BOM_UTF16_LE, "the byte order mark of UTF-16; save it as UTF-8"),
    (codecs.BOM_UTF16_BE, "the byte order mark of UTF-16; save it as UTF-8"),
)
"""What an editor may have put at the beginning of a file, with the fix."""


def read_text(file: Path) -> str:
    """The text, with the line breaks of Unix. Raises `OSError`, and `ConfigError` unless it is UTF-8 without BOM."""
    content = file.read_bytes()
    for mark, what in MARKS:
        if content.startswith(mark):
            raise ConfigError(f"{file} begins with {what}")
    try:
        return content.decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{file} is not UTF-8 in line {line}; save it as UTF-8") from None
