"""Ready-made faults: known or suspected failures of the services and of systems in front of them."""

import gzip
import json
import zlib
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from email.utils import format_datetime
from http import HTTPStatus
from typing import Any

from daemon.sandbox.betterstack import LIST
from daemon.sandbox.documents import OTHER_HOST
from daemon.sandbox.exchange import JSON_TYPE, Answer, Request, json_answer
from daemon.sandbox.faults import Instead, Rewrite
from daemon.sandbox.monitors import LISTS

PORTAL = b"<!doctype html><html><body><h1>Welcome to the guest network</h1></body></html>"
TOO_LARGE = 11_000_000
MEGABYTE = 1024 * 1024
Document = dict[str, Any]
Which = Callable[[Request], bool]


def lists(request: Request) -> bool:
    """Whether the request asks Better Stack for a page of incidents."""
    return request.path == LIST


def lookups(request: Request) -> bool:
    """Whether the request asks Better Stack for a single incident."""
    return request.method == "GET" and request.path.startswith(f"{LIST}/")


def writes(request: Request) -> bool:
    """Whether the request would change an incident at Better Stack."""
    return request.method != "GET" and request.path.startswith(LIST)


def monitor_lists(request: Request) -> bool:
    """Whether the request asks Better Stack for a page of monitors or of heartbeats."""
    return request.path in LISTS.values()


def monitor_lookups(request: Request) -> bool:
    """Whether the request asks Better Stack for a single monitor or heartbeat."""
    return request.path.startswith(tuple(f"{path}/" for path in LISTS.values()))


def status(code: int, body: bytes = b"", **headers: str) -> Instead:
    """An answer with this status. An underscore in a header name stands for a hyphen."""
    return Instead(Answer(code, body).with_headers(**headers))


def too_many(retry_after: int | datetime | None = None) -> Instead:
    """429, with `Retry-After` in seconds, as a date, or without it."""
    if retry_after is None:
        return status(429)
    wait = format_datetime(retry_after, usegmt=True) if isinstance(retry_after, datetime) else str(retry_after)
    return status(429, Retry_After=wait)


def exhausted(reset: int, code: int = 429) -> Instead:
    """An error whose headers report no remaining events until `reset` (Unix seconds)."""
    return status(code, X_RateLimit_Limit="150", X_RateLimit_Remaining="0", X_RateLimit_Reset=str(reset))


def last_one(reset: int) -> Rewrite:
    """The normal answer, with headers that report no remaining events until `reset` (Unix seconds)."""
    return Rewrite(lambda _, answer: answer.with_headers(X_RateLimit_Remaining="0", X_RateLimit_Reset=str(reset)))


def captive_portal() -> Instead:
    """200 with an HTML page."""
    return Instead(Answer(200, PORTAL, {"Content-Type": "text/html"}))


def redirect(url: str, code: int = 302) -> Instead:
    """A redirect to another URL."""
    return status(code, Location=url)


def no_object() -> Instead:
    """200 with a JSON list."""
    return json_answer_instead([])


def json_answer_instead(document: object, code: int = 200) -> Instead:
    """An answer with this JSON document."""
    return Instead(json_answer(code, document))


def too_large(size: int = TOO_LARGE) -> Instead:
    """200 with a JSON object of `size` bytes."""
    filling = b" " * (size - 2)
    return Instead(Answer(200, b"{" + filling + b"}", {"Content-Type": JSON_TYPE}))


def bomb(megabytes: int, layers: int = 1) -> Instead:
    """200 with a decompression bomb: a small body, compressed `layers` times, that expands to this size."""
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    head = packer.compress(bytes(MEGABYTE)) + packer.flush(zlib.Z_FULL_FLUSH)
    # Blocks after a full flush are identical, so only two megabytes have to be compressed.
    block = packer.compress(bytes(MEGABYTE)) + packer.flush(zlib.Z_FULL_FLUSH)
    body = head + block * (megabytes - 1)
    for _ in range(layers - 1):
        body = gzip.compress(body)
    return Instead(Answer(200, body, {"Content-Type": JSON_TYPE, "Content-Encoding": ", ".join(["gzip"] * layers)}))


