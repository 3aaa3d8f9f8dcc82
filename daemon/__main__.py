"""The program: `betterstack-signl4`, or `python -m daemon`."""

import errno
import os
import sys

from daemon.host.startup import begin

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}
"""How a disk fails that what a command shows is written to."""


def start() -> None:
    """The commands take a fifth of a second to be imported, in which signals come as well."""
    try:
        begin(sys.argv[1:])
        from daemon.cli.main import main

        main(prog_name="betterstack-signl4")
    except KeyboardInterrupt:
        sys.exit(130)
    except OSError as error:
        if error.errno not in FULL:
            raise
        # What waits in the buffer would be tried once more at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(f"what was to be shown could not be written ({error.strerror})")


if __name__ == "__main__":
    start()
