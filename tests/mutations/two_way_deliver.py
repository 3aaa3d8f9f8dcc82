"""Two ways: what may have been taken is looked up, and deliveries to Better Stack."""

from tests.mutations.mutation import row

FOUND = "tests/unit/test_deliver_found.py"
PAGER = "tests/unit/test_pager.py"

ROWS = (
    row(
        "Nothing is looked up",
        "daemon/pager.py",
        ("delivery.maybe_taken and delivery.kind is Kind.NEW", "delivery.maybe_taken and delivery.kind is None"),
        f"{FOUND}::test_a_lost_answer_doubles_nothing",
        "tests/e2e/test_crashes.py::test_promise_4_with_a_key_nothing_that_was_in_flight_at_a_kill_is_repeated",
        "tests/faults/test_look_up_faults.py",
        "tests/worlds/test_kills.py::test_promise_4_after_hundreds_of_kills_no_alert_was_raised_twice_where_there_is_a_key",
    ),
    row(
        "What SIGNL4 refused is looked up, too",
        "daemon/storage/outbox_statements.py",
        ("_UNSURE = DELIVERIES.c.attempts > DELIVERIES.c.not_taken", "_UNSURE = DELIVERIES.c.attempts > 0"),
        f"{FOUND}::test_what_is_refused_is_never_looked_up",
    ),
    row(
        "What cannot be looked up is not sent",
        "daemon/pager.py",
        ("except Exception:  # noqa: BLE001 - whatever goes wrong", "except AttributeError:  # whatever goes wrong"),
        f"{PAGER}::test_who_cannot_ask_sends_at_once",
        f"{FOUND}::test_who_cannot_ask_sends_again",
    ),
    row(
        "The alert of an earlier generation counts",
        "daemon/pager.py",
        ("return alert.created_at - ahead >= _earliest(delivery) - CLOCKS_APART", "return True"),
        f"{PAGER}::test_what_is_not_clearly_there_is_sent",
        f"{PAGER}::test_one_that_the_generation_before_raised_after_this_was_recorded_is_not_ours",
    ),
    row(
        "The event of the generation before counts",
        "daemon/storage/outbox_statements.py",
        (
            'case((_UNSURE, _event_before())).label("event_before")',
            'case((~_UNSURE, _event_before())).label("event_before")',
        ),
        f"{FOUND}::test_the_alert_of_the_generation_before_is_known_by_its_event",
    ),
    row(
        "The clocks are not compared",
        "daemon/pager.py",
        ("            ahead = finder.ahead or timedelta(0)\n", "            ahead = timedelta(0)\n"),
        f"{PAGER}::test_times_are_compared_by_one_clock",
    ),
    row(
        "The alert of another team counts",
        "daemon/pager.py",
        ("if known else self._alone", "if known else True"),
        f"{PAGER}::test_where_several_teams_are_told_an_alert_counts_only_if_it_is_of_this_one",
    ),
    row(
        "A stop during a look-up sends the event all the same",
        "daemon/pager.py",
        ("            if self._stopped():\n                raise StoppedError\n", ""),
        f"{PAGER}::test_a_stop_during_a_look_up_sends_nothing_more",
    ),
    row(
        "What a stop keeps from being sent counts as an attempt",
        "daemon/in_flight.py",
        ("        except StoppedError:\n            return None\n", ""),
        "tests/unit/test_in_flight.py::test_what_a_stop_keeps_from_being_sent_is_handed_back",
    ),
    row(
        "What was found shows that SIGNL4 accepts others",
        "daemon/storage/outbox.py",
        ("if accepted := sum(result.accepted for result in taken):", "if accepted := len(taken):"),
        f"{FOUND}::test_what_was_found_does_not_show_that_signl4_accepts_anything",
    ),
    row(
        "What was found clears a refused secret",
        "daemon/decisions/retry.py",
        (
            "        case Delivered(found=False) if destination.secret_refused_since is not None:\n            destination = replace",
            "        case Delivered() if destination.secret_refused_since is not None:\n            destination = replace",
        ),
        f"{FOUND}::test_what_was_found_does_not_clear_a_refused_secret",
    ),
    row(
        "What was found replaces the payload",
        "daemon/decisions/retry.py",
        (
            "        case Delivered(found=False):\n            return delivery.own_fault",
            "        case Delivered():\n            return delivery.own_fault",
        ),
        f"{FOUND}::test_what_was_found_keeps_the_payload_that_nobody_refused",
    ),
    row(
        "It is looked up before SIGNL4 can have processed it",
        "daemon/decisions/admit.py",
        (
            "attempted_at = delivery.maybe_taken_at if looks_up and delivery.kind is Kind.NEW else None",
            "attempted_at = None",
        ),
        f"{FOUND}::test_a_claim_without_a_result_is_looked_up_no_earlier_than_the_gap_after_it",
        "tests/unit/decisions/test_admit.py::test_what_signl4_may_have_is_looked_up_once_it_can_have_been_processed",
    ),
    row(
        "`once` ends before what it holds for a look-up",
        "daemon/deliver.py",
        ("if not one.attempted or one.due_at <= self._due.look_ups_until]", "if not one.attempted]"),
        f"{FOUND}::test_a_claim_without_a_result_is_looked_up_no_earlier_than_the_gap_after_it",
    ),
    row(
        "`once` waits for what fails",
        "daemon/due_list.py",
        ("if delivery.maybe_taken and delivery.failing is None:", "if delivery.maybe_taken:"),
        f"{FOUND}::test_once_does_not_wait_for_what_failed",
    ),
    row(
        "Where nothing was asked something may have been taken",
        "daemon/clients/http.py",
        ("            error.asked = has_asked()\n", ""),
        "tests/unit/clients/test_http_asked.py",
    ),
    row(
        "A request to a proxy for a tunnel counts as one to the service",
        "daemon/clients/deadline.py",
        ('None if request.startswith(b"CONNECT ") else b""', 'b""'),
        "tests/unit/clients/test_http_asked.py::test_a_proxy_that_refuses_the_tunnel_hands_nothing_on",
    ),
    row(
        "After an error of SIGNL4's own the event counts as not taken",
        "daemon/clients/signl4.py",
        ("_SECRET_FAULTS | {429}", "_SECRET_FAULTS | {429, 500, 502, 503}"),
        "tests/unit/clients/test_signl4.py::test_every_status_has_its_outcome",
        "tests/faults/test_look_up_faults.py",
    ),
    row(
        "Each team looks up, whatever its account",
        "daemon/runtime/senders.py",
        ("if key is None or team.name not in teams:", "if key is None:"),
        "tests/unit/runtime/test_build.py::test_what_may_have_been_taken_is_looked_up_for_the_teams_of_the_account_of_the_key",
    ),
    row(
        "What people did in SIGNL4 is done in nobody's name",
        "daemon/betterstack_writer.py",
        ("by if by and isinstance(by, str) else ANYBODY", "ANYBODY"),
        "tests/unit/test_betterstack_writer.py::test_both_are_done_in_order_and_in_the_name_of_who_did_it",
    ),
    row(
        "The end of an outage of Better Stack is said of SIGNL4",
        "daemon/outcome_log.py",
        ("team == BETTER_STACK and isinstance", "not team and isinstance"),
        "tests/unit/test_betterstack_writer.py::test_an_outage_is_waited_for_and_its_end_is_said_of_better_stack",
    ),
)
