"""The configuration read in this process: a test that runs a command pays for that, and not for a second Python."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Self
from unittest import mock

from daemon.config import reading
from daemon.config.configuration import Configuration
from daemon.config.load import load


class Here:
    """Used as `reading.Reading` is, and gives the same."""

    def __init__(self, file: Path | None, environ: Mapping[str, str], how: reading.How = "whole") -> None:
        self._file, self._environ, self._how = file, environ, how

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def result(self) -> Configuration:
        return load(self._file, self._environ, offline=self._how == "offline")


@contextmanager
def read_here() -> Iterator[None]:
    """Within this block no process reads a configuration."""
    with mock.patch.object(reading, "Reading", Here):
        yield
