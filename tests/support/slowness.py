"""How slow this machine is while the tests run. Limits in seconds are stretched by that, and so do not depend on it.

A limit tells a thing that happens from one that never does. What has an exact time is judged by clocks set by hand.
"""

import os
import subprocess
import sys
import time

START = 0.03
"""Seconds that an idle machine needs to start Python and end it again."""
MOST = 10.0


def _start() -> float:
    begun = time.monotonic()
    subprocess.run([sys.executable, "-S", "-E", "-c", "pass"], check=True)
    return time.monotonic() - begun


_CROWDED = os.getloadavg()[0] / (os.cpu_count() or 1)
"""Processes that want a core, for each core: a start that was lucky does not show it."""
SLOWNESS = min(max(*(_start() / START for _ in range(5)), _CROWDED, 1.0), MOST)
"""How many times as long as on an idle machine things take now, at least once. Measured once for each process."""
