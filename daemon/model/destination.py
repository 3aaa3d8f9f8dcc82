"""Where deliveries go: a team of SIGNL4's."""

from dataclasses import dataclass

DEFAULT = "default"
"""The team of `signl4.secret`."""


@dataclass(frozen=True, slots=True)
class Destination:
    """One team. Faults and back-off are its own; SIGNL4's limits are those of its account."""

    name: str
    account: str
    """All teams of one base URL are one account."""
