"""The program, with clocks that the test sets: `python -m tests.e2e.clockwork OFFSET run`.

The wall clock is ahead of the machine's by so many seconds. A line of standard input sets it on, or back:

- `now SECONDS`: at once, whatever is under way;
- `between SECONDS`: while no round is under way, and the next one has its time;
- `stopped SECONDS`: together with the monotonic clock, as if the process alone had stood still.

Each line is answered, once it is done, on standard error. Waits of threads and of SQLite know neither clock.
"""

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import RLock, Thread
from typing import Any

import time_machine
from apscheduler.events import JobExecutionEvent

from daemon.cli.main import main
from daemon.runtime.jobs import Jobs
from daemon.runtime.poll_loop import PollLoop
from daemon.storage import engine, revision

SET = "the test set the clocks"
_monotonic = time.monotonic
_stopped = [0.0]
_at_work = RLock()


def monotonic() -> float:
    """Threads and queues keep the real one, which they have imported by now."""
    return _monotonic() + sum(_stopped)


def listen(clock: time_machine.Traveller) -> None:
    """Does what each line of standard input says."""
    for line in sys.stdin:
        how, seconds = line.split()
        step(clock, how, float(seconds))
        sys.stderr.write(f"{SET}: {line}")
        sys.stderr.flush()


def step(clock: time_machine.Traveller, how: str, seconds: float) -> None:
    """Sets the clock in one of the three ways."""
    match how:
        case "now":
            clock.shift(seconds)
        case "between":
            with _at_work:
                clock.shift(seconds)
        case "stopped":
            clock.shift(seconds)
            _stopped.append(seconds)


def around(of: type[Any], verb: str, extra: Callable[..., Any]) -> None:
    """From now on `extra` is called in place of the verb, with the verb before its arguments."""
    whole = getattr(of, verb)
    setattr(of, verb, lambda *arguments: extra(whole, *arguments))


def a_round(run: Callable[[PollLoop], None], loop: PollLoop) -> None:
    """Nobody sets the clocks from here on who wants to set them between two rounds."""
    _at_work.acquire()
    run(loop)


def behind_a_job(after: Callable[[Jobs, JobExecutionEvent], None], jobs: Jobs, event: JobExecutionEvent) -> None:
    """It has its next time now. This is the thread of the job."""
    after(jobs, event)
    if event.job_id == "poll":
        _at_work.release()


if __name__ == "__main__":
    start = datetime.now(UTC) + timedelta(seconds=float(sys.argv.pop(1)))
    traveller = time_machine.travel(start, tick=True).start()
    vars(time).update(monotonic=monotonic)
    for module in (engine, revision):
        vars(module).update(BUSY_SECONDS=0.3)
    around(PollLoop, "run", a_round)
    around(Jobs, "_after_job", behind_a_job)
    Thread(target=listen, args=(traveller,), daemon=True).start()
    main(prog_name="betterstack-signl4")
