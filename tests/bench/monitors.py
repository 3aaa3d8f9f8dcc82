"""What the looks at monitors cost those who want them: a look at as many as one page holds, and at ten pages."""

from pathlib import Path

from tests.bench.figure import Figure, Findings
from tests.bench.program import WARM_UP, Checkout, daemon, directory, fine_cpu_seconds, megabytes, serving

LOOKS = 20
CONFIGURATION = '[monitors]\nenabled = true\ninterval = "1s"\n'


def monitors(checkout: Checkout) -> Findings:
    """Rounds, each with a look at monitors none of which has changed."""
    if not (checkout.place / "daemon/poll_monitors.py").exists():
        yield "monitors: skipped, since this checkout looks at none"
        return
    (without, resident), what = _spent(checkout, 0), "monitors"
    for count in (250, 2500):
        spent, resident_with = _spent(checkout, count, without)
        yield Figure(f"look at {count:,} {what}, CPU", spent * 1000, "ms")
        yield Figure(f"resident, what {count:,} {what} add", resident_with - resident, "MB")


def _spent(checkout: Checkout, count: int, of_round: float = 0.0) -> tuple[float, float]:
    """CPU of a look, in seconds, without that of the rounds meanwhile; of a round if there are no monitors.

    And what is resident, in MB.
    """
    what = "looks" if count else "rounds"
    with directory() as place, serving() as server:
        server.watch(count)
        Path(place, "config.toml").write_text(CONFIGURATION if count else "")
        with daemon(checkout, Path(place), server) as process:
            first = len(server.wait_for(what, 2 * WARM_UP))
            before, rounds = fine_cpu_seconds(process.pid), len(server.figures()["rounds"])
            server.wait_for(what, first + LOOKS)
            spent = fine_cpu_seconds(process.pid) - before
            meanwhile = len(server.figures()["rounds"]) - rounds if count else 0
            return (spent - meanwhile * of_round) / LOOKS, megabytes(process.pid, "VmRSS")
