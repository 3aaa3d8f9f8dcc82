"""The changes that come by themselves to the stand-alone sandbox."""

from random import Random

from daemon.model.incident import Phase
from daemon.sandbox.life import Life
from daemon.sandbox.server import Sandbox


def test_several_incidents_are_open_at_a_time_and_each_is_acknowledged_and_resolved() -> None:
    sandbox = Sandbox()
    life = Life(sandbox.context, sandbox.world, 1, 0)
    acts: list[str] = []
    for _ in range(23):
        life.change()
        acts.append(sandbox.world.history[-1].act)
        open_now = [record for record in sandbox.world.records if record.phase is not Phase.RESOLVED]
        assert len(open_now) in {2, 3} or len(acts) == 1
    assert acts[:8] == ["opened", "opened", "acknowledged", "opened", "resolved", "acknowledged", "opened", "resolved"]
    resolved = [record for record in sandbox.world.records if record.phase is Phase.RESOLVED]
    assert len(resolved) == 7
    assert all(record.attributes["acknowledged_at"] for record in resolved)


def test_whatever_others_do_to_the_incidents_the_next_change_is_one_that_they_allow() -> None:
    for seed in range(50):
        random, sandbox = Random(seed), Sandbox()
        world, life = sandbox.world, Life(sandbox.context, sandbox.world, 1, 0)
        world.open("Not of the sandbox's own")
        for _ in range(60):
            record = random.choice(world.records) if world.records else None
            match random.randrange(5):
                case 0 if record and record.phase is Phase.OPEN:
                    world.acknowledge(record.id)
                case 1 if record and record.phase is not Phase.RESOLVED:
                    world.resolve(record.id)
                case 2 if record and record.phase is Phase.RESOLVED:
                    world.reopen(record.id, keep_times=random.random() < 0.5)
                case 3 if record:
                    world.delete(record.id)
                case _:
                    before = len(world.history)
                    life.change()
                    assert len(world.history) == before + 1, seed


def test_an_incident_that_somebody_opened_is_left_to_him() -> None:
    sandbox = Sandbox()
    mine = sandbox.world.open("Mine")
    life = Life(sandbox.context, sandbox.world, 1, 0)
    for _ in range(30):
        life.change()
    assert sandbox.world.record(mine).phase is Phase.OPEN


def test_a_change_comes_when_it_is_due_and_none_where_there_are_none() -> None:
    sandbox = Sandbox()
    life = Life(sandbox.context, sandbox.world, 20, 100)
    assert life.until_due(100) == 0
    life.advance(100)
    assert (len(sandbox.world.history), life.until_due(105)) == (1, 15)
    life.advance(119)
    assert len(sandbox.world.history) == 1
    life.go_on(0, 119)
    life.advance(1e9)
    assert (len(sandbox.world.history), life.until_due(1e9)) == (1, None)
    life.go_on(5, 1e9)
    assert life.until_due(1e9) == 5
    assert Life(sandbox.context, sandbox.world, 0, 0).until_due(0) is None


def test_after_the_machine_slept_the_changes_missed_are_not_made_up_for() -> None:
    sandbox = Sandbox()
    life = Life(sandbox.context, sandbox.world, 20, 0)
    life.advance(10_000)
    assert (len(sandbox.world.history), life.until_due(10_000)) == (1, 20)
