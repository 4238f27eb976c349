"""`cadencia calendars read`: what would be read from a calendar.

It stores nothing, needs neither database nor settings file, and never shows a title.
"""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import fields
from datetime import UTC, date, datetime, timedelta, tzinfo
from enum import Enum
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

if TYPE_CHECKING:
    from tracker.events import CalendarEvent, Moment, Pull, Window
    from tracker.ports import CalendarSource
    from tracker.tags import TagRules

BEFORE, AFTER = timedelta(days=90), timedelta(days=365)
PROVIDERS = ("google", "outlook")
MAILBOX = "mailbox:"


@click.group()
def calendars() -> None:
    """See what would be read from a calendar."""


class Day(click.ParamType[date]):
    """A date such as 2026-11-21."""

    name = "date"

    def convert(self, value: str | date, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """Return the date that `value` writes."""
        try:
            return value if isinstance(value, date) else date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no date. Write it like 2026-11-21.", param, ctx)


class ZoneName(click.ParamType[ZoneInfo]):
    """The IANA name of a time zone."""

    name = "zone"

    def convert(
        self, value: str | ZoneInfo, param: click.Parameter | None, ctx: click.Context | None
    ) -> ZoneInfo:
        """Return the zone called `value`."""
        try:
            return value if isinstance(value, ZoneInfo) else ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            self.fail(f"{value!r} is no time zone. Write it like Europe/Madrid.", param, ctx)


@calendars.command()
@click.argument("source")
@click.option("--owner", "owners", multiple=True, metavar="EMAIL", help="An address of the calendar's owner.")
@click.option("--from", "first", type=Day(), help="First day to show; 90 days ago unless given.")
@click.option("--to", "last", type=Day(), help="The day before which to end; in 365 days unless given.")
@click.option("--untagged", is_flag=True, help="Show all entries, not only mentoring sessions.")
@click.option(
    "--timezone", "zone", type=ZoneName(), help="The owner's zone: for times that name none, and the table."
)
@click.option(
    "--format", "form", type=click.Choice(["table", "json"]), help="Default: table on a terminal, else json."
)
def read(
    source: str, owners: tuple[str, ...], first: date | None, last: date | None, untagged: bool,
    zone: ZoneInfo | None, form: str | None,
) -> None:  # fmt: skip
    """Show the sessions that SOURCE holds, an occurrence a line, cancelled ones too; nothing is stored.

    SOURCE is an .ics file, an https address, google:EMAIL, outlook:EMAIL or mailbox:EMAIL: the sessions of
    that person that the program's own mailbox was invited to, as it was read last.
    """
    zone = zone or _machine_zone()
    window = _window(first, last, zone)
    pull = _pull(source, zone, window, _rules((*owners, *_mailbox_owner(source)), untagged=untagged))
    events = sorted(
        _inside(pull.events, window, zone), key=lambda e: (_instant(e.start, zone), e.provider_event_id)
    )
    _write(events, form or ("table" if sys.stdout.isatty() else "json"), zone)
    _tell_issues(pull, events)
    _tell_count(pull, events, untagged=untagged)
    if pull.set_aside:
        sys.exit(1)


def _machine_zone() -> ZoneInfo:
    """Return the machine's zone where it has a name, else UTC."""
    import os
    from pathlib import Path

    link = Path("/etc/localtime")
    names = [os.environ.get("TZ", "").lstrip(":")]
    if link.is_symlink():
        names.append(str(link.readlink()).partition("zoneinfo/")[2])
    for name in filter(None, names):
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            continue
    return ZoneInfo("UTC")


def _window(first: date | None, last: date | None, zone: tzinfo) -> "Window":
    from tracker.clock import SystemClock
    from tracker.events import Window

    today = SystemClock().now().astimezone(zone).date()
    start, end = first or today - BEFORE, last or today + AFTER
    if first is None or last is None:
        click.echo(f"Showing {start} to {end} (--from and --to change that).", err=True)
    if end <= start:
        raise click.UsageError("--to must be later than --from.")
    return Window(_instant(start, zone), _instant(end, zone))


def _instant(moment: "Moment", zone: tzinfo) -> datetime:
    if isinstance(moment, datetime):
        return moment
    try:
        return datetime(moment.year, moment.month, moment.day, tzinfo=zone).astimezone(UTC)
    except OverflowError:
        return datetime(moment.year, moment.month, moment.day, tzinfo=UTC)


def _mailbox_owner(source: str) -> tuple[str, ...]:
    # What the mailbox was told names the person; without the address there would be nothing to look for.
    return (source.removeprefix(MAILBOX),) if source.startswith(MAILBOX) else ()


def _pull(source: str, zone: ZoneInfo, window: "Window", rules: "TagRules") -> "Pull":
    for account in _mailbox_owner(source):
        from workers.cli.setup import opened

        with opened() as ports:
            return ports.sources.open("mailbox", account, zone.key).pull(None, window, rules)
    return _open(source, zone).pull(None, window, rules)


def _open(source: str, zone: ZoneInfo) -> "CalendarSource":
    from integrations.registry import NotAvailable, open_calendar
    from tracker.settings import load_settings

    provider, colon, account = source.partition(":")
    known = bool(colon) and provider in PROVIDERS
    try:
        return open_calendar(
            provider if known else "ical", account if known else source, zone.key, load_settings()
        )
    except NotAvailable as e:
        raise click.UsageError(str(e)) from None


def _rules(owners: Iterable[str], *, untagged: bool) -> "TagRules":
    from tracker.settings import load_settings
    from tracker.tags import TagRules, normal_address

    settings = load_settings()
    program = frozenset(map(normal_address, filter(None, [settings.program_address])))
    return TagRules(
        owner=frozenset(map(normal_address, owners)), markers=settings.tags, program_addresses=program,
        keep_untagged=untagged,
    )  # fmt: skip


def _inside(events: "Iterable[CalendarEvent]", window: "Window", zone: tzinfo) -> "Iterator[CalendarEvent]":
    """Yield what is in the window at its present time: a source tells more, such as what moved out of it."""
    for e in events:
        if _touches(window, _instant(e.start, zone), _instant(e.end, zone)):
            yield e


def _touches(window: "Window", start: datetime, end: datetime) -> bool:
    return start < window.end and (end > window.start or (start == end and start >= window.start))


def _write(events: "list[CalendarEvent]", form: str, zone: ZoneInfo) -> None:
    if form == "table":
        _write_table(events, zone)
        return
    import msgspec

    lines = (msgspec.json.encode({f.name: _plain(getattr(e, f.name)) for f in fields(e)}) for e in events)
    sys.stdout.buffer.writelines(line + b"\n" for line in lines)
    sys.stdout.buffer.flush()


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, Enum):
        return str(value)
    if isinstance(value, tuple):
        return [_plain(v) for v in value]
    if hasattr(value, "__dataclass_fields__"):
        return {name: _plain(getattr(value, name)) for name in value.__dataclass_fields__}
    return value


