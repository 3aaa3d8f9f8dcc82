"""What `check` warns of in the rules."""

from typing import Any

from daemon.decisions.rule_remarks import rule_remarks
from tests.support.each import each
from tests.support.values import settings

GAP = "an incident that no route matches goes to team default; to decide that yourself, add a last [[route]]"
NIGHT = {"signl4": {"teams": {"night": {"secret": "another-secret"}}}}
UNTOLD = "team night is told of nothing: no route names it; name it in teams of a [[route]]"
NUMBER = "route 1 has no name, and what waits for its min_age or flap would follow another one"
ENDLESS = "maintenance 'w' never ends: "
EVERY = {"match": {"name": "*"}}
"""It looks like everything, but some incidents have no name."""


@each(
    ("rules", "begins"),
    [
        # what nothing matches
        ({}, []),
        ({"route": [{}]}, []),
        ({"route": [EVERY]}, [GAP]),
        ({"route": [{"match": {"name": "db-*"}}]}, [GAP]),
        ({"route": [{"match": {"name": "db-*"}}, {}]}, []),
        ({"route": [{"continue": True}]}, [GAP]),
        ({"route": [{"match": {"times": "Sat", "zone": "UTC"}}]}, [GAP]),
        ({"route": [{"action": "record"}]}, []),
        # what a number stands for
        ({"route": [{"min_age": "2m"}]}, [NUMBER]),
        ({"route": [{"name": "all", "min_age": "2m"}]}, []),
        # who is told of nothing
        (NIGHT, [UNTOLD]),
        ({**NIGHT, "route": [{"teams": ["night"]}]}, []),
        ({**NIGHT, "route": [{}]}, [UNTOLD]),
        ({**NIGHT, "alarm": {"team": "night"}}, []),
        # windows without an end
        ({"maintenance": [{"name": "w", "times": ["Mon-Sun"], "zone": "UTC"}]}, [ENDLESS]),
        ({"maintenance": [{"name": "w", "times": ["Mon-Sat"], "zone": "UTC"}]}, []),
        # all at once
        (
            {**NIGHT, "route": [EVERY], "maintenance": [{"name": "w", "times": ["Mon-Sun"], "zone": "UTC"}]},
            [GAP, UNTOLD, ENDLESS],
        ),
    ],
)
def test_what_is_hardly_meant_is_said_with_the_mend(rules: dict[str, Any], begins: list[str]) -> None:
    remarks = list(rule_remarks(settings(**rules)))
    assert [remark[: len(begin)] for remark, begin in zip(remarks, begins, strict=True)] == begins
    assert all("; " in remark for remark in remarks)
