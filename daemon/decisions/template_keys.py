"""What SIGNL4 makes of the keys of a body: which it takes for the title or the text of an alert. Pure."""

import difflib
from collections.abc import Iterator, Mapping

TITLE_KEYS = {"subject", "title", "task", "job", "case", "incident", "x-s4-subject"}
"""SIGNL4 takes the title from the first of these, in an order of its own, whose value is a text; their case is free."""
TEXT_KEYS = {"text", "message", "messagetext", "description", "body", "content"}
"""In the same way, it takes the text from these."""
_MEANT = {"title", "text", "x-s4-subject"}
"""Whoever writes these means what SIGNL4 makes of them."""


def key_remarks(body: Mapping[str, object]) -> Iterator[str]:
    """A phrase for each key of a `new` that SIGNL4 takes for something else than a field, unless that is meant."""
    yield from _no_title(body)
    for what, keys, name in (("title", TITLE_KEYS, "Title"), ("text", TEXT_KEYS, "Text")):
        taken = [key for key, value in body.items() if key.lower() in keys and isinstance(value, str)]
        if len(taken) > 1:
            listed = f"{', '.join(taken[:-1])} and {taken[-1]}"
            yield (
                f"sets {listed}, of which SIGNL4 takes one for the {what} of the alert, in an order of its own; "
                f"keep {_kept(taken)} and give the others names of your own"
            )
        elif taken and taken[0].lower() not in _MEANT:
            yield (
                f"sets {taken[0]}, which SIGNL4 takes for the {what} of the alert and does not show as a field; "
                f"if you mean that, name it {name}, else give it a name of your own, like {_own(taken[0])}"
            )


def _no_title(body: Mapping[str, object]) -> Iterator[str]:
    titles = {key: value for key, value in body.items() if key.lower() in TITLE_KEYS}
    for key in body if not titles else ():
        if difflib.get_close_matches(key.lower(), ["title", "subject"], 1, 0.75):
            yield f"sets {key}, which SIGNL4 takes for no title; the nearest is Title"
    if titles and not any(isinstance(value, str) for value in titles.values()):
        yield f"sets {next(iter(titles))} to no text, so SIGNL4 takes it for no title; put it in quotes"


def _kept(taken: list[str]) -> str:
    """The one that is evidently meant, else the first."""
    return next((key for key in taken if key.lower() in _MEANT), taken[0])


def _own(key: str) -> str:
    """A name that SIGNL4 shows as a field."""
    return f'"{key} ID"' if key.lower() in TITLE_KEYS else f'"Incident {key.lower()}"'
