"""A text that must not be shown: a token, a webhook's secret, an address that is a secret itself."""

from daemon.model.redact import HIDDEN


class Secret:
    """Shows `***` wherever it is printed or logged as a whole. No dataclass: `asdict` would lay it open."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself, for a request to the service that it belongs to."""
        return self._text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return HIDDEN
