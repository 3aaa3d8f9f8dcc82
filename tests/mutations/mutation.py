"""One way in which the program is broken on purpose, and the tests that must see it."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Mutation:
    """A row of the table."""

    what: str
    """What is broken, in a plain sentence."""
    file: str
    changes: tuple[tuple[str, str], ...]
    """Texts of the file, each of which is there once, and what takes their place."""
    tests: tuple[str, ...]
    """Files of tests, single ones, or single cases: in each at least one fails."""
    machine: bool = False
    """Whether its tests boot a machine."""

    def problems(self, root: Path) -> Iterator[str]:
        """What is out of date about it, a sentence each."""
        text = (root / self.file).read_text("utf-8")
        for old, new in self.changes:
            if (times := text.count(old)) != 1:
                yield f"{self.what}: {old!r} is {times} times in {self.file}"
            if old == new:
                yield f"{self.what}: nothing is changed"
        if not self.tests:
            yield f"{self.what}: no test is named"
        for test in self.tests:
            file, *names = test.partition("[")[0].split("::")
            if not (root / file).is_file() or not set(names) <= _names(root / file):
                yield f"{self.what}: there is no {test}"

    def broken(self, text: str) -> str:
        """The text of the file with all of its changes."""
        for old, new in self.changes:
            text = text.replace(old, new)
        return text


def row(what: str, file: str, *parts: tuple[str, str] | str, machine: bool = False) -> Mutation:
    """A row as the tables have it: changes are pairs of an old and a new text, tests are texts."""
    changes = tuple(part for part in parts if isinstance(part, tuple))
    return Mutation(what, file, changes, tuple(part for part in parts if isinstance(part, str)), machine)


@cache
def _names(file: Path) -> set[str]:
    """Those of its functions and classes."""
    nodes = ast.walk(ast.parse(file.read_text("utf-8")))
    return {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}
