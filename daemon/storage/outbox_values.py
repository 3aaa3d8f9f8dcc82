"""Rows of the outbox as deliveries, and results as the values that its statements take."""

from typing import Any

from sqlalchemy import Row

from daemon.model.delivery import Delivered, Delivery, Failing, Result
from daemon.model.incident import Kind
from daemon.storage import delivery_rows as rows


def is_replaced(result: Result) -> bool:
    """Whether the payload is replaced by the minimal one."""
    return result.replacement is not None


def delivery(row: Row[Any], event_source: str | None) -> Delivery:
    """A row of `outbox_statements.due`. `event_source`: that of the destination."""
    failing = None
    if row.failing_since is not None:
        others_failing = row.failing - (not row.own_fault)
        failing = Failing(row.failing_since, row.failures, row.taken - row.failing_from, others_failing)
    return Delivery(
        id=row.id,
        incident_id=row.incident_id,
        generation=row.generation,
        kind=Kind(row.kind),
        external_id=row.external_id,
        payload=row.payload,
        attempts=row.attempts,
        refused=bool(row.refused),
        over_since=row.over_since,
        occurred_at=row.occurred_at,
        created_at=row.created_at,
        subject=row.subject,
        held_because=row.held_because,
        previous_at=row.previous_at,
        maybe_taken_at=row.maybe_taken_at,
        event_before=row.event_before,
        event_source=event_source,
        taken_before=row.taken,
        failing=failing,
        all_failing=row.failing,
        own_fault=row.own_fault,
    )


def result(of: Result) -> dict[str, Any]:
    """The values of `outbox_statements.settle`."""
    tried, disposition, outcome = of.delivery, of.disposition, of.answer.outcome
    values = {"this": tried.id, "state": disposition.state, "due_at": disposition.due_at}
    if of.replacement is not None:
        values["payload"] = of.replacement
    if isinstance(outcome, Delivered):
        return {**values, "delivered_at": of.at, "event_id": outcome.event_id, **rows.NO_FAILURES}
    before = tried.taken_before
    counts = {"taken_before": before, "latest_from": before, "refusals": int(of.not_taken)}
    own_fault = {"own_fault": True} if disposition.own_fault else {}
    return {**values, **counts, **own_fault, "now": of.at, "last_error": outcome.why}
