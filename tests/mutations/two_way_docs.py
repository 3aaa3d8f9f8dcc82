"""Two ways: the configuration, the faults on the way back, and the demo."""

from tests.mutations.mutation import row

HERE = "tests/unit/config/test_two_way.py"
ACTS = "tests/sandbox/test_people_acts.py"
FAULTS = "tests/faults/test_two_way_faults.py::test_what_people_do_comes_back_once_and_pages_go_on"

ROWS = (
    row(
        "A placeholder that begins like the name of a person is taken",
        "daemon/config/two_way.py",
        ("if found != USER]", "if not found.startswith(USER)]"),
        f"{HERE}::test_another_placeholder_is_a_mistake_with_the_mend",
    ),
    row(
        "Nobody may have done it",
        "daemon/config/two_way.py",
        ("if not value.strip():", "if not value:"),
        f"{HERE}::test_somebody_did_it",
    ),
    row(
        "Who did it may be any number of lines",
        "daemon/config/two_way.py",
        ("or not value.isprintable()", ""),
        f"{HERE}::test_who_did_it_is_one_short_line",
    ),
    row(
        "The API key is not redacted",
        "daemon/config/settings.py",
        ("(*tokens, self.signl4.api_key, *teams,", "(self.betterstack.token, *teams,"),
        f"{HERE}::test_the_key_is_shown_nowhere",
    ),
    row(
        "Nobody says that a setting has no effect",
        "daemon/config/load.py",
        ("if getattr(given, key.name) != key.default:", "if getattr(given, key.name) is None:"),
        f"{HERE}::test_what_needs_the_key_is_a_warning_without_it",
    ),
    row(
        "The defaults of the sample count as settings that have no effect",
        "daemon/config/load.py",
        ("if getattr(given, key.name) != key.default:", "if getattr(given, key.name) is not None:"),
        f"{HERE}::test_the_defaults_of_the_sample_are_no_warning",
    ),
    row(
        "The settings of the way back count for nothing in the shell of root",
        "systemd/betterstack-signl4",
        ("alarm|write_back|duty|monitors|heartbeat", "alarm|heartbeat"),
        "tests/unit/systemd/test_command.py::test_a_setting_of_any_section_is_one_of_the_shell",
    ),
    row(
        "reconcile of root runs without the API key of the service",
        "systemd/betterstack-signl4",
        ("dry-run | reconcile | from", "dry-run | from"),
        "tests/unit/systemd/test_command.py::test_what_needs_the_secrets_runs_as_the_service",
    ),
    row(
        "That an incident is acknowledged already is no success of a write-back",
        "daemon/clients/betterstack_changes.py",
        ("reply.status == 409 or ", ""),
        f"{FAULTS}[409 of Better Stack: somebody was faster]",
    ),
    row(
        "Better Stack's page for people counts as done",
        "daemon/clients/betterstack_changes.py",
        (
            "if is_page_for_people(reply) or 300 <= reply.status < 400:\n",
            "if is_page_for_people(reply):\n        return Delivered(None)\n    if 300 <= reply.status < 400:\n",
        ),
        f"{FAULTS}[HTML of Better Stack]",
    ),
    row(
        "SIGNL4's REST API is not left alone when it asks for that",
        "daemon/clients/api_pace.py",
        ("max(self._quiet_until, self._monotonic() + hold.total_seconds())", "self._quiet_until"),
        f"{FAULTS}[429 of the REST API, or Retry-After: 429]",
    ),
    row(
        "A refused API key is tried as often as a good one",
        "daemon/runtime/look_job.py",
        ("max(self.interval, TRY_KEY_AGAIN) if refused", "self.interval if refused"),
        f"{FAULTS}[401 or 403 of the REST API for an hour: 401]",
    ),
    row(
        "In the demo Better Stack needs not hear of what somebody acknowledged in SIGNL4",
        "daemon/sandbox/verdict.py",
        ("*(Finding(Flaw.LOST, why) for why in unheard(happened, acts))", "*()"),
        f"{ACTS}::test_what_was_not_heard_is_lost",
    ),
    row(
        "In the demo what somebody did in SIGNL4 counts for incidents that were acknowledged before",
        "daemon/sandbox/people_acts.py",
        ("before[-1] is Phase.OPEN", "before"),
        f"{ACTS}::test_who_acts_in_signl4_is_heard",
    ),
    row(
        "In the demo SIGNL4 must be told of what was acknowledged there",
        "daemon/sandbox/expectation.py",
        ("if first or _is_skippable(generation, held)", "if _is_skippable(generation, held)"),
        f"{ACTS}::test_who_acts_in_signl4_is_heard",
        f"{ACTS}::test_what_is_not_told_for_that_is_superseded",
    ),
    row(
        "In the demo an acknowledgement in SIGNL4 excuses those of later generations",
        "daemon/sandbox/expectation.py",
        ("any(_began(generation) <= at <= generation.acknowledged", "any(at <= generation.acknowledged"),
        f"{ACTS}::test_what_was_not_heard_is_lost",
    ),
    row(
        "The daemon of the demo gets no API key",
        "daemon/sandbox/demo.py",
        ("two_ways = bool(self._script.acknowledgements)", "two_ways = False"),
        "tests/sandbox/test_demo.py::test_the_scenario_is_told_without_a_flaw",
    ),
    row(
        "Stopping a script waits for an alert that somebody is to acknowledge",
        "daemon/sandbox/script.py",
        ("stop.wait(STEP)", "Event().wait(STEP)"),
        "tests/sandbox/test_script.py::test_stopping_ends_the_wait_for_an_alert",
    ),
    row(
        "The sandbox does not print its API key",
        "daemon/sandbox/__main__.py",
        ("sandbox.environment(two_ways=True)", "sandbox.environment()"),
        "tests/sandbox/test_standalone.py::test_its_first_lines_hold_the_key_that_its_rest_api_takes",
    ),
)
