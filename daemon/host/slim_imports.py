"""What imports cost: memory for what is useful only at a terminal, and time for garbage that they do not make."""

import gc
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


@contextmanager
def no_garbage() -> Iterator[None]:
    """Within this context what comes into being stays, as what is imported does, and nobody looks for garbage in it.

    Python would look through all of it each time that it has grown by a quarter: a fifth of a command's time. What the
    first such context leaves is looked through at no later time either; after a later one there may be garbage in it.
    """
    gc.disable()
    try:
        yield
    finally:
        if not gc.get_freeze_count():
            gc.freeze()
        gc.enable()
