"""What systemd tells SIGNL4 when the service has failed, whatever else has failed with it; and that it ends."""

import shutil
from contextlib import ExitStack

import pytest

from daemon.sandbox import mishaps
from daemon.sandbox.faults import Cut, Instead
from tests.support.listener import answering, listening, ok
from tests.support.paths import CERTIFICATE
from tests.systemd.host import ETC, FAILED, SECRET, STATE, Host

AT_ONCE = "RestartMaxDelaySec=200ms"
"""The pause between restarts, where systemd lets it grow."""
BROKEN, MENDED = 'interval = "soon"', 'interval = "1s"'


def fail(host: Host) -> None:
    """The service is started, and cannot start."""
    host.change(MENDED, BROKEN)
    assert host.systemctl("start", check=False) != 0


def mend(host: Host) -> None:
    host.change(BROKEN, MENDED)
    host.systemctl("start")


def test_a_bad_configuration_fails_for_good_and_signl4_is_told_until_it_is_mended(host: Host) -> None:
    fail(host)
    host.wait_for(lambda: host.told(host.failure) == ["new"], "the alert of the failure")
    shown = host.machine.show(host.unit, "ActiveState", "Result", "ExecMainStatus", "NRestarts")
    assert shown == {"ActiveState": "failed", "Result": "exit-code", "ExecMainStatus": "78", "NRestarts": "0"}
    assert "poll.interval ('soon') is not a duration" in host.show("StatusText")
    errors = host.machine.journal(host.unit, "-p", "err..err")
    assert any("poll.interval ('soon') is not a duration" in line for line in errors)
    mend(host)
    host.wait_for(lambda: host.told(host.failure) == ["new", "resolved"], "the end of that alert")
    assert host.sandbox.signl4.secret not in "\n".join(host.machine.lines)


def test_curl_alone_tells_it(host: Host) -> None:
    python, away = "/opt/betterstack-signl4/bin/python", "/opt/betterstack-signl4/bin/away"
    host.machine.run("mv", python, away)
    try:
        with host.drop_in(AT_ONCE):
            host.machine.run("systemctl", "start", "--no-block", host.unit)
            host.wait_for(lambda: host.told(host.failure) == ["new"], "the alert of the failure")
    finally:
        host.machine.run("mv", away, python)


def test_a_service_that_fails_again_and_again_is_told_of(host: Host) -> None:
    with host.drop_in(f"{AT_ONCE}\nExecStart=\nExecStart=/bin/false"):
        host.machine.run("systemctl", "start", "--no-block", host.unit)
        host.wait_for(lambda: host.told(host.failure) == ["new"], "the alert of the failure")
        assert host.machine.show(host.unit, "ActiveState", "NRestarts") == {"ActiveState": "failed", "NRestarts": "10"}


def test_it_is_told_until_signl4_takes_it_and_once_only_then(host: Host) -> None:
    host.sandbox.signl4.faults.arm(mishaps.status(503), times=2)
    fail(host)
    host.wait_for(lambda: host.told(host.failure) == ["new"], "the alert of the failure")
    assert host.systemctl("start", check=False) != 0
    teller = FAILED.replace("@", "@config")
    host.wait_for(lambda: "SIGNL4 was told already" in host.machine.journal(teller), "the second failure")
    assert host.told(host.failure) == ["new"]


@pytest.mark.parametrize("answer", [mishaps.captive_portal(), mishaps.status(302, Location="/elsewhere")])
def test_an_answer_that_is_none_of_signl4s_does_not_count(host: Host, answer: Instead) -> None:
    elsewhere = host.sandbox.signl4.faults.arm(answer, times=2)
    fail(host)
    host.wait_for(lambda: host.told(host.failure) == ["new"], "the alert of the failure")
    assert elsewhere.struck == 2


def test_an_alert_whose_answer_was_lost_is_closed_as_well(host: Host) -> None:
    host.sandbox.signl4.faults.arm(Cut(taken=True))
    fail(host)
    host.wait_for(lambda: host.told(host.failure)[:1] == ["new"], "the alert of the failure")
    host.sandbox.signl4.faults.clear()
    mend(host)
    host.wait_for(lambda: host.told(host.failure)[-1] == "resolved", "the end of that alert")


def test_a_disk_that_takes_no_mark_keeps_nobody_from_being_told_once(host: Host) -> None:
    place, teller = f"{STATE}-failed", FAILED.replace("@", "@config")
    host.machine.run("mount", "--bind", "-o", "ro", place, place)
    try:
        fail(host)
        host.wait_for(lambda: host.told(host.failure) == ["new"], "the alert of the failure")
        host.wait_for(lambda: host.machine.show(teller, "ActiveState")["ActiveState"] == "inactive", "the end of it")
        assert any("close the alert by hand" in line for line in host.machine.journal(teller))
        assert host.told(host.failure) == ["new"]
    finally:
        host.machine.run("umount", place)


def test_a_mark_that_cannot_be_written_any_more_keeps_nobody_from_being_told(host: Host) -> None:
    place, teller = f"{STATE}-failed", FAILED.replace("@", "@config")
    host.machine.run("systemctl", "start", teller)
    host.machine.run("mount", "--bind", "-o", "ro", place, place)
    try:
        host.machine.run("systemctl", "start", teller)
        assert host.told(host.failure) == ["new", "new"]
    finally:
        host.machine.run("umount", place)


def test_the_configuration_leads_it_as_it_leads_the_service(host: Host) -> None:
    teller = FAILED.replace("@", "@config")
    copy = host.machine.path(f"{STATE}/company.pem")
    shutil.copy(CERTIFICATE, copy)
    copy.chmod(0o644)
    with ExitStack() as started:
        with host.machine.network():
            proxy = started.enter_context(listening(answering(ok())))
        way = f'[http]\nproxy = "http://jane:p@ss@127.0.0.1:{proxy.port}"\nca_file = "company.pem"\n'
        host.change("[http]\n", way)
        host.machine.run("systemctl", "start", teller)
    (asked,) = proxy.asked
    assert asked.startswith(f"POST {host.sandbox.signl4.url}/webhook/".encode())
    assert b"\r\nProxy-Authorization: Basic amFuZTpwQHNz\r\n" in asked
    assert "company.pem" not in "\n".join(host.machine.journal(teller))


def test_a_member_of_the_group_cannot_make_it_say_the_secret(host: Host) -> None:
    member = host.machine
    member.run("useradd", "--groups=betterstack-signl4", "carol")
    member.run("sh", "-c", f"printf 'verbose\\ntrace-ascii = -\\n' | tee {STATE}/.curlrc", user="carol")
    host.try_the_alert_of_a_failure()
    assert host.sandbox.signl4.secret not in "\n".join(member.lines + member.journal("betterstack-signl4-*"))
    assert "POST /webhook" not in "\n".join(member.journal("betterstack-signl4-*"))


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_a_secret_may_end_as_any_editor_ends_it(host: Host, ending: str) -> None:
    secret = f"{host.sandbox.signl4.secret}{ending}"
    host.machine.run("install", "-m", "600", "/dev/stdin", f"{ETC}/config/{SECRET}", input=secret)
    host.try_the_alert_of_a_failure()


def test_a_secret_that_is_not_there_is_named(host: Host) -> None:
    host.secret(SECRET, "")
    teller = FAILED.replace("@", "@config")
    host.machine.run("systemctl", "start", teller, check=False)
    assert any(f"write the secret into {ETC}/config/{SECRET}" in line for line in host.machine.journal(teller))
    host.machine.run("systemctl", "stop", teller)
