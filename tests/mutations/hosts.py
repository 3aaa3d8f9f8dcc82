"""Several hosts on one server, as SIGNL4 sees them: with real daemons, servers and networks."""

from tests.mutations.mutation import row

CUTS, FROZEN = "tests/lease/test_cuts.py", "tests/lease/test_frozen.py"
CLOCKS, FAILOVER = "tests/lease/test_clocks.py", "tests/lease/test_failover.py"

ROWS = (
    row(
        "A standby takes a lease that is renewed",
        "daemon/storage/lease.py",
        ("        return unchanged or (says_expired and not self._changed)", "        return True"),
        f"{CUTS}::test_a_leader_cut_from_signl4_and_not_from_the_database_goes_on_leading_and_tells_all_later",
    ),
    row(
        "A leader that stands still amid its statements holds the next one off",
        "daemon/storage/lease.py",
        ('            connection.execute(_SEND_AWAY, {"longest": JOBS.whole})\n', ""),
        f"{FROZEN}::test_a_leader_frozen_amid_several_statements_holds_no_take_over_up",
    ),
    row(
        "How long a lease is relied on is counted on a clock that is set",
        "daemon/host/clock.py",
        ("return time.clock_gettime(time.CLOCK_BOOTTIME)", "return time.time()"),
        f"{CLOCKS}::test_a_clock_an_hour_off_takes_no_lease_early_or_late",
    ),
    row(
        "Nobody notices that another server was promoted",
        "daemon/storage/fence.py",
        ("if timeline is not None and timeline != self.timeline:", "if False:"),
        f"{FAILOVER}::test_a_synchronous_standby_that_is_promoted_after_a_crash_has_all_and_nothing_is_lost",
    ),
)
