"""The demo: runs the real daemon as a process against the sandbox, and judges what it did.

It needs no account and no network, leaves no files behind, and ends by itself.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread

from daemon.sandbox.display import Display, Frame, Output
from daemon.sandbox.explanation import LEGEND_OF_THE_TIMES, at_prompt, next_steps, rules_of, story
from daemon.sandbox.interrupt import interruptible
from daemon.sandbox.mishaps import lists
from daemon.sandbox.process import DaemonProcess
from daemon.sandbox.replay import ReplayError, read_recording
from daemon.sandbox.rules import Silence, Silenced, configuration
from daemon.sandbox.scenario import SCENARIO
from daemon.sandbox.script import Player, Script
from daemon.sandbox.server import Sandbox
from daemon.sandbox.verdict import Flaw, Verdict, judge

EVENT_LIMIT = 3000
"""Higher than SIGNL4's own limit, which months compressed to a minute would exceed."""
START_TIME = 20.0
"""Longest time to the first round, in seconds."""
SETTLE_TIME = 20.0
"""Longest time for the remaining deliveries after the end of the script, in seconds."""
QUIET_TIME = 1.5
"""Seconds at the end without further events."""
FRAME_SECONDS = 0.2
"""Seconds between two updates of the display."""
INTERRUPTED = 130
TWO_WAYS = {"WRITE_BACK__INTERVAL": "1s", "WRITE_BACK__BY": "$USER"}
"""Settings that shorten the way back, and its line."""


def run_demo(replay: Path | None, speed: float | None) -> int:
    """Runs the scripted demo, or replays a recorded history. Returns 0 if all events are right, else 1; 130 if
    interrupted.

    `speed`: how many times faster than real time a recording is played. Raises `ReplayError` for an unusable one.
    """
    output = Output()
    script = _script(replay, speed, output)
    output.say(LEGEND_OF_THE_TIMES)
    for sentence in rules_of(script):
        output.say(sentence)
    try:
        with interruptible(), _directory() as directory, Sandbox(event_limit=EVENT_LIMIT) as sandbox:
            return Demo(script, sandbox, directory, output).run()
    except KeyboardInterrupt:
        output.say("Stopped before the end; there is no verdict.")
        return INTERRUPTED


def _script(replay: Path | None, speed: float | None, output: Output) -> Script:
    if replay is None:
        if speed is not None:
            raise ReplayError("a speed is for a recorded history; name one with --replay")
        output.say(f"The daemon against a sandbox of both services; this takes about {SCENARIO.length + 8:.0f} s.")
        return SCENARIO
    recording = read_recording(replay, speed)
    days, count = recording.duration / 86400, len(recording.alerts)
    output.say(f"{replay.name}: {count} alerts in {days:.1f} days, played {recording.speed:,.0f} times as fast.")
    return recording.script


@contextmanager
def _directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="betterstack-signl4-demo-") as name:
        yield Path(name)


