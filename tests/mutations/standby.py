"""Hosts that take turns: who sends, who stands by, and what is said of that."""

from tests.mutations.mutation import row

TRUST, RENEWAL = "tests/unit/runtime/test_trust.py", "tests/unit/runtime/test_renewal.py"
STANDBY = "tests/e2e/test_standby.py"
PAST = f"{STANDBY}::test_a_leader_without_its_database_sends_nothing_pages_past_it_and_goes_on_with_its_epoch"
WAITS = f"{STANDBY}::test_it_waits_for_a_server_that_is_not_there_yet_and_pages_past_it"

ROWS = (
    row(
        "A pass goes on sending while another host may send",
        "daemon/deliver.py",
        (" or not self.trusted()", ""),
        "tests/unit/test_deliver_trust.py",
    ),
    row(
        "A job that may send nothing looks again at once",
        "daemon/runtime/delivery_job.py",
        ("    if not deliver.trusted():\n        raise DatabaseBusyError(UNTRUSTED)\n", ""),
        f"{TRUST}::test_a_job_without_trust_looks_again_after_a_pause_and_says_so_once",
    ),
    row(
        "A request begins whose end may be another host's time",
        "daemon/runtime/shared.py",
        ("> longest", "> 0"),
        f"{TRUST}::test_a_request_begins_only_if_its_whole_time_is_trusted",
    ),
    row(
        "What wakes too late sends all the same",
        "daemon/clients/deadline.py",
        ("min(ends, latest)", "ends"),
        "tests/unit/clients/test_http_latest.py",
    ),
    row(
        "The end of a term does not end its work",
        "daemon/runtime/renewal.py",
        ("                self._over.set()\n", ""),
        f"{RENEWAL}::test_the_end_of_a_term_ends_its_work_and_is_said",
    ),
    row(
        "A renewal that fails is not tried again",
        "daemon/runtime/renewal.py",
        ("            return AGAIN\n", "            return 3600.0\n"),
        f"{RENEWAL}::test_one_that_fails_is_said_once_and_tried_again_until_it_works",
    ),
    row(
        "A round is complete although nothing may be sent",
        "daemon/runtime/renewal.py",
        ("        if self._term.trusted() <= 0:\n", "        if self._term.lost:\n"),
        f"{RENEWAL}::test_while_nothing_may_be_sent_a_round_fails_and_says_why",
    ),
    row(
        "The alarm past the database waits for the lease",
        "daemon/runtime/build.py",
        ("shared.trusted_until is not None, around", "False, around"),
        PAST,
    ),
    row(
        "A host that stands by raises no alarm past the database",
        "daemon/runtime/standby.py",
        ("            alarm.failed(str(error))\n", ""),
        WAITS,
    ),
    row(
        "A database that cannot be reached ends the start",
        "daemon/storage/server_errors.py",
        ("    return any(", "    return bool(known) or any("),
        WAITS,
    ),
    row(
        "A standby does not note that it is there",
        "daemon/runtime/standby.py",
        ("            self._note.renew()\n", "            pass\n"),
        f"{STANDBY}::test_a_standby_is_ready_and_everybody_says_who_leads",
    ),
    row(
        "A standby that ended is still listed",
        "daemon/storage/standbys.py",
        ("            self._write(_FORGET)\n", "            pass\n"),
        f"{STANDBY}::test_a_standby_that_stops_is_not_listed_any_more_and_changes_nothing",
    ),
    row(
        "A stop does not give the lease back",
        "daemon/runtime/turns.py",
        ("            term.give_back()\n", "            pass\n"),
        "tests/lease/test_ends.py::test_after_an_orderly_stop_the_other_host_leads_at_once_and_nothing_is_told_twice",
    ),
    row(
        "A part of the work outlasts the whole",
        "daemon/host/signals.py",
        ("        for part in self._parts:\n            part.set()\n", ""),
        "tests/unit/host/test_signals.py::test_a_part_ends_with_the_whole",
    ),
)
