"""What rules compare of an incident, as texts. Pure; no incident makes it fail."""

from collections.abc import Mapping
from itertools import accumulate

from daemon.config.match import FIELDS, METADATA
from daemon.decisions.placeholders import as_text, metadata_texts
from daemon.model.incident import Incident

Facts = Mapping[str, list[str]]
"""By field, as `daemon.config.match` names them, the values: none, one, or for metadata any number. Plain JSON."""

LIMIT = 10_000
"""Characters of a value that are compared: a bound to the time that a text from outside can take."""
MOST = 100_000
"""Characters of all values and their names; further ones are not compared. All are kept with each alert."""


def facts(incident: Incident) -> Facts:
    """The values of all fields. One that is absent or empty has none."""
    texts = {name: as_text(incident.attributes.get(name)) for name in FIELDS}
    texts |= {
        "kind": incident.kind,
        "status": incident.status.lower(),
        "source": _kind(incident),
        "source_id": incident.source_id,
    }
    metadata = {f"{METADATA}.{key}": values for key, values in metadata_texts(incident).items()}
    values = {name: [text] if text else [] for name, text in texts.items()} | metadata
    return _bounded({name: [text[:LIMIT] for text in given] for name, given in values.items()})


def _bounded(values: dict[str, list[str]]) -> Facts:
    sizes = accumulate(len(name) + sum(map(len, given)) for name, given in values.items())
    return {name: given for (name, given), size in zip(values.items(), sizes, strict=True) if size <= MOST}


def identity(incident: Incident) -> str:
    """What flaps when an incident follows another: their common source, else their common name."""
    name = as_text(incident.attributes.get("name"))
    if incident.source:
        return f"{_kind(incident)} {incident.source_id}"
    return f"name {name[:LIMIT]}" if name else f"incident {incident.id}"


def _kind(incident: Incident) -> str:
    return "integration" if incident.source.endswith("_integration") else incident.source
