"""What to do about a key: the nearest known one, its default, and the places where its value can be given."""

from collections.abc import Mapping
from dataclasses import fields

from daemon.config.alike import alike, nearest_of
from daemon.config.settings import KEYS, NAMED, SECTIONS, SOURCES, named_in


def list_form(key: str) -> str:
    """How a value of this key is written that is a list."""
    return '["created", "deleted"]' if key == "monitors.tell" else '["https://one.example.com/beat"]'


def nearest(key: str) -> str:
    """The hint for an unknown key or section.

    It stays within the section: a similar name in another one means something else. Where nothing is similar, it lists
    what is known there.
    """
    section, dot, name = key.rpartition(".")
    if (place := named_in(section)) is not None:
        known = [one.name for one in fields(NAMED[place])]
        return nearest_of(name.lower(), known, f"the keys of [{section}] are", f"{section}.")
    section, dot, name = key.partition(".")
    if dot and section in SECTIONS:
        known = [one.partition(".")[2] for one in KEYS if one.startswith(f"{section}.")]
        return nearest_of(name.lower(), known, f"the keys of [{section}] are", f"{section}.")
    found = alike(section.lower(), [*SECTIONS, SOURCES])
    if found == SOURCES:
        return "the nearest is [source.NAME]"
    return f"the nearest is [{found}]" if found else f"the sections are {', '.join(f'[{one}]' for one in SECTIONS)}"


def missing(key: str, empty: Mapping[str, str]) -> str:
    """The sentence for a missing value. `empty`: the place that names the key and holds nothing, by key."""
    section, _, name = key.rpartition(".")
    variable = key.upper().replace(".", "__")
    ways = f"set {variable} in the environment, put it in a credential file named {key}, or as {name} under [{section}]"
    return f"{key} is empty: {empty[key]}" if key in empty else f"{key} is missing; {ways}"


def empty_places(
    environ: Mapping[str, str], variables: Mapping[str, str], credentials: Mapping[str, str]
) -> dict[str, str]:
    """For each key with an empty variable or credential file: which that is, and what to do. Variables come last."""
    directory = environ.get("CREDENTIALS_DIRECTORY")
    files = {
        key: f"the credential file {directory}/{key} holds nothing; write the value into it, or under systemd into the "
        "file that LoadCredential= names"
        for key, text in credentials.items()
        if not text.strip()
    }
    unset = {
        key: f"{key.upper().replace('.', '__')} in the environment holds nothing; write the value behind its ="
        for key, text in variables.items()
        if not text.strip()
    }
    return unset | files