def empty() -> Rewrite:
    """The service processes the request, but its answer has no body."""
    return Rewrite(lambda _, answer: replace(answer, body=b""))


def truncated() -> Rewrite:
    """The second half of the body is missing, and `Content-Length` matches the rest."""
    return Rewrite(lambda _, answer: replace(answer, body=answer.body[: len(answer.body) // 2]))


def broken_off() -> Rewrite:
    """The connection ends in the middle of the body."""

    def change(_: Request, answer: Answer) -> Answer:
        length = {"Content-Length": str(len(answer.body)), "Connection": "close"}
        return replace(answer, body=answer.body[: len(answer.body) // 2], headers={**answer.headers, **length})

    return Rewrite(change)


def understated() -> Rewrite:
    """`Content-Length` is too small: the rest of the body precedes the next answer."""

    def change(_: Request, answer: Answer) -> Answer:
        return answer.with_headers(Content_Length=str(len(answer.body) // 2))

    return Rewrite(change)


def document(change: Callable[[Request, Document], Document]) -> Rewrite:
    """The service's JSON document, changed. Answers other than 200 pass unchanged."""

    def rewrite(request: Request, answer: Answer) -> Answer:
        if answer.status != HTTPStatus.OK:
            return answer
        return replace(answer, body=json.dumps(change(request, json.loads(answer.body))).encode())

    return Rewrite(rewrite)


def without(key: str) -> Rewrite:
    """A document without this key."""
    return document(lambda _, whole: {name: value for name, value in whole.items() if name != key})


def with_record(*records: object, of: Which = lists) -> Rewrite:
    """Pages with these records in front. Here and below, `of` says which lists are hit: at first those of incidents."""
    return _records(lambda _, own: [*records, *own], of)


def hiding(*ids: str, of: Which = lists) -> Rewrite:
    """Pages without these records."""
    return _records(lambda _, records: (record for record in records if record["id"] not in ids), of)


def nulls(record_id: str, *attributes: str, of: Which = lists) -> Rewrite:
    """Pages in which these attributes of a record are null."""

    def change(_: Request, records: list[Document]) -> Iterable[Document]:
        for record in records:
            hit = record["id"] == record_id
            gone = dict.fromkeys(attributes) if hit else {}
            yield {**record, "attributes": {**record["attributes"], **gone}}

    return _records(change, of)


def slid_up(of: Which = lists) -> Rewrite:
    """A record went while the pages were read: each page after the first lacks its first record."""
    return _records(lambda request, records: records[_number(request) > 1 :], of)


def slid_down(of: Which = lists) -> Rewrite:
    """A record came while the pages were read: each page after the first repeats the last record before it."""
    last: dict[int, list[Document]] = {}

    def change(request: Request, records: list[Document]) -> Iterable[Document]:
        last[_number(request)] = records[-1:]
        return [*last.get(_number(request) - 1, []), *records]

    return _records(change, of)


def endless(of: Which = lists) -> Rewrite:
    """`next` is set on every page, and pages after the last one repeat it."""
    last: list[Document] = []

    def change(request: Request, whole: Document) -> Document:
        last[:] = whole["data"] or last
        url = f"{OTHER_HOST}{request.path}?page={_number(request) + 1}"
        return {**whole, "data": [*last], "pagination": {**whole["pagination"], "next": url}}

    return _page(change, of)


def repeated_token() -> Rewrite:
    """SIGNL4's lists never end: each page says that more follow, and has the token of the first one."""
    tokens: list[object] = []

    def change(_: Request, whole: Document) -> Document:
        tokens.append(whole["continuationToken"])
        return {**whole, "hasMore": True, "continuationToken": tokens[0]}

    return document(lambda request, whole: change(request, whole) if "hasMore" in whole else whole)


def _page(change: Callable[[Request, Document], Document], of: Which) -> Rewrite:
    return document(lambda request, whole: change(request, whole) if of(request) else whole)


def _records(change: Callable[[Request, list[Document]], Iterable[object]], of: Which) -> Rewrite:
    return _page(lambda request, whole: {**whole, "data": list(change(request, whole["data"]))}, of)


def _number(request: Request) -> int:
    return int(request.query.get("page", "1"))
