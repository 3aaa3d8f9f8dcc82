"""`check` and `test-alert`: test the configuration before it is needed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from daemon.cli.options import KINDS, configured, say
from daemon.cli.proposals import teams
from daemon.model.destination import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from daemon.cli.diagnose import Finding
    from daemon.config.configuration import Configuration


@click.command()
@click.option("--online", is_flag=True, help="Also ask both services, and say what their answers prove.")
@click.option(
    "--secret",
    is_flag=True,
    help="As --online, and prove SIGNL4's secret by an event that alerts nobody: the end of an alert that never was.",
)
@click.option("--show", is_flag=True, help="Print each setting in force and where it comes from; secrets are masked.")
@click.option("--template", type=KINDS, help="Print the body that this template makes of --incident, and nothing else.")
@click.option("--incident", metavar="ID|FILE", help="An id at Better Stack, or a record in a file (-: standard input).")
@configured()
def check(
    configuration: Configuration, online: bool, secret: bool, show: bool, template: str | None, incident: str | None
) -> None:
    """Validate the configuration and say what it will do."""
    if template is not None or incident is not None:
        if template is None or incident is None or online or secret or show:
            raise click.UsageError("--template and --incident go together, and without other options")
        _print_body(configuration, template, incident)
        return
    from daemon.cli.diagnose import check_online, plan
    from daemon.config.in_force import listed
    from daemon.storage.revision import check_place

    warnings = warnings_of(configuration)
    check_place(configuration.settings.database.url)
    if show:
        for line in listed(configuration.settings, configuration.origins):
            say(line)
    for sentence in plan(configuration):
        say(sentence)
    for warning in warnings:
        say(f"warning: {warning}")
    if online or secret:
        _report(check_online(configuration.settings, prove_secret=secret))


def _print_body(configuration: Configuration, template: str, incident: str) -> None:
    from daemon.cli.preview import body, spelled

    for warning in warnings_of(configuration):
        say(f"warning: {warning}", err=True)
    click.echo(spelled(body(configuration.settings, template, incident)))


@click.command("test-alert")
@click.option(
    "--team",
    default=DEFAULT,
    metavar="NAME",
    shell_complete=teams,
    help="A team of the configuration; else that of the one secret.",
)
@configured()
def test_alert(configuration: Configuration, team: str) -> None:
    """Send an alert and its end to SIGNL4, and print the answers."""
    from daemon.cli.diagnose import send_test_alert

    _report(send_test_alert(configuration.settings, team=team))


def _report(findings: Iterable[Finding]) -> None:
    """Prints the findings. What cannot be printed is done all the same: an alert that was raised is also closed."""
    failed = False
    unwritten: OSError | None = None
    for well, sentence in findings:
        try:
            say(sentence if well else f"FAILED: {sentence}", err=not well)
        except OSError as error:
            unwritten = error
        failed = failed or not well
    if unwritten is not None:
        raise unwritten
    if failed:
        sys.exit(1)


def warnings_of(configuration: Configuration) -> list[str]:
    """A sentence for each oddity of the configuration."""
    from daemon.decisions.database_remarks import database_remarks
    from daemon.decisions.key_remarks import key_remarks
    from daemon.decisions.monitor_remarks import monitor_remarks
    from daemon.decisions.payload import Templates
    from daemon.decisions.rule_remarks import rule_remarks

    settings = configuration.settings
    of_rules, of_database = rule_remarks(settings), database_remarks(settings)
    remarks = (*of_rules, *key_remarks(settings), *monitor_remarks(settings), *of_database)
    return [*configuration.warnings, *Templates(settings).warnings(), *remarks]
