"""The program: `betterstack-signl4`, or `python -m daemon`."""

import errno
import os
import sys

from daemon.host.startup import begin

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}
"""Errors of the disk that a command's output is written to."""


def start() -> None:
    """Sets up signals before it imports the commands, which takes a fifth of a second."""
    try:
        begin(sys.argv[1:])
        from daemon.cli.main import main

        main(prog_name="betterstack-signl4")
    except KeyboardInterrupt:
        sys.exit(130)
    except OSError as error:
        if error.errno not in FULL and not _output_fails():
            raise
        # Otherwise Python would write the buffer again at exit, and fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(f"what was to be shown could not be written ({error.strerror})")


def _output_fails() -> bool:
    """Whether the error came from the output: what could not be written is still in the buffer, and fails again."""
    try:
        sys.stdout.flush()
    except OSError:
        return True
    return False


if __name__ == "__main__":
    start()
