"""The log, as those who speak through it need it: events with fields, one for each thing that happened."""

from typing import Any, Protocol


class Log(Protocol):
    """What structlog's loggers offer and the program uses."""

    def debug(self, event: str, **fields: Any) -> Any:
        """A detail."""

    def info(self, event: str, **fields: Any) -> Any:
        """Something happened as it should."""

    def warning(self, event: str, **fields: Any) -> Any:
        """Something went wrong that the program deals with by itself."""

    def error(self, event: str, **fields: Any) -> Any:
        """Something went wrong that needs a person."""
