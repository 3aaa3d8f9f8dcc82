"""What `check` says of SIGNL4's API key."""

from typing import Any

from daemon.decisions.key_remarks import key_remarks, switched_on
from tests.support.each import each
from tests.support.values import settings

KEY = "a-key-of-signl4"


def said(signl4: dict[str, Any] | None = None, **sections: Any) -> list[str]:
    return list(switched_on(settings(signl4={"api_key": KEY, **(signl4 or {})}, **sections)))


def warned(signl4: dict[str, Any], **sections: Any) -> list[str]:
    return list(key_remarks(settings(signl4=signl4, **sections)))


def test_without_a_key_nothing_is_switched_on() -> None:
    assert list(switched_on(settings())) == []
    assert list(key_remarks(settings(signl4={"teams": {"web": {"secret": "web1", "account": "other"}}}))) == []


@each(
    ("back", "expected"),
    [
        ({}, 'every 15s what people did there, and acknowledges incidents in Better Stack accordingly, as "$USER via'),
        (
            {"resolve": True, "by": "us", "interval": "1m"},
            "every 1m what people did there, and acknowledges and resolves",
        ),
        (
            {"acknowledge": False, "resolve": True, "by": "us"},
            'and resolves incidents in Better Stack accordingly, as "us"',
        ),
        ({"acknowledge": False}, "and writes nothing back: write_back.acknowledge and write_back.resolve are false"),
    ],
)
def test_what_is_written_back_is_said(back: dict[str, Any], expected: str) -> None:
    assert expected in said(write_back=back)[0]


def test_what_is_proven_is_said() -> None:
    assert said()[1:] == ["asks SIGNL4 whether each new alert paged somebody"]
    assert said(duty={"warn_after": "10m"})[1].endswith(", and warns when nobody has been on duty for 10m")


def test_a_team_of_another_account_is_warned_of() -> None:
    teams = {"web": {"secret": "web1", "account": "other"}, "night": {"secret": "night1"}}
    [sentence] = warned({"api_key": KEY, "teams": teams})
    assert sentence.startswith("team web is of the account other, which signl4.api_key does not see")
    assert sentence.endswith("leave signl4.teams.web.account out")
    same = {"web": {"secret": "web1", "account": "https://connect.signl4.com"}}
    assert warned({"api_key": KEY, "teams": same}) == []
