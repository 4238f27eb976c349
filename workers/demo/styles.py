"""Calendars as files, each in the handwriting of the program it would come from.

Follows what Google Calendar, Outlook and Apple Calendar export; never tidies it up.
"""

import hashlib
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from workers.demo.agenda import Meeting, Shown, show
from workers.demo.cast import Member
from workers.demo.zones import Dialect, zone_block, zone_name

Lines = list[str]


def write_calendar(owner: Member, meetings: Iterable[Meeting], as_of: datetime) -> bytes:
    """Return the owner's calendar as an .ics file exported at `as_of`."""
    entries = [entry for meeting in meetings for entry in show(meeting, as_of)]
    lines = _STYLES[owner.program](owner, entries, as_of)
    return b"".join(_fold(line) for line in lines)


def make_uid(program: str, seed: str) -> str:
    """Return an identifier such as the program of the organiser would give."""
    digest = hashlib.sha256(seed.encode()).hexdigest()
    if program == "google":
        letters = "0123456789abcdefghijklmnopqrstuv"
        return "".join(letters[int(digest[i : i + 2], 16) % 32] for i in range(0, 52, 2)) + "@google.com"
    if program == "outlook":
        made = f"{digest[:16]}0000000000000000"
        return f"040000008200E00074C5B7101A82E00800000000{made}10000000{digest[16:48]}".upper()
    return "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:32])).upper()


def _google(owner: Member, entries: list[Shown], as_of: datetime) -> Lines:
    lines = [
        "BEGIN:VCALENDAR",
        "PRODID:-//Google Inc//Google Calendar 70.9054//EN",
        "VERSION:2.0",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        f"X-WR-CALNAME:{owner.email}",
        f"X-WR-TIMEZONE:{owner.office.timezone}",
        *_zone_blocks([e for e in entries if e.repeat or e.original], Dialect.GOOGLE),
    ]
    for entry in entries:
        lines += _google_event(entry, as_of)
    return [*lines, "END:VCALENDAR"]


def _google_event(entry: Shown, as_of: datetime) -> Lines:
    meeting, look = entry.meeting, entry.meeting.look
    # Google writes the times of a series in its zone, and those of a single event in UTC.
    time = _in_zone(Dialect.GOOGLE) if entry.repeat or entry.original else _in_utc
    lines = [
        "BEGIN:VEVENT",
        *_span(entry, time),
        *_recurrence(entry, time),
        f"DTSTAMP:{_utc(as_of)}",
    ]
    if meeting.guests or meeting.also_invited:
        lines.append(f"ORGANIZER;CN={meeting.organiser.name}:mailto:{meeting.organiser.invited_as}")
    lines.append(f"UID:{meeting.uid}")
    for name, address, answer in _invited(entry):
        lines.append(
            f"ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT={answer};CN={name}"
            f";X-NUM-GUESTS=0:mailto:{address}"
        )
    if look.link:
        lines.append(f"X-GOOGLE-CONFERENCE:{look.link}")
    if entry.original:
        lines.append(f"RECURRENCE-ID{time(entry.original)}")
    if look.private:
        lines.append("CLASS:PRIVATE")
    return [
        *lines,
        f"CREATED:{_utc(meeting.created)}",
        f"DESCRIPTION:{_text(look.note)}",
        f"LAST-MODIFIED:{_utc(entry.changed)}",
        f"LOCATION:{_text(look.place)}",
        f"SEQUENCE:{entry.sequence}",
        f"STATUS:{'CANCELLED' if entry.cancelled else 'CONFIRMED'}",
        f"SUMMARY:{_text(look.title)}",
        f"TRANSP:{'OPAQUE' if look.busy else 'TRANSPARENT'}",
        "END:VEVENT",
    ]


def _outlook(owner: Member, entries: list[Shown], as_of: datetime) -> Lines:
    lines = [
        "BEGIN:VCALENDAR",
        "PRODID:-//Microsoft Corporation//Outlook 16.0 MIMEDIR//EN",
        "VERSION:2.0",
        "METHOD:PUBLISH",
        "X-CALSTART:20200101T000000Z",
        "X-WR-RELCALID:{" + make_uid("apple", owner.email) + "}",
        f"X-WR-CALNAME:{owner.name}",
        "X-PRIMARY-CALENDAR:TRUE",
        f'X-OWNER;CN="{owner.name}":mailto:{owner.email}',
        'X-MS-OLK-WKHRSTART;TZID="' + zone_name(owner.office.timezone, Dialect.OUTLOOK) + '":080000',
        *_zone_blocks(entries, Dialect.OUTLOOK, owner.office.timezone),
    ]
    for entry in entries:
        lines += _outlook_event(entry, as_of)
    return [*lines, "END:VCALENDAR"]


