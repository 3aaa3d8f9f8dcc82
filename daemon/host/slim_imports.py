"""Blocks imports of libraries that are useful only at a terminal, to save memory in a long-running service."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without(*modules: str) -> Iterator[None]:
    """Within this context, importing these modules fails as if they were not installed.

    If installed, httpx loads its command line with Rich and Pygments, and structlog loads Rich: 12 MB of resident
    memory. Modules that are already loaded are not affected.
    """
    kept_out = [name for name in modules if name not in sys.modules]
    sys.modules.update(dict.fromkeys(kept_out))  # type: ignore[arg-type]  # a `None` there makes the import fail
    try:
        yield
    finally:
        for name in kept_out:
            del sys.modules[name]
