"""`cadencia digest`: the weekly digest, to files or as mail."""

import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import click
from sqlalchemy.orm import Session as OrmSession

from integrations.registry import Ports
from tracker.errors import BadInput
from tracker.models import Person, Program
from tracker.services.digest.building import Span, build_digest, find_programs, span_of
from tracker.services.digest.facts import Digest
from tracker.services.digest.post import Post, digest_key, digest_readers, enqueue_digest
from tracker.services.message import Envelope, freeze, message_id, parse_mailbox
from tracker.services.outbox import send_due, try_again
from tracker.services.weeks import Week, parse_week
from tracker.tags import fold
from tracker.wording import language_of
from workers.cli.failures import IN_PART
from workers.cli.setup import opened

FOLDER = Path("digests")
# Far more than there can be people in HR: one call sends them all.
MOST_LETTERS = 10_000


class WeekType(click.ParamType[Week]):
    """A week such as 2026-W47."""

    name = "week"

    def convert(self, value: str | Week, param: click.Parameter | None, ctx: click.Context | None) -> Week:
        """Read the week."""
        if isinstance(value, Week):
            return value
        try:
            return parse_week(value)
        except BadInput as error:
            self.fail(str(error), param, ctx)


@click.command()
@click.option(
    "--week", type=WeekType(), metavar="WEEK", help="Such as 2026-W47; the week of yesterday if left out."
)
@click.option("--program", metavar="NAME", help="Only this program.")
@click.option(
    "--out",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help=f"Where to write the files; {FOLDER} if left out.",
)
@click.option("--send", is_flag=True, help="Send it to everybody of HR, each in their language.")
def digest(week: Week | None, program: str | None, folder: Path | None, send: bool) -> int:
    """Write the weekly digest of each program: to files, or with --send as mail to HR.

    A second --send of the same week sends nothing again. Judges nothing that `cadencia review` has not seen:
    run sync and review first, or let `cadencia up` do it.
    """
    with opened() as ports:
        now = ports.clock.now()
        digests = _build(ports, week, program, now)
        readers = _readers(ports)
        if folder or not send:
            for path in _write(ports, digests, readers, folder or FOLDER):
                click.echo(path)
        return _send(ports, digests, readers, now) if send else 0


def _build(ports: Ports, week: Week | None, name: str | None, now: datetime) -> list[Digest]:
    with ports.store.read() as db:
        try:
            programs = [(p, span_of(db, p, week, now)) for p in find_programs(db, name)]
        except BadInput as error:
            raise click.UsageError(str(error)) from None
        if not programs:
            raise BadInput("There is no program yet. `cadencia pairs import` makes them.")
        return [_build_one(db, program, span) for program, span in programs]


def _build_one(db: OrmSession, program: Program, span: Span) -> Digest:
    until = "" if span.is_whole else " so far"
    click.echo(f"{program.name}: {span.week.name}{until} ({span.timezone})", err=True)
    return build_digest(db, program, span)


def _readers(ports: Ports) -> Sequence[Person]:
    with ports.store.read() as db:
        return digest_readers(db)


def _write(ports: Ports, digests: Sequence[Digest], readers: Sequence[Person], folder: Path) -> list[Path]:
    languages = sorted({"en", *(language_of(person.language) for person in readers)})
    folder.mkdir(parents=True, exist_ok=True)
    names = _file_names(digests)
    return [
        path
        for told in digests
        for language in languages
        for path in _write_one(ports, told, language, folder / f"{names[told.program_id]}-{language}")
    ]


def _write_one(ports: Ports, told: Digest, language: str, stem: Path) -> list[Path]:
    letter = ports.writer.write("digest", language, {"digest": told, "base_url": ports.settings.base_url})
    sender = parse_mailbox(ports.settings.mail_from)
    name = message_id("digest", stem.name, sender)
    # A file is for looking at: it is addressed to the sender.
    mail = freeze(letter, Envelope(sender, sender, name, told.as_of))
    contents = {".txt": letter.text.encode(), ".html": letter.html.encode(), ".eml": mail}
    for suffix, content in contents.items():
        Path(f"{stem}{suffix}").write_bytes(content)
    return [Path(f"{stem}{suffix}") for suffix in contents]


def _file_names(digests: Sequence[Digest]) -> dict[int, str]:
    plain = {d.program_id: re.sub(r"[^a-z0-9]+", "-", fold(d.program)).strip("-") for d in digests}
    return {
        d.program_id: f"{d.week.name}-{plain[d.program_id]}"
        if plain[d.program_id] and list(plain.values()).count(plain[d.program_id]) == 1
        else f"{d.week.name}-{d.program_id}"
        for d in digests
    }


def _send(ports: Ports, digests: Sequence[Digest], readers: Sequence[Person], now: datetime) -> int:
    if not readers:
        click.echo(
            "Nobody has the role hr, so nobody was written to. `cadencia people import` gives roles.",
            err=True,
        )
        return IN_PART
    post = Post(ports.writer, ports.settings.mail_from, ports.settings.base_url)
    with ports.store.write() as db:
        put = sum(len(enqueue_digest(db, post, told, readers, now)) for told in digests)
        again = try_again(db, [digest_key(told, person) for told in digests for person in readers], now)
    # Died here: the letters are in the outbox, and the schedule, or the next --send, takes them out.
    for told in digests:
        if told.is_empty:
            click.echo(f"{told.program}: no pair is running, so nobody was written to.", err=True)
    report = send_due(ports.store, ports.mailer, now, MOST_LETTERS)
    click.echo(_count(put, again, len(digests) * len(readers)), err=True)
    click.echo(
        f"Mail: {report.sent} sent, {report.retried} to be tried again, {report.failed} failed.", err=True
    )
    if report.stopped:
        click.echo(f"{report.stopped} What is left waits in the outbox.", err=True)
    return IN_PART if report.retried or report.failed else 0


def _count(put: int, again: int, most: int) -> str:
    if put or again:
        return f"Letters: {put} written" + (f", {again} tried once more." if again else ".")
    return "Letters: none written; this digest was sent before." if most else "Letters: none written."
