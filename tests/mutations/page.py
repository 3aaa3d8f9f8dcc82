"""docs/mutations.md as the table makes it. `python -m tests.mutations --page` writes it."""

from tests.mutations.mutation import Mutation
from tests.mutations.table import TABLES
from tests.support.paths import ROOT

PAGE = ROOT / "docs" / "mutations.md"
HEAD = """# Mutations

Each of these is done to a copy of the code by `make mutations`, one after the other, and the tests named must fail.
What exactly is changed is said in `tests/mutations/`. Where the tests boot a machine, that is done by
`python -m tests.mutations --machine` alone.
"""


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *(_section(title, rows) for title, rows in TABLES.items())])


def _section(title: str, rows: tuple[Mutation, ...]) -> str:
    lines = [f"| {one.what} | `{one.file}` | {', '.join(f'`{test}`' for test in one.tests)} |" for one in rows]
    return "\n".join([f"## {title}", "", "| broken on purpose | in | seen by |", "|---|---|---|", *lines, ""])
