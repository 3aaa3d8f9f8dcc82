"""What people hand to a command: a file, `-` for standard input; the text in it, and what is wrong with that."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from daemon.config.settings import KEYS
from daemon.config.template_text import parsed, why_not_json
from daemon.decisions.placeholders import lacks_key
from daemon.decisions.template_remarks import texts
from daemon.model.errors import DaemonError

MOST_BYTES = 10_000_000
STDIN = "-"


def content(file: str) -> bytes:
    """What the file holds. Raises `DaemonError`."""
    try:
        if file == STDIN:
            held = sys.stdin.buffer.read(MOST_BYTES + 1)
        else:
            with Path(file).open("rb") as stream:
                held = stream.read(MOST_BYTES + 1)
    except OSError as error:
        raise DaemonError(
            f"{named(file)} cannot be read ({error.strerror}); name another, or hand it in: - < FILE"
        ) from None
    if len(held) > MOST_BYTES:
        raise DaemonError(f"{named(file)} holds more than {MOST_BYTES:,} bytes; is it the right one?")
    return held


def named(file: str) -> str:
    """The file, as a sentence names it."""
    return "standard input" if file == STDIN else file


def body(given: str | bytes | Mapping[str, Any], what: str) -> Mapping[str, Any]:
    """The body of a webhook, in which placeholders may be bare. Raises `DaemonError` unless it can be a template.

    `what`: it, as a sentence names it.
    """
    try:
        text = given.decode("utf-8-sig") if isinstance(given, bytes) else given
        held = parsed(text) if isinstance(text, str) else text
    except UnicodeDecodeError:
        raise DaemonError(f"{what} is not UTF-8; save it as UTF-8") from None
    except json.JSONDecodeError as error:
        where = f"in line {error.lineno}, column {error.colno}"
        raise DaemonError(f"{what} is not JSON {where} ({error.msg}); mend it there") from None
    except (ValueError, RecursionError) as error:
        raise DaemonError(f"{what} {why_not_json(error)}; shorten it") from None
    if not isinstance(held, dict):
        raise DaemonError(f'{what} is no JSON object; it must be like {{"Title": "$NAME"}}')
    try:
        for check in KEYS["payload.new"].type.__metadata__:
            check.make(held)
    except ValueError as error:
        raise DaemonError(f"{what} {error}") from None
    if any(map(lacks_key, texts(held))):
        raise DaemonError(f"{what} has $METADATA. without a key; write it like $METADATA.Region")
    return held
