"""The scripted demo: in under half a minute, every kind of life that an incident can have.

Each incident is there for one case, and stands in a place where the case can be seen: the outage of SIGNL4 in the
middle covers a whole life, and between the reopenings there is time for a round.
"""

from daemon.sandbox.history import Act
from daemon.sandbox.script import Cue, Outage, Script

JANE, JOHN = "Jane", "John"

SCENARIO = Script(
    cues=(
        # Before the daemon starts: one that is over stays quiet, one that is open alerts.
        Cue(-3, Act.OPENED, "Old certificate", cause="SSL certificate expired"),
        Cue(-2, Act.RESOLVED, "Old certificate", by=JOHN),
        Cue(-1, Act.OPENED, "Nightly backup", cause="Missed heartbeat"),
        # A life with everything in it, and a second generation in the documented form.
        Cue(0.5, Act.OPENED, "Shop front page"),
        Cue(2, Act.ACKNOWLEDGED, "Shop front page", by=JANE),
        Cue(4.5, Act.RESOLVED, "Shop front page"),
        Cue(6.5, Act.REOPENED, "Shop front page", by=JANE),
        # Acknowledged and resolved while SIGNL4 is down.
        Cue(1, Act.OPENED, "Checkout API", cause="Timeout (30 s)"),
        Cue(8.5, Act.ACKNOWLEDGED, "Checkout API", by=JOHN),
        Cue(12.5, Act.RESOLVED, "Checkout API", by=JOHN),
        # Never confirmed: nobody hears of it.
        Cue(1.5, Act.OPENED, "Login page", status="Unconfirmed"),
        Cue(5, Act.RESOLVED, "Login page"),
        # Confirmed by a second check: alerts then.
        Cue(2.5, Act.OPENED, "Mail relay", cause="Connection refused", status="Unconfirmed"),
        Cue(3.5, Act.CONFIRMED, "Mail relay"),
        Cue(9.5, Act.RESOLVED, "Mail relay"),
        # Opens and closes between two rounds, which come with each full second: only the sweep can find it.
        Cue(3.4, Act.OPENED, "Edge cache", cause="Status 502"),
        Cue(3.7, Act.RESOLVED, "Edge cache"),
        # Deleted: it takes two lookups to believe that.
        Cue(4, Act.OPENED, "Test incident", cause="Created by mistake"),
        Cue(6, Act.DELETED, "Test incident"),
        # Opens while SIGNL4 is down and lasts longer; and one whose whole life lies within the outage.
        Cue(9, Act.OPENED, "Database replica", cause="Replication lag"),
        Cue(10, Act.OPENED, "Payment provider", cause="Status 500"),
        Cue(10.5, Act.ACKNOWLEDGED, "Payment provider", by=JANE),
        Cue(12, Act.RESOLVED, "Payment provider"),
        # The second generation ends, and a third comes in the other form.
        Cue(16, Act.RESOLVED, "Shop front page"),
        Cue(18.5, Act.REOPENED_AFRESH, "Shop front page"),
        Cue(20, Act.ACKNOWLEDGED, "Shop front page", by=JOHN),
        Cue(21, Act.RESOLVED, "Database replica"),
        Cue(22, Act.RESOLVED, "Shop front page", by=JOHN),
        # Open to the end, and known to be looked after.
        Cue(22, Act.ACKNOWLEDGED, "Nightly backup", by=JANE),
    ),
    outages=(Outage(8, 14),),
)
