"""The people of a SIGNL4 account, and who of them is on duty. Everybody is a member of every team."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from uuid import NAMESPACE_DNS, uuid5

FIRST = "Jane"
"""On duty in every team at first."""
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


class DutyMode(IntEnum):
    """`dutyMode`."""

    OFF = 0
    PRIMARY = 1
    MANAGER = 100


@dataclass(frozen=True, slots=True)
class Duty:
    """Whether somebody is on duty, and since when."""

    mode: DutyMode
    since: datetime


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an account at SIGNL4. The same name has the same id in every sandbox."""

    name: str

    @property
    def user_id(self) -> str:
        """The id."""
        return str(uuid5(NAMESPACE_DNS, f"user {self.name}"))

    @property
    def mail(self) -> str:
        """The address."""
        return f"{'.'.join(self.name.lower().split())}@example.com"


class People:
    """Used under the lock of the account."""

    def __init__(self) -> None:
        """There is one person, who is on duty."""
        self._all = {FIRST: Person(FIRST)}
        self._duties: dict[tuple[str, str], Duty] = {}

    @property
    def all(self) -> tuple[Person, ...]:
        """Everybody, in the order in which they joined."""
        return tuple(self._all.values())

    def named(self, name: str) -> Person:
        """The person of this name, who joins if there is none."""
        return self._all.setdefault(name, Person(name))

    def by_id(self, user_id: object) -> Person | None:
        """The person with this id, if there is one."""
        return next((person for person in self.all if person.user_id == user_id), None)

    def duty(self, person: Person, team: str) -> Duty:
        """Whether the person is on duty in this team."""
        first = DutyMode.PRIMARY if person.name == FIRST else DutyMode.OFF
        return self._duties.get((person.name, team), Duty(first, LONG_AGO))

    def set_duty(self, person: Person, team: str, duty: Duty) -> None:
        """Puts the person on duty, or takes them off it."""
        self._duties[person.name, team] = duty


def team_id(team: str) -> str:
    """The id of a team at SIGNL4. The same name has the same id in every sandbox."""
    return str(uuid5(NAMESPACE_DNS, f"team {team}"))


def event_source_id(team: str) -> str:
    """The id of what raises alerts at SIGNL4 under the secret of a team. The same name has the same id everywhere."""
    return str(uuid5(NAMESPACE_DNS, f"event source {team}"))
