"""`cadencia doctor`: is everything as it should be, tried for real, and how to mend what is not."""

from collections.abc import Callable

import click

from integrations.registry import Ports, open_ports
from tracker.errors import TrackerError
from tracker.services import schema
from tracker.settings import load_settings
from workers.cli.doctoring import calendars, machine, outward, post, providers, work
from workers.cli.doctoring.finding import Finding, Findings, problem, wrong
from workers.cli.failures import IN_PART, WRONG, explain

# What needs the tables, in the order in which it is told.
_CHECKS: tuple[tuple[str, Callable[[Ports], Findings]], ...] = (
    ("clock", machine.check_clock),
    ("broker", work.check_broker),
    ("schedule", work.check_schedule),
    ("outbox", post.check_outbox),
    ("outbox", work.check_lanes),
    ("mailbox", post.check_mailbox),
    ("keys", providers.check_keys),
    ("push", providers.check_push),
    ("proxy", providers.check_proxy),
    ("Google and Outlook", providers.check_providers),
    ("Google's client", providers.check_client),
    ("certificate", providers.check_certificate),
    ("consents", providers.check_consents),
    ("meeting records", providers.check_records),
    ("endpoints", outward.check_endpoints),
    ("monitor", outward.check_monitor),
    ("calendars", calendars.check_calendars),
    ("people", calendars.check_people),
)


@click.command()
def doctor() -> int:
    """Check settings, database, mail, calendars, providers, disk and clock, and say how to mend what fails.

    It writes to the database and takes that back, connects to the mail servers, asks Google and Microsoft
    what we may do, and reads calendars. It shows which rights are more than needed.
    """
    found = [_say(finding) for finding in examine()]
    bad = sum(not finding.is_fine for finding in found)
    click.echo(f"{bad} problem{'s' * (bad > 1)}." if bad else "All is well.", err=True)
    if any(finding.is_wrong_setting for finding in found):
        return WRONG
    return IN_PART if bad else 0


def _say(finding: Finding) -> Finding:
    click.echo(f"{'ok' if finding.is_fine else 'problem':8} {finding.text}")
    return finding


def examine() -> Findings:
    """Yield what is found, one after the other; what needs the settings is left out where these are wrong."""
    yield from _safely("translations", machine.check_translations)
    yield from _safely("time zones", machine.check_zones)
    try:
        settings = load_settings()
        yield from machine.check_settings(settings)
        ports = open_ports(settings)
    except TrackerError as error:
        yield wrong(f"settings: {error}")
        return
    try:
        yield from _safely("database", lambda: machine.check_database(ports))
        yield from _safely("disk", lambda: machine.check_disk(settings))
        yield from _safely("mail", lambda: post.check_post(ports))
        if _is_ready(ports):
            for name, check in _CHECKS:
                yield from _safely(name, lambda check=check: check(ports))  # type: ignore[misc]
    finally:
        ports.store.close()


def _safely(name: str, check: Callable[[], Findings]) -> Findings:
    # One check that fails must not hide what the others find.
    try:
        yield from check()
    except Exception as error:
        yield problem(f"{name}: {' '.join(explain(error)).removeprefix('cadencia: ')}")


def _is_ready(ports: Ports) -> bool:
    try:
        schema.require_current(ports.store)
    except Exception:
        return False
    return True
