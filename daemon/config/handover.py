"""The process that reads the configuration: `handover.py HOW [FILE]` writes what `reading` takes to standard output."""

import os
import pickle
import sys
from pathlib import Path

from daemon.host.slim_imports import no_garbage
from daemon.model.errors import ConfigError

with no_garbage():
    from daemon.config.load import load


def main(how: str, *named: str) -> None:
    """A `Configuration`, or the sentences of all that is wrong with it."""
    file = Path(named[0]) if named else None
    try:
        handed_over = pickle.dumps(load(file, os.environ, offline=how == "offline"))
    except ConfigError as error:
        handed_over = pickle.dumps(error.problems)
    sys.stdout.buffer.write(handed_over)


if __name__ == "__main__":
    main(*sys.argv[1:])
