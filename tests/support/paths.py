"""Where things are in a checkout."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests" / "data"
CERTIFICATE = DATA / "loopback.pem"
"""Of a server on loopback, with its key."""
HASHED = "88d0bdcb.0"
"""The name under which OpenSSL looks for it in a directory."""
