"""Keeps out of a service that runs for months what its libraries would load only for people at a terminal."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without(*modules: str) -> Iterator[None]:
    """While this lasts, importing these modules fails as if they were not installed.

    httpx loads its own command line, and with it Rich and Pygments, wherever those are installed; structlog loads Rich.
    Together that is 12 MB of resident memory. Modules that are loaded already stay as they are.
    """
    kept_out = [name for name in modules if name not in sys.modules]
    sys.modules.update(dict.fromkeys(kept_out))  # type: ignore[arg-type]  # `None` there is what makes an import fail
    try:
        yield
    finally:
        for name in kept_out:
            del sys.modules[name]
