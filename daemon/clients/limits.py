"""Rate limits in response headers, in the forms that servers and gateways use.

- `X-RateLimit-Limit`, `-Remaining` and `-Reset`, a Unix time: SIGNL4's (its support pages of November 2026). Elsewhere
  the reset is a span, a date, or in milliseconds.
- `RateLimit-Limit`, `-Remaining` and `-Reset`, seconds: draft-ietf-httpapi-ratelimit-headers up to 06.
- `RateLimit` with `limit=, remaining=, reset=` (07), or with named items `"name";r=;t=` beside those of
  `RateLimit-Policy`, `"name";q=;w=` (from 08 on).
- `X-Rate-Limit-Limit`, a period, `-Remaining` and `-Reset`, a date: the ASP.NET Core package AspNetCoreRateLimit.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from daemon.clients.dates import EPOCH_FROM, moment
from daemon.model.delivery import WINDOW

_SIGNL4S = "x-ratelimit"
_FAMILIES = (_SIGNL4S, "ratelimit", "x-rate-limit")
_ITEM = re.compile(r'\s*("[^"]*"|[^\s;,="]+)((?:\s*;\s*\w+=[^;,]*)*)\s*(?:,|$)', re.ASCII)
"""An item of a list of structured fields, with its parameters (RFC 9651)."""
_PARAMETER = re.compile(r"(\w+)\s*=\s*([^;,\s]+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Limit:
    """What a response says of one rate limit. Each part is `None` if it is missing or makes no sense."""

    events: int | None = None
    """Allowed in a window."""
    remaining: int | None = None
    resets_in: timedelta | None = None
    """Not limited."""
    resets_at: datetime | None = None
    """Instead, where the server gives a time; by its own clock."""
    window: timedelta | None = None
    """In which so many events are allowed. SIGNL4 does not name it in its headers; it is that of its documentation."""


_NOTHING = Limit()


def limit_said(headers: Mapping[str, str]) -> Limit:
    """The limit that counts: the exhausted one that lasts longest, else the first. Header names are in lower case."""
    if not any("rate" in name for name in headers):
        return _NOTHING
    limits = [*_plain(headers), *_structured(headers)]
    exhausted = [limit for limit in limits if limit.remaining == 0]
    return max(exhausted, key=_lasts, default=limits[0] if limits else _NOTHING)


def _lasts(limit: Limit) -> float:
    if limit.resets_at is not None:
        return limit.resets_at.timestamp()
    return limit.resets_in.total_seconds() if limit.resets_in is not None else -1


def _plain(headers: Mapping[str, str]) -> Iterator[Limit]:
    """Those with a header for each figure."""
    for family in _FAMILIES:
        said, remaining, reset = (headers.get(f"{family}-{part}", "") for part in ("limit", "remaining", "reset"))
        if not (said or remaining or reset):
            continue
        events, span = re.split("[,;]", said)[0].strip(), _count(reset)
        is_span = span is not None and span < EPOCH_FROM
        yield Limit(
            events=_count(events),
            remaining=_count(remaining),
            resets_in=timedelta(seconds=span) if span is not None and is_span else None,
            resets_at=None if is_span else moment(_single(reset)),
            window=WINDOW if family == _SIGNL4S else _window(events, said, headers.get("ratelimit-policy", "")),
        )


def _window(events: str, *policies: str) -> timedelta | None:
    """The window of the policy that allows so many events, as in `100;w=60`."""
    found = [parameters for policy in policies for name, parameters in _items(policy) if name == events]
    spans = [span for span in (_count(parameters.get("w", "")) for parameters in found) if span is not None]
    return timedelta(seconds=spans[0]) if spans else None


def _structured(headers: Mapping[str, str]) -> Iterator[Limit]:
    """Those of `RateLimit`, in either form."""
    text = headers.get("ratelimit", "")
    policies = dict(_items(headers.get("ratelimit-policy", "")))
    flat = _parameters(text)
    if "remaining" in flat:
        yield _limit(flat.get("limit", ""), flat["remaining"], flat.get("reset", ""), "")
        return
    for name, parameters in _items(text):
        policy = policies.get(name, {})
        events = policy.get("q", policy.get("l", ""))
        yield _limit(events, parameters.get("r", ""), parameters.get("t", ""), policy.get("w", ""))


def _limit(events: str, remaining: str, reset: str, window: str) -> Limit:
    wait, span = _count(reset), _count(window)
    return Limit(
        _count(events),
        _count(remaining),
        None if wait is None else timedelta(seconds=wait),
        window=None if span is None else timedelta(seconds=span),
    )


def _items(text: str) -> Iterator[tuple[str, dict[str, str]]]:
    for item in _ITEM.finditer(text):
        yield item[1].strip('"'), _parameters(item[2])


def _parameters(text: str) -> dict[str, str]:
    return {name.lower(): value for name, value in _PARAMETER.findall(text)}


def _count(text: str) -> int | None:
    """A whole number, also with a fraction of zero, or twice the same from two servers; `None` for anything else."""
    number = re.fullmatch(r"(\d{1,12})(?:\.0+)?", _single(text), re.ASCII)
    return None if number is None else int(number[1])


def _single(text: str) -> str:
    """The text, without its repetitions: a proxy may add the same header once more."""
    parts = {part.strip() for part in text.split(",")}
    return parts.pop() if len(parts) == 1 else text.strip()
