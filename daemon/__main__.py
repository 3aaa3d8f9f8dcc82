"""The program: `betterstack-signl4`, or `python -m daemon`."""

import errno
import os
import sys

from daemon.host.startup import begin

NOT_WRITTEN = {
    *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.ESTALE, errno.EROFS),
    *(errno.EBADF, errno.EAGAIN, errno.EINVAL, errno.ENXIO, errno.ECONNRESET, errno.EPIPE),
}
"""Errors of the file, the terminal or the connection that a command's output is written to."""


def start() -> None:
    """Sets up signals before it imports the commands, which takes a fifth of a second."""
    try:
        begin(sys.argv[1:])
        from daemon.cli.main import main

        main(prog_name="betterstack-signl4")
    except KeyboardInterrupt:
        sys.exit(130)
    except OSError as error:
        if error.errno not in NOT_WRITTEN or error.filename is not None:
            raise
        # Otherwise Python would write the buffer again at exit, and fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(f"what was to be shown could not be written ({error.strerror})")


if __name__ == "__main__":
    start()
