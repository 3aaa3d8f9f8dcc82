"""The errors of SIGNL4, of its webhook and its REST API alike."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import uuid4

from daemon.sandbox.exchange import Answer, json_answer
from daemon.sandbox.throttle import RateLimit

RAISING = "Error raising event."
"""The message of the webhook."""


class RefusedError(Exception):
    """The error that answers a request to the REST API."""

    def __init__(self, status: int, details: str) -> None:
        """`details`: what is wrong, in SIGNL4's error object."""
        super().__init__(status)
        self.answer = json_answer(status, error_object("Error processing request.", details))


def error_object(message: str, details: str, errors: Iterable[Mapping[str, str]] = ()) -> dict[str, Any]:
    """SIGNL4's error object."""
    return {"code": 1000, "message": message, "details": details, "errors": [*errors], "requestId": str(uuid4())}


def throttled(allowance: RateLimit) -> Answer:
    """The answer above the limit. SIGNL4 does not document its body; this is a plausible one."""
    return json_answer(429, error_object(RAISING, "Too many requests."), allowance.headers)
