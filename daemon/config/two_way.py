"""The sections that need `signl4.api_key`: what becomes of what people do in SIGNL4, and who is on duty."""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from daemon.config.checks import After
from daemon.config.types import Duration, within
from daemon.model.incident import Kind

USER = "$USER"
"""The placeholder for the name of a person."""
LONGEST_BY = 100
_PLACEHOLDER = re.compile(r"\$(?:\w+|\{[^}]*\}?)")


def _by(value: str) -> str:
    if not value.strip():
        raise ValueError(f'is empty; write who did it, like "{USER} via SIGNL4"')
    if len(value) > LONGEST_BY or not value.isprintable():
        raise ValueError(f"is not one line of up to {LONGEST_BY} characters; shorten it")
    unknown = [found for found in _PLACEHOLDER.findall(value) if found != USER]
    if unknown:
        raise ValueError(f"holds {unknown[0]}, which is no placeholder here; {USER} is the name in SIGNL4")
    return value


By = Annotated[str, After(_by)]


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteBackSection:
    """`[write_back]`: what people do in SIGNL4 is done in Better Stack. Only with `signl4.api_key`."""

    acknowledge: bool = True
    resolve: bool = False
    by: By = f"{USER} via SIGNL4"
    interval: Annotated[Duration, within("1s", "1h")] = timedelta(seconds=15)

    @property
    def kinds(self) -> frozenset[Kind]:
        """What is written back."""
        wanted = {Kind.ACKNOWLEDGED: self.acknowledge, Kind.RESOLVED: self.resolve}
        return frozenset(kind for kind in wanted if wanted[kind])


@dataclass(frozen=True, slots=True, kw_only=True)
class DutySection:
    """`[duty]`: whether somebody is on duty in SIGNL4. Only with `signl4.api_key`."""

    warn_after: Annotated[Duration, within("1m", "7d")] | None = None
