"""The script of the demo: every life cycle that an incident can have, two teams, a silence, and
a person who acknowledges in SIGNL4, in half a minute.

Each incident shows one case, and is timed so that it can be seen: the outage of SIGNL4 in the middle covers a whole
life cycle, and there is time for a round between reopenings.
"""

from daemon.sandbox.history import Act
from daemon.sandbox.rules import Silence, Team
from daemon.sandbox.script import Acknowledgement, Cue, Outage, Script

JANE, JOHN = "Jane", "John"

SCENARIO = Script(
    cues=(
        # Before the daemon starts: a resolved incident does not alert, an open one does.
        Cue(-3, Act.OPENED, "Old certificate", cause="SSL certificate expired"),
        Cue(-2, Act.RESOLVED, "Old certificate", by=JOHN),
        Cue(-1, Act.OPENED, "Nightly backup", cause="Missed heartbeat"),
        # All phases, and a second generation in the documented form.
        Cue(0.5, Act.OPENED, "Shop front page"),
        Cue(2, Act.ACKNOWLEDGED, "Shop front page", by=JANE),
        Cue(4.5, Act.RESOLVED, "Shop front page"),
        Cue(6.5, Act.REOPENED, "Shop front page", by=JANE),
        # Acknowledged and resolved while SIGNL4 is down.
        Cue(1, Act.OPENED, "Checkout API", cause="Timeout (30 s)"),
        Cue(8.5, Act.ACKNOWLEDGED, "Checkout API", by=JOHN),
        Cue(12.5, Act.RESOLVED, "Checkout API", by=JOHN),
        # Never confirmed: does not alert.
        Cue(1.5, Act.OPENED, "Login page", status="Unconfirmed"),
        Cue(5, Act.RESOLVED, "Login page"),
        # Confirmed by a second check: then it alerts.
        Cue(2.5, Act.OPENED, "Mail relay", cause="Connection refused", status="Unconfirmed"),
        Cue(3.5, Act.CONFIRMED, "Mail relay"),
        Cue(9.5, Act.RESOLVED, "Mail relay"),
        # Opens and closes between two rounds, which start at each full second: only the sweep finds it.
        Cue(3.4, Act.OPENED, "Edge cache", cause="Status 502"),
        Cue(3.7, Act.RESOLVED, "Edge cache"),
        # Deleted: two lookups must confirm it.
        Cue(4, Act.OPENED, "Test incident", cause="Created by mistake"),
        Cue(6, Act.DELETED, "Test incident"),
        # While SIGNL4 is down: one opens that outlasts it, and is of another team; one opens and ends.
        Cue(9, Act.OPENED, "Database", cause="Replication lag"),
        Cue(10, Act.OPENED, "Payment provider", cause="Status 500"),
        Cue(10.5, Act.ACKNOWLEDGED, "Payment provider", by=JANE),
        Cue(12, Act.RESOLVED, "Payment provider"),
        # Acknowledged in SIGNL4: that is written back to Better Stack.
        Cue(2.2, Act.OPENED, "Search index", cause="Status 504"),
        Cue(11, Act.RESOLVED, "Search index"),
        # One opens and ends inside the silence: nobody is told. One is still open at its end: it is told then.
        Cue(1.7, Act.OPENED, "CI runner", cause="Timeout (10 s)"),
        Cue(6.2, Act.RESOLVED, "CI runner"),
        Cue(14.5, Act.OPENED, "CI cache", cause="Disk full"),
        Cue(21.5, Act.RESOLVED, "CI cache"),
        # The second generation ends, and a third begins in the other form.
        Cue(16, Act.RESOLVED, "Shop front page"),
        Cue(18.5, Act.REOPENED_AFRESH, "Shop front page"),
        Cue(20, Act.ACKNOWLEDGED, "Shop front page", by=JOHN),
        Cue(21, Act.RESOLVED, "Database"),
        Cue(22, Act.RESOLVED, "Shop front page", by=JOHN),
        # Open to the end, and acknowledged.
        Cue(22, Act.ACKNOWLEDGED, "Nightly backup", by=JANE),
    ),
    outages=(Outage(8, 14),),
    teams=(Team("dba", secret="4dmsbk8x", pattern="Database*"),),  # noqa: S106 - opens nothing but a sandbox
    acknowledgements=(Acknowledgement(4.8, "Search index", by=JANE),),
    silence=Silence("CI*", seconds=17, comment="upgrade"),
    story="CI cache",
)
