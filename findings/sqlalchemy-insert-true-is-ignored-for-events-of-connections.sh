#!/bin/sh
# SQLAlchemy 2.1.9: `event.listen(engine, "begin", listener, insert=True)` appends the listener behind those that are
# there, as if `insert=True` were not given, and says nothing. So it is for every event of an engine or a connection
# (`ConnectionEvents`: `before_cursor_execute`, `commit`, ...), while for the events of the pool on the same engine
# (`connect`, `checkin`) the listener comes first, as the documentation of `listen` promises. `ConnectionEvents._listen`
# takes the keyword and calls `base_listen()` without it.
#
# Seen: the order of the calls is [first, inserted] for `begin`, and [inserted, first] for `connect`.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet sqlalchemy==2.1.9
"$place/venv/bin/python" - <<'PYTHON'
from sqlalchemy import __version__, create_engine, event

print("SQLAlchemy", __version__)
for identifier, expected in (("connect", ["inserted", "first"]), ("begin", ["first", "inserted"])):
    engine, called = create_engine("sqlite://"), []
    event.listen(engine, identifier, lambda *_, called=called: called.append("first"))
    event.listen(engine, identifier, lambda *_, called=called: called.append("inserted"), insert=True)
    with engine.begin():
        pass
    print(identifier, called)
    assert called == expected
PYTHON
