"""The page of a report: one file, nothing loaded from anywhere, no script.

Its content security policy allows the one style sheet and nothing else, so even a mistake in a page like this could not
run what a name holds.
"""

from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256

from daemon.model.report import Lane, Report
from daemon.page import charted, listed
from daemon.page.markup import Markup, document, element, stylesheet
from daemon.page.style import rules
from daemon.page.words import Clock

TITLE = "Incidents"


def page(report: Report, lanes: Sequence[Lane], slots: int, clock: Clock) -> str:
    """The whole page. `lanes` are those of the timeline, with so many slots."""
    title = f"{TITLE}, {clock.day(report.since)} \N{EN DASH} {clock.day(report.until)} {clock.local(report.until):%Y}"
    figures = report.figures
    main = element(
        "main",
        charted.tiles(report),
        charted.timeline(report, lanes, slots, clock),
        charted.when(figures),
        charted.took(figures),
        listed.sources(figures),
        listed.flapping(figures.flapping),
        listed.retried(report),
        listed.rounds(report, clock),
        listed.alarms(report, clock),
    )
    period = f"{clock.minute(report.since)} to {clock.minute(report.until)}, {clock.zone}"
    header = element("header", element("h1", title), element("p", f"Better Stack to SIGNL4 · {period}", class_="soft"))
    made = f"Made by betterstack-signl4 at {clock.minute(report.at)} ({clock.zone}) from its own database."
    return document(element("html", _head(title), element("body", header, main, element("footer", made)), lang="en"))


def _head(title: str) -> Markup:
    style = rules()
    digest = b64encode(sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
        stylesheet(style),
    )
