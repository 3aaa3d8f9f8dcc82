"""`python -m daemon`."""

import sys

from daemon.beginning import begin


def start() -> None:
    """The commands take a fifth of a second to be imported, in which signals come as well."""
    begin(sys.argv[1:])
    from daemon.cli import main

    main(prog_name="betterstack-signl4")


if __name__ == "__main__":
    try:
        start()
    except KeyboardInterrupt:
        sys.exit(130)
