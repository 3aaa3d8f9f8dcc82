"""Has the configuration read and checked by a process of its own, while this one does something else.

pydantic and what comes with it takes 10 MB and a part of a second. That process hands over plain values, and ends.
"""

import pickle
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Self

from daemon.config.configuration import Configuration
from daemon.host import child
from daemon.model.errors import ConfigError, DaemonError

How = Literal["whole", "offline"]
"""With all that is needed, or without the secrets."""
MODULE = "daemon.config.handover"


class Reading:
    """A configuration that is being read. Leaving the block ends the process."""

    def __init__(self, file: Path | None, environ: Mapping[str, str], how: How = "whole") -> None:
        """Raises `DaemonError` if the machine has no process left. `file`: the argument of `--config`."""
        named = [] if file is None else [str(file)]
        variables = child.environment(environ) | {"PYDANTIC_DISABLE_PLUGINS": "1"}
        try:
            # In a session of its own, Ctrl-C at a terminal ends this process alone, which ends that one.
            self._process = subprocess.Popen(  # noqa: S603
                child.command("-m", MODULE, how, *named), env=variables, stdout=subprocess.PIPE, start_new_session=True
            )
        except OSError as error:
            raise DaemonError(
                f"the configuration cannot be read: no process can be started for it ({error.strerror}); "
                "look at the limits on processes and memory, and try again"
            ) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._process as process:
            process.kill()

    def result(self) -> Configuration:
        """Waits until it is read. Raises `ConfigError`, or `DaemonError` if that process came to no end of its own."""
        handed_over, _ = self._process.communicate()
        if self._process.returncode != 0:
            raise DaemonError(
                f"the configuration was not read: the process for it ended with {self._process.returncode}; "
                "look at the limits on memory, and try again"
            )
        read = pickle.loads(handed_over)  # noqa: S301 - from a process of ours
        if isinstance(read, Configuration):
            return read
        raise ConfigError(*read)


def read(file: Path | None, environ: Mapping[str, str], how: How = "whole") -> Configuration:
    """The configuration. Raises `ConfigError`, or `DaemonError` if nothing could be read now."""
    with Reading(file, environ, how) as reading:
        return reading.result()
