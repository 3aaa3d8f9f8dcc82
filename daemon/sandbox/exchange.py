"""A request and an answer of HTTP, as values: a service of the sandbox is a function from the one to the other."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from daemon.sandbox.history import Showing, text_of

JSON_TYPE = "application/json; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came in."""

    at: datetime
    method: str
    target: str
    headers: Mapping[str, str]
    """The names are in lower case."""
    body: bytes = b""

    @property
    def path(self) -> str:
        """The target without its query."""
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        """The parameters; the last one of a name wins."""
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    @property
    def payload(self) -> Mapping[str, Any]:
        """The body if it is a JSON object, else an empty one."""
        try:
            document = json.loads(self.body)
        except ValueError:
            return {}
        return document if isinstance(document, dict) else {}

    @property
    def external_id(self) -> str:
        """The external id that a request to SIGNL4 carries, else an empty text."""
        return text_of(self.payload, "X-S4-ExternalID")

    @property
    def kind(self) -> str:
        """The status that a request to SIGNL4 carries, else an empty text."""
        return text_of(self.payload, "X-S4-Status").lower()


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it goes out."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    shows: tuple[Showing, ...] = ()
    """What whoever reads this answer learns about incidents."""

    def with_headers(self, **headers: str) -> "Answer":
        """The answer with these headers too; an underscore in a name stands for a hyphen."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return replace(self, headers={**self.headers, **named})


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request, and the status it was answered with: none while it is unanswered, or for ever if it never was."""

    request: Request
    status: int | None = None

    @property
    def at(self) -> datetime:
        """When the request had come in."""
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
    """An answer with a JSON body."""
    body = json.dumps(document, ensure_ascii=False).encode()
    return Answer(status, body, {"Content-Type": JSON_TYPE, **(headers or {})})
