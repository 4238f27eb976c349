"""Mail, in both directions: the server that takes ours, the outbox, and the program's own mailbox."""

from datetime import timedelta

from sqlalchemy import func, select

from integrations.registry import Ports, check_mail
from tracker.errors import ConnectorError
from tracker.models import OutboxMail, Person, Program
from tracker.services.outbox import IS_EVENT, IS_MAIL, dead_letters, longest_waiting
from workers.cli.doctoring.finding import Findings, fine, problem

LATE_AFTER = timedelta(minutes=15)
MOST_LETTERS = 20  # so many that were given up are named: the latest


def check_post(ports: Ports) -> Findings:
    """Talk to the mail server for real."""
    check_mail(ports)
    where = ports.settings.mail_url.partition(":")[0]
    yield fine("mail: to a folder of .eml files" if where == "file" else f"mail: the {where} server answers")


def check_outbox(ports: Ports) -> Findings:
    """Name the mail that was given up, and look for mail that nobody sends."""
    now = ports.clock.now()
    with ports.store.read() as db:
        dead = list(dead_letters(db))
        oldest = [longest_waiting(db, which) for which in (IS_MAIL, IS_EVENT)]
        has_reader = db.scalar(select(func.count()).where(Person.is_hr | Person.is_admin))
    for row in dead[:MOST_LETTERS]:
        what = "the mail" if row.endpoint_id is None else "an event"
        why = " ".join((row.last_error or "nobody knows why").split())
        yield problem(f"outbox: {what} to {row.recipient} was given up: {why}")
    if len(dead) > MOST_LETTERS:
        yield problem(f"outbox: {len(dead) - MOST_LETTERS} older ones were given up, too")
    late = [row for row in oldest if row and now - row.created_at > LATE_AFTER]
    for row in late:
        yield problem(f"outbox: {_why_late(row)}")
    if not late and not dead:
        yield fine("outbox: nothing is late")
    if not has_reader:
        yield fine("people: nobody has the role hr or admin yet; `cadencia people import` gives roles")


def _why_late(row: OutboxMail) -> str:
    what = "mail" if row.endpoint_id is None else "an event"
    since = f"{what} to {row.recipient} waits since {row.created_at:%Y-%m-%d %H:%M} UTC"
    if row.last_error is None:
        return f"{since}. Is `cadencia up`, or `cadencia worker`, running?"
    return f"{since}, after {row.attempts} attempts: {' '.join(row.last_error.split())}"


def check_mailbox(ports: Ports) -> Findings:
    """Log in to the program's own mailbox, and look whether people can know of it."""
    if ports.mailbox is None:
        return
    try:
        count = ports.mailbox.check()
    except ConnectorError as error:
        yield problem(f"mailbox: {error}")
        return
    yield fine(f"mailbox: can be read, {count} messages")
    with ports.store.read() as db:
        has_address = db.scalar(select(func.count()).where(Program.address.is_not(None)))
    if not has_address and not ports.settings.program_address:
        yield problem(
            "mailbox: no program has an address, so invitations to it are no sessions. Set "
            "CADENCIA_PROGRAM_ADDRESS to the mailbox's address."
        )
