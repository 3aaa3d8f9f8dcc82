"""What `NO_PROXY` means to curl, and so to the service and to the units that tell of a failure: a table of cases.

Each is the value, the host of a URL with its port if there is one, and whether the proxy is left out.
"""

NAME = "www.example.com"
ADDRESS = "10.1.2.3"
V6 = "[fd00::1]"

NO_PROXY_CASES: list[tuple[str, str, bool]] = [
    ("", NAME, False),
    ("*", NAME, True),
    ("*", ADDRESS, True),
    ("*", "[::1]", True),
    ("* ,other", NAME, False),
    ("other,*", NAME, False),
    (" *", NAME, False),
    ("*.example.com", NAME, False),
    # Names cover what is below them, with a leading dot and without.
    ("www.example.com", NAME, True),
    ("example.com", NAME, True),
    (".example.com", NAME, True),
    ("..example.com", NAME, False),
    ("com", NAME, True),
    ("example.com", "example.com", True),
    (".example.com", "example.com", True),
    ("example.com", "nonexample.com", False),
    ("www.example.com", "example.com", False),
    ("example", NAME, False),
    (".", NAME, False),
    ("EXAMPLE.com", NAME, True),
    ("example.com", "WWW.Example.Com", True),
    # A dot at the end is no difference.
    ("example.com.", NAME, True),
    (".example.com.", NAME, True),
    ("example.com", f"{NAME}.", True),
    ("example.com.", f"{NAME}.", True),
    # Entries are parted by commas, around which there may be blanks.
    ("other,example.com", NAME, True),
    ("other, example.com", NAME, True),
    ("other ,example.com", NAME, True),
    ("other , example.com", NAME, True),
    ("other,\texample.com", NAME, True),
    (",,example.com,", NAME, True),
    (" example.com ", NAME, True),
    ("other;example.com", NAME, False),
    ("other|example.com", NAME, False),
    # Ports never count, and an entry with one never matches.
    ("example.com", f"{NAME}:8443", True),
    ("example.com:8443", f"{NAME}:8443", False),
    ("example.com:80", NAME, False),
    ("http://example.com", NAME, False),
    # Addresses of IPv4, and networks of them.
    ("10.1.2.3", ADDRESS, True),
    ("10.1.2.3", f"{ADDRESS}:8443", True),
    ("10.1.2.4", ADDRESS, False),
    ("10.0.0.0/8", ADDRESS, True),
    ("other,10.0.0.0/8", ADDRESS, True),
    ("other, 10.1.2.0/24", ADDRESS, True),
    ("10.0.0.0/8", f"{ADDRESS}:8443", True),
    ("10.9.9.9/8", ADDRESS, True),
    ("10.1.2.2/31", ADDRESS, True),
    ("10.1.2.3/32", ADDRESS, True),
    ("10.1.2.3/33", ADDRESS, False),
    ("10.0.0.0/16", ADDRESS, False),
    ("0.0.0.0/0", ADDRESS, False),
    ("10.1.2.3/0", ADDRESS, True),
    ("10.1.2.3/", ADDRESS, True),
    ("10.0.0.0/255.0.0.0", ADDRESS, False),
    ("10.0.0.0/08", ADDRESS, True),
    ("10.1", ADDRESS, False),
    ("1.2.3", ADDRESS, False),
    (".1.2.3", ADDRESS, False),
    ("10.1.2.*", ADDRESS, False),
    ("10.1.2.3.", ADDRESS, False),
    ("10.1.2.3:8443", f"{ADDRESS}:8443", False),
    ("10.0.0.0/8", NAME, False),
    ("127.0.0.0/8", "127.0.0.1", True),
    ("127.0.0.1", "127.1", True),
    ("127.0.0.0/8", "localhost", False),
    ("localhost", "127.0.0.1", False),
    # Addresses of IPv6 as curl writes them, without brackets; networks of them match nothing, whatever its manual says.
    ("::1", "[::1]", True),
    ("::1", "[::1]:8443", True),
    ("::1", "[0:0::1]", True),
    ("[::1]", "[::1]", False),
    ("::1", V6, False),
    ("fd00::1", V6, True),
    ("FD00::1", V6, True),
    ("fd00:0:0:0:0:0:0:1", V6, False),
    ("fd00::/8", V6, False),
    ("fd00::1/128", V6, False),
    ("[fd00::]/8", V6, False),
]

BLANK_CASES: list[tuple[str, str, bool]] = [
    ("other example.com", NAME, True),
    ("other\texample.com", NAME, True),
    ("other 10.0.0.0/8", ADDRESS, True),
    ("other ::1", "[::1]", True),
]
"""Entries that blanks alone part, as Debian 12's curl reads them; later ones (8.14) stop at the first blank."""
