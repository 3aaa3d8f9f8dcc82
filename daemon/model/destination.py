"""The destination of deliveries: a SIGNL4 team."""

from dataclasses import dataclass

DEFAULT = "default"
"""The team of `signl4.secret`."""


@dataclass(frozen=True, slots=True)
class Destination:
    """One team. Faults and back-off are per team; SIGNL4's limits are per account."""

    name: str
    account: str
    """All teams of one base URL share an account."""
