"""The mortal program in a hurry, asking Better Stack as fast as it answers: `python -m tests.soak.hasty run`.

A second of its life is as long as five of the program's own, as far as requests go.
"""

import runpy
import sys

from daemon.clients import quiet

PROGRAM = (sys.executable, "-m", "tests.soak.hasty")

if __name__ == "__main__":
    vars(quiet).update(REQUEST_GAP=0.02)
    runpy.run_module("tests.e2e.mortal", run_name="__main__")
