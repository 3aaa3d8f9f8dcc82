"""Every way to fail that an operator can meet. The text of each error is a sentence fit to be shown as it is."""

from datetime import timedelta


class DaemonError(Exception):
    """Something the operator should know went wrong."""


class ConfigError(DaemonError):
    """The configuration is wrong; each of `problems` names a key, what is wrong and how to mend it."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class DatabaseUnusableError(DaemonError):
    """The database cannot serve this program as it stands; the file was left as it was."""


class DatabaseBusyError(DaemonError):
    """The database could not be read or written just now; nothing was changed, and a later try may work."""


class AnotherInstanceError(DaemonError):
    """Another instance already works on this database."""


class StoppedError(DaemonError):
    """The work was put down because the program is stopping."""


class BetterStackError(DaemonError):
    """Better Stack did not give a usable answer; nothing may be concluded about any incident."""

    def __init__(self, why: str, *, retry_after: timedelta | None = None) -> None:
        """`retry_after`: how long Better Stack asked to be left alone, where it did."""
        super().__init__(why)
        self.retry_after = retry_after


class TokenRefusedError(BetterStackError):
    """Better Stack does not take the token."""


class ForbiddenError(TokenRefusedError):
    """Better Stack does not take the token for this request; where it takes it for others, that is no fault of its."""

    def __init__(self, why: str, said: str) -> None:
        """`said`: the answer alone, for where the token is not at fault."""
        super().__init__(why)
        self.said = said


class UnreadableAnswerError(BetterStackError):
    """An answer came that cannot be read as a whole, for which one record in it may be the reason."""


class TokenSuspectError(BetterStackError):
    """Every tracked incident answers "no such record" at once, as if the token were another team's."""
