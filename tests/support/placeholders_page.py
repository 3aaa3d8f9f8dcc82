"""docs/placeholders.md, with rendered examples. `python -m tests.support.placeholders_page` writes it."""

import json

from daemon.clients.records import read_incident
from daemon.decisions.placeholders import ALWAYS_EMPTY, fill
from tests.support.paths import ROOT

PAGE = ROOT / "docs" / "placeholders.md"
DASHBOARD = "https://uptime.betterstack.com/team/t123"
RECORD = {
    "id": "1026034957",
    "attributes": {
        "name": "Shop front page",
        "url": "https://shop.example.com/",
        "http_method": "get",
        "cause": "Status 503",
        "started_at": "2026-11-23T09:14:07.662Z",
        "acknowledged_at": "2026-11-23T09:16:02.113Z",
        "acknowledged_by": "Jane Doe",
        "resolved_at": "2026-11-23T09:31:00.000Z",
        "resolved_by": "John Smith",
        "status": "Resolved",
        "response_content": "upstream connect error",
        "response_url": "https://storage.example.com/response",
        "screenshot_url": "https://storage.example.com/screenshot",
        "metadata": {
            "Region": [{"type": "String", "value": "eu"}, {"type": "String", "value": "us"}],
            "Surrounding logs": [{"type": "String", "value": "connection reset by peer"}],
        },
    },
    "relationships": {"monitor": {"data": {"id": "2345678", "type": "monitor"}}},
}
KEY = "METADATA.<key>"
MEANINGS = {
    "INCIDENT_ID": "the id of the incident",
    "NAME": "its name: that of the monitor, the heartbeat or the integration",
    "CAUSE": "what is wrong; of an incident made through the API, its summary",
    "URL": "what is monitored",
    "HTTP_METHOD": "the method of the request that failed",
    "STATUS": "Better Stack's word for where it stands",
    "INCIDENT_URL": "the link to the incident, or to the monitor that an alert is about; empty unless "
    "`betterstack.dashboard_url` is set",
    "MONITOR_ID": "the id of the monitor that raised it, or that an alert is about; empty if it was something else",
    "STARTED_AT": "when it began, as Better Stack wrote it",
    "ACKNOWLEDGED_AT": "when it was acknowledged",
    "RESOLVED_AT": "when it ended",
    "STARTED_AT_ISO8601": "the same as `$STARTED_AT`",
    "ACKNOWLEDGED_AT_ISO8601": "the same as `$ACKNOWLEDGED_AT`",
    "RESOLVED_AT_ISO8601": "the same as `$RESOLVED_AT`",
    "ACKNOWLEDGED_BY": "who acknowledged it",
    "RESOLVED_BY": "who resolved it",
    "RESPONSE_CONTENT": "the answer that the monitor got, if it is short",
    "RESPONSE_URL": "a link to that answer, if it is long",
    "SCREENSHOT_URL": "a link to the screenshot",
    KEY: "the values of that key of the metadata, joined by commas: of people and teams their name, else their e-mail",
    "METADATA_ARRAY": "all metadata: as the whole value of a field a list, within a text its JSON",
    "COMMENT_ID": "comments are not read",
    "COMMENT_CONTENT": "comments are not read",
    "COMMENT_CREATED_AT": "comments are not read",
    "COMMENT_CREATED_AT_ISO8601": "comments are not read",
    "COMMENT_AUTHOR_NAME": "comments are not read",
    "COMMENT_AUTHOR_EMAIL": "comments are not read",
    "MESSAGE": "belongs to on-call webhooks",
    "EMAILS_JSON_ARRAY": "belongs to on-call webhooks",
    "ON_CALL_CALENDAR_ID": "belongs to on-call webhooks",
    "ON_CALL_CALENDAR_NAME": "belongs to on-call webhooks",
}
"""What each placeholder stands for, in the order of the page."""
HEAD = """# Placeholders

The texts of `[payload.new]`, `[payload.acknowledged]` and `[payload.resolved]`, and `signl4.external_id`, may hold the
placeholders of Better Stack's outgoing webhooks. One that is misspelt, such as `$NAMES`, is a mistake in the
configuration; `betterstack-signl4 check` warns of what else looks like one and is none. Both name the nearest.

```toml
[payload.new]
"Title" = "$NAME: $CAUSE"
"Region" = "$METADATA.Region"
"Link" = "$INCIDENT_URL"
```

- A table takes the place of the default one as a whole; `config.toml` shows the default.
- A placeholder is `$` and a name of capitals, digits and underscores. It is filled whole or not at all: `$NAMES` and
  `$STATUS_PAGE` stay as typed, and so does `{{ name }}`. An underscore at the end of a name, or before a word in lower
  case, is text: `$INCIDENT_ID_prod` is the id and `_prod`.
- `${NAME}` is the same as `$NAME`, and ends where its brace does; see below what else braces can do.
- Without a value it is empty, and a field that comes out empty is left out. A value that holds `$NAME` is not filled
  again. The names of fields are sent as typed.
- The title is cut at 200 characters, each other text at 2,000. A `new` without a title gets the cause as one, else
  `Better Stack incident <id>`: SIGNL4 takes a title only from a text, so a number, a list or a text without a visible
  character is none. The keys it takes a title from are `Subject`, `Title`, `Task`, `Job`, `Case`, `Incident` and
  `X-S4-Subject`.
- An alert about a monitor ([`[monitors]`](../README.md#monitors)) has `$INCIDENT_ID`, as in `monitor-2345678-paused`,
  `$INCIDENT_URL`, `$MONITOR_ID`, `$NAME` (what is the matter), `$CAUSE` (what to do), `$STATUS`, `$STARTED_AT` and, if
  it is no heartbeat, `$URL`; all else of it is empty. Its external id is its `$INCIDENT_ID`.
- `X-S4-ExternalID` and `X-S4-Status` are set by the program. `X-S4-SourceSystem` is `Better Stack` unless a template
  sets it.
"""
BRACES = {
    "${NAME}": "the same as `$NAME`",
    "${NAME:6}": "cut to 6 characters, of which the last is an ellipsis",
    "${MESSAGE:-none}": "the text behind `:-` where the value is empty",
    "${MESSAGE:-see $CAUSE}": "the same; the text may hold placeholders without braces",
    "${NAME:6:-none}": "both, the length first; only the value is cut",
    "${METADATA.Surrounding logs}": "a key of metadata, whole, however many spaces it holds",
    "${METADATA.Service owner:20:-nobody}": "the same, cut and with a text for incidents without that key",
    "${METADATA_ARRAY:-none}": "alone: the list, or the text where there is no metadata",
}
"""What can be written in braces, and what that means."""
IN_BRACES = """## In braces

A length is 1 to 9999. A brace that is none of these stays as typed, and `check` warns.
"""
AS_TEXT = """## A body as it was copied

In place of a table, a payload can be JSON, as SIGNL4's recipe and Better Stack's webhook form have it: in a file, whose
path begins at the folder of `config.toml` (`file:/path/new.json` is absolute), or in the configuration itself.

```toml
[payload]
new = 'file:new.json'
resolved = '''
{
  "Text": "over: $CAUSE",
  "Data": $METADATA_ARRAY
}
'''
```

The same can stand in the environment (`PAYLOAD__NEW='file:new.json'`) and in a credential. A placeholder that is a
whole value needs no quotes: `"Id": $INCIDENT_ID` is `"Id": "$INCIDENT_ID"`. The text becomes a text and
`$METADATA_ARRAY` a list either way. A template file is of at most 100,000 bytes, in UTF-8. The service must be able to
read it; a reload reads it again.

## Keys that SIGNL4 takes for itself

SIGNL4 makes the title of an alert of the first text under `Subject`, `Title`, `Task`, `Job`, `Case`, `Incident` or
`X-S4-Subject`, and the text of the alert of one under `Text`, `Message`, `MessageText`, `Description`, `Body` or
`Content`, in whatever case. It shows those as no fields. `check` warns where that may not be meant: of several of a
kind, and of one alone unless it is `Title`, `X-S4-Subject` or `Text`.
"""
METADATA = """## Metadata

The keys of metadata may hold spaces, so where one ends depends on the incident:

- it is the longest key of the incident that stands there;
- if the incident has none of them, a text that begins with `$METADATA.` and holds no other placeholder is empty as a
  whole: `"Logs" = "$METADATA.Surrounding logs"`. In any other text the letters, digits, `-` and `_` that follow are
  taken for the key. So put a key with spaces in braces, or give it a field of its own.

`$METADATA_ARRAY` alone holds as many keys as fit into 8,000 characters of JSON.
"""


def example(name: str) -> str:
    """What the program makes of it for the incident below."""
    if name in ALWAYS_EMPTY:
        return "empty"
    return shown(f"${name.replace('<key>', 'Region')}")


def shown(typed: str) -> str:
    """What the program makes of a text for the incident below."""
    filled = fill(typed, read_incident(RECORD), DASHBOARD)
    text = filled if isinstance(filled, str) else json.dumps(filled[:1])
    return f"`{text}`"


def written() -> str:
    """The whole page."""
    rows = "\n".join(f"| `${name}` | {meaning} | {example(name)} |" for name, meaning in MEANINGS.items())
    braces = "\n".join(f"| `{typed}` | {meaning} | {shown(typed)} |" for typed, meaning in BRACES.items())
    table = "| placeholder | what it is | example |\n|---|---|---|\n"
    typed = "| typed | what it is | example |\n|---|---|---|\n"
    return f"{HEAD}\n{table}{rows}\n\n{METADATA}\n{IN_BRACES}\n{typed}{braces}\n\n{AS_TEXT}"


if __name__ == "__main__":
    PAGE.write_text(written(), "utf-8")
