"""The body of a webhook, copied as it is, with the real program at both ends."""

import json
import signal
from typing import Any

import pytest

from daemon.sandbox.server import Sandbox
from daemon.sandbox.webhooks import Place
from tests.e2e.conftest import Operator

QUICK: dict[str, Any] = {"POLL__INTERVAL": "1s", "POLL__ACTIVE_INTERVAL": "1s", "DELIVERY__GAP": "0s"}
RECIPE = """{
  "Title": "$NAME",
  "Owner": "${METADATA.Service owner:-nobody}",
  "Data": $METADATA_ARRAY,
  "X-S4-ExternalID": "$INCIDENT_ID",
  "X-S4-Status": "new",
  "X-S4-SourceSystem": "Better Stack"
}
"""
DATA = [{"key": "Region", "values": [{"type": "String", "value": "eu"}]}]


def opened(sandbox: Sandbox, name: str) -> str:
    return sandbox.world.open(name, metadata={"Region": [{"type": "String", "value": "eu"}]})


def alert(name: str, incident_id: str, **changes: Any) -> dict[str, Any]:
    own = {"X-S4-ExternalID": incident_id, "X-S4-Status": "new", "X-S4-SourceSystem": "Better Stack"}
    return {"Title": name, "Owner": "nobody", "Data": DATA, **own, **changes}


def test_a_recipe_in_a_file_is_sent_and_read_again_by_a_reload(operator: Operator, sandbox: Sandbox) -> None:
    recipe = operator.directory / "new.json"
    recipe.write_text(RECIPE)
    (operator.directory / "config.toml").write_text("payload.new = 'file:new.json'\n")
    assert "warning" not in operator.ask("check").stdout
    daemon = operator.run(**QUICK)
    first = opened(sandbox, "Shop")
    daemon.wait_for(lambda: operator.told(first) == ["new"], "the first alert")
    assert operator.events[0].payload == alert("Shop", first)

    recipe.write_text(RECIPE.replace("$NAME", "Again $NAME"))
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait_for(lambda: daemon.says("payload.new changed"), "the reload")
    second = opened(sandbox, "Shop")
    daemon.wait_for(lambda: operator.told(second) == ["new"], "the second alert")
    assert operator.events[1].payload == alert("Again Shop", second)

    recipe.write_text('{\n  "Title": $NAME $CAUSE\n}\n')
    daemon.process.send_signal(signal.SIGHUP)
    where = "new.json is not JSON in line 2, column 18"
    daemon.wait_for(lambda: daemon.says("the new configuration is refused") and daemon.says(where), "the refusal")
    third = opened(sandbox, "Shop")
    daemon.wait_for(lambda: operator.told(third) == ["new"], "the third alert")
    assert operator.events[2].payload == alert("Again Shop", third)


@pytest.mark.parametrize("command", ["run", "once", "check"])
def test_a_recipe_that_is_not_there_is_78_and_a_sentence(operator: Operator, command: str) -> None:
    (operator.directory / "config.toml").write_text("payload.new = 'file:new.json'\n")
    said = operator.ask(command)
    assert said.returncode == 78
    place = operator.directory / "new.json"
    assert f"payload.new: {place} cannot be read (No such file or directory); put it there, or" in said.stderr


def test_the_webhooks_of_better_stack_are_imported_and_sent(operator: Operator, sandbox: Sandbox) -> None:
    url = "https://connect.signl4.com/webhook/wr0ngs3cret"
    add = sandbox.betterstack.webhooks.add
    add("New", url, "started", body=RECIPE, place=Place.INCLUDED)
    add("Over", url, "resolved", body={"Text": "$NAME is over", "X-S4-Status": "resolved"})
    (operator.directory / "config.toml").write_text(operator.ask("import-webhook", "--from-better-stack").stdout)
    incident = opened(sandbox, "Shop")
    shown = operator.ask("check", "--template", "new", "--incident", incident)
    daemon = operator.run(**QUICK)
    daemon.wait_for(lambda: operator.told(incident) == ["new"], "the alert")
    sandbox.world.resolve(incident)
    daemon.wait_for(lambda: operator.told(incident) == ["new", "resolved"], "the end")
    assert [event.payload for event in operator.events] == [
        alert("Shop", incident),
        {"Text": "Shop is over", "X-S4-SourceSystem": "Better Stack", "X-S4-ExternalID": incident}
        | {"X-S4-Status": "resolved"},
    ]
    assert json.loads(shown.stdout) == alert("Shop", incident)
    warned = [line for line in operator.ask("check", "--online").stdout.splitlines() if "comes twice" in line]
    assert [line.split('"')[1] for line in warned] == ["New", "Over"]
