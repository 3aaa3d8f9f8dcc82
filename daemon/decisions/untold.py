"""Why nobody was told of an incident, from what is recorded of it and of its alert. Pure."""

from daemon.model.delivery import Alert, DeliveryState

UNKNOWN = "unknown why: an older version recorded it"


def why_untold(alerted: bool, silent_because: str | None, alert: Alert | None) -> str | None:
    """Why SIGNL4 was not told that the incident began, or not yet; `None` if it was.

    `alerted` and `silent_because` are those of the recorded state, `alert` is the `new` of the same generation.
    """
    if not alerted:
        return silent_because or UNKNOWN
    if alert is None:
        return None
    tries = f" after {alert.attempts} {'try' if alert.attempts == 1 else 'tries'}" if alert.attempts else ""
    error = f" ({alert.last_error})" if alert.last_error else ""
    match alert.state:
        case DeliveryState.DELIVERED:
            return None
        case DeliveryState.PENDING:
            is_held = alert.held_because and not alert.attempts
            return f"held: {alert.held_because}" if is_held else f"not delivered yet{tries}{error}"
        case DeliveryState.SUPERSEDED:
            return f"{alert.reason}{tries}"
        case DeliveryState.DEAD:
            return f"refused by SIGNL4{error}"
