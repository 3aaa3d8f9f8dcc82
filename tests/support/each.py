"""Cases that nobody needs to see one by one: a single test goes through them all, and names the one that fails."""

import inspect
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any


def each(names: str | tuple[str, ...], values: Iterable[Any], ids: Iterable[str] | None = None) -> Callable[..., Any]:
    """As `pytest.mark.parametrize`, but a loop inside the test, so that all cases share what fixtures give.

    The lowest of several is the innermost loop.
    """
    listed = list(values)
    cases = [dict(zip(names, value, strict=True)) if isinstance(names, tuple) else {names: value} for value in listed]
    called = [None] * len(cases) if ids is None else list(ids)
    assert cases, "a loop without a case tests nothing"
    assert len(called) == len(cases)

    def looped(test: Callable[..., None]) -> Callable[..., None]:
        @wraps(test)
        def through_all(*args: Any, **given: Any) -> None:
            __tracebackhide__ = True
            for name, case in zip(called, cases, strict=True):
                try:
                    test(*args, **given, **case)
                except BaseException as error:
                    error.add_note(f"the case: {name or repr(case)[:300]}")
                    raise

        signature = inspect.signature(test)
        left = [one for one in signature.parameters.values() if one.name not in cases[0]]
        assert len(left) + len(cases[0]) == len(signature.parameters), "the test takes each of them"
        through_all.__signature__ = signature.replace(parameters=left)  # type: ignore[attr-defined]
        return through_all

    return looped
