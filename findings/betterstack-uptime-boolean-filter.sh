#!/bin/sh
# betterstack-uptime 2.0.1 (a client of the Better Stack API): a filter by the Python value False goes over the wire as
# `resolved=False`. Better Stack documents `resolved=false`, so whoever asks for open incidents with a boolean sends a
# value that the API does not name. What the API makes of it is not known; with the text "false" the client sends what is
# documented. The type hints of the client allow any value.
#
# Seen: boolean -> resolved=False, text -> resolved=false
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet betterstack-uptime==2.0.1 requests==2.34.2
"$place/venv/bin/python" - <<'PYTHON'
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

from betterstack.uptime.api import PaginatedAPI
from betterstack.uptime.auth import BearerAuth
from betterstack.uptime.objects.incident import Incident

asked = []


class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        asked.append(self.path.partition("?")[2])
        body = b'{"data": [], "pagination": {"first": null, "last": null, "prev": null, "next": null}}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


with HTTPServer(("127.0.0.1", 0), Answer) as server:
    Thread(target=server.serve_forever, daemon=True).start()
    api = PaginatedAPI(f"http://127.0.0.1:{server.server_port}/api/v2/", BearerAuth("token"))
    for value in (False, "false"):
        list(Incident.filter(api, resolved=value))
    server.shutdown()

sent = [next(part for part in query.split("&") if part.startswith("resolved=")) for query in asked]
print(f"boolean -> {sent[0]}, text -> {sent[1]}")
assert sent == ["resolved=False", "resolved=false"], asked
PYTHON
