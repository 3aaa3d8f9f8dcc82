"""The destination of deliveries: a SIGNL4 team, or Better Stack."""

from dataclasses import dataclass

DEFAULT = "default"
"""The team of `signl4.secret`."""
BETTER_STACK = "Better Stack"
"""The destination of what people did in SIGNL4. No team can have a name with a blank."""


@dataclass(frozen=True, slots=True)
class Destination:
    """One team, or Better Stack. Faults and back-off are per team; SIGNL4's limits are per account."""

    name: str
    account: str
    """All teams of one base URL share an account."""
