"""What a response of Better Stack says besides its records."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from daemon.clients.http import Response
from daemon.clients.limits import limit_said

LONGEST_RETRY_AFTER = timedelta(minutes=5)


def pause_asked(reply: Response, ahead: timedelta, now: datetime) -> timedelta | None:
    """How long it asks to be left alone: `Retry-After`, else until its exhausted limit is reset.

    `ahead`: how far its clock is ahead of ours.
    """
    asked, said = reply.retry_after(LONGEST_RETRY_AFTER, now), limit_said(reply.headers)
    if asked is not None or said.remaining != 0:
        return asked
    wait = said.resets_in if said.resets_at is None else said.resets_at - (now + ahead)
    # A longer time means a wrong clock or another unit.
    return min(wait, LONGEST_RETRY_AFTER) if wait is not None and timedelta(0) <= wait <= timedelta(days=1) else None


def is_page_for_people(reply: Response) -> bool:
    """Whether the body is HTML, from a proxy or filter: Better Stack itself sends JSON or nothing."""
    return "html" in reply.headers.get("content-type", "").lower() or reply.body.lstrip().startswith(b"<")


def says_no_such_record(reply: Response) -> bool:
    """Whether a 404 means a missing record: its `errors` says "not found". That of a missing route has `see_docs`."""
    try:
        body = reply.json()
    except ValueError:
        return False
    said = body.get("errors") if isinstance(body, dict) and "see_docs" not in body else None
    return isinstance(said, str) and "not found" in said.lower()


def is_followed(document: Mapping[str, Any]) -> bool | None:
    """Whether the response names a next page; `None` if it does not say."""
    pagination = document.get("pagination")
    return bool(pagination["next"]) if isinstance(pagination, dict) and "next" in pagination else None
