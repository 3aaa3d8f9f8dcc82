"""HTTP requests and answers as values: a service of the sandbox is a function from a request to an answer."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from daemon.sandbox.history import Showing, text_of

JSON_TYPE = "application/json; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Request:
    """A received request."""

    at: datetime
    method: str
    target: str
    headers: Mapping[str, str]
    """The names are in lower case."""
    body: bytes = b""
    client: str = ""
    """The address that it came from."""

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> dict[str, str]:
        """The parameters; of equal names the last one wins."""
        return dict(parse_qsl(self.target.partition("?")[2], keep_blank_values=True))

    @property
    def payload(self) -> Mapping[str, Any]:
        """The body if it is a JSON object, else an empty one."""
        try:
            document = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return document if isinstance(document, dict) else {}

    @property
    def external_id(self) -> str:
        """The external id in a request to SIGNL4, else an empty text."""
        return text_of(self.payload, "X-S4-ExternalID")

    @property
    def kind(self) -> str:
        """The status in a request to SIGNL4, in lower case, else an empty text."""
        return text_of(self.payload, "X-S4-Status").lower()


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to a request."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    shows: tuple[Showing, ...] = ()
    """What a client learns about incidents from this answer."""

    def with_headers(self, **headers: str) -> "Answer":
        """The answer with these headers added; an underscore in a name stands for a hyphen."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return replace(self, headers={**self.headers, **named})


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request, and what became of it."""

    request: Request
    answer: Answer | None = None
    """`None` while there is none, and for good where a fault takes it away."""
    settled: bool = False
    """Whether it is decided what the answer is, or that there is none."""

    @property
    def status(self) -> int | None:
        """The status of the answer; `None` while there is none."""
        return self.answer.status if self.answer else None

    @property
    def at(self) -> datetime:
        """When the request was received."""
        return self.request.at

    @property
    def method(self) -> str:
        """The method of the request."""
        return self.request.method

    @property
    def path(self) -> str:
        """The path of the request."""
        return self.request.path

    @property
    def query(self) -> dict[str, str]:
        """The parameters of the request."""
        return self.request.query


def json_answer(status: int, document: object, headers: Mapping[str, str] | None = None) -> Answer:
    """An answer with a JSON body. A lone surrogate, which a client may have sent, becomes `?`: UTF-8 has none."""
    body = json.dumps(document, ensure_ascii=False).encode("utf-8", "replace")
    return Answer(status, body, {"Content-Type": JSON_TYPE, **(headers or {})})
