"""All errors that an operator can see. The text of each is a complete sentence that is shown unchanged."""

from datetime import timedelta

KEY_REFUSED = "SIGNL4 refuses the API key"
"""How the text of a `KeyRefusedError` begins."""


class DaemonError(Exception):
    """A failure that the operator should know of."""


class ConfigError(DaemonError):
    """The configuration is wrong; each of `problems` names a key, what is wrong and how to fix it."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class DatabaseUnusableError(DaemonError):
    """The database file is unusable as it is; it was left unchanged."""


class NoDatabaseError(DaemonError):
    """There is no database yet, so there is nothing to show."""


class DatabaseBusyError(DaemonError):
    """The database could not be read or written; nothing was changed, and a later attempt may succeed."""


class TermLostError(DatabaseBusyError):
    """Another process may have taken over, so this one may not write; nothing was changed."""


class AnotherInstanceError(DaemonError):
    """Another instance already works on this database."""


class StoppedError(DaemonError):
    """The work was interrupted because the program is stopping."""


class BetterStackError(DaemonError):
    """Better Stack gave no usable response; it proves nothing about any incident."""

    def __init__(self, why: str, *, retry_after: timedelta | None = None) -> None:
        """`retry_after`: how long Better Stack asked to wait, if it did."""
        super().__init__(why)
        self.retry_after = retry_after


class TokenRefusedError(BetterStackError):
    """Better Stack refuses the token."""


class ForbiddenError(TokenRefusedError):
    """Better Stack refuses the token for this request. If it accepts it for others, the token is not at fault."""

    def __init__(self, why: str, said: str) -> None:
        """`said`: the response alone, for use if the token is not at fault."""
        super().__init__(why)
        self.said = said


class NoSuchRouteError(BetterStackError):
    """Better Stack has nothing under that path, at least not for this token."""


class UnreadableAnswerError(BetterStackError):
    """A response cannot be read as a whole; a single record in it may be the cause."""


class TokenSuspectError(BetterStackError):
    """Every tracked incident answers "no such record" at once, as with another team's token."""


class Signl4ApiError(DaemonError):
    """SIGNL4's REST API gave no usable response; it proves nothing about any alert."""

    def __init__(self, why: str, *, retry_after: timedelta | None = None) -> None:
        """`retry_after`: how long SIGNL4 asked to wait, if it did."""
        super().__init__(why)
        self.retry_after = retry_after


class KeyRefusedError(Signl4ApiError):
    """SIGNL4 refuses the API key."""
