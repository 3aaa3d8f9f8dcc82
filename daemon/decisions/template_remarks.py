"""What a template's author may have meant: placeholders that are not filled, with the nearest known name. Pure."""

import difflib
import re
from collections.abc import Iterable, Iterator

from daemon.decisions.placeholders import ALWAYS_EMPTY, METADATA, NAMES, PLACEHOLDER

_DOTTED = r"\w+(?:\.\w+)*"
_FOREIGN = re.compile(
    rf"""\$\{{([^{{}}]*)\}} | \{{\{{([^{{}}]*)\}}\}}
    | \$((?=[a-z]){_DOTTED}) | \$\(({_DOTTED})\) | \{{({_DOTTED})\}}
    | %\(({_DOTTED})\)s | %({_DOTTED})% | <%=?\s*({_DOTTED})\s*%>""",
    re.ASCII | re.VERBOSE,
)
"""Placeholders as other programs write them; all but the first two groups count only with a name that is known here."""
_METADATA_KEY = re.compile(r"\W*metadata\.(.*\w)\W*", re.IGNORECASE | re.DOTALL)


def remarks(texts: Iterable[str]) -> list[str]:
    """A phrase for each placeholder of the texts that will not be filled as its author may expect."""
    return sorted({remark for text in texts for remark in _remarks(text)})


def _remarks(text: str) -> Iterator[str]:
    found = list(PLACEHOLDER.finditer(text))
    unknown = [(one[0], one[2]) for one in found if one[2]]
    for typed, name in (*unknown, *_foreign(text)):
        yield f"{typed}, which is no placeholder and will be sent as typed; the nearest is ${_nearest(name)}"
    for one in found:
        if one[1] in ALWAYS_EMPTY:
            yield f"{one[0]}, which the incidents API cannot fill; it will be empty"


def _foreign(text: str) -> Iterator[tuple[str, str]]:
    """Each placeholder in another program's form, and the name in it."""
    for found in _FOREIGN.finditer(text):
        group = found.lastindex or 0
        name = found[group]
        if group <= 2 or _plain(name) in NAMES or _METADATA_KEY.fullmatch(name):
            yield found[0], name


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
