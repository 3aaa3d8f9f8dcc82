"""`tell-signl4` as systemd calls it, and the program's own client, under the same settings from the same places."""

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from daemon.clients.http import HttpClient, tls_context
from daemon.clients.signl4 import Signl4
from daemon.config.load import load
from daemon.model.delivery import Answer
from daemon.model.secret import Secret
from tests.support.paths import ROOT

SCRIPT = ROOT / "systemd" / "tell-signl4"
INSTANCE, HOST = "config", "vm"
SECRET = "96sbq49u"
PATH = os.environ["PATH"]
PAYLOAD = {"Title": "a title"}


@dataclass(frozen=True)
class Place:
    """The directories of one instance."""

    root: Path
    shell: str = "/bin/sh"

    @property
    def config(self) -> Path:
        return self.root / f"{INSTANCE}.toml"

    @property
    def mark(self) -> Path:
        return self.root / INSTANCE

    @property
    def credentials(self) -> Path:
        return self.root / "credentials"

    def prepare(self, toml: str = "", **credentials: str | bytes) -> "Place":
        """Writes the configuration, and credentials by key, with two underscores in place of the dot."""
        self.config.write_text(toml, "utf-8")
        self.credentials.mkdir(exist_ok=True)
        for name, content in {"signl4__secret": SECRET, **credentials}.items():
            file = self.credentials / name.replace("__", ".")
            file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return self

    def tell(self, *kind: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Runs the script to its end."""
        variables = {
            "PATH": PATH,
            "INSTANCE": INSTANCE,
            "HOST": HOST,
            "STATE_DIRECTORY": str(self.root),
            "CONFIGURATION_DIRECTORY": str(self.root),
            "CREDENTIALS_DIRECTORY": str(self.credentials),
        }
        return subprocess.run(
            [*self.shell.split(), str(SCRIPT), *(kind or ["new"])],
            env=variables | environment,
            stdin=subprocess.DEVNULL,
            check=False,
            capture_output=True,
            text=True,
            timeout=600,
        )

    def send(self, secret: str | None = None, **environment: str) -> Answer:
        """Sends one event as the program does. `secret`: one that its settings would refuse."""
        with self._client(secret, environment) as signl4:
            return signl4.send(PAYLOAD)

    @contextmanager
    def _client(self, secret: str | None, environment: Mapping[str, str]) -> Iterator[Signl4]:
        variables = {"CREDENTIALS_DIRECTORY": str(self.credentials), "BETTERSTACK__TOKEN": "a-token-of-better-stack"}
        variables |= environment
        # Proxies and authorities are read where the process has them.
        with pytest.MonkeyPatch.context() as patched:
            for name in list(os.environ):
                patched.delenv(name)
            for name, value in variables.items():
                patched.setenv(name, value)
            settings = load(self.config, os.environ).settings
            own = settings.signl4
            if secret is not None:
                own = replace(own, secret=Secret(secret))
            with closing(HttpClient(own.base_url, settings.http, tls_context(settings.http))) as http:
                yield Signl4(http, own.secret)


def place(root: Path, toml: str = "", **credentials: str | bytes) -> Place:
    """An instance with its settings."""
    return Place(root).prepare(toml, **credentials)


def path_of(request: bytes) -> bytes:
    """The path of a request, as it went over the wire."""
    return request.split(b" ")[1]


def header(request: bytes, name: str) -> list[bytes]:
    """Each value of a header."""
    lines = request.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]
    pairs = (line.partition(b":") for line in lines)
    return [value.strip() for key, _, value in pairs if key.decode().lower() == name.lower()]
