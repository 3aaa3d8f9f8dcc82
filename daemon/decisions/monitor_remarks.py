"""What `[monitors]` switches on, and what does nothing without it: sentences for `check`. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from datetime import timedelta

from daemon.config.match import KINDS, Match
from daemon.config.monitors import SWITCHES, MonitorsSection
from daemon.config.pattern import found
from daemon.config.settings import Settings
from daemon.config.types import spelled
from daemon.model.incident import INCIDENT
from daemon.model.monitor import MonitorKind


def looked_at(settings: Settings) -> Iterator[str]:
    """What the program does with the lists; nothing without them."""
    section = settings.monitors
    if not section.kinds:
        return
    spans: Mapping[str, timedelta | None] = {
        "paused": section.paused_after,
        "in maintenance": section.maintenance_after,
        "pending": section.pending_after,
    }
    causes = [f"{what} for {spelled(span)}" for what, span in spans.items() if span is not None]
    if section.deleted:
        causes.append("deleted while an incident of it is open")
    kinds = " and ".join(f"{kind}s" for kind in section.kinds)
    alerts = f", and alerts when one is {_joined(causes, 'or')}" if causes else ""
    yield f"looks at the {kinds} of Better Stack every {spelled(section.interval)}{alerts}"
    if section.tell:
        yield f"alerts when one is {_joined(list(dict.fromkeys(section.tell)), 'or')}, whoever did it"


def monitor_remarks(settings: Settings) -> Iterator[str]:
    """A warning each, with the mend."""
    section, default = settings.monitors, MonitorsSection()
    if not section.kinds:
        for key in (field.name for field in fields(section)):
            if getattr(section, key) != getattr(default, key):
                ways = " nor ".join(SWITCHES.values())
                yield f"monitors.{key} does nothing while neither {ways} is true; set one of them, or leave {key} out"
    rules = [(f'route "{route.name}"', route.match.fields) for route in settings.route]
    rules += [(f'maintenance "{window.name}"', window.match) for window in settings.maintenance]
    for rule, match in rules:
        for kind in (one for one in MonitorKind if one not in section.kinds and _is_about(match, one)):
            yield f"{rule} is about {kind}s (match.kind), which are not looked at; set {SWITCHES[kind]} = true"


def _is_about(match: Match, kind: MonitorKind) -> bool:
    """Whether it names this kind, other than together with every incident, as `*` does."""
    for field, condition in match.conditions:
        if field == "kind":
            meant = [one for one in KINDS if any(found(each, one.encode()) for each in condition.patterns)]
            if condition.negated:
                return INCIDENT in meant and kind not in meant
            return any(found(each, kind.encode()) and not found(each, INCIDENT.encode()) for each in condition.patterns)
    return False


def _joined(texts: list[str], word: str) -> str:
    *most, last = texts
    return f"{', '.join(most)} {word} {last}" if most else last