COLUMNS = ("start", "end", "status", "kind", "tag", "role", "with", "instead of")


def _write_table(events: "list[CalendarEvent]", zone: ZoneInfo) -> None:
    rows = [_row(e, zone) for e in events]
    widths = [max(len(cell) for cell in column) for column in zip(COLUMNS, *rows, strict=True)]
    for row in [COLUMNS, *rows]:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    click.echo(f"Times are {zone.key}.", err=True)


def _row(event: "CalendarEvent", zone: ZoneInfo) -> tuple[str, ...]:
    moved = event.original_start is not None and event.original_start != event.start
    people = sorted({a.email for a in event.attendees} | ({event.organiser} if event.organiser else set()))
    shown = ", ".join("".join(c if c.isprintable() else "?" for c in p) for p in people)
    who = shown if len(people) < 4 else f"{len(people)} people"
    times = _shown(event.start, zone), _shown(event.end, zone)
    kinds = str(event.status), str(event.kind), str(event.tag_rule or "-"), str(event.copy_role)
    return *times, *kinds, who, _shown(event.original_start, zone) if moved else ""


def _shown(moment: "Moment | None", zone: ZoneInfo) -> str:
    if isinstance(moment, datetime):
        return moment.astimezone(zone).strftime("%Y-%m-%d %H:%M")
    return str(moment or "")


def _tell_issues(pull: "Pull", events: "list[CalendarEvent]") -> None:
    for aside in pull.set_aside:
        what = f"{aside.place}: this entry was set aside: {aside.issue}."
        click.echo(f"{what} Mend it in the calendar, then read again.", err=True)
    for event in events:
        for issue in event.issues:
            click.echo(f"{event.provider_event_id[:12]} at {_plain(event.start)}: {issue}.", err=True)


def _tell_count(pull: "Pull", events: "list[CalendarEvent]", *, untagged: bool) -> None:
    cancelled = sum(e.status == "cancelled" for e in events)
    what = "occurrences" if untagged else "occurrences of sessions"
    click.echo(
        f"{pull.looked_at} entries read: {len(events)} {what}, {cancelled} of them cancelled.", err=True
    )
    if not events and pull.looked_at and not untagged:
        click.echo("No entry carries a marker such as #mentoring; --untagged shows all.", err=True)
