"""Why nobody was told of an incident, in words."""

import pytest

from daemon.decisions.untold import UNKNOWN, why_untold
from daemon.model.delivery import Alert, DeliveryState
from daemon.model.incident import Untold
from tests.support.paths import ROOT

PENDING, DELIVERED, SUPERSEDED, DEAD = DeliveryState
CASES: list[tuple[Alert | None, str | None]] = [
    (None, None),
    (Alert(DELIVERED, 1, "first seen open", None), None),
    (Alert(DELIVERED, 3, "first seen open", "HTTP 503"), None),
    (Alert(PENDING, 0, "first seen open", None), "not delivered yet"),
    (Alert(PENDING, 1, "first seen open", "HTTP 503"), "not delivered yet after 1 try (HTTP 503)"),
    (Alert(PENDING, 12, "first seen open", None), "not delivered yet after 12 tries"),
    (Alert(PENDING, 0, "first seen open", None, "silence 3 (new disks)"), "held: silence 3 (new disks)"),
    (Alert(PENDING, 1, "first seen open", "HTTP 503", "silence 3 (x)"), "not delivered yet after 1 try (HTTP 503)"),
    (Alert(DELIVERED, 1, "first seen open", None, "silence 3 (new disks)"), None),
    (Alert(SUPERSEDED, 0, "over too long", None), "over too long"),
    (Alert(SUPERSEDED, 2, "dropped by hand", "HTTP 503"), "dropped by hand after 2 tries"),
    (Alert(DEAD, 2, "first seen open", "400: a field is missing"), "refused by SIGNL4 (400: a field is missing)"),
    (Alert(DEAD, 2, "first seen open", None), "refused by SIGNL4"),
]


@pytest.mark.parametrize(("alert", "why"), CASES)
def test_of_what_was_to_be_told_the_alert_says_why_it_was_not(alert: Alert | None, why: str | None) -> None:
    assert why_untold(True, None, alert) == why


@pytest.mark.parametrize("reason", Untold)
def test_of_what_was_not_to_be_told_the_decision_says_why(reason: Untold) -> None:
    assert why_untold(False, reason, None) == reason


def test_the_page_of_commands_explains_each_reason() -> None:
    page = (ROOT / "docs" / "commands.md").read_text("utf-8")
    assert [reason for reason in (*Untold, UNKNOWN) if f"`{reason}`" not in page] == []


def test_what_an_older_version_recorded_is_said_to_be_unknown() -> None:
    assert why_untold(False, None, None) == UNKNOWN
