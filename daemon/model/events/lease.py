"""Events of the lease: which of several hosts on one database leads."""

from dataclasses import dataclass

from daemon.model.event import Event, Level


@dataclass(frozen=True, slots=True)
class StandsBy(Event):
    """Another host leads. This one polls and sends nothing, and takes over once the lease is not renewed any more."""

    event = "stands by"
    leader: str


@dataclass(frozen=True, slots=True)
class Leads(Event):
    """The host has the lease: it polls and sends from here on. The epoch grows with each take-over."""

    event = "leads"
    epoch: int


@dataclass(frozen=True, slots=True)
class LeaseGivenBack(Event):
    """The host stopped in order, so another one may take over at once."""

    event = "the lease is given back"
    epoch: int


@dataclass(frozen=True, slots=True)
class LeaseLost(Event):
    """The host leads no more: what it had not recorded is found out by the one that leads now."""

    event = "the lease is lost, so this host stands by"
    level = Level.ERROR
    todo = "find out why it could not be renewed: the network to the database, the database, or a frozen host"
    why: str


@dataclass(frozen=True, slots=True)
class LeaseNotRenewed(Event):
    """The lease could not be renewed. While it runs, all goes on; after that nothing is sent. It is tried again."""

    event = "the lease cannot be renewed"
    level = Level.ERROR
    todo = "look at the database and at the network to it"
    error: str


@dataclass(frozen=True, slots=True)
class LeaseRenewed(Event):
    """The lease is renewed again; nobody took over meanwhile."""

    event = "the lease is renewed again"


@dataclass(frozen=True, slots=True)
class CannotTakeOver(Event):
    """The host could not take over if it had to. It tries again each second."""

    event = "this host cannot take over"
    level = Level.ERROR
    todo = "what the error says; until then no other host replaces the one that leads"
    error: str


@dataclass(frozen=True, slots=True)
class CanTakeOver(Event):
    """The host could take over again."""

    event = "this host can take over again"
