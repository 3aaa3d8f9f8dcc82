"""Prints the figures; exit 1 if a promise was broken."""

import argparse
import secrets
import sys
import tempfile
from pathlib import Path

import tests.soak
from tests.soak.lives import soak

CYCLES = 300


def run() -> int:
    """As many lives as asked for, and more until as many transitions were told."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=tests.soak.__doc__)
    parser.add_argument("--cycles", type=int, default=CYCLES, help=f"lives; {CYCLES} unless told otherwise")
    parser.add_argument("--transitions", type=int, default=0, help="go on until SIGNL4 was told so many")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    parser.add_argument("--with-key", action="store_true", help="with an API key of SIGNL4: no alert is raised twice")
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="betterstack-signl4-soak-") as name:
        figures = soak(
            Path(name),
            options.cycles,
            options.seed,
            lambda line: print(line, flush=True),
            transitions=options.transitions,
            with_key=options.with_key,
        )
    print("\n".join(figures.lines()))
    return 0 if figures.good else 1


if __name__ == "__main__":
    sys.exit(run())
