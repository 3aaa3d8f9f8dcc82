"""Payload templates that are given as text: a JSON body, inline or in a file of its own.

A body from Better Stack's webhook form is no JSON before it is filled, since a placeholder may stand outside of quotes
(`"Id": $INCIDENT_ID`). Each of those becomes a text of itself here; what it is filled with decides its type.
"""

import json
import re
import stat
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from daemon.config.settings import KEYS
from daemon.config.text_file import read_text
from daemon.model.errors import ConfigError

FILE = "file:"
"""How a text begins that names a file in place of a body."""
MOST_BYTES = 100_000
"""Of a template file. SIGNL4 takes about 10,000 characters."""
FORM = 'write it like {"Title": "$NAME"}'
_TYPES = {list: "a list", str: "a text", int: "a number", float: "a number", bool: "true or false"}
_STRING = r'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)'
_BARE = r'\$\{[^{}"\n]*\}|\$METADATA\.[^\s,:\]}"](?:[^,\]}"\n]*[^\s,\]}"])?|\$[A-Za-z]\w*'
_PIECES = re.compile(rf"{_STRING}|({_BARE})", re.ASCII | re.DOTALL)
"""The strings of JSON, which stay as they are; the group matches a placeholder outside of them."""


def parsed(text: str) -> Any:
    """The value of JSON in which placeholders may be bare. Raises `ValueError`, and `RecursionError`.

    A `json.JSONDecodeError` has the place in the text as it was written.
    """
    quoted, ends = _quoted(text)
    try:
        return json.loads(quoted)
    except json.JSONDecodeError as error:
        after, before = ends[bisect_right(ends, (error.pos, len(text))) - 1]
        raise json.JSONDecodeError(error.msg, text, min(error.pos - after + before, len(text))) from None


def _quoted(text: str) -> tuple[str, list[tuple[int, int]]]:
    """The text with each bare placeholder in quotes, and where each of those ends: there, and as it was written."""
    pieces, ends, length, at = [], [(0, 0)], 0, 0
    for found in _PIECES.finditer(text):
        if found[1]:
            pieces += [text[at : found.start()], json.dumps(found[1], ensure_ascii=False)]
            length, at = length + sum(map(len, pieces[-2:])), found.end()
            ends.append((length, at))
    return "".join([*pieces, text[at:]]), ends


def why_not_json(error: ValueError | RecursionError) -> str:
    """The phrase for an error of JSON's parser."""
    plain = isinstance(error, json.JSONDecodeError)
    return f"is not JSON ({error})" if plain else "has a number that is too long, or is nested too deeply"


def templates(
    payload: Mapping[str, object], folder: Path, problems: list[str], *, offline: bool = False
) -> Iterator[tuple[str, object, Path | None]]:
    """Each key of the section with its value, and the file that this came from, if it did.

    `folder`: where relative paths begin. What is wrong with a text is added to `problems`, and its key left out.
    `offline`: reads no file, for commands that send nothing and may run without access to it.
    """
    for key, value in payload.items():
        if offline and isinstance(value, str) and value.strip().startswith(FILE):
            continue
        try:
            yield key, *_template(f"payload.{key}", value, folder)
        except ConfigError as error:
            problems.extend(error.problems)


def _template(key: str, value: object, folder: Path) -> tuple[object, Path | None]:
    if not isinstance(value, str) or key not in KEYS:
        return value, None
    if value.strip().startswith(FILE):
        file = folder / value.strip().removeprefix(FILE).strip()
        return _of_file(key, file), file
    try:
        return parsed(value), None
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{key} {why_not_json(error)}; {_mend(value, error)}") from None


def _mend(text: str, error: ValueError | RecursionError) -> str:
    """What to do about a text that is not JSON."""
    if isinstance(error, json.JSONDecodeError) and error.msg.startswith("Invalid control character"):
        return "a line break there is \\n; between three single quotes TOML leaves that as it is"
    return FORM if text.lstrip().startswith("{") else f"{FORM}, or name a file, like file:new.json"


def _of_file(key: str, file: Path) -> dict[str, Any]:
    """The object in the file. Raises `ConfigError`."""
    try:
        text = _text_of(file)
        body = parsed(text)
    except OSError as error:
        mend = f"let the service read it: chgrp betterstack-signl4 {file}; chmod 640 {file}"
        mend = mend if isinstance(error, PermissionError) else "put it there, or mend the path behind file:"
        raise ConfigError(f"{key}: {file} cannot be read ({error.strerror}); {mend}") from None
    except ConfigError as error:
        raise ConfigError(f"{key}: {error}") from None
    except json.JSONDecodeError as error:
        where = f"in line {error.lineno}, column {error.colno}"
        raise ConfigError(
            f"{key}: {file} is not JSON {where} ({error.msg}); mend it there, or leave {key} out"
        ) from None
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{key}: {file} {why_not_json(error)}; shorten it") from None
    if not isinstance(body, dict):
        raise ConfigError(f"{key}: {file} holds {_TYPES.get(type(body), 'null')}, not an object; {FORM}")
    return body


def _text_of(file: Path) -> str:
    """Raises `OSError` and `ConfigError`. A pipe or a device would not end."""
    if "\0" in str(file):
        raise ConfigError(f"{file} is no path; mend what is behind file:")
    found = file.stat()
    if not stat.S_ISREG(found.st_mode):
        raise ConfigError(f"{file} is not a file; name one that holds the body as JSON")
    if found.st_size > MOST_BYTES:
        raise ConfigError(f"{file} holds more than {MOST_BYTES:,} bytes; shorten it, SIGNL4 takes about 10,000")
    return read_text(file)
