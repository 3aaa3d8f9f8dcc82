"""The process is killed with SIGKILL while something is under way, and started again until all is told."""

from collections import Counter
from random import Random

from daemon.sandbox.exchange import Request
from daemon.sandbox.loopback import LoopbackService
from daemon.sandbox.server import Sandbox
from tests.e2e.conftest import Daemon, Operator


def run_until_killed(operator: Operator, service: LoopbackService, number: int) -> Request:
    """The request of this number finds its sender dead when the service has done its work; that request."""
    running: list[Daemon] = []
    seen: list[Request] = []

    def kill(request: Request) -> None:
        seen.append(request)
        if len(seen) == number:
            running[0].kill()

    service.faults.before_answer = kill
    running.append(operator.run(DELIVERY__CONCURRENCY="1"))
    running[0].wait_for(lambda: running[0].process.returncode is not None, "the kill")
    service.faults.before_answer = None
    return seen[number - 1]


def test_promise_4_only_what_was_in_flight_at_a_kill_is_repeated_under_the_same_external_id(
    operator: Operator, sandbox: Sandbox
) -> None:
    ids = [sandbox.world.open(f"Incident {number}") for number in range(12)]
    expected = Counter(ids)
    for number in (1, 2, 4):
        request = run_until_killed(operator, sandbox.signl4, number)
        expected[request.external_id] += 1
    operator.run().wait_for(lambda: {event.external_id for event in operator.events} == set(ids), "all alerts")
    assert Counter(event.external_id for event in operator.events) == expected


def test_promise_6_killed_while_pages_are_read_nothing_is_missed_and_nothing_is_told_twice(
    operator: Operator, sandbox: Sandbox
) -> None:
    ids = {sandbox.world.open(f"Incident {number}") for number in range(110)}
    for page in (2, 3):
        run_until_killed(operator, sandbox.betterstack, page)
    operator.run().wait_for(lambda: {event.external_id for event in operator.events} == ids, "all alerts")
    times = Counter(event.external_id for event in operator.events)
    assert sum(times.values()) <= 110 + 2, "no more than what was in flight at the two kills"


def test_promise_6_killed_at_random_moments_the_final_set_of_alerts_is_right(
    operator: Operator, sandbox: Sandbox
) -> None:
    random = Random(20261123)
    incidents = [sandbox.world.open(f"Incident {number}") for number in range(30)]
    for kills in range(6):
        moment = asked(sandbox) + random.randint(2, 12)
        daemon = operator.run()
        daemon.wait_for(lambda moment=moment: asked(sandbox) >= moment, "the moment of the kill")  # type: ignore[misc]
        daemon.kill()
        sandbox.world.resolve(incidents[kills], "Jane")
    last = operator.run()
    over, still_open = incidents[:6], incidents[6:]
    last.wait_for(lambda: all(operator.told(incident)[-1:] == ["resolved"] for incident in over), "all ends")
    last.wait_for(lambda: all(operator.told(incident) for incident in still_open), "all alerts")
    assert all(set(operator.told(incident)) == {"new"} for incident in still_open)
    for incident in over:
        heard = operator.told(incident)
        assert heard == ["new"] * heard.count("new") + ["resolved"] * heard.count("resolved")


def asked(sandbox: Sandbox) -> int:
    """How many requests both services got so far."""
    return len(sandbox.betterstack.requests) + len(sandbox.signl4.requests)
