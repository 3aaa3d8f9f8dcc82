"""What a process works on and whom it tells: the real ones, or those of a dry run."""

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

from daemon.betterstack_writer import Changes
from daemon.clients.betterstack_changes import BetterStackChanges
from daemon.clients.heartbeat import Heartbeat
from daemon.clients.http import HttpClient
from daemon.clients.signl4 import Signl4
from daemon.config.betterstack import BetterStackSection
from daemon.host.signals import Stop
from daemon.in_flight import Receiver
from daemon.model.secret import Secret
from daemon.self_check import Watchers


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The default is the real thing. A reload changes nothing of it."""

    stop: Stop = field(default_factory=Stop)
    """Set by signals, and by whoever finds that the process cannot go on."""
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    """The variables that say how the service manager is told."""
    state: Callable[[str], AbstractContextManager[str]] = nullcontext
    """Makes of `database.url` that of the database that is worked on."""
    receiver: Callable[[HttpClient, Secret, str], Receiver] = Signl4
    """Makes the webhook of a team, from its secret and name."""
    changes: Callable[[HttpClient, BetterStackSection, str], Changes] = BetterStackChanges
    """Makes what changes the incidents of an account, from its section and name."""
    watchers: Callable[[Sequence[HttpClient]], Watchers] = Heartbeat
    """Makes what calls the heartbeat URLs."""
    shows_metrics: bool = True
