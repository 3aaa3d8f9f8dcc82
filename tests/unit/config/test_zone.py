"""Names of time zones, and what is said of those that are not known."""

import sys
import zoneinfo
from collections.abc import Iterator

import pytest

from daemon.config.zone import read_zone, zone_of
from tests.support.each import each


@each("name", ["Europe/Berlin", "UTC", "Australia/Lord_Howe", "America/Argentina/Buenos_Aires", "Asia/Kathmandu"])
def test_known_names_are_taken(name: str) -> None:
    assert read_zone(name) == zone_of(name).key == name


@each(
    ("value", "part"),
    [
        (None, "zone is missing"),
        ("", 'write it like zone = "Europe/Berlin"'),
        (2, "zone is not the name of a time zone"),
        (["Europe/Berlin"], "zone is not the name of a time zone"),
        ("europe/berlin", 'the nearest is "Europe/Berlin"'),
        ("Europe/Berln", 'the nearest is "Europe/Berlin"'),
        ("Berlin", 'the nearest is "Europe/Berlin"'),
        ("New York", 'the nearest is "America/New_York"'),
        ("Europe", "zone ('Europe') is not known"),
        ("../../etc/passwd", "is not known"),
        ("/etc/passwd", "is not known"),
        ("zone.tab", "is not known"),
        ("a\0b", "is not known"),
        ("Zürich\ud800", "is not known"),
        ("x" * 5000, "take a name of the IANA database"),
        ("+02:00", "is not known"),
    ],
)
def test_any_other_value_is_a_sentence_with_the_fix(value: object, part: str) -> None:
    with pytest.raises(ValueError, match=r"^zone ") as caught:
        read_zone(value)
    assert part in str(caught.value)
    assert len(str(caught.value)) < 250


@pytest.fixture
def no_time_zones(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine without the package tzdata, as minimal images of Debian are, and a Python without its twin."""
    for module in {"tzdata", *(name for name in sys.modules if name.startswith("tzdata."))}:
        monkeypatch.setitem(sys.modules, module, None)
    zoneinfo.reset_tzpath(to=[])
    zoneinfo.ZoneInfo.clear_cache()
    yield
    zoneinfo.reset_tzpath()


@pytest.mark.usefixtures("no_time_zones")
def test_a_machine_without_time_zones_names_the_package() -> None:
    zone_of.cache_clear()
    with pytest.raises(ValueError, match=r"^zone .'Europe/Berlin'. is not known; .* install the package tzdata$"):
        read_zone("Europe/Berlin")


def test_a_zone_once_used_outlives_its_file(request: pytest.FixtureRequest) -> None:
    read_zone("Asia/Tokyo")
    request.getfixturevalue("no_time_zones")
    assert zone_of("Asia/Tokyo").key == "Asia/Tokyo"
