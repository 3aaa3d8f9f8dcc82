"""The units and the scripts beside them. Their tests boot a machine, but for those below tests/unit."""

from functools import partial

from tests.mutations.mutation import row

SERVICE, TEAMS = "systemd/betterstack-signl4.service", "systemd/betterstack-signl4@.service"
START = "/opt/betterstack-signl4/bin/python -I -m daemon --config /etc/betterstack-signl4/config.toml run"
FOR_GOOD = (
    "tests/systemd/test_failure.py::test_a_bad_configuration_fails_for_good_and_signl4_is_told_until_it_is_mended"
)
INSTALL = "tests/unit/systemd/test_install.py"
GIVEN_UP = "tests/systemd/test_disabled.py"
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
        ('            _systemctl("stop", name)\n', "            pass\n"),
        "tests/unit/host/test_as_service.py::test_what_was_started_is_stopped_with_it",
    ),
    row(
        "What was started as the service is left behind where systemd-run gets a signal",
        "daemon/host/as_service.py",
        ("if ended is None or ended < 0:", "if ended is None:"),
        "tests/unit/host/test_as_service.py::test_what_a_killed_systemd_run_leaves_behind_is_stopped",
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
        "An upgrade does not restart the service",
        "systemd/install.sh",
        ('systemctl restart "$unit" ||', ": ||"),
        "tests/systemd/test_lifecycle.py",
    ),
    row(
        "An upgrade is made in place",
        "systemd/install.sh",
        (
            '    rm -rf "$new"\n    mkdir',
            '    rm -rf "$new"\n    [ ! -e "$root$opt" ] || mv "$root$opt" "$new"\n    mkdir',
        ),
        f"{INSTALL}::test_an_upgrade_that_fails_leaves_everything_as_it_was",
    ),
    booted(
        "An installation overwrites the configuration",
        "systemd/install.sh",
        ('if [ ! -e "$root$etc/config.toml" ]; then', "if :; then"),
        "tests/systemd/test_lifecycle.py",
    ),
    row(
        "A failed installation leaves its environment behind",
        "systemd/install.sh",
        ('undo() {\n    rm -rf "$new"\n', "undo() {\n"),
        f"{INSTALL}::test_a_first_installation_that_fails_leaves_nothing_behind",
    ),
    row(
        "An installation that is ended by a signal leaves what it had done",
        "systemd/install.sh",
        ("trap 'exit 143' HUP TERM\n", ""),
        f"{INSTALL}::test_so_does_one_that_is_ended_by_a_signal",
    ),
    row(
        "A failed upgrade leaves some of its files in place",
        "systemd/install.sh",
        ('        tar --extract --file "$kept" --directory "$root/"\n', ""),
        f"{INSTALL}::test_so_does_one_that_fails_while_files_are_put_in_place",
    ),
    row(
        "A program that was moved aside by an upgrade that was killed is lost",
        "systemd/install.sh",
        ('[ -e "$root$opt" ] || [ ! -e "$old" ] || mv "$old" "$root$opt"\n', ""),
        f"{INSTALL}::test_one_that_was_ended_between_its_two_renames_is_found_again",
    ),
    row(
        "A script of the environment names the place where it was made, if that has odd characters",
        "systemd/install.sh",
        ("sed 's/[][\\\\.*^$|]/\\\\&/g'", "cat"),
        f"{INSTALL}::test_wherever_it_is_installed_its_scripts_name_the_place_where_it_will_be",
    ),
    row(
        "Whoever is not root is stopped by the first file that he may not write",
        "systemd/places.sh",
        ('[ -n "$root" ] || [ "$(id -u)" = 0 ] ||', ": ||"),
        f"{INSTALL}::test_whoever_is_not_root_is_told_so_in_one_sentence",
    ),
    row(
        "An uninstallation leaves a unit",
        "systemd/places.sh",
        ("for unit in $unit_files; do", "for unit in systemd/*.service; do"),
        f"{INSTALL}::test_every_unit_is_installed_and_removed_again",
    ),
    row(
        "A package is installed whatever its hash",
        "requirements/run.txt",
        ("alembic==", "alembic>="),
        "tests/test_requirements.py",
    ),
    booted(
        "An alert of a service that is disabled stays open",
        "systemd/betterstack-signl4-failed@.service",
        ("systemctl is-enabled --quiet ${MONITOR_UNIT} &&", "false &&"),
        f"{GIVEN_UP}::test_the_alert_of_a_service_that_is_given_up_is_closed",
    ),
    booted(
        "An alert is closed whatever is disabled",
        "systemd/betterstack-signl4-disabled@.service",
        ("in disabled | masked* | not-found)", "in *)"),
        f"{GIVEN_UP}::test_an_alert_stays_open_whatever_else_is_enabled_or_disabled",
    ),
    booted(
        "Each look whether a service is disabled is logged",
        "systemd/betterstack-signl4-disabled@.service",
        ("LogLevelMax=notice", "LogLevelMax=info"),
        f"{GIVEN_UP}::test_an_alert_stays_open_whatever_else_is_enabled_or_disabled",
    ),
    booted(
        "An uninstallation leaves an alert of the failure open",
        "systemd/uninstall.sh",
        ('[ ! -e "$mark" ] || systemctl start', '[ ! -e "$mark" ] || : systemctl start'),
        f"{GIVEN_UP}::test_an_uninstallation_closes_the_alert",
    ),
    row(
        "An answer of very many values takes minutes of mawk's time",
        "systemd/tell-signl4",
        ("-le 20000 ]", "-le 20000000 ]"),
        "tests/unit/systemd/test_tell_signl4_answers.py::test_the_script_does_not_count_very_many_values",
    ),
)
