"""What the daemon does not carry around for months: libraries that only people at a terminal need, or only rules."""

import gc
import os
import subprocess
import sys
from importlib import import_module

import pytest

from daemon.cli.main import MODULES
from daemon.host.slim_imports import no_garbage, without

KEPT_OUT = ("rich", "pygments", "alembic", "httpx._main", "markdown_it", "re2", "dateutil")


@pytest.mark.parametrize("module", ["daemon.runtime.run", "daemon.host.log", "daemon.clients.http", "daemon.cli.main"])
def test_nothing_of_it_is_loaded(module: str) -> None:
    code = f"import sys, {module}; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    loaded = {name for name in done.stdout.split() if name in KEPT_OUT or name.partition(".")[0] in KEPT_OUT}
    assert loaded == set()
    assert module in done.stdout.split()


def test_of_the_commands_only_the_one_that_is_asked_for_is_loaded() -> None:
    code = "import sys; from daemon.cli.main import main; main(['why', '--help'], standalone_mode=False)"
    code += "; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.removeprefix("daemon.cli.") for name in done.stdout.split() if name.startswith("daemon.cli.")}
    assert loaded & set(MODULES.values()) == {"why"}


def test_a_module_cannot_be_imported_for_a_while() -> None:
    sys.modules.pop("colorsys", None)
    with without("colorsys"), pytest.raises(ImportError):
        import_module("colorsys")
    assert "colorsys" not in sys.modules
    assert import_module("colorsys") is sys.modules["colorsys"]


def test_a_module_that_is_there_stays_as_it_is() -> None:
    module = import_module("colorsys")
    with without("colorsys"):
        assert import_module("colorsys") is module
    assert sys.modules["colorsys"] is module


def test_it_ends_when_something_breaks_as_well() -> None:
    with pytest.raises(KeyError), without("a_module_nobody_has", "another_one"):
        os.environ["A_VARIABLE_NOBODY_HAS"]
    assert not {"a_module_nobody_has", "another_one"} & set(sys.modules)


def test_one_may_be_within_another() -> None:
    with without("a_module_nobody_has"):
        with without("a_module_nobody_has"):
            pass
        with pytest.raises(ImportError):
            import_module("a_module_nobody_has")
    assert "a_module_nobody_has" not in sys.modules


def test_nothing_is_looked_through_for_garbage_within_and_all_that_comes_later_is() -> None:
    with pytest.raises(KeyError), no_garbage():
        assert not gc.isenabled()
        os.environ["A_VARIABLE_NOBODY_HAS"]
    assert gc.isenabled()


FROZEN = """
import gc, weakref
from daemon.host.slim_imports import no_garbage

class Knot:
    def __init__(self):
        self.self = self

def knot():
    with no_garbage():
        return weakref.ref(Knot())

kept, lost, later = knot(), knot(), weakref.ref(Knot())
gc.collect()
print([one() is not None for one in (kept, lost, later)])
"""


def test_what_the_first_one_leaves_is_looked_through_at_no_later_time() -> None:
    done = subprocess.run([sys.executable, "-W", "error", "-c", FROZEN], capture_output=True, text=True, check=True)
    assert done.stdout == "[True, False, False]\n"
