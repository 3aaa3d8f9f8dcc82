"""The known name that somebody may have meant."""

from collections.abc import Collection


def alike(name: str, known: Collection[str]) -> str | None:
    """The one of these that is most like the name; `None` if none is."""
    import difflib  # noqa: PLC0415 - only a mistake needs it

    return next(iter(difflib.get_close_matches(name, known, 1)), None)


def nearest_of(name: str, known: Collection[str], otherwise: str, prefix: str = "") -> str:
    """The hint for a name that is not known; `otherwise` begins it where none is alike, and all are listed."""
    found = alike(name, known)
    return f"{otherwise} {', '.join(known)}" if found is None else f"the nearest is {prefix}{found}"
