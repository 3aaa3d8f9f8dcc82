"""Parts of the program that run as a process of their own, and end: what they load leaves with them."""

import os
import sys
from collections.abc import Mapping


def command(*arguments: str) -> list[str]:
    """Runs this Python so. `-P` excludes modules in the working directory."""
    return [sys.executable, "-P", *arguments]


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables for it: it finds modules where this process does."""
    return {**environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
