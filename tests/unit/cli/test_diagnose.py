"""What `check` and `test-alert` find out, against both services on loopback."""

import errno
import gc
import re
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from daemon.cli.check import _report
from daemon.cli.diagnose import check_online, plan, send_test_alert
from daemon.config.configuration import Configuration
from daemon.config.load import load
from daemon.config.settings import Settings
from daemon.model.errors import ConfigError
from daemon.sandbox.exchange import Answer, json_answer
from daemon.sandbox.faults import Cut, Fault, Instead
from daemon.sandbox.people import DutyMode
from daemon.sandbox.server import Sandbox
from tests.support.each import each
from tests.support.values import settings

TIMES = re.compile(r"; look-up (\d+\.\d\d) s, connection (\d+\.\d\d) s, answer (\d+\.\d\d) s$")
UNPROVEN = (
    True,
    "not proven: that SIGNL4 knows the secret; betterstack-signl4 check --online --secret finds out and alerts nobody",
)
NO_WRITING = (
    True,
    (
        "not proven: that the token may write, which [write_back] needs; acknowledge an alert in SIGNL4; if the token "
        "may only read, betterstack-signl4 status then says so"
    ),
)
NO_ALERT = (
    True,
    "not proven: that an alert reaches somebody; betterstack-signl4 test-alert sends one, and wakes the person on duty",
)


PAGE = b"<html><title>Guest network</title></html>"
OTHERS: dict[str, tuple[Answer, str]] = {
    "a page for people": (Answer(200, PAGE), f"HTTP 200 {PAGE.decode()}, so it takes a secret that nobody has"),
    "a server that takes everything": (
        json_answer(201, {"eventId": "7"}),
        'HTTP 201 {"eventId": "7"}, so it takes a secret that nobody has',
    ),
    "one that says nothing": (Answer(204), "HTTP 204, so it takes a secret that nobody has"),
    "a captive portal": (
        Answer(302, headers={"Location": "https://portal.example.com/login"}),
        "HTTP 302, a redirect to https://portal.example.com/login",
    ),
    "a portal that leads nowhere": (Answer(307), "HTTP 307, a redirect to nowhere"),
    "another server's 404": (Answer(404, b"404 page not found"), "HTTP 404 404 page not found"),
    "another API's 404": (json_answer(404, {"code": 404, "message": "no route"}), "HTTP 404 no route"),
    "a filter": (Answer(403, PAGE), f"HTTP 403 {PAGE.decode()}"),
    "a login": (Answer(401), "HTTP 401"),
    "a network that wants a login": (Answer(511), "HTTP 511"),
    "another API's limit": (Answer(429), "HTTP 429"),
    "a gateway's error": (Answer(502, PAGE), f"HTTP 502 {PAGE.decode()}"),
}
"""Answers that are not SIGNL4's, and how they are told."""


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def _say_to_a_full_disk(_sentence: str, *, err: bool = False) -> None:
    raise OSError(errno.ENOSPC, f"No space left on device{' of errors' * err}")


def pointed_at(sandbox: Sandbox, **changes: str) -> Settings:
    return load(None, sandbox.environment() | changes).settings


class TestPlan:
    def said(self, file: Path | None = None, **sections: Any) -> str:
        return "\n".join(plan(Configuration(settings(**sections), file, ())))

    def test_says_what_the_program_will_do(self) -> None:
        asks = "every 30s, every 10s while an incident is open, with a sweep every 5m"
        tells = "of new, acknowledged and resolved incidents, under the external id $INCIDENT_ID"
        assert self.said().splitlines() == [
            "configuration: no file, environment and credentials; all of it is valid",
            f"reads https://uptime.betterstack.com {asks}",
            f"tells https://connect.signl4.com {tells}",
            "on its first start it alerts for what is open then; what was over never alerts",
            "raises an alarm when it cannot do its duty for 5m",
            "keeps its state in sqlite:///state.db for 90d after the end",
        ]

    @pytest.mark.parametrize(
        ("sections", "part"),
        [
            ({"betterstack": {"team_name": "Operations"}}, "betterstack.com, team Operations every 30s"),
            ({"poll": {"interval": "5s", "sweep_interval": "90s"}}, "every 5s, every 5s while an incident is open"),
            ({"delivery": {"acknowledged": False}}, "of new and resolved incidents"),
            ({"signl4": {"external_id": "bs-$INCIDENT_ID"}}, "under the external id bs-$INCIDENT_ID"),
            (
                {"heartbeat": {"urls": ["https://one.test/a", "https://two.test/b"], "interval": "2m"}},
                "for 5m; calls 2 heartbeat URLs every 2m",
            ),
            ({"poll": {"initial": "baseline"}}, "on its first start it only records what is open then"),
            ({"signl4": {"api_key": "a-key-of-signl4"}}, "\nasks SIGNL4 every 15s what people did there, and "),
            ({"metrics": {"listen": "127.0.0.1:9464"}}, "\nshows its metrics at 127.0.0.1:9464\n"),
            (
                {"metrics": {"listen": "unix:/m.sock", "textfile": "/x.prom"}},
                "\nshows its metrics at unix:/m.sock and /x.prom\n",
            ),
        ],
    )
    def test_follows_the_settings(self, sections: dict[str, Any], part: str) -> None:
        assert part in self.said(**sections)

    def test_names_the_file(self) -> None:
        assert "configuration: /etc/x.toml, " in self.said(Path("/etc/x.toml"))

    def test_holds_no_secret(self) -> None:
        whole = settings(http={"proxy": "http://jane:hunter2@one.test"})
        said = self.said(http={"proxy": "http://jane:hunter2@one.test"})
        assert not [secret for secret in whole.secrets() if secret in said]


