"""The units and the scripts beside them. Their tests boot a machine, but for those below tests/unit."""

from functools import partial

from tests.mutations.mutation import row

SERVICE, TEAMS = "systemd/betterstack-signl4.service", "systemd/betterstack-signl4@.service"
START = "/opt/betterstack-signl4/bin/python -I -m daemon --config /etc/betterstack-signl4/config.toml run"
FOR_GOOD = (
    "tests/systemd/test_failure.py::test_a_bad_configuration_fails_for_good_and_signl4_is_told_until_it_is_mended"
)
booted = partial(row, machine=True)

ROWS = (
    booted(
        "What no restart can mend is restarted",
        SERVICE,
        ("RestartPreventExitStatus=78", "RestartPreventExitStatus=79"),
        FOR_GOOD,
    ),
    row(
        "What no restart can mend is restarted, by the text of the unit",
        SERVICE,
        ("RestartPreventExitStatus=78", "RestartPreventExitStatus=79"),
        "tests/unit/systemd/test_units.py::test_what_no_restart_can_mend_is_not_restarted",
    ),
    booted(
        "Nobody is told that the service has failed",
        SERVICE,
        ("OnFailure=betterstack-signl4-failed@config.service\n", ""),
        FOR_GOOD,
    ),
    booted(
        "Nobody is told that the service runs again",
        SERVICE,
        (
            "ExecStartPost=+-/bin/systemctl --no-block start betterstack-signl4-recovered@config.service\n",
            "",
        ),
        FOR_GOOD,
    ),
    booted(
        "The service never gives up",
        SERVICE,
        ("StartLimitIntervalSec=30min", "StartLimitIntervalSec=0"),
        "tests/systemd/test_failure.py::test_a_service_that_fails_again_and_again_is_told_of",
    ),
    row(
        "A command runs as the service, with its life",
        "daemon/host/as_service.py",
        ('"RuntimeDirectory RuntimeMax', '"RuntimeMax'),
        "tests/unit/host/test_as_service.py::test_all_of_our_units_is_kept_but_their_life",
    ),
    row(
        "What was started as the service is left behind",
        "daemon/host/as_service.py",
        ('            _systemctl("stop", name)\n', ""),
        "tests/unit/host/test_as_service.py::test_what_was_started_is_stopped_with_it",
    ),
    row(
        "The command takes no notice of the settings of the shell",
        "systemd/betterstack-signl4",
        ("        if by_hand; then", "        if false; then"),
        "tests/unit/systemd/test_command.py::test_settings_of_the_shell_count_as_ever_and_that_is_said",
    ),
    booted(
        "A command reads the environment file by a shell",
        "systemd/betterstack-signl4",
        (
            "        if by_hand; then",
            '        set -a; . "$etc/environment"; CREDENTIALS_DIRECTORY=$etc/$name; set +a\n        if by_hand; then',
        ),
        "tests/systemd/test_command.py::test_settings_of_the_file_count_as_they_do_for_the_service",
    ),
    booted(
        "A reload is over once it is asked for",
        SERVICE,
        (
            "ExecReload=/opt/betterstack-signl4/bin/python -I -m daemon.host.reload_outcome $MAINPID",
            "ExecReload=/bin/sh -c 'kill -HUP $MAINPID'",
        ),
        "tests/systemd/test_service.py::test_a_reload_is_over_when_systemctl_returns_and_fails_where_the_configuration_is_refused",
    ),
    row(
        "A unit has no name in the journal",
        "systemd/betterstack-signl4-failed@.service",
        ("SyslogIdentifier=betterstack-signl4\n", ""),
        "tests/unit/systemd/test_units.py::test_each_unit_is_found_in_the_journal_by_one_name_and_leads_to_its_documentation",
    ),
    booted(
        "The service is not restarted",
        SERVICE,
        ("Restart=always", "Restart=no"),
        "tests/systemd/test_service.py::test_killed_or_frozen_it_is_started_again_and_nothing_is_lost_or_doubled",
    ),
    booted(
        "A secret is in the environment of the service",
        SERVICE,
        (
            f"ExecStart={START}",
            f"ExecStart=/bin/sh -c 'SIGNL4__SECRET=$$(cat ${{CREDENTIALS_DIRECTORY}}/signl4.secret) exec {START}'",
        ),
        "tests/systemd/test_service.py::test_the_secrets_are_handed_over_and_nobody_else_can_read_them",
    ),
    booted(
        "A directive is misspelt",
        SERVICE,
        ("WatchdogSec=1min", "WatchdogSecs=1min"),
        "tests/systemd/test_service.py::test_systemd_finds_nothing_wrong_with_a_unit",
    ),
    booted(
        "A directive of the sandbox is missing",
        SERVICE,
        ("ProtectSystem=strict\n", ""),
        "tests/systemd/test_service.py::test_a_unit_is_hardly_exposed",
    ),
    row(
        "A unit that tells of a failure may do more than the service",
        "systemd/betterstack-signl4-failed@.service",
        ("ProtectSystem=strict\n", ""),
        "tests/unit/systemd/test_units.py::test_each_unit_may_do_as_little_as_the_service",
    ),
    booted(
        "Two teams have one state",
        TEAMS,
        ("StateDirectory=betterstack-signl4-%i\n", "StateDirectory=betterstack-signl4\n"),
        ("WorkingDirectory=/var/lib/betterstack-signl4-%i\n", "WorkingDirectory=/var/lib/betterstack-signl4\n"),
        "tests/systemd/test_service.py::test_two_teams_are_served_side_by_side",
    ),
    booted(
        "The secret is on a command line while SIGNL4 is told of a failure",
        "systemd/tell-signl4",
        ("curl -q --config - --silent", 'curl -q --url "$base/webhook/$(encoded "$secret")" --config - --silent'),
        FOR_GOOD,
    ),
    booted(
        "An upgrade is made in place",
        "systemd/install.sh",
        ('rm -rf "$new"\nmkdir', 'rm -rf "$new"\n[ ! -e "$root$opt" ] || mv "$root$opt" "$new"\nmkdir'),
        "tests/systemd/test_lifecycle.py",
    ),
    booted(
        "An installation overwrites the configuration",
        "systemd/install.sh",
        ('if [ ! -e "$root$etc/config.toml" ]; then', "if :; then"),
        "tests/systemd/test_lifecycle.py",
    ),
    booted(
        "An upgrade does not restart the service",
        "systemd/install.sh",
        ("systemctl try-restart betterstack-signl4.service 'betterstack-signl4@*.service'", ":"),
        "tests/systemd/test_lifecycle.py",
    ),
    booted(
        "An uninstallation leaves a unit",
        "systemd/uninstall.sh",
        (
            "betterstack-signl4-failed@.service betterstack-signl4-recovered@.service; do",
            "betterstack-signl4-failed@.service; do",
        ),
        "tests/systemd/test_lifecycle.py::test_an_uninstallation_takes_what_the_installation_put_there_and_nothing_else",
    ),
)