def _outlook_event(entry: Shown, as_of: datetime) -> Lines:
    meeting, look = entry.meeting, entry.meeting.look
    time = _in_zone(Dialect.OUTLOOK)
    lines = ["BEGIN:VEVENT"]
    for name, address, answer in _invited(entry):
        lines.append(f'ATTENDEE;CN="{name}";PARTSTAT={answer};RSVP=TRUE:mailto:{address}')
    if look.categories:
        lines.append("CATEGORIES:" + ",".join(map(_text, look.categories)))
    lines += [
        f"CLASS:{'PRIVATE' if look.private else 'PUBLIC'}",
        f"CREATED:{_utc(meeting.created)}",
        f"DESCRIPTION:{_text(look.note) or ' '}\\n",
        *_span(entry, time, end_first=True),
        *_recurrence(entry, time),
        f"DTSTAMP:{_utc(as_of)}",
        f"LAST-MODIFIED:{_utc(entry.changed)}",
        f"LOCATION:{_text(look.place)}",
    ]
    if meeting.guests or meeting.also_invited:
        lines.append(f'ORGANIZER;CN="{meeting.organiser.name}":mailto:{meeting.organiser.invited_as}')
    lines.append("PRIORITY:5")
    if entry.original:
        lines.append(f"RECURRENCE-ID{time(entry.original)}")
    return [*lines, *_outlook_rest(entry)]


def _outlook_rest(entry: Shown) -> Lines:
    look, language = entry.meeting.look, entry.meeting.organiser.office.language
    title = _text(("Canceled: " if entry.cancelled else "") + look.title)
    busy = "BUSY" if look.busy and not entry.cancelled else "FREE"
    return [
        f"SEQUENCE:{entry.sequence}",
        *(["STATUS:CANCELLED"] if entry.cancelled else []),
        f"SUMMARY;LANGUAGE={language}:{title}",
        f"TRANSP:{'OPAQUE' if busy == 'BUSY' else 'TRANSPARENT'}",
        f"UID:{entry.meeting.uid}",
        f"X-MICROSOFT-CDO-BUSYSTATUS:{'OOF' if look.all_day and look.busy else busy}",
        "X-MICROSOFT-CDO-IMPORTANCE:1",
        "X-MICROSOFT-DISALLOW-COUNTER:FALSE",
        "X-MS-OLK-CONFTYPE:0",
        "BEGIN:VALARM",
        "TRIGGER:-PT15M",
        "ACTION:DISPLAY",
        "DESCRIPTION:Reminder",
        "END:VALARM",
        "END:VEVENT",
    ]


def _apple(owner: Member, entries: list[Shown], as_of: datetime) -> Lines:
    lines = [
        "BEGIN:VCALENDAR",
        "CALSCALE:GREGORIAN",
        "PRODID:-//Apple Inc.//macOS 15.1//EN",
        "VERSION:2.0",
        "X-APPLE-CALENDAR-COLOR:#0E61B9FF",
        f"X-WR-CALNAME:{'Work' if owner.office.language == 'en' else 'Trabajo'}",
        f"X-WR-TIMEZONE:{owner.office.timezone}",
        *_zone_blocks(entries, Dialect.APPLE),
    ]
    for entry in entries:
        lines += _apple_event(entry, as_of)
    return [*lines, "END:VCALENDAR"]


