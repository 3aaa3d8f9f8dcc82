"""A script is played in its order, at its pace, and can be stopped."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from threading import Event
from typing import Generic, TypeVar

from daemon.model.incident import Phase
from daemon.sandbox.history import Act
from daemon.sandbox.scenario import SCENARIO
from daemon.sandbox.script import Acknowledgement, Cue, Outage, Player, Script
from daemon.sandbox.server import Sandbox
from tests.sandbox.conftest import tell
from tests.support.slowness import SLOWNESS

Seen = TypeVar("Seen")
LIFE = (
    Cue(-2, Act.OPENED, "old"),
    Cue(-1, Act.RESOLVED, "old", by="John"),
    Cue(0, Act.OPENED, "shop", name="Shop", cause="Timeout", status="Unconfirmed"),
    Cue(0.01, Act.CONFIRMED, "shop"),
    Cue(0.02, Act.ACKNOWLEDGED, "shop", by="Jane"),
    Cue(0.03, Act.RESTATED, "shop", status="Validating"),
    Cue(0.04, Act.RESOLVED, "shop"),
    Cue(0.05, Act.REOPENED, "shop"),
    Cue(0.06, Act.RESOLVED, "shop"),
    Cue(0.07, Act.REOPENED_AFRESH, "shop"),
    Cue(0.08, Act.DELETED, "shop"),
)


class Watched(Event, Generic[Seen]):
    """Notes how long a play would wait before each step, and what is seen then. The play goes on at once."""

    def __init__(self, see: Callable[[], Seen]) -> None:
        super().__init__()
        self._see = see
        self.waits: list[float] = []
        self.seen: list[Seen] = []

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self.waits.append(timeout)
        self.seen.append(self._see())
        return False


def test_everything_happens_in_the_order_of_its_time(sandbox: Sandbox) -> None:
    player = Player(Script(LIFE[::-1]), sandbox)
    player.prologue()
    assert [(one.act, one.name, one.by) for one in sandbox.world.history] == [
        (Act.OPENED, "old", None),
        (Act.RESOLVED, "old", "John"),
    ]
    player.play(Event())
    mine = [one for one in sandbox.world.history if one.name == "Shop"]
    assert [one.act for one in mine] == [cue.act for cue in LIFE[2:]]
    assert (mine[0].phase, mine[2].by) == (Phase.UNCONFIRMED, "Jane")


def test_the_pace_is_that_of_the_script(sandbox: Sandbox) -> None:
    """Until the second cue it waits for what is left of its time, whatever the steps before took."""
    cues = (Cue(0.0, Act.OPENED, "first"), Cue(600, Act.OPENED, "second"))
    watched = Watched(time.monotonic)
    began = time.monotonic()
    Player(Script(cues), sandbox).play(watched)
    assert len(sandbox.world.history) == 2
    assert watched.waits[0] == 0
    assert 600 - (watched.seen[1] - began) <= watched.waits[1] < 600


def test_it_waits_for_a_cue_that_is_not_due(sandbox: Sandbox) -> None:
    cues = (Cue(0.0, Act.OPENED, "first"), Cue(0.3, Act.OPENED, "second"))
    Player(Script(cues), sandbox).play(Event())
    first, second = sandbox.world.history
    assert (second.at - first.at).total_seconds() >= 0.29


def test_stopping_ends_the_play_at_once_and_lifts_the_outage(sandbox: Sandbox) -> None:
    script = Script((Cue(0, Act.OPENED, "first"), Cue(600, Act.OPENED, "second")), (Outage(0, 500),))
    player, stop = Player(script, sandbox), Event()
    thread = threading.Thread(target=player.play, args=[stop])
    thread.start()
    sandbox.wait_for(lambda: sandbox.world.history, what="the first cue")
    began = time.monotonic()
    stop.set()
    thread.join(10)
    assert time.monotonic() - began < 5 * SLOWNESS
    assert [one.name for one in sandbox.world.history] == ["first"]
    assert tell(sandbox).status_code == 201
    assert not player.down


def test_in_an_outage_signl4_answers_503_and_the_time_is_known(sandbox: Sandbox) -> None:
    script = Script((Cue(0, Act.OPENED, "before"), Cue(2, Act.OPENED, "within")), (Outage(1, 3),))
    player = Player(script, sandbox)
    watched = Watched(lambda: (len(sandbox.world.history), tell(sandbox).status_code, player.down))
    player.play(watched)
    assert watched.seen == [(0, 201, False), (1, 201, False), (1, 503, True), (2, 503, True)]
    assert (tell(sandbox).status_code, player.down) == (201, False)
    [window] = player.held
    before, within = (one.at for one in sandbox.world.history)
    assert before <= window.since <= within <= window.until <= sandbox.context.now()


def test_a_person_acknowledges_in_signl4_as_soon_as_the_alert_is_there(sandbox: Sandbox) -> None:
    script = Script((Cue(0, Act.OPENED, "shop"),), acknowledgements=(Acknowledgement(0.01, "shop", by="Jane"),))
    player, account = Player(script, sandbox), sandbox.signl4.account
    thread = threading.Thread(target=player.play, args=[Event()])
    thread.start()
    sandbox.wait_for(lambda: sandbox.world.history, what="the first cue")
    assert not account.changes
    assert tell(sandbox, player.incident_id("shop")).status_code == 201
    thread.join(10)
    [change] = account.changes
    assert (change.by, change.alert.external_id) == ("Jane", player.incident_id("shop"))


def test_stopping_ends_the_wait_for_an_alert(sandbox: Sandbox) -> None:
    script = Script((Cue(0, Act.OPENED, "shop"),), acknowledgements=(Acknowledgement(0, "shop", by="Jane"),))
    stop = Event()
    thread = threading.Thread(target=Player(script, sandbox).play, args=[stop])
    thread.start()
    sandbox.wait_for(lambda: sandbox.world.history, what="the first cue")
    began = time.monotonic()
    stop.set()
    thread.join(10)
    assert time.monotonic() - began < 5 * SLOWNESS
    assert not sandbox.signl4.account.changes


def test_a_script_is_as_long_as_its_last_cue_or_outage() -> None:
    assert Script(LIFE).length == 0.08
    assert Script(LIFE, (Outage(1, 2),)).length == 2


def test_the_scenario_shows_every_case_and_stays_short() -> None:
    acts = Counter(cue.act for cue in SCENARIO.cues)
    assert set(acts) == set(Act) - {Act.RESTATED}
    assert SCENARIO.length < 25
    assert SCENARIO.acknowledgements
    [outage] = SCENARIO.outages
    within = {cue.act for cue in SCENARIO.cues if outage.since < cue.at < outage.until}
    assert {Act.OPENED, Act.ACKNOWLEDGED, Act.RESOLVED} <= within


def test_the_scenario_can_be_played_as_it_is_written(sandbox: Sandbox) -> None:
    hurried = tuple(Cue(cue.at / 100, cue.act, cue.actor, status=cue.status) for cue in SCENARIO.cues)
    player = Player(Script(hurried), sandbox)
    player.prologue()
    player.play(Event())
    assert len(sandbox.world.history) == len(SCENARIO.cues)
