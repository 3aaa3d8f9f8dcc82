"""A copy of the checkout, in which things are broken, and the tests that are run there.

What is imported there, by the tests and by every process they start, is the program of the copy.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.mutations.mutation import Mutation
from tests.support.paths import ROOT

LONGEST = 300.0
"""Seconds for the tests of one mutation; a program that hangs has been seen by then."""
WHERE = "import os, daemon, tests; print(os.path.realpath(daemon.__file__), os.path.realpath(tests.__file__))"
RUFF = ("-m", "ruff", "check", "--quiet", "--isolated", "--no-cache", "--select", "E9,F821")
"""What it finds is no mutation but a mistake: a syntax that is none, a name that nothing has."""


class Copy:
    """The tracked files of the checkout as they are now, in a directory of their own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True)
        for name in filter(None, tracked.stdout.split("\0")):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            if (ROOT / name).exists():
                shutil.copy2(ROOT / name, root / name)
        # The tests on a machine ask git for the files that belong to the checkout.
        subprocess.run(["git", "init", "--quiet", str(root)], check=True)
        self._environment = {**os.environ, "PYTHONPATH": str(root)}

    def check(self) -> None:
        """Raises `RuntimeError` where another program than that of the copy would be tried."""
        for cwd in (self.root, self.root.parent):
            said = subprocess.run(
                [sys.executable, "-c", WHERE],
                cwd=cwd,
                env=self._environment,
                capture_output=True,
                text=True,
                check=True,
            )
            places = {str(self.root.resolve() / name / "__init__.py") for name in ("daemon", "tests")}
            if set(said.stdout.split()) != places:
                raise RuntimeError(f"what is imported is not the copy's: {said.stdout}")

    @contextmanager
    def broken(self, mutation: Mutation) -> Iterator[None]:
        """While this lasts the copy has that mutation. Raises `ValueError` where that makes no program."""
        file = self.root / mutation.file
        whole = file.read_text("utf-8")
        try:
            self._write(file, mutation.broken(whole))
            self._check_syntax(file)
            yield
        finally:
            self._write(file, whole)

    def run(self, tests: Sequence[str], *options: str) -> tuple[int, str]:
        """The exit code of pytest, and what it said; 1 as well for tests that do not come to an end."""
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=line", *options, *tests]
        with subprocess.Popen(
            command,
            cwd=self.root,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        ) as process:
            try:
                said, _ = process.communicate(timeout=LONGEST)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                return 1, f"they did not end within {LONGEST:.0f} s"
            except BaseException:
                os.killpg(process.pid, signal.SIGKILL)
                raise
        return process.returncode, said

    def _write(self, file: Path, text: str) -> None:
        file.write_text(text, "utf-8")
        # Python goes by seconds and size, and two mutations of a second may be of one size.
        for compiled in file.parent.glob(f"__pycache__/{file.stem}.*.pyc"):
            compiled.unlink()

    def _check_syntax(self, file: Path) -> None:
        shebang = file.read_text("utf-8").startswith("#!/bin/sh")
        command = ["sh", "-n"] if shebang else [sys.executable, *RUFF] if file.suffix == ".py" else ["true"]
        said = subprocess.run([*command, str(file)], capture_output=True, text=True, check=False)
        if said.returncode != 0:
            raise ValueError(f"it is no program any more: {said.stdout}{said.stderr}")


@contextmanager
def copied() -> Iterator[Copy]:
    """A copy, for as long as it lasts. Tests of its files run as other users as well, who must reach it."""
    with tempfile.TemporaryDirectory(prefix="mutations-") as directory:
        Path(directory).chmod(0o755)
        root = Path(directory) / "checkout"
        root.mkdir()
        copy = Copy(root)
        copy.check()
        yield copy
