"""What a template's author may have meant: placeholders that are not filled, with the nearest known name. Pure."""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping

from daemon.decisions.placeholders import ALWAYS_EMPTY, METADATA, NAMES, PLACEHOLDER

_DOTTED = r"\w+(?:\.\w+)*"
_FOREIGN = re.compile(
    rf"""\$\{{([^{{}}]*)\}} | \{{\{{([^{{}}]*)\}}\}}
    | \$((?=[a-z]){_DOTTED}) | \$\(({_DOTTED})\) | \{{({_DOTTED})\}}
    | %\(({_DOTTED})\)s | %({_DOTTED})% | <%=?\s*({_DOTTED})\s*%>""",
    re.ASCII | re.VERBOSE,
)
"""Placeholders as other programs write them; all but the first two groups count only with a name that is known here."""
_CHANGES = re.compile(r"(?::[1-9]\d{0,3})?(?::-.*)?", re.DOTALL)
"""What may follow a name in braces."""
_NAME = re.compile(r"(?<=[${])[A-Z][A-Z0-9_]*")
ALIKE = 0.8
"""From here on, of 1, two names are one and the same, misspelt."""
_METADATA_KEY = re.compile(r"\W*metadata\.(.*\w)\W*", re.IGNORECASE | re.DOTALL)


def remarks(texts: Iterable[str]) -> list[str]:
    """A phrase for each placeholder of the texts that will not be filled as its author may expect."""
    return sorted({remark for text in texts for remark in _remarks(text)})


def mistakes(texts: Iterable[str]) -> list[str]:
    """A phrase for each `$NAME` that is nearly that of a placeholder: it is a slip of the pen, and no text."""
    return sorted({mistake for text in texts for mistake in _mistakes(text)})


def texts(value: object) -> Iterator[str]:
    """All texts of a template, however deep, apart from the names of its fields."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list):
        for inner in value.values() if isinstance(value, Mapping) else value:
            yield from texts(inner)


def _mistakes(text: str) -> Iterator[str]:
    in_braces = ((typed, nearest) for typed, nearest in _foreign(text) if typed.startswith("${"))
    for typed, nearest in (*_unknown(text), *in_braces):
        given, known = (_NAME.search(one) for one in (typed, nearest))
        if (
            given
            and known
            and nearest != f"${METADATA}<key>"
            and difflib.SequenceMatcher(None, given[0], known[0]).ratio() >= ALIKE
        ):
            yield f"{typed}, which is no placeholder; the nearest is {nearest}"
    for one in PLACEHOLDER.finditer(text):
        yield from _mistakes((one["default"] or "")[2:])


def _unknown(text: str) -> Iterator[tuple[str, str]]:
    """Each name in capitals that is none of a placeholder, and the nearest."""
    for one in PLACEHOLDER.finditer(text):
        if one["other"]:
            yield one[0], f"${_nearest(one['other'])}"


def _remarks(text: str) -> Iterator[str]:
    found = list(PLACEHOLDER.finditer(text))
    for typed, nearest in (*_unknown(text), *_foreign(text)):
        yield f"{typed}, which is no placeholder and will be sent as typed; the nearest is {nearest}"
    for one in found:
        default = (one["default"] or "")[2:]
        if (one["name"] or one["braced"]) in ALWAYS_EMPTY:
            becomes = f"always {default!r}" if default else "empty"
            yield f"{one[0]}, which the incidents API cannot fill; it will be {becomes}"
        yield from _remarks(default)


def _foreign(text: str) -> Iterator[tuple[str, str]]:
    """Each placeholder in another program's form, and the nearest in that of this one."""
    for found in _FOREIGN.finditer(text):
        group = found.lastindex or 0
        name = found[group]
        if group == 1 and PLACEHOLDER.fullmatch(found[0]):
            continue
        if group == 1 and ":" in name:
            yield found[0], _nearest_in_braces(name)
        elif group <= 2 or _plain(name) in NAMES or _METADATA_KEY.fullmatch(name):
            yield found[0], f"${_nearest(name)}"


def _nearest_in_braces(inside: str) -> str:
    """With what follows the name, if that may; else with an example of it."""
    name, _, changes = inside.partition(":")
    changes = f":{changes}" if _CHANGES.fullmatch(f":{changes}") else ":80:-none"
    return f"${{{_nearest(name)}{changes}}}"


def _nearest(name: str) -> str:
    """The known name that is most like this one, or the form for metadata."""
    if key := _METADATA_KEY.fullmatch(name):
        return f"{METADATA}{key[1]}"
    plain = _plain(name)
    alike = difflib.get_close_matches(plain, NAMES, 1, 0.9 if plain.startswith("METADATA") else 0)
    return alike[0] if alike else f"{METADATA}<key>"


def _plain(name: str) -> str:
    """The name in this program's form, without what it is a part of: `incident.name` is `NAME`."""
    found = re.search(_DOTTED, name)
    return found[0].rpartition(".")[2].upper() if found else ""