class Demo:
    """One run of a script in a sandbox."""

    def __init__(self, script: Script, sandbox: Sandbox, directory: Path, output: Output) -> None:
        """`directory`: for the daemon's files."""
        self._script = script
        self._sandbox = sandbox
        self._directory = directory
        self._output = output
        self._player = Player(script, sandbox)
        self._began = sandbox.context.now()
        self._silences: list[Silenced] = []
        self._story: list[str] = []
        sandbox.signl4.teams = {team.secret: team.name for team in script.teams}

    def run(self) -> int:
        """Plays the script, waits for the remaining deliveries, judges. Returns the exit code."""
        self._player.prologue()
        settings, rules = self._settings(), configuration(self._script.teams)
        with DaemonProcess(settings, self._directory, self._sandbox.context.notify, rules) as daemon:
            ready = self._first_round(daemon)
            if ready:
                self._perform(daemon)
            early = daemon.ended.is_set()
            code = daemon.stop()
        if not ready or early or code != 0:
            self._complain(daemon, ready=ready, early=early, code=code)
            return 1
        verdict = self._verdict()
        self._output.report(verdict, self._began)
        if not verdict.good:
            return 1
        for line in [*self._story, *next_steps(sys.argv[0])]:
            self._output.quote(line)
        return 0

    def _settings(self) -> dict[str, str]:
        """The variables for the daemon. It gets a key if there is something to see with it."""
        two_ways = bool(self._script.acknowledgements)
        return self._sandbox.environment(two_ways=two_ways) | (TWO_WAYS if two_ways else {})

    def _first_round(self, daemon: DaemonProcess) -> bool:
        """Waits for the first round, since incidents over by then do not alert. Returns whether it was made."""

        def second_round_begun() -> bool:
            asked = [
                one for one in self._sandbox.betterstack.requests if lists(one.request) and "from" not in one.query
            ]
            return daemon.ended.is_set() or sum(one.query.get("page") == "1" for one in asked) > 1

        try:
            self._sandbox.wait_for(second_round_begun, START_TIME)
        except TimeoutError:
            return False
        return not daemon.ended.is_set()

    def _perform(self, daemon: DaemonProcess) -> None:
        if self._script.silence is not None:
            self._silences = [self._make(self._script.silence, daemon)]
        self._began = self._sandbox.context.now()
        stop = Event()
        thread = Thread(target=self._player.play, args=[stop])
        thread.start()
        try:
            with self._output.display(len(self._script.cues)) as display:
                self._watch(daemon, display, "playing", lambda _: not thread.is_alive())
                self._watch(daemon, display, "waiting for what is left", _nothing_lost, SETTLE_TIME)
                self._watch(daemon, display, "listening whether more comes", lambda _: False, QUIET_TIME)
        finally:
            stop.set()
            thread.join()
        if self._script.story is not None and not daemon.ended.is_set():
            command = ("why", self._player.incident_id(self._script.story))
            self._story = story(command, daemon.ask(*command))

    def _make(self, silence: Silence, daemon: DaemonProcess) -> Silenced:
        self._output.quote(at_prompt(silence.command))
        lasts, before = timedelta(seconds=silence.seconds), self._sandbox.context.now()
        daemon.ask(*silence.command)
        return Silenced(silence.pattern, before, before + lasts, self._sandbox.context.now() + lasts)

    def _watch(
        self,
        daemon: DaemonProcess,
        display: Display,
        doing: str,
        until: Callable[[Frame], bool],
        seconds: float = float("inf"),
    ) -> None:
        """Updates the display until the condition holds, the time is over, or the daemon has ended."""
        end = time.monotonic() + seconds
        display.show(frame := self._frame(doing))
        while not until(frame) and time.monotonic() < end and not daemon.ended.wait(FRAME_SECONDS):
            display.show(frame := self._frame(doing))

    def _frame(self, doing: str) -> Frame:
        return Frame(
            began=self._began,
            elapsed=(self._sandbox.context.now() - self._began).total_seconds(),
            length=self._script.length,
            history=self._sandbox.world.history,
            verdict=self._verdict(),
            down=self._player.down,
            doing=doing,
        )

    def _verdict(self) -> Verdict:
        world, requests = self._sandbox.world, self._sandbox.betterstack.requests
        started = requests[0].at if requests else None
        events, held, teams = self._sandbox.signl4.events, self._player.held, self._script.teams
        changes = self._sandbox.signl4.account.changes
        return judge(world.history, world.showings, events, started, held, teams, self._silences, changes)

    def _complain(self, daemon: DaemonProcess, *, ready: bool, early: bool, code: int) -> None:
        if early:
            self._output.say(f"The daemon ended before the play did, with exit code {code}. Its last lines:")
        elif not ready:
            self._output.say(f"The daemon made no round within {START_TIME:g} s. Its last lines:")
        else:
            self._output.say(f"The daemon was asked to stop and ended with exit code {code}. Its last lines:")
        for line in daemon.last_lines():
            self._output.quote(line)


def _nothing_lost(frame: Frame) -> bool:
    return frame.verdict.count(Flaw.LOST) == 0
