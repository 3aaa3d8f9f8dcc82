"""The figures in Prometheus' text format, under their names. Imported only where somebody wants them."""

import platform
from collections.abc import Iterator, Mapping

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from daemon import __version__
from daemon.host import process_figures
from daemon.host.metrics import Counts, Histogram
from daemon.model.readings import Headroom, Readings, TeamOutbox
from daemon.model.snapshot import Snapshot

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
PREFIX = "betterstack_signl4_"


def text_of(counts: Counts, readings: Readings) -> bytes:
    """What the program counted and what was read."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Figures(counts, readings))
    return generate_latest(registry)


def text_of_process() -> bytes:
    """CPU, memory and descriptors of this process. Not for node_exporter, which has such figures of its own."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Process())
    return generate_latest(registry)


class _Figures(Collector):
    def __init__(self, counts: Counts, readings: Readings) -> None:
        self._counts = counts
        self._readings = readings

    def collect(self) -> Iterator[Metric]:
        """All figures."""
        yield from _counted(self._counts)
        yield from _read(self._readings)
        if self._readings.snapshot is not None:
            yield from _state(self._readings.snapshot)


class _Process(Collector):
    """Under the names that all programs use. The library's own collector needs /proc/stat, which the unit hides."""

    def collect(self) -> Iterator[Metric]:
        """Those that the kernel tells of this process."""
        found = process_figures.read()
        cpu = CounterMetricFamily("process_cpu_seconds", "User and system CPU time.")
        cpu.add_metric([], found.cpu_seconds)
        yield cpu
        for name, what, value in (
            ("start_time_seconds", "When the process was started.", found.started_at),
            ("resident_memory_bytes", "Resident memory.", found.resident_bytes),
            ("virtual_memory_bytes", "Virtual memory.", found.virtual_bytes),
            ("open_fds", "Open file descriptors.", found.descriptors),
        ):
            family = GaugeMetricFamily(f"process_{name}", what)
            family.add_metric([], value)
            yield family


def _counted(counts: Counts) -> Iterator[Metric]:
    yield _histogram("round_duration_seconds", "Duration of rounds.", "result", counts.rounds)
    transitions = _counter("transitions", "Changes of incidents that somebody is told of.", "kind")
    for kind, count in counts.transitions.items():
        transitions.add_metric([kind], count)
    yield transitions
    detection = {"": counts.detection}
    yield _histogram("detection_delay_seconds", "From the beginning of an incident until it was seen.", None, detection)
    attempts = _counter(
        "delivery_attempts", "Attempts to send that were accepted, refused or failed.", "team", "outcome"
    )
    for (team, outcome), count in counts.attempts.items():
        attempts.add_metric([team, outcome], count)
    yield attempts
    yield _histogram(
        "telling_delay_seconds",
        "From seeing a new incident until SIGNL4 accepted its alert; without alerts that a rule held.",
        "team",
        counts.telling,
    )


def _read(readings: Readings) -> Iterator[Metric]:
    labels = {"version": __version__, "python": platform.python_version()}
    yield _gauge("build_info", "Version of the program and of Python.", tuple(labels), [(tuple(labels.values()), 1)])
    yield _single("healthy", "1 if `status` reports no problem.", not readings.problems)
    leads = None if readings.is_leader is None else int(readings.is_leader)
    yield _single("leader", "1 if this host polls and sends, 0 if it stands by.", leads)
    yield _single("problems", "Number of problems that `status` reports.", len(readings.problems))
    yield from _outboxes(readings.outboxes)
    yield from _limits(readings.headroom)
    yield _single("database_size_bytes", "Size of the database.", readings.database_bytes)
    yield _single("database_wal_size_bytes", "Size of the write-ahead log of the database.", readings.log_bytes)
    betterstack_ahead = None if readings.snapshot is None else readings.snapshot.service_ahead
    ahead = {"betterstack": betterstack_ahead, "signl4": readings.signl4_ahead}
    yield _gauge(
        "clock_skew_seconds",
        "How far the clock of a service is ahead of this machine's, by the Date of its responses.",
        ("service",),
        [((service,), by.total_seconds()) for service, by in ahead.items() if by is not None],
    )


def _outboxes(outboxes: Mapping[str, TeamOutbox]) -> Iterator[Metric]:
    yield _gauge(
        "outbox_deliveries",
        "Deliveries that are not settled: pending, held by a rule of yours, or dead.",
        ("team", "state"),
        [
            ((team, state), count)
            for team, one in outboxes.items()
            for state, count in (("pending", one.pending - one.held), ("held", one.held), ("dead", one.dead))
        ],
    )
    yield _gauge(
        "outbox_oldest_pending_timestamp_seconds",
        "When the oldest pending delivery that nothing holds was recorded; missing if there is none.",
        ("team",),
        [((team,), one.oldest_pending_at.timestamp()) for team, one in outboxes.items() if one.oldest_pending_at],
    )


def _limits(headroom: Mapping[str, Headroom]) -> Iterator[Metric]:
    yield _gauge(
        "rate_limit_events",
        "Events that SIGNL4 allows an account in 15 s, or the assumed number until it has reported one.",
        ("account",),
        [((account,), room.limit) for account, room in headroom.items()],
    )
    yield _gauge(
        "rate_limit_available_events",
        "Events that could be sent now without exceeding the limit.",
        ("account",),
        [((account,), room.available) for account, room in headroom.items()],
    )


def _state(snapshot: Snapshot) -> Iterator[Metric]:
    what = "When the last complete round ended; missing if there was none."
    labels: tuple[str, ...] = ("source",) if snapshot.named else ()
    rounds = [(one.polled_from, one.last_complete_round_at) for one in snapshot.polled]
    values = [((name,)[: len(labels)], last.timestamp()) for name, last in rounds if last is not None]
    yield _gauge("last_complete_round_timestamp_seconds", what, labels, values)
    yield _single("secrets_refused", "Secrets of SIGNL4 teams that it refuses.", len(snapshot.refused))
    yield _single("open_incidents", "Incidents that are not over.", snapshot.open_incidents)
    yield _single("open_alarms", "Open alarms about the program itself.", len(snapshot.open_alarms))
    yield _single("unreadable_incidents", "Incidents whose record cannot be read.", len(snapshot.unreadable))


def _single(name: str, what: str, value: float | None) -> Metric:
    """A figure without labels; missing if it is not known."""
    return _gauge(name, what, (), [] if value is None else [((), value)])


def _gauge(name: str, what: str, labels: tuple[str, ...], values: list[tuple[tuple[str, ...], float]]) -> Metric:
    family = GaugeMetricFamily(f"{PREFIX}{name}", what, labels=list(labels))
    for label_values, value in values:
        family.add_metric(list(label_values), float(value))
    return family


def _counter(name: str, what: str, *labels: str) -> CounterMetricFamily:
    """Its name ends with `_total`, as the format wants it."""
    return CounterMetricFamily(f"{PREFIX}{name}", what, labels=list(labels))


def _histogram(name: str, what: str, label: str | None, values: Mapping[str, Histogram]) -> Metric:
    family = HistogramMetricFamily(f"{PREFIX}{name}", what, labels=[label] if label else [])
    for label_value, one in values.items():
        family.add_metric([label_value] if label else [], one.cumulated(), one.total)
    return family