def _apple_event(entry: Shown, as_of: datetime) -> Lines:
    meeting, look = entry.meeting, entry.meeting.look
    time = _in_zone(Dialect.APPLE)
    lines = ["BEGIN:VEVENT"]
    for name, address, answer in _invited(entry):
        lines.append(
            f'ATTENDEE;CN="{name}";CUTYPE=INDIVIDUAL;EMAIL="{address}";PARTSTAT={answer}'
            f";ROLE=REQ-PARTICIPANT:mailto:{address}"
        )
    if look.categories:
        lines.append("CATEGORIES:" + ",".join(map(_text, look.categories)))
    lines += [
        f"CREATED:{_utc(meeting.created)}",
        *_span(entry, time, end_first=True),
        f"DTSTAMP:{_utc(as_of)}",
        f"LAST-MODIFIED:{_utc(entry.changed)}",
    ]
    if look.place:
        lines.append(f"LOCATION:{_text(look.place)}")
    if meeting.guests or meeting.also_invited:
        who = meeting.organiser
        lines.append(f'ORGANIZER;CN="{who.name}";EMAIL="{who.invited_as}":mailto:{who.invited_as}')
    if entry.original:
        lines.append(f"RECURRENCE-ID{time(entry.original)}")
    return [*lines, *_recurrence(entry, time), *_apple_rest(entry)]


def _apple_rest(entry: Shown) -> Lines:
    look = entry.meeting.look
    return [
        f"SEQUENCE:{entry.sequence}",
        *(["STATUS:CANCELLED"] if entry.cancelled else []),
        f"SUMMARY:{_text(look.title)}",
        f"TRANSP:{'OPAQUE' if look.busy else 'TRANSPARENT'}",
        f"UID:{entry.meeting.uid}",
        *([f"URL;VALUE=URI:{look.link}"] if look.link else []),
        "X-APPLE-TRAVEL-ADVISORY-BEHAVIOR:AUTOMATIC",
        "BEGIN:VALARM",
        "ACTION:NONE",
        "TRIGGER;VALUE=DATE-TIME:19760401T005545Z",
        "X-APPLE-DEFAULT-ALARM:TRUE",
        "END:VALARM",
        "END:VEVENT",
    ]


_STYLES: dict[str, Callable[[Member, list[Shown], datetime], Lines]] = {
    "google": _google,
    "outlook": _outlook,
    "apple": _apple,
}

Time = Callable[[datetime], str]


def _in_zone(dialect: Dialect) -> Time:
    quote = '"' if dialect is Dialect.OUTLOOK else ""

    def write(moment: datetime) -> str:
        return f";TZID={quote}{zone_name(str(moment.tzinfo), dialect)}{quote}:{moment:%Y%m%dT%H%M%S}"

    return write


def _in_utc(moment: datetime) -> str:
    return f":{_utc(moment)}"


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _span(entry: Shown, time: Time, *, end_first: bool = False) -> Lines:
    if entry.meeting.look.all_day:
        time = _as_date
    lines = [f"DTSTART{time(entry.start)}", f"DTEND{time(entry.end)}"]
    return lines[::-1] if end_first else lines


def _as_date(moment: datetime) -> str:
    return f";VALUE=DATE:{moment:%Y%m%d}"


def _recurrence(entry: Shown, time: Time) -> Lines:
    lines = [f"RRULE:{entry.repeat}"] if entry.repeat else []
    return lines + [f"EXDATE{time(slot)}" for slot in entry.dropped]


def _invited(entry: Shown) -> list[tuple[str, str, str]]:
    meeting = entry.meeting
    if not meeting.guests and not meeting.also_invited:
        return []
    people = [(member.name, member.invited_as) for member in (meeting.organiser, *meeting.guests)]
    answers = [(n, e, "DECLINED" if e in entry.declined else "ACCEPTED") for n, e in people]
    return answers + [(address, address, "NEEDS-ACTION") for address in meeting.also_invited]


def _zone_blocks(entries: list[Shown], dialect: Dialect, *more: str) -> Lines:
    zones = dict.fromkeys([*more, *(str(entry.start.tzinfo) for entry in entries)])
    return [line for zone in sorted(zones) for line in zone_block(zone, dialect)]


def _text(plain: str) -> str:
    for sign in "\\;,":
        plain = plain.replace(sign, f"\\{sign}")
    return plain.replace("\n", "\\n")


def _fold(line: str) -> bytes:
    """Return the line with CRLF, folded after 75 octets and never inside a character (RFC 5545, 3.1)."""
    whole = line.encode()
    if len(whole) <= 75:
        return whole + b"\r\n"
    pieces, room = [b""], 75
    for letter in line:
        octets = letter.encode()
        if len(pieces[-1]) + len(octets) > room:
            pieces.append(b"")
            room = 74  # the space that begins a continuation counts
        pieces[-1] += octets
    return b"\r\n ".join(pieces) + b"\r\n"
