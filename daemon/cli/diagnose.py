"""Tests of a configuration: whether it can read incidents, and whether it can alert."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing

from daemon.cli.monitor_lists import readable
from daemon.cli.outgoing import doubling
from daemon.clients.api_pace import ApiPace
from daemon.clients.betterstack import BetterStack
from daemon.clients.deadline import Took
from daemon.clients.http import ExchangeError, HttpClient, tls_context
from daemon.clients.pages import PER_PAGE
from daemon.clients.signl4 import Signl4
from daemon.clients.signl4_api import Signl4Api
from daemon.config.configuration import Configuration
from daemon.config.settings import Settings
from daemon.config.types import spelled
from daemon.decisions.key_remarks import switched_on
from daemon.decisions.monitor_remarks import looked_at
from daemon.decisions.payload import EXTERNAL_ID, SOURCE, STATUS
from daemon.host.clock import TheirClock, utc_now
from daemon.model.delivery import Delivered
from daemon.model.destination import DEFAULT
from daemon.model.errors import BetterStackError, ConfigError, Signl4ApiError
from daemon.model.incident import Kind
from daemon.model.polling import UNNAMED, section_of
from daemon.model.secret import Secret
from daemon.storage.place import shown

Finding = tuple[bool, str]
"""Whether the test succeeded, and a sentence."""
_WHO_ELSE = (
    "a captive portal, a proxy or another server is in its place, signl4.base_url is wrong, or SIGNL4 is out of order"
)
_FIND_OUT = "betterstack-signl4 check --online --secret finds out and alerts nobody"
_TRY_ALERT = "betterstack-signl4 test-alert sends one, and wakes the person on duty"
_TRY_WRITING = "acknowledge an alert in SIGNL4; if the token may only read, betterstack-signl4 status then says so"


def plan(configuration: Configuration) -> Iterator[str]:
    """What the program will do with this configuration. Raises `ConfigError` if a client cannot be built."""
    settings = configuration.settings
    _try_to_set_out(settings)
    poll, delivery = settings.poll, settings.delivery
    yield f"configuration: {configuration.file or 'no file'}, environment and credentials; all of it is valid"
    yield from (_reads(settings, name) for name in settings.polled)
    kinds = "new, acknowledged and resolved" if delivery.acknowledged else "new and resolved"
    yield f"tells {settings.signl4.base_url} of {kinds} incidents, under the external id {settings.signl4.external_id}"
    if settings.signl4.teams:
        yield f"knows the teams {', '.join(team.name for team, _ in settings.signl4.every_team())}"
    if settings.route or settings.maintenance:
        yield f"rules: {len(settings.route)} [[route]], {len(settings.maintenance)} [[maintenance]]"
    yield from switched_on(settings)
    yield from looked_at(settings)
    first = "alerts for" if poll.initial == "open" else "only records"
    yield f"on its first start it {first} what is open then; what was over never alerts"
    watchers = len(settings.heartbeat.urls)
    beats = f"; calls {watchers} heartbeat URLs every {spelled(settings.heartbeat.interval)}" if watchers else ""
    at = "" if settings.alarm.team == DEFAULT else f" at team {settings.alarm.team}"
    yield f"raises an alarm{at} when it cannot do its duty for {spelled(settings.alarm.poll_after)}{beats}"
    metrics = settings.metrics
    if metrics.is_on:
        yield f"shows its metrics at {' and '.join(str(one) for one in (metrics.listen, metrics.textfile) if one)}"
    yield f"keeps its state in {shown(settings.database.url)} for {spelled(settings.database.retention)} after the end"


def _reads(settings: Settings, polled_from: str) -> str:
    own = settings.of(polled_from)
    poll, section = own.poll, own.betterstack
    team = f", team {section.team_name}" if section.team_name else ""
    account = f" for [{section_of(polled_from)}]" if settings.source else ""
    tells = f", and tells team {section.tells} where no route matches" if section.tells != DEFAULT else ""
    return (
        f"reads {section.base_url}{team}{account} every {spelled(poll.interval)}, every "
        f"{spelled(poll.active_interval)} while an incident is open, with a sweep every "
        f"{spelled(poll.sweep_interval)}{tells}"
    )


def _try_to_set_out(settings: Settings) -> None:
    """Builds every client, which checks certificates and proxies. Raises `ConfigError`. Sends nothing."""
    tls = tls_context(settings.http)
    watchers = [url.reveal() for url in settings.heartbeat.urls]
    services = {settings.of(name).betterstack.base_url: None for name in settings.polled}
    for base_url in (*services, settings.signl4.base_url, *watchers):
        HttpClient(base_url, settings.http, tls).close()


def check_online(settings: Settings, *, prove_secret: bool = False) -> Iterator[Finding]:
    """Asks both services, and says what the answers prove and what they do not.

    Reads one page from Better Stack with the token, the outgoing webhooks there, and a page of each list that
    `[monitors]` has looked at. Finds out whether SIGNL4's webhook answers at its address; then, with `prove_secret`,
    sends it an event that can change no alert. With an API key it reads the people of the account and an empty list of
    alerts. Neither secret nor key goes to another server.
    """
    tls = tls_context(settings.http)
    times: list[Took] = []
    for name in settings.polled:
        base_url = settings.of(name).betterstack.base_url
        with closing(HttpClient(base_url, settings.http, tls, observe=times.append)) as http:
            yield from _read_incidents(http, settings, name, times)
        times.clear()
    with closing(HttpClient(settings.signl4.base_url, settings.http, tls, observe=times.append)) as http:
        yield from _ask_signl4(http, settings, times, prove_secret=prove_secret)


def _read_incidents(http: HttpClient, settings: Settings, name: str, times: list[Took]) -> Iterator[Finding]:
    warnings: list[str] = []
    own, clock, section = settings.of(name), TheirClock(utc_now), section_of(name)
    source = BetterStack(http, own.betterstack, never_stops, warnings.append, clock, polled_from=name)
    service = f"Better Stack, [{section}]" if settings.source else "Better Stack"
    try:
        page = next(iter(source.open_pages()))
        more = " on the first page" if len(page.incidents) == PER_PAGE else ""
        yield True, f"{service}: the token works; open incidents{more}: {len(page.incidents)}{_spelled(times)}"
    except BetterStackError as error:
        yield False, f"{service}: {_mended(str(error), f'{section}.base_url')}"
    else:
        back = settings.write_back
        if settings.signl4.api_key is not None and (back.acknowledge or back.resolve):
            # Only a change would prove it, and none is harmless.
            yield True, f"not proven: that the token may write, which [write_back] needs; {_TRY_WRITING}"
        for sentence in doubling(source, own):
            yield True, sentence
        if name == UNNAMED:
            yield from readable(source, settings, utc_now())
    for sentence in warnings:
        yield True, sentence


def _ask_signl4(http: HttpClient, settings: Settings, times: list[Took], *, prove_secret: bool) -> Iterator[Finding]:
    teams = list(settings.signl4.every_team())
    address, signl4 = settings.signl4.base_url, Signl4(http, settings.signl4.secret)
    event = {EXTERNAL_ID: f"check-of-betterstack-signl4-{_now()}", STATUS: str(Kind.RESOLVED), SOURCE: "Better Stack"}
    try:
        other = signl4.why_not_signl4(event)
    except ExchangeError as error:
        yield False, f"SIGNL4: {_mended(f'{address} was not reached: {error}', 'signl4.base_url')}"
        return
    if other:
        yield False, f"SIGNL4: {address} does not answer as SIGNL4's webhook: {other}; {_WHO_ELSE}"
        return
    yield True, f"SIGNL4: its webhook answers at {address}{_spelled(times)}"
    if not prove_secret:
        what = "the secret" if len(teams) == 1 else "the secrets of its teams"
        yield True, f"not proven: that SIGNL4 knows {what}; {_FIND_OUT}"
    else:
        yield from (_prove(Signl4(http, secret, team.name), team.name, event) for team, secret in teams)
    if (key := settings.signl4.api_key) is not None:
        yield _prove_key(http, key, event[EXTERNAL_ID])
    yield True, f"not proven: that an alert reaches somebody; {_TRY_ALERT}"


def _prove_key(http: HttpClient, key: Secret, no_alert: str) -> Finding:
    """Whether the key may read people and alerts: a list is a POST, which SIGNL4 may not let every key send.

    `no_alert`: an external id that no alert has.
    """
    api = Signl4Api(http, key, ApiPace(), never_stops)
    try:
        people = len(api.members())
        api.alerts_of(no_alert)
    except Signl4ApiError as error:
        return False, _mended(str(error), "signl4.base_url")
    return True, f"SIGNL4's API key works ({people} {'person' if people == 1 else 'people'})"


def _prove(signl4: Signl4, team: str, event: Mapping[str, str]) -> Finding:
    """Whether SIGNL4 knows the secret of a team."""
    outcome, secret = signl4.send(event).outcome, "the secret" if team == DEFAULT else f"the secret of team {team}"
    if isinstance(outcome, Delivered):
        return True, f"SIGNL4: {secret} works; it took the end of an alert that never was ({event[EXTERNAL_ID]})"
    return False, f"SIGNL4: {secret} is not proven: {outcome.why}"


def _spelled(times: list[Took]) -> str:
    """The duration of each step: a slow look-up or connection is due to the network, a slow answer to the service."""
    if not times:
        return ""
    took = times[0]
    steps = (("look-up", took.look_up), ("connection", took.connection), ("answer", took.answer))
    return "; " + ", ".join(f"{step} {seconds:.2f} s" for step, seconds in steps)


def _mended(sentence: str, key: str) -> str:
    """The sentence with what to do, unless it ends with that already. What a service says may hold semicolons, too."""
    if sentence.rpartition("; ")[2].startswith(("check ", "is ", "the proxy ")):
        return sentence
    return f"{sentence}; try again, and if it lasts look at network, proxy and {key}"


def _now() -> str:
    """A part of an external id that was never used before."""
    return f"{utc_now():%Y%m%dT%H%M%S%f}"


def send_test_alert(
    settings: Settings, pause: Callable[[float], None] = time.sleep, team: str = DEFAULT
) -> Iterator[Finding]:
    """Sends a `new` and its `resolved` to a team, with an external id that no incident can have.

    Raises `ConfigError` if there is no such team.
    """
    secrets = {one.name: secret for one, secret in settings.signl4.every_team()}
    if team not in secrets:
        raise ConfigError(f"there is no team {team}; the teams are {', '.join(secrets)}")
    with closing(HttpClient(settings.signl4.base_url, settings.http, tls_context(settings.http))) as http:
        yield from _raise_and_close(
            Signl4(http, secrets[team], team), lambda: pause(settings.delivery.gap.total_seconds())
        )


def _raise_and_close(signl4: Signl4, pause: Callable[[], None]) -> Iterator[Finding]:
    external_id = f"betterstack-signl4-test-{_now()}"
    common = {SOURCE: "Better Stack", EXTERNAL_ID: external_id}
    for kind, text in ((Kind.NEW, "Test alert of betterstack-signl4"), (Kind.RESOLVED, "Test alert is over")):
        answer = signl4.send({"Title": text, **common, STATUS: str(kind)})
        if not isinstance(answer.outcome, Delivered):
            yield False, f"{kind}: {answer.outcome.why}"
            return
        yield True, f"{kind}: SIGNL4 took it, event id {answer.outcome.event_id or 'not given'} ({external_id})"
        if kind is Kind.NEW:
            # SIGNL4 processes stored events in parallel: a `resolved` sent at once could overtake its `new`.
            pause()


def never_stops(seconds: float) -> bool:
    """Waits: a command at a terminal ends by Ctrl-C."""
    time.sleep(seconds)
    return False
