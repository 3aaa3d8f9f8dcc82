"""What SIGNL4's API key switches on, and what of the configuration it does not reach: sentences for `check`. Pure."""

from collections.abc import Iterator

from daemon.config.settings import Settings
from daemon.config.types import spelled


def switched_on(settings: Settings) -> Iterator[str]:
    """What the program does with the key; nothing without it."""
    if settings.signl4.api_key is None:
        return
    back, warn_after = settings.write_back, settings.duty.warn_after
    verbs = [verb for verb, wanted in (("acknowledges", back.acknowledge), ("resolves", back.resolve)) if wanted]
    yield f"asks SIGNL4 every {spelled(back.interval)} what people did there, and " + (
        f'{" and ".join(verbs)} incidents in Better Stack accordingly, as "{back.by}"'
        if verbs
        else "writes nothing back: write_back.acknowledge and write_back.resolve are false"
    )
    duty = f", and warns when nobody has been on duty for {spelled(warn_after)}" if warn_after is not None else ""
    yield f"asks SIGNL4 whether each new alert paged somebody{duty}"


def key_remarks(settings: Settings) -> Iterator[str]:
    """A warning each, with the mend."""
    if settings.signl4.api_key is None:
        return
    for name, team in settings.signl4.teams.items():
        if team.account is not None and team.account != settings.signl4.base_url:
            yield (
                f"team {name} is of the account {team.account}, which signl4.api_key does not see: what people do "
                "there is not written back, and nobody asks whether its alerts paged somebody; if its account is that "
                f"of signl4.secret, leave signl4.teams.{name}.account out"
            )
