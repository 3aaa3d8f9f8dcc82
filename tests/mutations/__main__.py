"""`python -m tests.mutations [WORDS…]`: breaks a copy of the program, row by row, and looks whether the tests see it.

With words: the rows whose sentence or file holds one of them. `--machine`: those alone whose tests boot a machine.
`--control`: the tests of all these rows with nothing broken, which must succeed. `--page`: writes docs/mutations.md.
Ends with 1 if something was not seen.
"""

import argparse
import signal
import sys
import time
from itertools import groupby

from tests.mutations.copy import Copy, copied
from tests.mutations.mutation import Mutation
from tests.mutations.page import PAGE, page
from tests.mutations.table import ALL

SEEN = 1
"""The exit code of pytest where tests failed; every other one says that they could not be run."""


def main() -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutations", description="Are the tests any good?")
    parser.add_argument("words", nargs="*", help="rows whose sentence or file holds one of these")
    parser.add_argument("--machine", action="store_true", help="the rows whose tests boot a machine")
    parser.add_argument("--control", action="store_true", help="run their tests with nothing broken")
    parser.add_argument("--page", action="store_true", help="write docs/mutations.md")
    asked = parser.parse_args()
    if asked.page:
        PAGE.write_text(page(), "utf-8")
        return 0
    # Whoever ignores this signal passes that on, to tests of it as well.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    rows = [one for one in ALL if one.machine == asked.machine and _is_meant(one, asked.words)]
    with copied() as copy:
        return _control(copy, rows) if asked.control else _try(copy, rows)


def _is_meant(mutation: Mutation, words: list[str]) -> bool:
    named = f"{mutation.what} {mutation.file}".lower()
    return not words or any(word.lower() in named for word in words)


def _control(copy: Copy, rows: list[Mutation]) -> int:
    tests = sorted({test for one in rows for test in one.tests})
    failed = 0
    for file, those in groupby(tests, lambda test: test.partition("::")[0]):
        code, said = copy.run(list(those))
        failed += code != 0
        print(f"good   {file}" if code == 0 else f"FAILS  {file}: {code}\n{said[-2000:]}", flush=True)
    return 1 if failed else 0


def _try(copy: Copy, rows: list[Mutation]) -> int:
    unseen = 0
    for mutation in rows:
        begun = time.monotonic()
        problem = _problem(copy, mutation)
        unseen += problem is not None
        took = f"({mutation.file}, {time.monotonic() - begun:.0f} s)"
        print(
            f"NOT SEEN {mutation.what} {took}: {problem}" if problem else f"seen   {mutation.what} {took}", flush=True
        )
    print(f"{len(rows) - unseen} of {len(rows)} were seen")
    return 1 if unseen else 0


def _problem(copy: Copy, mutation: Mutation) -> str | None:
    """Why the mutation does not count as seen."""
    for sentence in mutation.problems(copy.root):
        return sentence
    try:
        with copy.broken(mutation):
            for test in mutation.tests:
                code, said = copy.run([test], "-x")
                if code != SEEN:
                    return f"{test} ends with {code}\n{said[-2000:] if code else ''}".strip()
    except ValueError as error:
        return str(error)
    return None


if __name__ == "__main__":
    sys.exit(main())
