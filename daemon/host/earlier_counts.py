"""Reads the counts of an earlier process back from the file that it wrote for node_exporter.

`once` lives for seconds: without that, each of its counters would be one for ever.
"""

from collections.abc import Iterable
from itertools import pairwise

from prometheus_client.parser import text_string_to_metric_families

from daemon.host.exposition import PREFIX
from daemon.host.metrics import DETECTION_SECONDS, ROUND_SECONDS, TELLING_SECONDS, Counts, Histogram

Sample = tuple[str, dict[str, str], float]
"""Name without prefix, labels, value."""


def counts_in(text: str) -> Counts:
    """What the file holds of it. Raises `ValueError` and `KeyError` if it is not of this form."""
    samples = [
        (sample.name.removeprefix(PREFIX), dict(sample.labels), float(sample.value))
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    ]
    counts = Counts()
    counts.rounds |= _histograms(samples, "round_duration_seconds", ROUND_SECONDS, "result")
    counts.telling |= _histograms(samples, "telling_delay_seconds", TELLING_SECONDS, "team")
    counts.detection = _histograms(samples, "detection_delay_seconds", DETECTION_SECONDS).get("", counts.detection)
    for name, labels, value in samples:
        if name == "transitions_total":
            counts.transitions[labels["kind"]] = value
        elif name == "delivery_attempts_total":
            counts.attempts[labels["team"], labels["outcome"]] = value
    return counts


def _histograms(
    samples: Iterable[Sample], name: str, bounds: tuple[float, ...], label: str | None = None
) -> dict[str, Histogram]:
    """By the value of the label; one with other bounds begins anew."""
    upper: dict[str, dict[float, float]] = {}
    total: dict[str, float] = {}
    for what, labels, value in samples:
        whose = labels[label] if label and what.startswith(name) else ""
        if what == f"{name}_bucket":
            upper.setdefault(whose, {})[float(labels["le"])] = value
        elif what == f"{name}_sum":
            total[whose] = value
    return {
        whose: Histogram(bounds, [after - before for before, after in pairwise([0.0, *found.values()])], total[whose])
        for whose, found in upper.items()
        if tuple(found) == (*bounds, float("inf"))
    }