MENDS: dict[str, tuple[Fault, str]] = {
    "an error of its own": (
        Instead(json_answer(503, {"errors": "down; later"})),
        "network, proxy and betterstack.base_url",
    ),
    "a connection that ends": (Cut(), "network, proxy and betterstack.base_url"),
    "a wrong token": (Instead(json_answer(401, {"errors": "a; b"})), "check betterstack.token"),
    "another server": (Instead(json_answer(404, {"errors": "a"})), "check betterstack.base_url"),
    "no JSON": (Instead(Answer(200, b"text")), "is betterstack.base_url right?"),
}
"""What Better Stack answers, and how the sentence about it ends."""


class TestCheckOnline:
    @each("name", MENDS)
    def test_each_failure_says_once_what_to_do(self, sandbox: Sandbox, name: str) -> None:
        fault, mend = MENDS[name]
        sandbox.betterstack.faults.clear()
        sandbox.betterstack.faults.arm(fault)
        well, sentence = next(check_online(pointed_at(sandbox)))
        assert (well, sentence.endswith(mend)) == (False, True), sentence
        assert sentence.count("look at network") + sentence.count("betterstack.token") <= 1
        assert sentence.count("betterstack.base_url") <= 1

    @pytest.mark.parametrize(("count", "said"), [(0, "open incidents: 0"), (3, "open incidents: 3")])
    def test_reads_one_page_and_the_outgoing_webhooks_and_asks_signl4_once(
        self, sandbox: Sandbox, count: int, said: str
    ) -> None:
        for _ in range(count):
            sandbox.world.open("Shop")
        findings = list(check_online(pointed_at(sandbox)))
        assert [(well, TIMES.sub("", sentence)) for well, sentence in findings] == [
            (True, f"Better Stack: the token works; {said}"),
            (True, f"SIGNL4: its webhook answers at {sandbox.signl4.url}"),
            UNPROVEN,
            NO_ALERT,
        ]
        [read, webhooks] = sandbox.betterstack.requests
        [asked] = sandbox.signl4.requests
        assert (read.request.method, read.request.query["resolved"]) == ("GET", "false")
        assert (webhooks.request.method, webhooks.request.path) == ("GET", "/api/v2/outgoing-webhooks")
        assert (asked.method, asked.path, asked.status) == ("POST", "/webhook/betterstack-signl4-check", 404)
        assert sandbox.signl4.events == ()

    def test_says_of_both_services_what_took_how_long(self, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
        """Each look at the clock is 1.5 s after the one before."""
        ticks = iter(range(100))
        slow = SimpleNamespace(clock_gettime=lambda _: time.monotonic() + 1.5 * next(ticks), CLOCK_BOOTTIME=7)
        monkeypatch.setattr("daemon.clients.deadline.time", slow)
        said = [TIMES.search(sentence) for _, sentence in check_online(pointed_at(sandbox))]
        assert [times and [float(seconds) >= 1.5 for seconds in times.groups()] for times in said] == [
            [True] * 3,
            [True] * 3,
            None,
            None,
        ]

    def test_reads_no_second_page(self, sandbox: Sandbox) -> None:
        for _ in range(60):
            sandbox.world.open("Shop")
        [first, *_] = check_online(pointed_at(sandbox))
        assert first[0]
        assert first[1].startswith("Better Stack: the token works; open incidents on the first page: 50; ")
        assert [one.request.path for one in sandbox.betterstack.requests].count("/api/v3/incidents") == 1

    def test_says_that_the_token_is_wrong_and_goes_on(self, sandbox: Sandbox) -> None:
        [first, second, *rest] = check_online(pointed_at(sandbox, BETTERSTACK__TOKEN="wrong-token"))
        assert first[0] is False
        assert first[1].startswith("Better Stack: Better Stack refused the token: HTTP 401 ")
        assert first[1].endswith("; check betterstack.token")
        assert (second[0], rest) == (True, [UNPROVEN, NO_ALERT])

    @pytest.mark.parametrize("service", ["betterstack", "signl4"])
    def test_says_which_service_was_not_reached(self, sandbox: Sandbox, service: str) -> None:
        getattr(sandbox, service).faults.arm(Cut())
        findings = list(check_online(pointed_at(sandbox)))
        last = [True, True] if service == "betterstack" else []
        assert [well for well, _ in findings] == [service != "betterstack", service != "signl4", *last]
        failed = next(sentence for well, sentence in findings if not well)
        assert "was not reached: RemoteProtocolError: " in failed

    def test_proves_the_secret_by_the_end_of_an_alert_that_never_was(self, sandbox: Sandbox) -> None:
        first, second = (list(check_online(pointed_at(sandbox), prove_secret=True)) for _ in range(2))
        one, two = sandbox.signl4.events
        assert [(event.kind, event.payload) for event in (one, two)] == [
            ("resolved", {"X-S4-ExternalID": ids, "X-S4-Status": "resolved", "X-S4-SourceSystem": "Better Stack"})
            for ids in (one.external_id, two.external_id)
        ]
        assert one.external_id.startswith("check-of-betterstack-signl4-")
        assert one.external_id != two.external_id
        assert sandbox.signl4.alerts == ()
        proven = "SIGNL4: the secret works; it took the end of an alert that never was"
        assert first[2:] == [(True, f"{proven} ({one.external_id})"), NO_ALERT]
        assert second[2:] == [(True, f"{proven} ({two.external_id})"), NO_ALERT]

    def test_says_that_the_secret_is_wrong(self, sandbox: Sandbox) -> None:
        [_, webhook, last, _] = check_online(pointed_at(sandbox, SIGNL4__SECRET="wrong-secret"), prove_secret=True)
        assert webhook[0]
        assert not last[0]
        assert last[1].startswith("SIGNL4: the secret is not proven: SIGNL4 answered HTTP 404 Error raising event.")
        assert last[1].endswith("; check signl4.secret")
        assert "wrong-secret" not in last[1]

    def test_finds_signl4_while_it_is_throttled(self, sandbox: Sandbox) -> None:
        headers = {"X-RateLimit-Limit": "10", "X-RateLimit-Remaining": "0"}
        sandbox.signl4.faults.arm(Instead(Answer(429, b"slowly", headers)))
        [_, webhook, last, _] = check_online(pointed_at(sandbox), prove_secret=True)
        assert webhook[0]
        assert last == (False, "SIGNL4: the secret is not proven: SIGNL4 answered HTTP 429 slowly")

    @pytest.mark.parametrize("prove_secret", [False, True])
    @pytest.mark.parametrize(("answer", "said"), OTHERS.values(), ids=OTHERS)
    def test_another_server_in_place_of_signl4_is_noticed_and_gets_no_secret(
        self, sandbox: Sandbox, answer: Answer, said: str, prove_secret: bool
    ) -> None:
        sandbox.signl4.faults.arm(Instead(answer))
        [*_, last] = check_online(pointed_at(sandbox), prove_secret=prove_secret)
        told = (
            f"SIGNL4: {sandbox.signl4.url} does not answer as SIGNL4's webhook: {said}; a captive portal, a proxy or "
        )
        assert (last[0], last[1].startswith(told)) == (False, True), last[1]
        [asked] = sandbox.signl4.requests
        assert sandbox.signl4.secret not in asked.request.target

    @pytest.mark.parametrize(
        "answer",
        [Answer(200, PAGE), Answer(401, PAGE), Answer(404, PAGE), Answer(302), json_answer(200, {"ok": 1})],
    )
    def test_another_server_in_place_of_better_stack_is_noticed(self, sandbox: Sandbox, answer: Answer) -> None:
        sandbox.betterstack.faults.arm(Instead(answer))
        [first, *_] = check_online(pointed_at(sandbox))
        assert first[0] is False
        assert "betterstack.base_url" in first[1]

    def test_passes_on_what_the_client_remarks(self, sandbox: Sandbox) -> None:
        page = {"data": [None], "pagination": {"next": None}}
        sandbox.betterstack.faults.arm(Instead(json_answer(200, page)))
        sentences = [sentence for _, sentence in check_online(pointed_at(sandbox))]
        assert "Better Stack sent a record that was skipped: it is no object" in sentences

    def test_leaves_no_connection_open(self, sandbox: Sandbox) -> None:
        """One that is only forgotten is a warning, and warnings are errors."""
        list(check_online(pointed_at(sandbox)))
        gc.collect()


class TestKey:
    """`check --online` with an API key."""

    def found(self, sandbox: Sandbox, key: str | None = None) -> list[tuple[bool, str]]:
        return list(check_online(pointed_at(sandbox, SIGNL4__API_KEY=key or sandbox.signl4.api.key)))

    def test_is_proven_by_people_and_a_list_that_alters_nothing(self, sandbox: Sandbox) -> None:
        found = self.found(sandbox)
        assert found[3:] == [UNPROVEN, (True, "SIGNL4's API key works (1 person)"), NO_ALERT]
        sandbox.signl4.account.set_duty("Bob", DutyMode.OFF)
        assert (True, "SIGNL4's API key works (2 people)") in self.found(sandbox, sandbox.signl4.api.read_only_key)
        assert (sandbox.signl4.events, sandbox.signl4.account.changes) == ((), ())

    def test_that_the_token_may_write_is_not_proven_where_that_is_needed(self, sandbox: Sandbox) -> None:
        assert self.found(sandbox)[1] == NO_WRITING
        for resolve in ("true", "false"):
            without = pointed_at(
                sandbox,
                SIGNL4__API_KEY=sandbox.signl4.api.key,
                WRITE_BACK__ACKNOWLEDGE="false",
                WRITE_BACK__RESOLVE=resolve,
            )
            assert (NO_WRITING in check_online(without)) == (resolve == "true")
        assert NO_WRITING not in list(check_online(pointed_at(sandbox)))

    def test_that_is_refused_is_told_with_the_mend(self, sandbox: Sandbox) -> None:
        [*_, failed, last] = self.found(sandbox, "another-key")
        assert (failed[0], last) == (False, NO_ALERT)
        assert failed[1].startswith("SIGNL4 refuses the API key: HTTP 401 ")
        assert failed[1].endswith("; check signl4.api_key")
        assert "another-key" not in failed[1]

    def test_that_may_not_list_alerts_does_not_work(self, sandbox: Sandbox) -> None:
        refusal = json_answer(403, {"message": "The key may only read."})
        sandbox.signl4.api_faults.arm(Instead(refusal), when=lambda request: request.method == "POST")
        [*_, failed, _] = self.found(sandbox)
        assert (failed[0], failed[1].endswith("; check signl4.api_key")) == (False, True)

    @each("fault", [Cut(), Instead(Answer(500)), Instead(Answer(429)), Instead(Answer(403, PAGE))])
    def test_that_cannot_be_proven_says_once_what_to_do(self, sandbox: Sandbox, fault: Fault) -> None:
        sandbox.signl4.api_faults.clear()
        sandbox.signl4.api_faults.arm(fault)
        [*_, failed, _] = self.found(sandbox)
        assert (failed[0], failed[1].count("look at network, proxy and signl4.base_url")) == (False, 1)

    def test_goes_to_no_other_server(self, sandbox: Sandbox) -> None:
        sandbox.signl4.faults.arm(Instead(Answer(200, PAGE)))
        self.found(sandbox)
        assert not [one for one in sandbox.signl4.requests if "x-s4-api-key" in one.request.headers]


class TestTestAlert:
    def test_is_raised_and_closed_under_an_id_of_its_own(self, sandbox: Sandbox) -> None:
        pauses: list[float] = []
        findings = list(send_test_alert(pointed_at(sandbox, DELIVERY__GAP="3s"), pauses.append))
        new, resolved = sandbox.signl4.events
        assert (new.kind, resolved.kind) == ("new", "resolved")
        assert new.external_id == resolved.external_id
        assert new.external_id.startswith("betterstack-signl4-test-")
        assert new.payload == {
            "Title": "Test alert of betterstack-signl4",
            "X-S4-ExternalID": new.external_id,
            "X-S4-Status": "new",
            "X-S4-SourceSystem": "Better Stack",
        }
        assert [str(alert.state) for alert in sandbox.signl4.alerts] == ["closed"]
        assert findings == [
            (True, f"new: SIGNL4 took it, event id {new.event_id} ({new.external_id})"),
            (True, f"resolved: SIGNL4 took it, event id {resolved.event_id} ({new.external_id})"),
        ]
        assert pauses == [3]

    def test_has_another_id_each_time(self, sandbox: Sandbox) -> None:
        for _ in range(3):
            list(send_test_alert(pointed_at(sandbox), lambda _: None))
        assert len({event.external_id for event in sandbox.signl4.events}) == 3

    def test_ends_with_the_first_refusal(self, sandbox: Sandbox) -> None:
        [(well, sentence)] = send_test_alert(pointed_at(sandbox, SIGNL4__SECRET="wrong-secret"), lambda _: None)
        assert not well
        assert sentence.startswith("new: SIGNL4 answered HTTP 404 ")
        assert sentence.endswith("; check signl4.secret")
        assert "wrong-secret" not in sentence
        assert len(sandbox.signl4.requests) == 1

    @pytest.mark.parametrize("status", [400, 429, 500, 302])
    def test_that_fails_half_way_says_so(self, sandbox: Sandbox, status: int) -> None:
        sandbox.signl4.faults.arm(Instead(Answer(status)), when=lambda request: b"resolved" in request.body)
        [first, second] = send_test_alert(pointed_at(sandbox), lambda _: None)
        assert first[0]
        assert second == (False, f"resolved: SIGNL4 answered HTTP {status}")

    def test_is_closed_though_nothing_of_it_can_be_shown(
        self, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("daemon.cli.check.say", _say_to_a_full_disk)
        with pytest.raises(OSError, match="No space left"):
            _report(send_test_alert(pointed_at(sandbox), lambda _: None))
        assert [event.kind for event in sandbox.signl4.events] == ["new", "resolved"]

    def test_takes_an_answer_without_an_id(self, sandbox: Sandbox) -> None:
        sandbox.signl4.faults.arm(Instead(Answer(201)))
        findings = list(send_test_alert(pointed_at(sandbox), lambda _: None))
        assert [(well, "event id not given" in sentence) for well, sentence in findings] == [(True, True)] * 2

    def test_leaves_no_connection_open(self, sandbox: Sandbox) -> None:
        list(send_test_alert(pointed_at(sandbox), lambda _: None))
        gc.collect()


class TestTeams:
    """A configuration with a second team."""

    def settings(self, sandbox: Sandbox, secret: str = "night1") -> Settings:
        sandbox.signl4.teams = {"night1": "night"}
        return pointed_at(sandbox, SIGNL4__TEAMS__NIGHT__SECRET=secret)

    def test_a_test_alert_goes_to_the_team_that_is_named(self, sandbox: Sandbox) -> None:
        assert all(well for well, _ in send_test_alert(self.settings(sandbox), lambda _: None, "night"))
        assert [(alert.team, str(alert.state)) for alert in sandbox.signl4.alerts] == [("night", "closed")]

    def test_a_team_that_there_is_not_is_a_sentence_with_those_there_are(self, sandbox: Sandbox) -> None:
        with pytest.raises(ConfigError, match="there is no team nigth; the teams are default, night"):
            list(send_test_alert(self.settings(sandbox), lambda _: None, "nigth"))

    def test_each_secret_is_proven_on_its_own(self, sandbox: Sandbox) -> None:
        findings = list(check_online(self.settings(sandbox, "wrong-secret"), prove_secret=True))
        told = [(well, sentence.split(";")[0].split(" (")[0]) for well, sentence in findings if "secret" in sentence]
        [works, fails] = told
        assert works == (True, "SIGNL4: the secret works")
        assert not fails[0]
        assert fails[1].startswith("SIGNL4: the secret of team night is not proven: SIGNL4 answered HTTP 404")
        assert findings[-2][1].endswith("; check signl4.teams.night.secret")

    def test_the_plan_names_them(self, sandbox: Sandbox) -> None:
        lines = list(plan(Configuration(self.settings(sandbox), None, ())))
        assert "knows the teams default, night" in lines
